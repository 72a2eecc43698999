//! Floor 0, for test builds only: the safety measures, each by name, so that a test build can take one away and show that it is needed.

/// One safety measure.
#[cfg_attr(not(cmk_sabotage), allow(unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Guard {
    /// Wait out the request deadline before believing that a request whose answer was lost did not land.
    LateLanding,
    /// Look for one's own idempotency key before making something again.
    TagLook,
    /// Observe once more after applying.
    SecondLook,
    /// One run at a time on a subject.
    Lock,
    /// Act in a resumed run only on the world the intent was written for.
    DriftCheck,
    /// Tokens go to the cloud's own hosts only.
    HostCheck,
    /// The intent is durable before the request leaves.
    IntentFirst,
    /// A POST that makes something is never repeated blindly.
    NoBlindPost,
    /// All refusals are known before the first write.
    RefusalsFirst,
    /// A vault's client reads before it writes: the SDK's first request carries neither token nor body, and the SDK loses
    /// the body of one that it repeats.
    WarmUp,
    /// The identity that unwraps a registry's key is never taken off it.
    KeepIdentity,
    /// A key version that a registry uses is never disabled when old ones are retired.
    KeepVersion,
    /// A resumed run reads again what it decided by, before it changes anything.
    DecisionCheck,
    /// A revocation ends with a look at what it took away, and at what became usable meanwhile.
    LastLook,
    /// A right to a key that a registry unwraps with is never taken away, nor the key, unless the order names that registry.
    KeepGrant,
}

impl Guard {
    /// All of them.
    #[cfg(cmk_sabotage)]
    pub const ALL: [Self; 15] = [
        Self::LateLanding,
        Self::TagLook,
        Self::SecondLook,
        Self::Lock,
        Self::DriftCheck,
        Self::HostCheck,
        Self::IntentFirst,
        Self::NoBlindPost,
        Self::RefusalsFirst,
        Self::WarmUp,
        Self::KeepIdentity,
        Self::KeepVersion,
        Self::DecisionCheck,
        Self::LastLook,
        Self::KeepGrant,
    ];
}

/// Which guards hold: all, unless a test build took one away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guards {
    #[cfg(cmk_sabotage)]
    removed: std::collections::BTreeSet<Guard>,
}

impl Guards {
    #[cfg(cmk_sabotage)]
    pub(crate) fn remove(&mut self, guard: Guard) {
        self.removed.insert(guard);
    }
    #[cfg(cmk_sabotage)]
    pub(crate) fn hold(&self, guard: Guard) -> bool {
        !self.removed.contains(&guard)
    }
    #[cfg(not(cmk_sabotage))]
    #[allow(clippy::unused_self)]
    pub(crate) fn hold(&self, _: Guard) -> bool {
        true
    }
}
