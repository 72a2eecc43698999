//! A management lock, whose scope every write passes.

use serde::{Deserialize, Serialize};

/// R-ARM-31
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lock {
    pub(crate) scope: String,
    #[serde(default)]
    pub(crate) name: String,
    /// Otherwise it only stops deletion.
    pub(crate) read_only: bool,
    #[serde(default)]
    pub(crate) notes: Option<String>,
}

/// Characters that the notes of a lock may have.
pub(crate) const MAX_NOTES: usize = 512;

impl Lock {
    pub(crate) fn level(&self) -> &'static str {
        if self.read_only { "ReadOnly" } else { "CanNotDelete" }
    }

    pub(crate) fn id(&self) -> String {
        format!("{}/providers/Microsoft.Authorization/locks/{}", self.scope, self.name)
    }

    pub(crate) fn is(&self, scope: &str, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) && self.scope.eq_ignore_ascii_case(scope.trim_end_matches('/'))
    }
}
