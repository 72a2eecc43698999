//! Conditions of role assignments on repositories, as the portal and Microsoft's page write them (R-DP-08).

/// The attribute that conditions on repositories ask for.
const NAME: &str = "Microsoft.ContainerRegistry/registries/repositories:name";
/// Deeper than anybody writes.
const DEEPEST: usize = 32;

/// Whether a condition lets a data action pass in a repository; `None` if it says something that is not known here.
///
/// <https://learn.microsoft.com/azure/role-based-access-control/conditions-format>
#[must_use]
pub fn condition_allows(condition: &str, action: &str, repository: &str) -> Option<bool> {
    let words = words(condition)?;
    let mut reading = Reading { rest: &words, action, repository };
    let answer = reading.any(0)?;
    reading.rest.is_empty().then_some(answer)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Word<'a> {
    Open,
    Close,
    Not,
    And,
    Or,
    /// A function's name or an operator.
    Name(&'a str),
    /// Between single quotes.
    Text(&'a str),
    /// Between square brackets.
    Attribute(&'a str),
    /// `{` or `}`.
    Brace(char),
}

fn words(text: &str) -> Option<Vec<Word<'_>>> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..)?;
        let (word, left) = match first {
            '(' => (Word::Open, after),
            ')' => (Word::Close, after),
            '!' => (Word::Not, after),
            '{' | '}' => (Word::Brace(first), after),
            '\'' => after.split_once('\'').map(|(inner, left)| (Word::Text(inner), left))?,
            '[' => after.split_once(']').map(|(inner, left)| (Word::Attribute(inner.trim()), left))?,
            '&' => (Word::And, after.strip_prefix('&')?),
            '|' => (Word::Or, after.strip_prefix('|')?),
            _ => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
                let (name, left) = rest.split_at_checked(first.len_utf8() + end)?;
                let word = match name {
                    n if n.eq_ignore_ascii_case("and") => Word::And,
                    n if n.eq_ignore_ascii_case("or") => Word::Or,
                    n if n.eq_ignore_ascii_case("not") => Word::Not,
                    n => Word::Name(n),
                };
                (word, left)
            }
        };
        all.push(word);
        rest = left.trim_start();
    }
    Some(all)
}

struct Reading<'a> {
    rest: &'a [Word<'a>],
    action: &'a str,
    repository: &'a str,
}

impl<'a> Reading<'a> {
    fn next(&mut self) -> Option<Word<'a>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
    fn take(&mut self, word: Word<'_>) -> bool {
        let found = self.rest.first() == Some(&word);
        if found {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        found
    }
    fn any(&mut self, depth: usize) -> Option<bool> {
        let mut answer = self.all(depth)?;
        while self.take(Word::Or) {
            answer |= self.all(depth)?;
        }
        Some(answer)
    }
    fn all(&mut self, depth: usize) -> Option<bool> {
        let mut answer = self.one(depth)?;
        while self.take(Word::And) {
            answer &= self.one(depth)?;
        }
        Some(answer)
    }
    fn one(&mut self, depth: usize) -> Option<bool> {
        if depth > DEEPEST {
            return None;
        }
        match self.next()? {
            Word::Not => self.one(depth + 1).map(|answer| !answer),
            Word::Open => {
                let answer = self.any(depth + 1)?;
                self.take(Word::Close).then_some(answer)
            }
            Word::Name(name) if name.eq_ignore_ascii_case("ActionMatches") => self.action_matches(),
            Word::Name(name) if name.eq_ignore_ascii_case("@Request") => self.comparison(),
            _ => None,
        }
    }
    fn action_matches(&mut self) -> Option<bool> {
        let (Word::Brace('{'), Word::Text(pattern), Word::Brace('}')) = (self.next()?, self.next()?, self.next()?)
        else {
            return None;
        };
        Some(crate::azure::permissions::covers(pattern, self.action))
    }
    fn comparison(&mut self) -> Option<bool> {
        let (Word::Attribute(attribute), Word::Name(operator), Word::Text(value)) =
            (self.next()?, self.next()?, self.next()?)
        else {
            return None;
        };
        if !attribute.eq_ignore_ascii_case(NAME) {
            return None;
        }
        let operator = operator.to_ascii_lowercase();
        let (operator, fold) = match operator.strip_suffix("ignorecase") {
            Some(operator) => (operator.to_owned(), true),
            None => (operator, false),
        };
        let cased = |text: &str| if fold { text.to_lowercase() } else { text.to_owned() };
        let (name, value) = (cased(self.repository), cased(value));
        Some(match operator.as_str() {
            "stringequals" => name == value,
            "stringnotequals" => name != value,
            "stringstartswith" => name.starts_with(&value),
            "stringnotstartswith" => !name.starts_with(&value),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::registries::RegistryAccess;

    const R: &str = "Microsoft.ContainerRegistry/registries/repositories";

    #[test]
    fn r_dp_08_what_we_write_reads_as_it_is_meant() {
        let condition = RegistryAccess::Push.condition(&["team/*".parse().unwrap(), "web".parse().unwrap()]).unwrap();
        let allows =
            |action: &str, repository: &str| condition_allows(&condition, &format!("{R}/{action}"), repository);
        for (repository, yes) in [("team/a", true), ("web", true), ("Web", true), ("team", false), ("webx", false)] {
            assert_eq!(allows("content/read", repository), Some(yes), "{repository}");
            assert_eq!(allows("content/write", repository), Some(yes), "{repository}");
        }
        // It limits what it names only.
        assert_eq!(allows("content/delete", "other"), Some(true));
    }

    #[test]
    fn operators_nest_and_go_before_one_another() {
        let is = |name: &str| format!("@Request[{NAME}] StringEquals '{name}'");
        let read = |condition: String, name: &str| condition_allows(&condition, &format!("{R}/content/read"), name);
        let and_before_or = format!("{} OR {} AND {}", is("a"), is("b"), is("c"));
        assert_eq!(read(and_before_or, "a"), Some(true));
        assert_eq!(read(format!("NOT ({} || {})", is("a"), is("b")), "c"), Some(true));
        assert_eq!(read(format!("@request[ {NAME} ] stringNotStartsWith 'a' && !({})", is("b")), "b"), Some(false));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let long = "(".repeat(10_000);
        let odd = [
            "",
            "true",
            "@Principal[x] StringEquals 'a'",
            "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringMatches 'a*'",
            "@Request[Microsoft.ContainerRegistry/registries/repositories:tag] StringEquals 'a'",
            "(@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEquals 'a'",
            "@Request[x",
            "'",
            "é",
            "a & b",
            &long,
        ];
        for condition in odd {
            assert_eq!(condition_allows(condition, R, "a"), None, "{condition:.80}");
        }
    }
}
