use super::{
    Wrong,
    cell::Cell,
    condition::{Condition, Test},
    lex::{Placed, Token, tokens},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// What a value is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// A column, or a member of a dynamic one: `Identity.claim.oid`.
    Column(Vec<String>),
    Value(Cell),
    /// `tostring(..)`
    Text(Box<Expr>),
    /// `column_ifexists("name", ..)`
    IfExists(String, Box<Expr>),
}

impl Expr {
    /// The column that it makes where it has no name.
    fn name(&self) -> Option<String> {
        match self {
            Self::Column(path) => Some(path.join("_")),
            Self::Text(inner) => inner.name(),
            Self::IfExists(name, _) => Some(name.clone()),
            Self::Value(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Aggregate {
    Count,
    Min(Expr),
    Max(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Where(Condition),
    Project(Vec<(String, Expr)>),
    /// True: descending.
    Order(Vec<(Expr, bool)>),
    Take(usize),
    Summarize {
        what: Vec<(String, Aggregate)>,
        by: Vec<(String, Expr)>,
    },
}

/// A table and what is done with it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::services::monitor) struct Query {
    pub(in crate::services::monitor) table: String,
    pub(super) steps: Vec<Step>,
}

/// Reads a query; `now` is what `ago()` counts from.
pub(in crate::services::monitor) fn parse(query: &str, now: OffsetDateTime) -> Result<Query, Wrong> {
    let mut reader = Reader { tokens: tokens(query)?, place: 0, end: query.chars().count(), now, depth: 0 };
    let table = reader.word()?;
    let mut steps = Vec::new();
    while reader.takes("|") {
        steps.push(reader.step()?);
    }
    reader.takes(";");
    match reader.peek() {
        None => Ok(Query { table, steps }),
        Some(_) => Err(reader.unexpected()),
    }
}

struct Reader {
    tokens: Vec<Placed>,
    place: usize,
    end: usize,
    now: OffsetDateTime,
    depth: usize,
}

/// Parentheses within each other that are read.
const DEEPEST: usize = 32;

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place).map(|p| &p.token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.place).map_or(self.end, |p| p.at)
    }

    fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong::Syntax { at: self.at(), message: message.into() }
    }

