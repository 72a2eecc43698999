use super::{BY_ROLES, checked, granted, least};
use crate::{
    azure::registries::RegistryAccess,
    diagnosis::{
        Area, Case, Cause, Judged, Scene, Seen, Severity,
        cause::pages,
        facts::{Access, AccessFact, Rights, RolesFact, SubjectFact},
    },
};
use std::sync::Arc;

/// When the id that is asked about is nobody's that roles go to.
const NOBODY: &[&str] = &["principal-is-app-id", "principal-unknown"];

/// In which case one's roles are as they should be, and a view of them is late.
const PORTAL: &str = "portal-grant-young";

pub(crate) const CAUSES: &[Cause] = &[
    Cause::new(
        "role-ignored-in-abac",
        Area::Login,
        Severity::Broken,
        "the registry goes by repository roles, and only such roles are held as it does not heed",
        |s| Box::pin(ignored(s, "role-ignored-in-abac")),
    )
    .rules(&["R-DP-08", "R-DP-26"])
    .page(pages::ABAC)
    .follows(NOBODY),
    Cause::new(
        "role-ignored-in-legacy",
        Area::Login,
        Severity::Broken,
        "the registry does not go by repository roles, and only such roles are held",
        |s| Box::pin(ignored(s, "role-ignored-in-legacy")),
    )
    .rules(&["R-DP-08", "R-DP-26"])
    .page(pages::ABAC)
    .follows(NOBODY),
    Cause::new(
        "condition-excludes-repository",
        Area::Login,
        Severity::Broken,
        "the role that is held is for other repositories, by its condition",
        |s| Box::pin(excluded(s)),
    )
    .rules(&["R-DP-08"])
    .page(pages::ABAC)
    .follows(NOBODY),
    Cause::new(
        "catalog-lister-missing",
        Area::Login,
        Severity::Broken,
        "the roles that are held are for what is in repositories, and listing these takes one of its own",
        |s| Box::pin(no_lister(s)),
    )
    .rules(&["R-DP-08"])
    .page(pages::ABAC)
    .follows(NOBODY),
    Cause::new(
        "registry-role-missing",
        Area::Login,
        Severity::Broken,
        "no role is held that gives what is wanted of the registry",
        |s| Box::pin(missing(s)),
    )
    .rules(&["R-DP-08", "R-DP-11", "R-DP-26"])
    .page(pages::ROLES)
    .follows(NOBODY),
    Cause::new("registry-role-young", Area::Login, Severity::Risk, "the role is too new to be relied on", |s| {
        Box::pin(young(s))
    })
    .rules(&["R-RBAC-01"])
    .page(pages::RBAC_TROUBLE),
    Cause::new(
        PORTAL,
        Area::Login,
        Severity::Risk,
        "a role was given minutes ago, and the portal may show what it kept from before",
        |s| Box::pin(portal(s)),
    )
    .rules(&["R-RBAC-01", "R-DP-25"])
    .page(pages::LOGIN)
    .follows(BY_ROLES),
];

/// What the roles come to, if that is why there is no access.
async fn by_roles(scene: &Scene) -> Result<Option<(Arc<Seen<AccessFact>>, Rights)>, crate::diagnosis::Blind> {
    let fact = scene.see::<AccessFact>().await?;
    Ok(match &fact.access {
        Access::ByRoles(rights) => Some((fact.clone(), rights.clone())),
        _ => None,
    })
}

/// The case with what was read, and with what could not be: groups.
async fn case(scene: &Scene, fact: &AccessFact, says: String) -> Result<Case, crate::diagnosis::Blind> {
    let roles = scene.see::<RolesFact>().await?;
    let case = Case::new(says).seen(&roles, format!("role assignments: {}", roles.told()));
    Ok(if fact.tried {
        case
    } else {
        case.inferred("its own role assignments; what it has through groups cannot be seen from here")
    })
}

async fn who(scene: &Scene) -> Result<Arc<Seen<SubjectFact>>, crate::diagnosis::Blind> {
    scene.see::<SubjectFact>().await
}

fn wanted(scene: &Scene) -> String {
    let asked = scene.asked();
    match &asked.repository {
        Some(repository) if asked.wants != RegistryAccess::List => {
            format!("{} in {}", asked.wants, repository.escape_debug())
        }
        _ => asked.wants.to_string(),
    }
}

