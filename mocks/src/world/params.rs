//! Everything about Azure that is assumed, random or in dispute, as a named setting.

use crate::world::rng::Rng;
use serde::{Deserialize, Serialize};
use std::time::Duration;

mod seconds {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(d.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// A duration drawn uniformly from a range; fixed when both ends are equal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// Shortest.
    #[serde(with = "seconds")]
    pub min: Duration,
    /// Longest.
    #[serde(with = "seconds")]
    pub max: Duration,
}

impl Delay {
    /// None at all.
    pub const ZERO: Self = Self { min: Duration::ZERO, max: Duration::ZERO };

    /// Always this long.
    pub const fn fixed(d: Duration) -> Self {
        Self { min: d, max: d }
    }

    /// Always this many seconds.
    pub const fn secs(s: u64) -> Self {
        Self::fixed(Duration::from_secs(s))
    }

    /// Between two numbers of seconds.
    pub const fn uniform(min: u64, max: u64) -> Self {
        Self { min: Duration::from_secs(min), max: Duration::from_secs(max) }
    }

    pub(crate) fn draw(self, rng: &mut Rng) -> Duration {
        rng.between(self.min, self.max)
    }

    fn scaled(self, factor: f64) -> Self {
        Self { min: times(self.min, factor), max: times(self.max, factor) }
    }
}

/// The longest that a scaled delay or period comes to.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

fn times(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(LONGEST).min(LONGEST)
}

/// A token bucket (R-ARM-01).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Requests it holds when full.
    pub size: f64,
    /// Requests it regains a second.
    pub refill: f64,
}

/// How a registry reports that it cannot use the key (R-ARM-11, G-11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureStyle {
    /// 201 first; the operation ends `Failed`.
    #[default]
    Lro,
    /// 400 at once; nothing is made or changed.
    Sync,
}

/// What the first body of a registry write shows; both are recorded (recorded-traffic 2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirstBody {
    /// What was asked for (since 2023-03).
    #[default]
    Asked,
    /// What was there before: no encryption on create, the old key on rotate (until 2023-02).
    Before,
}

/// What a PATCH makes of `null` in the identity map (G-13: not verified).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NullIdentity {
    /// The identity is taken off.
    #[default]
    Removes,
    /// 200/201, and it is still there.
    Ignored,
    /// 400
    Refused,
}

/// The permission model of a new vault that does not ask for one (R-KV-30).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VaultDefaultModel {
    /// RBAC from api-version 2026-02-01 on, access policies before.
    #[default]
    ByApiVersion,
    /// Always RBAC.
    Rbac,
    /// Always access policies.
    Policy,
}

