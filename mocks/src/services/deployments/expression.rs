//! The language inside `[...]`: text in, a tree out.

/// How deep calls, members and indices may lie within each other.
const DEEPEST: usize = 100;

/// One expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Text(String),
    Number(i64),
    Call { name: String, args: Vec<Expr> },
    Member { of: Box<Expr>, name: String },
    Index { of: Box<Expr>, at: Box<Expr> },
}

/// What a string of a template says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Plain(String),
    Expression(Expr),
}

/// Reads a string of a template: `[[` stands for `[`, and only what ends with `]` as well is an expression.
pub(super) fn read(text: &str) -> Result<Said, String> {
    if let Some(rest) = text.strip_prefix("[[") {
        return Ok(Said::Plain(format!("[{rest}")));
    }
    match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        Some(inner) => parse(inner).map(Said::Expression),
        None => Ok(Said::Plain(text.to_owned())),
    }
}

/// Reads what stands between the brackets.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut reader = Reader { rest: text, whole: text };
    let expr = reader.expr(0)?;
    reader.space();
    if reader.rest.is_empty() { Ok(expr) } else { Err(reader.unexpected()) }
}

impl Expr {
    /// Shows each call in here to `look`, the inner ones too.
    pub(super) fn each_call(&self, look: &mut dyn FnMut(&str, &[Self])) {
        match self {
            Self::Text(_) | Self::Number(_) => {}
            Self::Call { name, args } => {
                look(name, args);
                args.iter().for_each(|a| a.each_call(look));
            }
            Self::Member { of, .. } => of.each_call(look),
            Self::Index { of, at } => {
                of.each_call(look);
                at.each_call(look);
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    whole: &'a str,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, c: char) -> bool {
        self.space();
        let after = self.rest.strip_prefix(c);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn unexpected(&self) -> String {
        let at = self.whole.len() - self.rest.len();
        let found = match self.rest.chars().next() {
            Some(c) => format!("'{c}'"),
            None => "the end".to_owned(),
        };
        format!("Unable to parse language expression '{}': unexpected {found} at position '{at}'.", self.whole)
    }

    fn expr(&mut self, depth: usize) -> Result<Expr, String> {
        if depth > DEEPEST {
            return Err(format!("Unable to parse language expression '{}': it is nested too deeply.", self.whole));
        }
        let mut expr = self.first(depth)?;
        // Each member wraps what stands before it, so a long chain is a deep tree as well.
        for _ in depth..DEEPEST {
            if self.eat('.') {
                let name = self.name().ok_or_else(|| self.unexpected())?;
                expr = Expr::Member { of: Box::new(expr), name };
            } else if self.eat('[') {
                let at = self.expr(depth + 1)?;
                if !self.eat(']') {
                    return Err(self.unexpected());
                }
                expr = Expr::Index { of: Box::new(expr), at: Box::new(at) };
            } else {
                return Ok(expr);
            }
        }
        Err(self.unexpected())
    }

    fn first(&mut self, depth: usize) -> Result<Expr, String> {
        self.space();
        match self.rest.chars().next() {
            Some('\'') => self.text(),
            Some(c) if c.is_ascii_digit() || c == '-' => self.number(),
            _ => {
                let mut name = self.name().ok_or_else(|| self.unexpected())?;
                // A template's own functions have a namespace: `ns.name(..)`.
                while self.eat('.') {
                    let more = self.name().ok_or_else(|| self.unexpected())?;
                    name = format!("{name}.{more}");
                }
                if !self.eat('(') {
                    return Err(self.unexpected());
                }
                Ok(Expr::Call { name, args: self.args(depth)? })
            }
        }
    }

    fn args(&mut self, depth: usize) -> Result<Vec<Expr>, String> {
        let mut args = Vec::new();
        if self.eat(')') {
            return Ok(args);
        }
        loop {
            args.push(self.expr(depth + 1)?);
            if self.eat(')') {
                return Ok(args);
            }
            if !self.eat(',') {
                return Err(self.unexpected());
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        self.space();
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        if name.is_empty() || name.starts_with(|c: char| c.is_numeric()) {
            return None;
        }
        self.rest = rest;
        Some(name.to_owned())
    }

    fn number(&mut self) -> Result<Expr, String> {
        let digits = self.rest.strip_prefix('-').unwrap_or(self.rest);
        let sign = self.rest.len() - digits.len();
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()) + sign;
        let parsed = self.rest.split_at_checked(end).and_then(|(n, rest)| Some((n.parse().ok()?, rest)));
        let (number, rest) = parsed.ok_or_else(|| self.unexpected())?;
        self.rest = rest;
        Ok(Expr::Number(number))
    }

    /// `'..'`, where `''` stands for one quote.
    fn text(&mut self) -> Result<Expr, String> {
        let mut out = String::new();
        let mut rest = self.rest.strip_prefix('\'').unwrap_or(self.rest);
        while let Some((before, after)) = rest.split_once('\'') {
            out.push_str(before);
            match after.strip_prefix('\'') {
                Some(more) => {
                    out.push('\'');
                    rest = more;
                }
                None => {
                    self.rest = after;
                    return Ok(Expr::Text(out));
                }
            }
        }
        Err(format!("Unable to parse language expression '{}': a string does not end.", self.whole))
    }
}

#[cfg(test)]
mod tests {
    use super::{Expr, Said, parse, read};
    use crate::world::rng::Rng;

    fn call(name: &str, args: Vec<Expr>) -> Expr {
        Expr::Call { name: name.into(), args }
    }

    fn text(t: &str) -> Expr {
        Expr::Text(t.into())
    }

    #[test]
    fn reads_calls_members_and_indices() {
        let expr = parse(" concat ( 'it''s' , f()[0].a['b'], -7 ) ").unwrap();
        let f = Expr::Index { of: Box::new(call("f", vec![])), at: Box::new(Expr::Number(0)) };
        let a = Expr::Member { of: Box::new(f), name: "a".into() };
        let b = Expr::Index { of: Box::new(a), at: Box::new(text("b")) };
        assert_eq!(expr, call("concat", vec![text("it's"), b, Expr::Number(-7)]));
        assert_eq!(parse("ns.own('x')").unwrap(), call("ns.own", vec![text("x")]));
    }

    #[test]
    fn knows_what_is_an_expression() {
        assert_eq!(read("[[x]").unwrap(), Said::Plain("[x]".into()));
        assert_eq!(read("[x").unwrap(), Said::Plain("[x".into()));
        assert_eq!(read("x]").unwrap(), Said::Plain("x]".into()));
        assert_eq!(read("").unwrap(), Said::Plain(String::new()));
        assert_eq!(read("[f()]").unwrap(), Said::Expression(call("f", vec![])));
    }

    #[test]
    fn refuses_what_is_none() {
        for odd in ["[]", "[f]", "[f(]", "[f(,)]", "[f('x)]", "[f() g()]", "[1.2]", "[f().]", "[f()[]]", "[-]", "[é]"]
        {
            assert!(read(odd).is_err(), "{odd}");
        }
        assert!(parse("99999999999999999999").is_err());
        assert!(parse(&format!("{}{}", "f(".repeat(5000), ")".repeat(5000))).is_err());
        assert!(parse(&format!("f(){}", ".a".repeat(5000))).is_err());
    }

    #[test]
    fn no_text_makes_it_panic() {
        let pieces =
            ["f", "(", ")", "'", "''", "[", "]", ".", ",", " ", "1", "-", "é", "\u{1F511}", "\"", "\n", "a_b", "$"];
        let mut rng = Rng::new(7);
        let mut good = 0;
        for _ in 0..20_000 {
            let len = rng.next_u64() % 12;
            let odd: String =
                (0..len).filter_map(|_| pieces.get((rng.next_u64() % pieces.len() as u64) as usize).copied()).collect();
            good += u32::from(parse(&odd).is_ok());
            let _ = read(&format!("[{odd}]"));
        }
        assert!(good > 0, "the loop never met a right expression");
    }
}
