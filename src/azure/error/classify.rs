//! What an error means, by rule. Codes decide where services give them; texts decide only where one code stands for
//! many causes (R-ERR-01, R-ERR-03, R-ERR-20).

use std::net::IpAddr;

use super::{Detail, ServiceError};
use crate::azure::id::{ClientId, KeyId};

/// A refusal by a firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirewallRefusal {
    /// Whose firewall, and why.
    pub kind: FirewallKind,
    /// The client address that would have to be allowed, if the service named it.
    pub client: Option<IpAddr>,
}

/// Which firewall refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirewallKind {
    /// A vault's firewall does not know the address (R-ERR-28a).
    Vault,
    /// A vault's public access is off (R-ERR-28b): only a private endpoint or a trusted service gets in.
    VaultClosed,
    /// A registry's firewall does not know the address (R-DP-20).
    Registry,
}

impl ServiceError {
    /// Whether this code, in any ASCII case, is the error's own, its inner one, or one of its details' (R-ARM-14).
    pub fn has_code(&self, code: &str) -> bool {
        let same = |other: &str| other.eq_ignore_ascii_case(code);
        same(&self.code)
            || self.inner_code.as_deref().is_some_and(same)
            || self.details.iter().any(|d| d.has_code(code))
    }

    /// Whether a text occurs in the message or in a detail's, in any ASCII case.
    fn says(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.messages().iter().any(|message| message.to_ascii_lowercase().contains(&text))
    }

    pub(crate) fn messages(&self) -> Vec<&str> {
        let mut all = vec![self.message.as_str()];
        self.details.iter().for_each(|detail| detail.collect_messages(&mut all));
        all
    }

    /// What the error and its details are about.
    pub(crate) fn targets(&self) -> Vec<&str> {
        let mut all = Vec::new();
        all.extend(self.target.as_deref());
        self.details.iter().for_each(|detail| detail.collect_targets(&mut all));
        all
    }

    /// What stands between two marks in the first message that has the opening one.
    fn between(&self, open: &str, close: &str) -> Option<String> {
        self.messages().into_iter().find_map(|message| {
            // ASCII lower-casing keeps all offsets.
            let lower = message.to_ascii_lowercase();
            let start = lower.find(&open.to_ascii_lowercase())? + open.len();
            let rest = message.get(start..)?;
            let end = rest.find(close)?;
            rest.get(..end).map(str::to_owned)
        })
    }

    /// The registry could not use the key (R-ERR-01): no grant, a young one, a firewall, or a key that is off.
    /// One text for all of them.
    pub fn is_key_access_refused(&self) -> bool {
        self.says("Failed to access KeyId")
    }

    /// The key that R-ERR-01 names.
    pub fn key_named(&self) -> Option<KeyId> {
        self.between("Failed to access KeyId '", "'")?.parse().ok()
    }

    /// The client id that R-ERR-01 or R-ERR-03 names.
    pub fn identity_named(&self) -> Option<ClientId> {
        let refused = self.between("Verify that identity '", "'");
        refused.or_else(|| self.between("does not have access to identity '", "'"))?.parse().ok()
    }

    /// The registry's data plane could not use the key (R-ERR-02).
    pub fn is_key_forbidden(&self) -> bool {
        self.says("Access to Key Encryption Key is forbidden")
    }

    /// The identity that encryption uses is not attached to the registry, or is being taken off it (R-ERR-03).
    pub fn identity_not_attached(&self) -> bool {
        self.says("does not have access to identity")
    }

    /// The registry's identity is inactive after an attempt to take it off (R-ERR-04).
    pub fn identity_inactive(&self) -> bool {
        self.says("The identity associated with the registry is inactive")
    }

    /// A registry's token is good, and allows too little: a role is missing (R-DP-03, R-DP-26).
    pub fn insufficient_scope(&self) -> bool {
        self.has_code("insufficient_scope") || self.says("insufficient_scope")
    }

