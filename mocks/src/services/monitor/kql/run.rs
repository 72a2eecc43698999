use super::{
    Wrong,
    cell::{Cell, Kind, Table},
    parse::{Aggregate, Expr, Query, Step},
};
use std::cmp::Ordering;

/// What a query makes of its table.
pub(in crate::services::monitor) fn run(query: &Query, mut table: Table) -> Result<Table, Wrong> {
    for step in &query.steps {
        table = carry(step, table)?;
    }
    Ok(table)
}

fn carry(step: &Step, mut table: Table) -> Result<Table, Wrong> {
    match step {
        Step::Where(condition) => {
            condition.check(&table)?;
            let rows = std::mem::take(&mut table.rows);
            table.rows = rows.into_iter().filter(|row| condition.holds(&table, row)).collect();
            Ok(table)
        }
        Step::Take(n) => {
            table.rows.truncate(*n);
            Ok(table)
        }
        Step::Project(wanted) => {
            let columns = named(&table, "project", wanted)?;
            let rows = table.rows.iter().map(|row| values(&table, wanted, row)).collect();
            Ok(Table { columns, rows })
        }
        Step::Order(keys) => {
            keys.iter().try_for_each(|(key, _)| key.kind(&table, "order").map(|_| ()))?;
            let mut rows = std::mem::take(&mut table.rows);
            rows.sort_by(|a, b| {
                keys.iter().fold(Ordering::Equal, |so_far, (key, descending)| {
                    so_far.then_with(|| {
                        let order = key.value(&table, a).order(&key.value(&table, b));
                        if *descending { order.reverse() } else { order }
                    })
                })
            });
            table.rows = rows;
            Ok(table)
        }
        Step::Summarize { what, by } => summarize(&table, what, by),
    }
}

fn named(table: &Table, operator: &str, wanted: &[(String, Expr)]) -> Result<Vec<(String, Kind)>, Wrong> {
    wanted.iter().map(|(name, expr)| Ok((name.clone(), expr.kind(table, operator)?))).collect()
}

fn values(table: &Table, wanted: &[(String, Expr)], row: &[Cell]) -> Vec<Cell> {
    wanted.iter().map(|(_, expr)| expr.value(table, row)).collect()
}

fn summarize(table: &Table, what: &[(String, Aggregate)], by: &[(String, Expr)]) -> Result<Table, Wrong> {
    let mut columns = named(table, "summarize", by)?;
    for (name, aggregate) in what {
        let kind = match aggregate {
            Aggregate::Count => Kind::Long,
            Aggregate::Min(of) | Aggregate::Max(of) => of.kind(table, "summarize")?,
        };
        columns.push((name.clone(), kind));
    }
    let mut groups: Vec<(Vec<Cell>, Vec<&[Cell]>)> = Vec::new();
    for row in &table.rows {
        let key = values(table, by, row);
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    // Without `by` there is one row, even of nothing.
    if by.is_empty() && groups.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    let rows = groups.into_iter().map(|(mut key, rows)| {
        key.extend(what.iter().map(|(_, aggregate)| aggregated(table, aggregate, &rows)));
        key
    });
    Ok(Table { rows: rows.collect(), columns })
}

fn aggregated(table: &Table, aggregate: &Aggregate, rows: &[&[Cell]]) -> Cell {
    let values = |of: &Expr| -> Vec<Cell> {
        rows.iter().map(|row| of.value(table, row)).filter(|cell| *cell != Cell::Null).collect()
    };
    match aggregate {
        Aggregate::Count => Cell::Long(i64::try_from(rows.len()).unwrap_or(i64::MAX)),
        Aggregate::Min(of) => values(of).into_iter().min_by(Cell::order).unwrap_or(Cell::Null),
        Aggregate::Max(of) => values(of).into_iter().max_by(Cell::order).unwrap_or(Cell::Null),
    }
}