/// The settings of a world. Delays are virtual time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// R-CMK-11: how often a registry with a versionless key looks for a newer version.
    #[serde(with = "seconds")]
    pub acr_auto_rotate_poll: Duration,
    /// ASSUMED: a PATCH that repeats the versionless key makes the registry look at once.
    pub patch_triggers_pickup: bool,
    /// R-CMK-27: from lost access to refused pulls.
    #[serde(with = "seconds")]
    pub revoke_effect_delay: Duration,
    /// R-CMK-27: from regained access to served pulls.
    #[serde(with = "seconds")]
    pub restore_effect_delay: Duration,
    /// R-CMK-18, R-CMK-40, ASSUMED: whether pulls and imports stay refused, and no newer version is taken, after access is
    /// back until a PATCH names identity and key again.
    pub restore_needs_repair: bool,
    /// R-CMK-21
    #[serde(with = "seconds")]
    pub identity_expiry_after_detach_attempt: Duration,
    /// R-CMK-20: whether a refused removal also stops rotations until the identity is assigned again.
    pub detach_attempt_blocks_rotation: bool,
    /// R-CMK-38: false is the behaviour reported in 2021.
    pub uami_can_bypass_firewall: bool,
    /// R-CMK-06
    pub require_purge_protection: bool,
    /// R-KV-14 as documented; recorded: wrapKey still works on a disabled version.
    pub disabled_blocks_wrap: bool,
    /// R-CMK-10
    pub mhsm_supported: bool,
    /// R-RBAC-01, for grants and for removals.
    pub role_assignment_delay: Delay,
    /// R-RBAC-04
    pub role_assignment_limit: usize,
    /// R-RBAC-06
    pub access_policy_delay: Delay,
    /// R-RBAC-02
    pub principal_replication_delay: Delay,
    /// R-KV-13: until GET /deletedkeys answers.
    pub key_delete_settle: Delay,
    /// R-KV-13: until GET /keys answers again.
    pub key_recover_settle: Delay,
    /// R-KV-15: shortest expiry time a rotation policy may have, in days.
    pub rotation_policy_min_expiry_days: u32,
    /// R-KV-30
    pub vault_default_model: VaultDefaultModel,
    /// `RegisteringDns` after a vault is made.
    pub vault_dns_delay: Delay,
    /// Whether every vault keeps what is deleted. Recorded in 2018: without, a vault that does not ask for it forgets
    /// deleted keys at once.
    pub vault_always_keeps_deleted: bool,
    /// From POST purge to done.
    pub vault_purge_duration: Delay,
    /// R-KV-18 on or off.
    pub kv_throttle: bool,
    /// R-KV-17: until an audit entry can be read.
    pub kv_log_lag: Delay,
    /// ASSUMED, as R-KV-17 has it for vaults: until a login or an operation of a registry can be read in a workspace.
    pub acr_log_lag: Delay,
    /// ASSUMED: until an event of the Activity Log can be read.
    pub activity_log_lag: Delay,
    /// ASSUMED: from PUT of a diagnostic setting to the first entry that it sends on.
    pub diagnostic_setting_delay: Delay,
    /// ASSUMED: a table that nothing was sent to yet is empty; otherwise a query for it is a semantic error.
    pub empty_log_tables_known: bool,
    /// ASSUMED: whether callers may read the directory through Microsoft Graph.
    pub graph_readable: bool,
    /// Items a page where a Key Vault list does not ask for a number.
    pub kv_page_size: usize,
    /// R-ARM-01
    pub arm_reads: Bucket,
    /// R-ARM-01
    pub arm_writes: Bucket,
    /// R-ARM-01
    pub arm_deletes: Bucket,
    /// Items a page of ARM lists.
    pub arm_page_size: usize,
    /// R-ARM-12: until a new resource is listed.
    pub list_lag: Delay,
    /// Whether a caller may ask for its own permissions; if not, it is refused at every scope.
    pub permissions_readable: bool,
    /// R-FL-02
    pub arg_lag: Delay,
    /// R-FL-03
    pub arg_redacts_cmk: bool,
    /// R-ARM-30
    pub provider_registration_delay: Delay,
    /// Providers registered when the world begins.
    pub registered_providers: Vec<String>,
    /// From DELETE of a group to the end of it.
    pub group_delete_duration: Delay,
    /// R-ARM-11
    pub acr_failure_style: FailureStyle,
    /// recorded-traffic 2.4
    pub acr_first_body: FirstBody,
    /// Members of `properties` that registries do not show yet, whatever the api-version; empty is the service of today.
    /// Recorded: `publicNetworkAccess` came to 2019-12-01-preview in 2020-04, `anonymousPullEnabled` to
    /// 2020-11-01-preview in 2021.
    pub acr_members_to_come: Vec<String>,
    /// G-13
    pub acr_null_identity: NullIdentity,
    /// From PUT to Succeeded.
    pub acr_create_duration: Delay,
    /// From PATCH to Succeeded.
    pub acr_update_duration: Delay,
    /// From DELETE to gone.
    pub acr_delete_duration: Delay,
    /// From PUT, PATCH or DELETE of a replication to its end.
    pub acr_replication_duration: Delay,
    /// ASSUMED: until a new replication is `Ready`; recorded: `Syncing` at its end.
    pub acr_replication_sync: Delay,
    /// From POST importImage to done.
    pub acr_import_duration: Delay,
    /// `Retry-After`, in seconds, on every answer that tells a client to ask again for the end of an operation. None:
    /// what each service sends; of registries none was recorded, and clients of theirs wait for 30 s.
    pub poll_after: Option<u32>,
    /// From PUT of a deployment to the first of its resources.
    pub deployment_start_delay: Delay,
    /// Until a deployment notices that a resource is finished.
    pub deployment_notice_delay: Delay,
    /// From POST whatIf or validate to the answer, where it does not come at once.
    pub deployment_ask_duration: Delay,
    /// POST validate answers at once (recorded); otherwise 202 and a place to look.
    pub validate_at_once: bool,
    /// POST whatIf answers at once; otherwise 202 and a place to look, as its description has it.
    pub what_if_at_once: bool,
    /// R-DEP-09: false as documented, so that what is made of `reference` always seems to change.
    pub what_if_resolves_reference: bool,
    /// Life of the tokens handed out.
    #[serde(with = "seconds")]
    pub token_lifetime: Duration,
    /// R-DP-07: until a new password of the admin user is known everywhere; the old one works as long.
    pub acr_admin_password_spread: Delay,
    /// R-DP-04: of what a login is turned into.
    #[serde(with = "seconds")]
    pub acr_refresh_token_lifetime: Duration,
    /// R-DP-04: of what opens the data plane.
    #[serde(with = "seconds")]
    pub acr_access_token_lifetime: Duration,
    /// R-DP-09: how much of the documented limits a registry gives. They are best-effort maxima, so it may be less.
    pub acr_throttle_share: f64,
    /// Where callers seem to come from, for vault firewalls. Those of registries stand elsewhere
    /// (`World::client_address`): who runs the tool is not who pulls.
    pub client_ip: String,
    /// Ended operations of registries that can still be asked for, the newest ones. Azure forgets them after some time
    /// (ASSUMED); a number keeps the memory of a long run bounded.
    pub kept_operations: usize,
    /// Entries of the vaults' audit that are kept, the newest ones, and up to a quarter more. Log Analytics would keep
    /// them by time.
    pub kept_audit: usize,
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

