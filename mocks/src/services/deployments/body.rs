//! The body of a request about a deployment. The Azure CLI pastes the file of the template in as it is: with an unquoted
//! `template:`, with comments, with texts over several lines (R-DEP-02).

use super::errors;
use crate::http::message::{Call, Fail, Object, Peek};
use serde_json::Value;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) template: Value,
    pub(super) parameters: Object,
    pub(super) tags: Object,
}

pub(super) fn read(call: &Call) -> Result<Asked, Fail> {
    let text = std::str::from_utf8(&call.body).map_err(|_| errors::bad_request("It is no UTF-8 text."))?;
    let parsed = serde_json::from_str(text).or_else(|_| serde_json::from_str(&strict(text)));
    let Ok(Value::Object(body)) = parsed else {
        return Err(errors::bad_request("A JSON object was expected."));
    };
    let mode =
        body.text("properties.mode").ok_or_else(|| errors::bad_request("Required property 'mode' not found."))?;
    if !mode.eq_ignore_ascii_case("Incremental") {
        return Err(errors::unsupported("any mode but Incremental"));
    }
    for linked in ["templateLink", "parametersLink", "onErrorDeployment"] {
        if body.at(&format!("properties.{linked}")).is_some() {
            return Err(errors::unsupported(&format!("'{linked}'")));
        }
    }
    let template = body.at("properties.template").cloned();
    let parameters = match body.at("properties.parameters") {
        None => Object::new(),
        Some(Value::Object(given)) => given.clone(),
        Some(_) => return Err(errors::bad_request("The parameters have to be an object.")),
    };
    Ok(Asked {
        template: template.ok_or_else(|| errors::bad_request("Required property 'template' not found."))?,
        parameters,
        tags: crate::http::message::tags_of(&body).unwrap_or_default(),
    })
}

/// JSON out of what only looks like it: comments dropped, bare names quoted, line breaks within texts escaped.
fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => {
                out.push(c);
                out.extend(chars.next());
            }
            '"' => {
                quoted = !quoted;
                out.push(c);
            }
            '\n' if quoted => out.push_str("\\n"),
            '\r' if quoted => out.push_str("\\r"),
            '\t' if quoted => out.push_str("\\t"),
            _ if quoted => out.push(c),
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if chars.peek() == Some(&'*') => {
                chars.next();
                let mut last = ' ';
                for c in chars.by_ref() {
                    if (last, c) == ('*', '/') {
                        break;
                    }
                    last = c;
                }
            }
            c if c.is_ascii_alphabetic() => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric()) {
                    word.push(c);
                }
                let value = ["true", "false", "null"].contains(&word.as_str());
                out.push_str(&if value { word } else { format!("\"{word}\"") });
            }
            c => {
                out.push(c);
                // Of a number like 1e3, the letter is no name.
                while let Some(more) = chars.next_if(|m| c.is_ascii_digit() && m.is_ascii_alphanumeric()) {
                    out.push(more);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::strict;
    use serde_json::{Value, json};

    #[test]
    fn reads_what_the_azure_cli_sends() {
        let sent = "{\"properties\": {\"mode\": \"Incremental\", template:{\n  \"a\": [true, 1e3] // \"one\"\n  /* \"b\": 2 */, \"c\": \"x\ny \\\" // z\"\n}}}";
        let read: Value = serde_json::from_str(&strict(sent)).unwrap();
        let template = json!({"a": [true, 1000.0], "c": "x\ny \" // z"});
        assert_eq!(read, json!({"properties": {"mode": "Incremental", "template": template}}));
    }
}
