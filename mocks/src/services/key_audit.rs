//! The Key Vault audit stream (R-KV-17).

use crate::world::clock::Moment as _;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// One line of a vault's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When it happened.
    pub time: OffsetDateTime,
    /// When a reader of logs would see it.
    pub visible_at: OffsetDateTime,
    /// `KeyCreate`, `KeyWrap`, `KeyUnwrap`, `VaultPatch`, ..
    pub operation_name: String,
    /// Name of the vault.
    pub vault: String,
    /// The address asked for, with the version where there is one.
    pub request_uri: String,
    /// 200, 403, ..
    pub http_status: u16,
    /// `OK`, `Forbidden`, ..
    pub result_signature: String,
    /// The true cause of a refusal.
    pub cause: Option<String>,
    /// Object id of the caller.
    pub caller: Option<Uuid>,
    /// Client id of the caller.
    pub caller_app: Option<Uuid>,
    /// Where the call came from.
    pub caller_ip: String,
}

pub(crate) struct Entry<'a> {
    pub(crate) operation: &'a str,
    pub(crate) vault: &'a str,
    pub(crate) uri: String,
    pub(crate) status: u16,
    pub(crate) cause: Option<String>,
    pub(crate) caller: Option<(Uuid, Uuid)>,
    pub(crate) ip: String,
}

impl crate::world::World {
    pub(crate) fn log(&mut self, time: OffsetDateTime, e: Entry<'_>) {
        let visible_at = time.after(self.params.kv_log_lag.draw(&mut self.rng));
        let result_signature = match e.status {
            200..=299 => "OK",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            409 => "Conflict",
            429 => "Too Many Requests",
            _ => "Bad Request",
        };
        // In larger steps, as what is left has to be moved.
        let most = self.params.kept_audit;
        if self.audit.len() > most.saturating_add(most / 4) {
            self.audit.drain(..self.audit.len() - most);
        }
        self.audit.push(AuditEntry {
            time,
            visible_at,
            operation_name: e.operation.to_owned(),
            vault: e.vault.to_owned(),
            request_uri: e.uri,
            http_status: e.status,
            result_signature: result_signature.into(),
            cause: e.cause,
            caller: e.caller.map(|c| c.0),
            caller_app: e.caller.map(|c| c.1),
            caller_ip: e.ip,
        });
    }
}
