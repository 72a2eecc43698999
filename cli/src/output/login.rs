//! Logins of container clients.

use super::{Document, shell_word};
use cmk::{Login, azure::registries::data::LoginServer};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

const VERSION: u32 = 1;

/// A login, kept where it says, or handed out.
pub(crate) fn login(login: &Login, kept: Option<&str>) -> anyhow::Result<Document> {
    let (server, user, expires) =
        (login.login_server.as_str(), login.username, login.expires.replace_nanosecond(0)?.format(&Rfc3339)?);
    let mut json = json!({ "loginServer": server, "username": user, "expires": expires });
    let mut fields =
        vec![("LOGIN_SERVER", server.to_owned()), ("USERNAME", user.to_owned()), ("EXPIRES", expires.clone())];
    let table = match kept {
        Some(place) => {
            json["keptIn"] = place.into();
            fields.push(("KEPT_IN", place.to_owned()));
            format!("logged in to {server} until {expires}, kept in {place}")
        }
        None => {
            let token = login.refresh_token.secret();
            json["accessToken"] = token.into();
            fields.push(("ACCESS_TOKEN", token.to_owned()));
            format!(
                "{token}\n\nIt is the password of user {user} until {expires}, and whoever has it is logged in. Where the client \
                 is:\n  docker login {} --username {user} --password-stdin\nand hand it in on stdin; or get it by itself with \
                 `--output json`, as accessToken.",
                shell_word(server)
            )
        }
    };
    Ok(Document::new("login", VERSION, &json)?.table(table).fields(&fields))
}

/// Where a login was forgotten.
pub(crate) fn logout(server: &LoginServer, forgotten: &[String]) -> anyhow::Result<Document> {
    let table = if forgotten.is_empty() {
        format!("there was no login to {server}")
    } else {
        format!("logged out of {server}: forgotten in {}", forgotten.join(" and "))
    };
    let json = json!({ "loginServer": server, "forgottenIn": forgotten });
    Ok(Document::new("logout", VERSION, &json)?
        .table(table)
        .fields(&[("LOGIN_SERVER", server.to_string()), ("FORGOTTEN_IN", forgotten.join(" "))]))
}
