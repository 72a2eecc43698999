//! The little of OData `$filter` that the services take: comparisons joined by `and`.

/// One comparison, its value without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) field: String,
    pub(crate) operator: String,
    pub(crate) value: String,
}

/// The comparisons of a filter; none if it is anything else. Quotes may be left out, as `az` leaves them out.
pub(crate) fn terms(filter: &str) -> Option<Vec<Term>> {
    let mut found = Vec::new();
    for part in split(filter) {
        let mut words = part.splitn(3, ' ');
        let (field, operator, value) = (words.next()?, words.next()?, words.next()?.trim());
        let value = match value.strip_prefix('\'') {
            Some(rest) => rest.strip_suffix('\'')?.replace("''", "'"),
            None if value.contains(['\'', ' ']) => return None,
            None => value.to_owned(),
        };
        found.push(Term { field: field.to_owned(), operator: operator.to_lowercase(), value });
    }
    Some(found)
}

/// Cut at each `and` that stands outside of quotes.
fn split(filter: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), Vec::new(), false);
    for word in filter.split_whitespace() {
        if !quoted && word.eq_ignore_ascii_case("and") {
            parts.push(part.join(" "));
            part.clear();
            continue;
        }
        quoted ^= word.matches('\'').count() % 2 == 1;
        part.push(word);
    }
    if !part.is_empty() || !parts.is_empty() {
        parts.push(part.join(" "));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_read_with_and_without_quotes() {
        let term = |field: &str, operator: &str, value: &str| Term {
            field: field.into(),
            operator: operator.into(),
            value: value.into(),
        };
        assert_eq!(terms(""), Some(vec![]));
        assert_eq!(
            terms("eventTimestamp ge 2023-08-23T12:59:20Z AND caller eq 'a and b'"),
            Some(vec![term("eventTimestamp", "ge", "2023-08-23T12:59:20Z"), term("caller", "eq", "a and b")])
        );
        assert_eq!(terms("displayName eq 'O''Hara'"), Some(vec![term("displayName", "eq", "O'Hara")]));
        for wrong in ["caller", "caller eq", "caller eq 'a", "caller eq a or caller eq b", "a eq b and"] {
            assert_eq!(terms(wrong), None, "{wrong}");
        }
    }
}
