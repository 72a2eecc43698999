//! Conditions of role assignments, as the portal writes them for repositories (R-DP-08). What cannot be read never holds.

use crate::services::roles::matches;

/// The attribute of a request that a condition may ask for.
const NAME: &str = "Microsoft.ContainerRegistry/registries/repositories:name";
/// More than anybody writes.
const DEEPEST: usize = 40;
const MOST_WILDCARDS: usize = 3;

/// Whether the condition lets `action` pass for the repository.
pub(super) fn holds(condition: &str, action: &str, repository: &str) -> bool {
    let mut reader = Reader { rest: condition, action, repository, depth: 0 };
    let answer = reader.either();
    reader.space();
    reader.rest.is_empty() && answer == Some(true)
}

struct Reader<'a> {
    rest: &'a str,
    action: &'a str,
    repository: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes a word or sign that comes next, in any case.
    fn take(&mut self, word: &str) -> bool {
        self.space();
        let found = self.rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
        if found {
            self.rest = self.rest.get(word.len()..).unwrap_or_default();
        }
        found
    }

    fn until(&mut self, end: char) -> Option<&'a str> {
        let (inner, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(inner)
    }

    fn either(&mut self) -> Option<bool> {
        let mut answer = self.both()?;
        while self.take("OR") || self.take("||") {
            answer |= self.both()?;
        }
        Some(answer)
    }

    fn both(&mut self) -> Option<bool> {
        let mut answer = self.single()?;
        while self.take("AND") || self.take("&&") {
            answer &= self.single()?;
        }
        Some(answer)
    }

    fn single(&mut self) -> Option<bool> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let answer = if self.take("!") || self.take("NOT ") {
            self.single().map(|a| !a)
        } else if self.take("(") {
            let inner = self.either();
            if self.take(")") { inner } else { None }
        } else if self.take("ActionMatches") {
            if !self.take("{") {
                return None;
            }
            let pattern = self.quoted()?;
            // Many wildcards would take too long to try.
            let plain = pattern.bytes().filter(|b| *b == b'*').count() <= MOST_WILDCARDS;
            if plain && self.take("}") { Some(matches(pattern, self.action)) } else { None }
        } else if self.take("@Request") {
            self.comparison()
        } else {
            None
        };
        self.depth -= 1;
        answer
    }

    fn comparison(&mut self) -> Option<bool> {
        if !self.take("[") || !self.until(']')?.trim().eq_ignore_ascii_case(NAME) {
            return None;
        }
        self.space();
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic())?;
        let (operator, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let value = self.quoted()?;
        let (name, folded, wanted) = (self.repository, self.repository.to_lowercase(), value.to_lowercase());
        Some(match operator.to_ascii_lowercase().as_str() {
            "stringequals" => name == value,
            "stringequalsignorecase" => folded == wanted,
            "stringnotequals" => name != value,
            "stringnotequalsignorecase" => folded != wanted,
            "stringstartswith" => name.starts_with(value),
            "stringstartswithignorecase" => folded.starts_with(&wanted),
            "stringnotstartswith" => !name.starts_with(value),
            "stringnotstartswithignorecase" => !folded.starts_with(&wanted),
            _ => return None,
        })
    }

    fn quoted(&mut self) -> Option<&'a str> {
        if self.take("'") { self.until('\'') } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "Microsoft.ContainerRegistry/registries/repositories/content/read";
    const WRITE: &str = "Microsoft.ContainerRegistry/registries/repositories/content/write";

    #[test]
    fn the_portals_form_is_read() {
        let guard = format!("(!(ActionMatches{{'{READ}'}}))");
        let asked = format!("(@Request[{NAME}] StringStartsWithIgnoreCase 'team-a/')");
        let whole = format!("(\n ({guard})\n OR\n ({asked})\n)");
        assert!(holds(&whole, READ, "team-a/web"));
        assert!(!holds(&whole, READ, "team-b/web"));
        // The guard lets pass what the condition is not about.
        assert!(holds(&whole, WRITE, "team-b/web"));
        let exact = format!("@Request[{NAME}] StringEqualsIgnoreCase 'Web' AND !(ActionMatches{{'{WRITE}'}})");
        assert!(holds(&exact, READ, "web") && !holds(&exact, WRITE, "web") && !holds(&exact, READ, "web2"));
    }

    #[test]
    fn what_cannot_be_read_never_holds() {
        let odd = [
            String::new(),
            "true".into(),
            format!("@Request[{NAME}] StringLike 'x*'"),
            format!("@Resource[{NAME}] StringEquals 'x'"),
            format!("(@Request[{NAME}] StringEquals 'x'"),
            format!("@Request[{NAME}] StringEquals 'x' OR @Principal[x] StringEquals 'y'"),
            format!("!(ActionMatches{{'{}x'}})", "*".repeat(40)),
            format!("{}@Request[{NAME}] StringEquals 'x'", "!".repeat(10_000)),
        ];
        for condition in odd {
            assert!(!holds(&condition, READ, "x"), "{condition}");
        }
    }
}