    fn unexpected(&self) -> Wrong {
        self.wrong(match self.peek() {
            Some(token) => format!("{token:?} is not expected here."),
            None => "The query ends too early.".to_owned(),
        })
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Wrong> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w == word);
        self.place += usize::from(found);
        found
    }

    fn word(&mut self) -> Result<String, Wrong> {
        let Some(Token::Word(word)) = self.peek() else { return Err(self.unexpected()) };
        let word = word.clone();
        self.place += 1;
        Ok(word)
    }

    /// Whether a name follows that is given: `name =`.
    fn given_name(&mut self) -> Option<String> {
        let named = self.tokens.get(self.place + 1).is_some_and(|p| p.token == Token::Sign("="));
        if !named {
            return None;
        }
        let name = self.word().ok()?;
        self.place += 1;
        Some(name)
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
        let mut all = vec![one(self)?];
        while self.takes(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn step(&mut self) -> Result<Step, Wrong> {
        let operator = self.word()?;
        match operator.as_str() {
            "where" | "filter" => Ok(Step::Where(self.condition()?)),
            "project" => Ok(Step::Project(self.list(Self::named)?)),
            "take" | "limit" => match self.peek() {
                Some(Token::Long(n)) => {
                    let n = usize::try_from(*n).unwrap_or(usize::MAX);
                    self.place += 1;
                    Ok(Step::Take(n))
                }
                _ => Err(self.unexpected()),
            },
            "order" | "sort" if self.takes_word("by") => Ok(Step::Order(self.list(Self::key)?)),
            "summarize" => {
                let what = self.list(Self::aggregate)?;
                let by = if self.takes_word("by") { self.list(Self::named)? } else { Vec::new() };
                Ok(Step::Summarize { what, by })
            }
            _ => {
                self.place -= 1;
                Err(self.wrong(format!("The simulator does not know the operator '{operator}'.")))
            }
        }
    }

    fn named(&mut self) -> Result<(String, Expr), Wrong> {
        let given = self.given_name();
        let expr = self.expr()?;
        let name = given.or_else(|| expr.name()).ok_or_else(|| self.wrong("A value needs a name."))?;
        Ok((name, expr))
    }

    fn key(&mut self) -> Result<(Expr, bool), Wrong> {
        let expr = self.expr()?;
        let ascending = self.takes_word("asc");
        if !ascending {
            self.takes_word("desc");
        }
        Ok((expr, !ascending))
    }

    fn aggregate(&mut self) -> Result<(String, Aggregate), Wrong> {
        let given = self.given_name();
        let function = self.word()?;
        self.expect("(")?;
        let (name, aggregate) = match function.as_str() {
            "count" => ("count_".to_owned(), Aggregate::Count),
            "min" | "max" => {
                let of = self.expr()?;
                let name = format!("{function}_{}", of.name().unwrap_or_default());
                (name, if function == "min" { Aggregate::Min(of) } else { Aggregate::Max(of) })
            }
            _ => return Err(self.wrong(format!("The simulator does not know the function '{function}'."))),
        };
        self.expect(")")?;
        Ok((given.unwrap_or(name), aggregate))
    }

    fn condition(&mut self) -> Result<Condition, Wrong> {
        let mut any = vec![self.all()?];
        while self.takes_word("or") {
            any.push(self.all()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Condition::Any(any) })
    }

    fn all(&mut self) -> Result<Condition, Wrong> {
        let mut all = vec![self.single()?];
        while self.takes_word("and") {
            all.push(self.single()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::All(all) })
    }

    fn single(&mut self) -> Result<Condition, Wrong> {
        let call = |r: &Self, word: &str| {
            r.peek() == Some(&Token::Word(word.to_owned()))
                && r.tokens.get(r.place + 1).is_some_and(|p| p.token == Token::Sign("("))
        };
        if call(self, "not") {
            self.place += 1;
            return Ok(Condition::Not(Box::new(self.inside()?)));
        }
        for (word, empty) in [("isempty", true), ("isnotempty", false)] {
            if call(self, word) {
                self.place += 2;
                let of = self.expr()?;
                self.expect(")")?;
                let test = Condition::Test { left: of, test: Test::Empty, right: Vec::new() };
                return Ok(if empty { test } else { Condition::Not(Box::new(test)) });
            }
        }
        if matches!(self.peek(), Some(Token::Sign("("))) {
            return self.inside();
        }
        let left = self.expr()?;
        let (test, negated) = self.test()?;
        let right = if matches!(test, Test::In { .. }) {
            self.expect("(")?;
            let all = self.list(Self::expr)?;
            self.expect(")")?;
            all
        } else {
            vec![self.expr()?]
        };
        let test = Condition::Test { left, test, right };
        Ok(if negated { Condition::Not(Box::new(test)) } else { test })
    }

    fn inside(&mut self) -> Result<Condition, Wrong> {
        self.expect("(")?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("The parentheses are too deep."));
        }
        let inside = self.condition()?;
        self.depth -= 1;
        self.expect(")")?;
        Ok(inside)
    }

    /// True: its opposite is meant.
    fn test(&mut self) -> Result<(Test, bool), Wrong> {
        let word = match self.peek() {
            Some(Token::Sign(sign)) => (*sign).to_owned(),
            Some(Token::Word(word)) => word.clone(),
            _ => return Err(self.unexpected()),
        };
        let found = match word.as_str() {
            "==" => (Test::Equal, false),
            "!=" => (Test::Equal, true),
            "=~" => (Test::EqualAnyCase, false),
            "!~" => (Test::EqualAnyCase, true),
            "contains" => (Test::Contains, false),
            "!contains" => (Test::Contains, true),
            "startswith" => (Test::StartsWith, false),
            "!startswith" => (Test::StartsWith, true),
            "endswith" => (Test::EndsWith, false),
            "!endswith" => (Test::EndsWith, true),
            "has" => (Test::Has, false),
            "!has" => (Test::Has, true),
            "in" => (Test::In { any_case: false }, false),
            "!in" => (Test::In { any_case: false }, true),
            "in~" => (Test::In { any_case: true }, false),
            "!in~" => (Test::In { any_case: true }, true),
            "<" => (Test::Less, false),
            ">=" => (Test::AtLeast, false),
            ">" => (Test::More, false),
            "<=" => (Test::AtMost, false),
            _ => return Err(self.unexpected()),
        };
        self.place += 1;
        Ok(found)
    }

    fn expr(&mut self) -> Result<Expr, Wrong> {
        let token = self.peek().cloned().ok_or_else(|| self.unexpected())?;
        let at = self.at();
        self.place += 1;
        let value = match token {
            Token::Text(text) => Cell::Text(text),
            Token::Long(n) => Cell::Long(n),
            Token::Real(n) => Cell::Real(n),
            Token::Sign("-") => match self.peek().cloned() {
                Some(Token::Long(n)) => {
                    self.place += 1;
                    Cell::Long(-n)
                }
                _ => return Err(self.unexpected()),
            },
            Token::Moment(text) => {
                let wrong = || Wrong::Syntax { at, message: format!("'{text}' is no time.") };
                Cell::Time(moment(&text).ok_or_else(wrong)?)
            }
            Token::Word(word) if self.takes("(") => {
                let inside = self.function(&word)?;
                self.expect(")")?;
                return Ok(inside);
            }
            Token::Word(word) if word == "true" || word == "false" => Cell::Bool(word == "true"),
            Token::Word(word) => {
                let mut path = vec![word];
                while self.takes(".") {
                    path.push(self.word()?);
                }
                return Ok(Expr::Column(path));
            }
            _ => {
                self.place -= 1;
                return Err(self.unexpected());
            }
        };
        Ok(Expr::Value(value))
    }

    /// After its opening parenthesis, up to its closing one.
    fn function(&mut self, name: &str) -> Result<Expr, Wrong> {
        match name {
            "now" => Ok(Expr::Value(Cell::Time(self.now))),
            "ago" => match self.peek() {
                Some(Token::Span(span)) => {
                    let then = time::Duration::try_from(*span).ok().and_then(|s| self.now.checked_sub(s));
                    let then = then.ok_or_else(|| self.unexpected())?;
                    self.place += 1;
                    Ok(Expr::Value(Cell::Time(then)))
                }
                _ => Err(self.unexpected()),
            },
            "tostring" => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(self.wrong("The parentheses are too deep."));
                }
                let inside = self.expr()?;
                self.depth -= 1;
                Ok(Expr::Text(Box::new(inside)))
            }
            "column_ifexists" => {
                let Some(Token::Text(column)) = self.peek().cloned() else { return Err(self.unexpected()) };
                self.place += 1;
                self.expect(",")?;
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(self.wrong("The parentheses are too deep."));
                }
                let otherwise = self.expr()?;
                self.depth -= 1;
                Ok(Expr::IfExists(column, Box::new(otherwise)))
            }
            _ => Err(self.wrong(format!("The simulator does not know the function '{name}'."))),
        }
    }
}

/// `2026-11-22`, `2026-11-22 10:00:00`, `2026-11-22T10:00:00.5Z`; without a zone it is UTC.
fn moment(text: &str) -> Option<OffsetDateTime> {
    let (date, rest) = text.split_at_checked(10)?;
    if rest.is_empty() {
        let day = time::Date::parse(date, format_description!("[year]-[month]-[day]")).ok()?;
        return Some(day.midnight().assume_utc());
    }
    let zone = if rest.ends_with('Z') || rest.contains('+') || rest.contains('-') { "" } else { "Z" };
    let clock = rest.get(1..)?;
    let seconds = if clock.trim_end_matches('Z').matches(':').count() == 1 { ":00" } else { "" };
    let clock = clock.trim_end_matches('Z');
    let zone = if rest.ends_with('Z') { "Z" } else { zone };
    OffsetDateTime::parse(&format!("{date}T{clock}{seconds}{zone}"), &Rfc3339).ok()
}