    /// A lock or quarantine on the repository or image stands in the way (R-DP-26).
    pub fn repository_locked(&self) -> bool {
        self.says("The operation is disallowed on this")
    }

    /// Key or identity was missing in a write to an encrypted registry (R-ERR-06).
    pub fn incomplete_key(&self) -> bool {
        self.says("Property Identity and KeyIdentifier must be set when encryption is enabled")
    }

    /// A query names a table that the workspace does not have, or not yet.
    pub fn table_not_known(&self) -> bool {
        self.has_code("SEM0100") && self.says("Failed to resolve table")
    }

    /// Another operation holds the resource (R-ERR-41, R-ARM-03): wait and look again.
    pub fn another_operation(&self) -> bool {
        let codes = ["AnotherOperationInProgress", "RetryableErrorDueToAnotherOperation", "OperationInProgress"];
        codes.iter().any(|code| self.has_code(code))
            || (matches!(self.status, 409 | 429) && self.says("another operation"))
            || (self.status == 409 && self.says("operation is in progress"))
    }

    /// The directory does not know the principal yet (R-ERR-33, R-RBAC-02).
    pub fn principal_not_found(&self) -> bool {
        self.has_code("PrincipalNotFound")
    }

    /// The same grant exists under another name (R-ERR-32, R-RBAC-03).
    pub fn role_assignment_exists(&self) -> bool {
        self.has_code("RoleAssignmentExists")
    }

    /// The assignment's name is taken by one with another content (R-ERR-34, R-RBAC-03).
    pub fn role_assignment_update_not_permitted(&self) -> bool {
        self.has_code("RoleAssignmentUpdateNotPermitted")
    }

    /// The namespace that the subscription is not registered for (R-ERR-38, R-ARM-30); empty if the text names none.
    pub fn missing_registration(&self) -> Option<String> {
        self.has_code("MissingSubscriptionRegistration")
            .then(|| self.between("to use namespace '", "'").unwrap_or_default())
    }

    /// A firewall refused (R-ERR-28a/b, R-DP-20), with the client address if it is named.
    pub fn firewall_refusal(&self) -> Option<FirewallRefusal> {
        if let Some(client) = self.between("client with IP '", "' is not allowed access") {
            return Some(FirewallRefusal { kind: FirewallKind::Registry, client: client.parse().ok() });
        }
        // Older answers have the text without the inner code.
        let says = |text| self.status == 403 && self.inner_code.is_none() && self.says(text);
        if self.has_code("ForbiddenByConnection") || says("Public network access is disabled and request is not from") {
            return Some(FirewallRefusal { kind: FirewallKind::VaultClosed, client: self.client_address() });
        }
        if self.has_code("ForbiddenByFirewall") || says("Client address is not authorized and caller is not") {
            return Some(FirewallRefusal { kind: FirewallKind::Vault, client: self.client_address() });
        }
        None
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.messages().into_iter().find_map(|message| {
            let (_, rest) = message.split_once("Client address: ")?;
            let end = rest.find(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':').unwrap_or(rest.len());
            rest.get(..end)?.trim_end_matches(['.', ':']).parse().ok()
        })
    }

    /// The vault's roles do not allow it (R-ERR-28c), perhaps not yet.
    pub fn forbidden_by_rbac(&self) -> bool {
        self.has_code("ForbiddenByRbac")
    }

    /// The vault's access policies do not allow it (R-ERR-28d/e): two codes for one thing.
    pub fn forbidden_by_policy(&self) -> bool {
        self.status == 403 && (self.has_code("ForbiddenByPolicy") || self.has_code("AccessDenied"))
    }

    /// The key or its version is disabled (R-ERR-28f).
    pub fn key_disabled(&self) -> bool {
        self.has_code("KeyDisabled")
    }

    /// There is no such key, or it is deleted or still being recovered (R-ERR-27, R-KV-13).
    pub fn key_not_found(&self) -> bool {
        self.has_code("KeyNotFound")
    }

    /// The name belongs to a deleted object that can be recovered (R-ERR-25).
    pub fn deleted_but_recoverable(&self) -> bool {
        self.has_code("ObjectIsDeletedButRecoverable")
    }

