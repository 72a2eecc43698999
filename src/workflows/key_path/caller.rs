//! The caller's own right in a key's vault: given by a run that needs it, and named or taken back in the end.

use crate::{
    azure::{
        Reader,
        id::{KeyId, SubscriptionId, VaultId},
        role_assignments::{PrincipalType, roles},
    },
    checks::{Check, GrantModel, KeyRight, KeyRights, KeyRightsSeen},
    engine::{
        error::{Error, Refusal, Result},
        run::Context,
        step::{Known, Rollback, Step as _},
    },
    steps::{Grant, Withdraw},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whether a run gives its caller the right in the vault that it lacks (R-KV-34), and for how long. Written as `false`, `true`
/// or `"for-run"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(crate) enum GrantMe {
    #[default]
    No,
    ToStay,
    ForRun,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Flag(bool),
    Word(Word),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    ForRun,
}

impl From<Written> for GrantMe {
    fn from(written: Written) -> Self {
        match written {
            Written::Flag(false) => Self::No,
            Written::Flag(true) => Self::ToStay,
            Written::Word(Word::ForRun) => Self::ForRun,
        }
    }
}

impl From<GrantMe> for Written {
    fn from(grant_me: GrantMe) -> Self {
        match grant_me {
            GrantMe::No => Self::Flag(false),
            GrantMe::ToStay => Self::Flag(true),
            GrantMe::ForRun => Self::Word(Word::ForRun),
        }
    }
}

/// The setters of an order whose run may give its caller a right.
macro_rules! grant_me {
    () => {
        /// Gives the caller the role Key Vault Crypto Officer on the key (or an access policy) first, if it lacks it: in a
        /// role-based vault not even the Owner may do anything with its keys (R-KV-34). The right stays after the run, which
        /// names it.
        #[must_use]
        pub fn grant_me(mut self) -> Self {
            self.grant_me = crate::workflows::key_path::GrantMe::ToStay;
            self
        }
        /// As [`grant_me`](Self::grant_me), for the run alone: its last step takes the right back. One that the caller had
        /// before stays.
        #[must_use]
        pub fn grant_me_for_run(mut self) -> Self {
            self.grant_me = crate::workflows::key_path::GrantMe::ForRun;
            self
        }
    };
}
pub(crate) use grant_me;

/// A right in a key's vault that a run gave its caller and that stays after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallersRight {
    /// What, where, and whose it is, in words.
    pub right: String,
    /// The az line that takes it away.
    pub az: String,
}

/// The caller in a grant, in words.
fn called(caller: &crate::azure::Caller) -> String {
    format!("the caller {}", caller.object_id)
}

/// Whether the caller may do this with a key; see [`Access::may`]. `None` for an order that gives its caller nothing.
pub(crate) async fn may(
    cx: &Context,
    key: &KeyId,
    vault: Option<&VaultId>,
    subscription: &SubscriptionId,
    rights: &[KeyRight],
    grant_me: Option<GrantMe>,
) -> Result<Option<Known<()>>> {
    let key = key.versionless();
    let check =
        KeyRights { key: key.clone(), vault: vault.cloned(), subscription: *subscription, rights: rights.to_vec() };
    let look_at = |look: Reader| async move {
        let mut seen = check.look(&look).await?;
        // A vault that this run has just brought back may take a while to show.
        for pause in [1, 2, 4, 8, 15, 15, 15, 15].map(Duration::from_secs) {
            if check.vault.is_none() || seen.vault.is_some() {
                break;
            }
            tokio::time::sleep(pause).await;
            seen = check.look(&look).await?;
        }
        Ok(seen)
    };
    let seen: KeyRightsSeen = cx.decide("key-rights", &key.to_string(), look_at).await?;
    let wanted = rights.iter().map(|r| r.permission()).collect::<Vec<_>>().join(", ");
    if let Some(why) = &seen.unknown {
        cx.note(format!("whether the caller may do this with {key} ({wanted}) is unknown: {why}"));
    }
    let (Some(false), Some(vault)) = (seen.may, &seen.vault) else { return Ok(None) };
    if grant_me.is_none_or(|grant_me| grant_me == GrantMe::No) {
        let (what, where_) = if seen.by_roles {
            ("the role Key Vault Crypto Officer".to_owned(), format!("{vault}/keys/{}", key.name()))
        } else {
            (format!("an access policy with the key permissions {wanted}"), vault.to_string())
        };
        let way_out = match grant_me {
            Some(_) => "give it to the caller, or say `.grant_me()` (`--grant-me`) and the run does; with `.grant_me_for_run()` \
                        (`--grant-me-for-run`) it takes it back in the end"
                .to_owned(),
            None if seen.by_roles => format!(
                "give it to the caller, and order this again: `az role assignment create --role \"Key Vault Crypto Officer\" \
                 --scope {where_} --assignee {}`",
                cx.caller().await?.object_id
            ),
            None => "give it to the caller, beside the permissions it has, and order this again".to_owned(),
        };
        cx.check([Refusal::new(
            format!("the caller may not do this with {key} ({wanted}): it lacks {what} on {where_}"),
            "R-KV-34",
            way_out,
        )])?;
        return Ok(Some(Known::After("the caller's right in the vault".into())));
    }
    let caller = cx.caller().await?;
    let what = if seen.by_roles {
        let scope = vault.resource().child("keys", key.name().as_str())?;
        GrantModel::role(roles::KEY_VAULT_CRYPTO_OFFICER, scope)
    } else {
        let keys = rights.iter().map(|r| r.permission().to_owned()).collect();
        GrantModel::Policy { vault: vault.clone(), keys }
    };
    let grant = Grant {
        principal: Known::Now(caller.object_id),
        principal_type: if caller.is_application { PrincipalType::ServicePrincipal } else { PrincipalType::User },
        tenant: Some(caller.tenant),
        what,
        to_whom: called(&caller),
        after: None,
        read_by: Some(key),
    };
    Ok(Some(cx.step(grant).await?))
}

/// What becomes of the right that this run has given its caller, after everything that needs it: taken back where it was for
/// the run alone, else named. Nothing of one that the caller had before.
pub(crate) async fn keeps(cx: &Context, grant_me: GrantMe) -> Result<Option<CallersRight>> {
    if grant_me == GrantMe::No {
        return Ok(None);
    }
    let to_caller = called(&cx.caller().await?).to_lowercase();
    let given = cx.change_by(Grant::NAME, |subject| subject.ends_with(&to_caller)).await;
    let Some((right, Rollback::Step(undo))) = given else { return Ok(None) };
    if grant_me == GrantMe::ToStay {
        cx.note(format!(
            "the caller keeps what this run gives it: {right}. Take it away with `{}`, or have the run do so (`--grant-me-for-run`)",
            undo.az
        ));
        return Ok(Some(CallersRight { right, az: undo.az }));
    }
    let taken: Withdraw =
        serde_json::from_value(undo.args).map_err(|e| Error::bug(format!("the way back from a grant: {e}")))?;
    cx.step(Withdraw { of_caller: true, after: Some(cx.carried_out(Grant::NAME)), ..taken }).await?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::GrantMe;

    #[test]
    fn whether_the_caller_is_granted_is_read_as_it_was_ever_written() {
        for (written, means) in [("false", GrantMe::No), ("true", GrantMe::ToStay), ("\"for-run\"", GrantMe::ForRun)] {
            assert_eq!(serde_json::from_str::<GrantMe>(written).unwrap(), means);
            assert_eq!(serde_json::to_string(&means).unwrap(), written);
        }
        assert!(serde_json::from_str::<GrantMe>("\"for-ever\"").is_err());
    }
}