impl Default for Params {
    fn default() -> Self {
        Self {
            acr_auto_rotate_poll: Duration::from_secs(HOUR),
            patch_triggers_pickup: true,
            revoke_effect_delay: Duration::from_secs(HOUR / 2),
            restore_effect_delay: Duration::from_secs(HOUR / 2),
            restore_needs_repair: false,
            identity_expiry_after_detach_attempt: Duration::from_secs(90 * DAY),
            detach_attempt_blocks_rotation: false,
            uami_can_bypass_firewall: true,
            require_purge_protection: false,
            disabled_blocks_wrap: false,
            mhsm_supported: false,
            role_assignment_delay: Delay::uniform(0, 600),
            role_assignment_limit: 4000,
            access_policy_delay: Delay::uniform(0, 30),
            principal_replication_delay: Delay::uniform(0, 60),
            key_delete_settle: Delay::uniform(13, 43),
            key_recover_settle: Delay::uniform(24, 42),
            rotation_policy_min_expiry_days: 28,
            vault_default_model: VaultDefaultModel::ByApiVersion,
            vault_dns_delay: Delay::uniform(29, 33),
            vault_always_keeps_deleted: true,
            vault_purge_duration: Delay::uniform(5, 66),
            kv_throttle: true,
            kv_log_lag: Delay::uniform(0, 600),
            acr_log_lag: Delay::uniform(0, 600),
            activity_log_lag: Delay::uniform(0, 300),
            diagnostic_setting_delay: Delay::uniform(0, 900),
            empty_log_tables_known: true,
            graph_readable: true,
            kv_page_size: 25,
            arm_reads: Bucket { size: 250.0, refill: 25.0 },
            arm_writes: Bucket { size: 200.0, refill: 10.0 },
            arm_deletes: Bucket { size: 200.0, refill: 10.0 },
            arm_page_size: 1000,
            list_lag: Delay::uniform(0, 30),
            permissions_readable: true,
            arg_lag: Delay::uniform(0, 300),
            arg_redacts_cmk: true,
            provider_registration_delay: Delay::uniform(30, 120),
            registered_providers: vec![
                "Microsoft.ContainerRegistry".into(),
                "Microsoft.KeyVault".into(),
                "Microsoft.ManagedIdentity".into(),
            ],
            group_delete_duration: Delay::uniform(15, 90),
            acr_failure_style: FailureStyle::Lro,
            acr_first_body: FirstBody::Asked,
            acr_members_to_come: Vec::new(),
            acr_null_identity: NullIdentity::Removes,
            acr_create_duration: Delay::uniform(8, 12),
            acr_update_duration: Delay::uniform(8, 12),
            acr_delete_duration: Delay::uniform(5, 20),
            acr_replication_duration: Delay::uniform(8, 12),
            acr_replication_sync: Delay::uniform(60, 600),
            acr_import_duration: Delay::uniform(5, 30),
            poll_after: None,
            deployment_start_delay: Delay::uniform(1, 3),
            deployment_notice_delay: Delay::uniform(0, 5),
            deployment_ask_duration: Delay::uniform(2, 10),
            validate_at_once: true,
            what_if_at_once: false,
            what_if_resolves_reference: false,
            token_lifetime: Duration::from_secs(3599),
            acr_admin_password_spread: Delay::uniform(0, 60),
            acr_refresh_token_lifetime: Duration::from_secs(3 * HOUR),
            acr_access_token_lifetime: Duration::from_secs(4500),
            acr_throttle_share: 1.0,
            client_ip: "203.0.113.1".into(),
            kept_operations: 10_000,
            kept_audit: 50_000,
        }
    }
}

