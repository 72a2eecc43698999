use super::*;
use serde_json::{Value, json};
use time::macros::datetime;

fn table() -> Table {
    let row = |hour: u8, who: &str, code: i64, claim: Value| {
        let at = datetime!(2026-11-22 00:00 UTC) + time::Duration::hours(hour.into());
        vec![Cell::Time(at), Cell::from(who), Cell::Long(code), Cell::Dynamic(claim)]
    };
    let kinds = [("Time", Kind::Time), ("Who", Kind::Text), ("Code", Kind::Int), ("Identity", Kind::Dynamic)];
    Table {
        columns: kinds.map(|(name, kind)| (name.to_owned(), kind)).to_vec(),
        rows: vec![
            row(1, "alice", 200, json!({"claim": {"oid": "a"}})),
            row(2, "bob", 403, json!({"claim": {"oid": "b"}})),
            row(3, "Alice.smith", 403, json!({})),
        ],
    }
}

fn ask(query: &str) -> Result<Value, Wrong> {
    let now = datetime!(2026-11-22 03:30 UTC);
    let found = run(&parse(query, now)?, table())?;
    let rows: Vec<Vec<Value>> = found.rows.iter().map(|r| r.iter().map(Cell::json).collect()).collect();
    Ok(json!(rows))
}

fn who(condition: &str) -> Value {
    let all = ask(&format!("T | where {condition} | project Who")).unwrap();
    all.as_array().unwrap().iter().map(|row| row[0].clone()).collect()
}

#[test]
fn conditions_hold_as_the_language_has_them() {
    for (condition, expected) in [
        ("Who == 'alice'", json!(["alice"])),
        ("Who != \"alice\"", json!(["bob", "Alice.smith"])),
        ("Who =~ 'BOB'", json!(["bob"])),
        ("Who has 'alice'", json!(["alice", "Alice.smith"])),
        ("Who has 'ali'", json!([])),
        ("Who contains 'ALI'", json!(["alice", "Alice.smith"])),
        ("Who !contains 'ALI'", json!(["bob"])),
        ("Who startswith 'b' or Who endswith 'H'", json!(["bob", "Alice.smith"])),
        ("Who in ('bob', 'alice')", json!(["alice", "bob"])),
        ("Who !in~ ('BOB')", json!(["alice", "Alice.smith"])),
        ("Code >= 400 and not(Who == 'bob')", json!(["Alice.smith"])),
        ("Code < 300.5", json!(["alice"])),
        ("Time > ago(2h)", json!(["bob", "Alice.smith"])),
        ("Time <= datetime(2026-11-22T02:00:00Z)", json!(["alice", "bob"])),
        ("Time > datetime(2026-11-22 02:00)", json!(["Alice.smith"])),
        ("Time < datetime(2026-11-22)", json!([])),
        ("Identity.claim.oid == 'b'", json!(["bob"])),
        ("tostring(Identity.claim.oid) == 'a' // who\n", json!(["alice"])),
        ("column_ifexists('Who', '') == 'bob'", json!(["bob"])),
        ("column_ifexists('Other', 'none') == 'none'", json!(["alice", "bob", "Alice.smith"])),
        ("isempty(Identity.claim.oid)", json!(["Alice.smith"])),
        ("(Code == 200 or Code == 403) and isnotempty(Identity.claim.oid)", json!(["alice", "bob"])),
    ] {
        assert_eq!(who(condition), expected, "{condition}");
    }
}

#[test]
fn rows_are_sorted_cut_renamed_and_counted() {
    assert_eq!(
        ask("T | order by Code asc, Time | take 2 | project n=Who, Code").unwrap(),
        json!([["alice", 200], ["Alice.smith", 403]])
    );
    assert_eq!(ask("T | sort by Time | limit 1 | project Who").unwrap(), json!([["Alice.smith"]]));
    assert_eq!(ask("T | summarize count() by Code").unwrap(), json!([[200, 1], [403, 2]]));
    assert_eq!(
        ask("T | where Code == 403 | summarize n = count(), max(Time) by Code;").unwrap(),
        json!([[403, 2, "2026-11-22T03:00:00Z"]])
    );
    assert_eq!(ask("T | where Code == 1 | summarize count()").unwrap(), json!([[0]]));
    let summed = run(&parse("T | summarize count() by Who", datetime!(2026-11-22 00:00 UTC)).unwrap(), table());
    assert_eq!(summed.unwrap().columns, [("Who".to_owned(), Kind::Text), ("count_".to_owned(), Kind::Long)]);
}

#[test]
fn what_is_beyond_the_part_is_a_syntax_error() {
    for query in [
        "",
        "T |",
        "T | join U on Who",
        "T | extend a = 1",
        "T | where",
        "T | where Who",
        "T | where Who == 'a",
        "T | where Who == 'a' | ",
        "T | where Who matches 'a'",
        "T | take many",
        "T | project 1",
        "T | summarize dcount(Who)",
        "T | where Time > ago(Who)",
        "T | where Time > datetime(soon)",
        "T | where Who == #",
        "let a = 1; T",
        &format!("T | where {}Who == 'a'{}", "(".repeat(99), ")".repeat(99)),
    ] {
        assert!(matches!(ask(query), Err(Wrong::Syntax { .. })), "{query}: {:?}", ask(query));
    }
}

#[test]
fn names_and_types_that_mean_nothing_are_semantic_errors() {
    for (query, code) in [
        ("T | where Nobody == 'a'", "SEM0100"),
        ("T | project Nobody", "SEM0100"),
        ("T | where Who.name == 'a'", "SEM0100"),
        ("T | order by Nobody", "SEM0100"),
        ("T | summarize count() by Nobody", "SEM0100"),
        ("T | where Who == 1", "SEM0064"),
        ("T | where Code == '403'", "SEM0064"),
        ("T | where Time > '2026-11-22'", "SEM0064"),
        ("T | where Code contains '40'", "SEM0064"),
    ] {
        let Err(Wrong::Semantic { code: found, .. }) = ask(query) else { panic!("{query}: {:?}", ask(query)) };
        assert_eq!(found, code, "{query}");
    }
}