async fn remedied(scene: &Scene, fact: &AccessFact, case: Case) -> Judged {
    let roles = scene.see::<RolesFact>().await?;
    let case = granted(scene, case, fact, roles.principal, roles.kind);
    Ok(Some(case.words(
        "whoever gives it needs Role Based Access Control Administrator, User Access Administrator or Owner; it works some \
         ten minutes later, and for who logs in again after",
    )))
}

async fn ignored(scene: &Scene, code: &str) -> Judged {
    let Some((fact, Rights::Ignored(held))) = by_roles(scene).await? else { return Ok(None) };
    let abac = fact.mode == crate::azure::registries::RoleMode::Repositories;
    if abac != (code == "role-ignored-in-abac") {
        return Ok(None);
    }
    let says = format!(
        "{} holds {}, which counts for nothing here: roleAssignmentMode is {}. To {} takes {}",
        who(scene).await?.who,
        held.join(" and "),
        if abac { "AbacRepositoryPermissions" } else { "LegacyRegistryPermissions" },
        wanted(scene),
        least(fact.mode, scene.asked().wants)
    );
    let case = case(scene, &fact, says).await?;
    remedied(scene, &fact, case).await
}

async fn excluded(scene: &Scene) -> Judged {
    let Some((fact, Rights::Excluded { role, assignment, condition })) = by_roles(scene).await? else {
        return Ok(None);
    };
    let says = format!(
        "{} holds {role}, and its condition does not let {} pass: {condition}",
        who(scene).await?.who,
        wanted(scene)
    );
    let case = case(scene, &fact, says).await?.words(format!(
        "have the repository named in the condition too: in the portal under Access control, or with `az role assignment \
         update`; the assignment is {assignment}"
    ));
    Ok(Some(checked(scene, case)))
}

async fn no_lister(scene: &Scene) -> Judged {
    let Some((fact, Rights::NoLister)) = by_roles(scene).await? else { return Ok(None) };
    let says = format!(
        "{} may use repositories and not list them: that takes {}, which takes no condition",
        who(scene).await?.who,
        least(fact.mode, scene.asked().wants)
    );
    let case = case(scene, &fact, says).await?;
    remedied(scene, &fact, case).await
}

async fn missing(scene: &Scene) -> Judged {
    let Some((fact, Rights::Missing)) = by_roles(scene).await? else { return Ok(None) };
    let says = format!(
        "{} has no role on the registry that lets it {}; {} would",
        who(scene).await?.who,
        wanted(scene),
        least(fact.mode, scene.asked().wants)
    );
    let case = case(scene, &fact, says).await?;
    remedied(scene, &fact, case).await
}

/// Waiting for a role that was given then.
fn waited(scene: &Scene, case: Case, since: time::OffsetDateTime) -> Case {
    let left = crate::diagnosis::facts::SURE.saturating_sub(scene.now() - since).whole_minutes() + 1;
    case.wait(format!("{left} min, then log in again"))
}

fn minutes(scene: &Scene, since: time::OffsetDateTime) -> i64 {
    (scene.now() - since).whole_minutes().max(0)
}

async fn young(scene: &Scene) -> Judged {
    let Some((fact, Rights::Young(since))) = by_roles(scene).await? else { return Ok(None) };
    let says = format!(
        "the role of {} was assigned {} min ago; that can take up to {} min to take effect",
        who(scene).await?.who,
        minutes(scene, since),
        crate::diagnosis::facts::SURE.whole_minutes()
    );
    let case = waited(scene, case(scene, &fact, says).await?, since);
    Ok(Some(checked(scene, case)))
}

async fn portal(scene: &Scene) -> Judged {
    // Only for who was asked because of it: a young role that works is nobody's trouble.
    if !scene.asked().first.iter().any(|code| code == PORTAL) {
        return Ok(None);
    }
    let roles = scene.see::<RolesFact>().await?;
    let youngest = roles.held.iter().filter_map(|r| r.since).max();
    let Some(since) = youngest.filter(|since| scene.now() - *since < crate::diagnosis::facts::SURE) else {
        return Ok(None);
    };
    let says = format!("a role of {} was assigned {} min ago", who(scene).await?.who, minutes(scene, since));
    let case = Case::new(says).seen(&roles, format!("role assignments: {}", roles.told()));
    Ok(Some(waited(scene, case, since).words(
        "open the portal in a private window, or sign out of it and in again: a browser keeps what it was told before",
    )))
}
