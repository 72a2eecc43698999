use super::older;
use crate::diagnosis::{
    Area, Case, Cause, Judged, Scene, Severity,
    cause::pages,
    facts::{AzFact, CallerFact},
};

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new("az-old", Area::Machine, Severity::Advice, "the Azure CLI is too old for customer-managed keys", |s| {
        Box::pin(old(s))
    })
    .page(pages::ENABLE),
    Cause::new("az-other-cloud", Area::Machine, Severity::Advice, "the Azure CLI works on another cloud", |s| {
        Box::pin(other_cloud(s))
    })
    .rules(&["R-DP-11"])
    .page(pages::AZ_CLOUDS),
    Cause::new("az-other-tenant", Area::Machine, Severity::Advice, "the Azure CLI works on another tenant", |s| {
        Box::pin(other_tenant(s))
    })
    .rules(&["R-DP-11"])
    .page(pages::AZ_ACCOUNTS)
    .follows(&["az-other-cloud"]),
];

/// The oldest that the tutorial's commands work with.
const OLDEST: (u64, u64) = (2, 2);

async fn old(scene: &Scene) -> Judged {
    let az = scene.see::<AzFact>().await?;
    let Some(version) = az.version.as_deref().filter(|v| older(v, OLDEST)) else { return Ok(None) };
    Ok(Some(
        Case::new(format!("it is {version}; the tutorial's commands need 2.2.0 or later"))
            .shows(format!("az version: {version}"))
            .line("az upgrade"),
    ))
}

/// A cloud as the Azure CLI calls it; a custom one may be called anything.
fn az_name(cloud: &crate::azure::Cloud) -> Option<&'static str> {
    match cloud.name() {
        _ if !cloud.is_known() => None,
        "public" => Some("AzureCloud"),
        "china" => Some("AzureChinaCloud"),
        "usgov" => Some("AzureUSGovernment"),
        _ => None,
    }
}

async fn other_cloud(scene: &Scene) -> Judged {
    let az = scene.see::<AzFact>().await?;
    let (Some(works_on), Some(wanted)) = (&az.works_on, az_name(scene.cloud())) else { return Ok(None) };
    if works_on.cloud.is_empty() || works_on.cloud.eq_ignore_ascii_case(wanted) {
        return Ok(None);
    }
    Ok(Some(
        Case::new(format!(
            "its subscription '{}' is in {}, the registry in {wanted}: az lines given here would not find it",
            works_on.name, works_on.cloud
        ))
        .shows(format!("{}: environmentName {}", az.path.display(), works_on.cloud))
        .line(format!("az cloud set --name {wanted} && az login")),
    ))
}

async fn other_tenant(scene: &Scene) -> Judged {
    let az = scene.see::<AzFact>().await?;
    let Some(works_on) = az.works_on.as_ref().filter(|w| !w.tenant.is_empty()) else { return Ok(None) };
    let caller = scene.see::<CallerFact>().await?;
    let wanted = caller.tenant.to_string();
    if works_on.tenant.eq_ignore_ascii_case(&wanted) {
        return Ok(None);
    }
    Ok(Some(
        Case::new(format!(
            "its subscription '{}' is of tenant {}, and this looks at the registry as somebody of {wanted}",
            works_on.name, works_on.tenant
        ))
        .shows(format!("{}: tenantId {}", az.path.display(), works_on.tenant))
        .line(format!("az account set --subscription {}", scene.registry().subscription()))
        .words(format!("if that does not know the subscription: `az login --tenant {wanted}`")),
    ))
}