impl Params {
    /// The largest factor of delays and periods that descriptions of worlds and the command line take: far more than
    /// anybody waits.
    pub const MOST_TIMES: f64 = 1e6;

    /// All delays zero. Periods (the hourly look), limits and lifetimes stay.
    pub fn instant() -> Self {
        Self::default().without_delays()
    }

    /// These, with all delays zero.
    pub fn without_delays(self) -> Self {
        let mut p = self;
        p.each_delay(|d| *d = Delay::ZERO);
        p.revoke_effect_delay = Duration::ZERO;
        p.restore_effect_delay = Duration::ZERO;
        p
    }

    /// The default delays and periods, each times `factor`.
    pub fn scaled(factor: f64) -> Self {
        Self::default().times(factor)
    }

    /// These delays and periods, each times `factor`.
    pub fn times(self, factor: f64) -> Self {
        let factor = factor.max(0.0);
        let mut p = self;
        p.each_delay(|d| *d = d.scaled(factor));
        for d in [
            &mut p.acr_auto_rotate_poll,
            &mut p.revoke_effect_delay,
            &mut p.restore_effect_delay,
            &mut p.identity_expiry_after_detach_attempt,
        ] {
            *d = times(*d, factor);
        }
        p
    }

    pub(crate) fn each_delay(&mut self, f: impl Fn(&mut Delay)) {
        for d in [
            &mut self.role_assignment_delay,
            &mut self.access_policy_delay,
            &mut self.principal_replication_delay,
            &mut self.key_delete_settle,
            &mut self.key_recover_settle,
            &mut self.vault_dns_delay,
            &mut self.vault_purge_duration,
            &mut self.kv_log_lag,
            &mut self.acr_log_lag,
            &mut self.activity_log_lag,
            &mut self.diagnostic_setting_delay,
            &mut self.list_lag,
            &mut self.arg_lag,
            &mut self.provider_registration_delay,
            &mut self.group_delete_duration,
            &mut self.acr_create_duration,
            &mut self.acr_update_duration,
            &mut self.acr_delete_duration,
            &mut self.acr_replication_duration,
            &mut self.acr_replication_sync,
            &mut self.acr_import_duration,
            &mut self.acr_admin_password_spread,
            &mut self.deployment_start_delay,
            &mut self.deployment_notice_delay,
            &mut self.deployment_ask_duration,
        ] {
            f(d);
        }
    }
}