    /// The object is on its way to or from deletion (R-ERR-26): wait and look again.
    pub fn object_in_transition(&self) -> bool {
        self.has_code("ObjectIsBeingDeleted") || self.has_code("ObjectIsBeingRecovered")
    }

    /// The caller lacks a role (R-ERR-30).
    pub fn authorization_failed(&self) -> bool {
        self.has_code("AuthorizationFailed")
    }

    /// The caller has the right on the resource but not on one it links to, or that one is gone (R-ERR-31, R-ARM-33).
    pub fn linked_authorization_failed(&self) -> bool {
        self.has_code("LinkedAuthorizationFailed")
    }

    /// The scopes that hold a lock (R-ERR-35, R-ARM-31), as the text lists them; empty if it names none.
    pub fn locked_scope(&self) -> Option<String> {
        self.has_code("ScopeLocked").then(|| self.between("following scope(s) are locked: '", "'").unwrap_or_default())
    }

    /// An Azure policy denies it (R-ERR-39, R-ARM-32).
    pub fn disallowed_by_policy(&self) -> bool {
        self.has_code("RequestDisallowedByPolicy")
    }

    /// Ids of the policy assignments and definitions that R-ERR-39 names.
    pub fn policy_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        if self.disallowed_by_policy() {
            for piece in self.messages().into_iter().flat_map(|message| message.split(['"', '\''])) {
                let id =
                    piece.starts_with('/') && piece.to_ascii_lowercase().contains("/microsoft.authorization/policy");
                if id && !ids.iter().any(|known| known == piece) {
                    ids.push(piece.to_owned());
                }
            }
        }
        ids
    }

    /// What the policies are called that R-ERR-39 tells of: each by the name people see, its definition's or else its
    /// assignment's. Empty if the answer gives none; [`policy_ids`](Self::policy_ids) may still.
    pub fn policy_names(&self) -> Vec<String> {
        let mut all = self.policies.iter().collect();
        self.details.iter().for_each(|detail| detail.collect_policies(&mut all));
        let mut names: Vec<String> = Vec::new();
        for name in all {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// A deleted vault of that name waits to be recovered (R-ERR-20, R-KV-06).
    pub fn soft_deleted_vault(&self) -> bool {
        self.status == 409 && self.has_code("ConflictError") && self.says("deleted state")
    }

    /// There is no deleted vault to recover (R-ERR-22, R-KV-06).
    pub fn nothing_to_recover(&self) -> bool {
        self.has_code("SoftDeletedVaultDoesNotExist")
    }

    /// The vault's name is taken, perhaps by somebody else's deleted one (R-ERR-21, R-KV-06).
    pub fn vault_name_taken(&self) -> bool {
        self.has_code("VaultAlreadyExists")
    }

    /// The registry's name is taken (R-ERR-37, R-ARM-20).
    pub fn registry_name_taken(&self) -> bool {
        self.has_code("AlreadyInUse")
    }
}

impl Detail {
    /// Whether this code, in any ASCII case, is the detail's own, its inner one, or one of its details'.
    pub fn has_code(&self, code: &str) -> bool {
        let same = |other: &str| other.eq_ignore_ascii_case(code);
        same(&self.code)
            || self.inner_code.as_deref().is_some_and(same)
            || self.details.iter().any(|d| d.has_code(code))
    }

    fn collect_policies<'d>(&'d self, all: &mut Vec<&'d String>) {
        all.extend(&self.policies);
        self.details.iter().for_each(|detail| detail.collect_policies(all));
    }

    fn collect_messages<'d>(&'d self, all: &mut Vec<&'d str>) {
        all.push(&self.message);
        self.details.iter().for_each(|detail| detail.collect_messages(all));
    }
    fn collect_targets<'d>(&'d self, all: &mut Vec<&'d str>) {
        all.extend(self.target.as_deref());
        self.details.iter().for_each(|detail| detail.collect_targets(all));
    }
}
