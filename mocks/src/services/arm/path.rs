use crate::{http::message::Fail, world::World};

/// A management path, cut where its last provider begins. Spelling is kept.
#[derive(Clone, Debug)]
pub(crate) struct ArmPath {
    /// What stands before `/providers/`; the whole path when there is none.
    pub(crate) scope: String,
    pub(crate) subscription: Option<String>,
    /// As `World::group_in` gives it, once the world has seen the path.
    pub(crate) group: Option<String>,
    pub(crate) provider: Option<String>,
    /// Types and names after the namespace, in turn.
    pub(crate) parts: Vec<String>,
    /// The whole path without a provider, e.g. `subscriptions/x/resources`.
    pub(crate) plain: Vec<String>,
}

impl ArmPath {
    pub(crate) fn parse(segments: &[String]) -> Option<Self> {
        let is = |i: usize, word: &str| segments.get(i).is_some_and(|s| s.eq_ignore_ascii_case(word));
        let tenants = is(0, "tenants") && segments.len() == 1;
        if !is(0, "subscriptions") && !tenants {
            return None;
        }
        let group = if is(2, "resourcegroups") { segments.get(3).cloned() } else { None };
        let last = (0..segments.len()).rev().find(|&i| is(i, "providers") && i + 1 < segments.len());
        let (scope, provider, parts) = match last {
            Some(i) => {
                (segments.get(..i)?, segments.get(i + 1).cloned(), segments.get(i + 2..).unwrap_or_default().to_vec())
            }
            None => (segments, None, Vec::new()),
        };
        Some(Self {
            scope: format!("/{}", scope.join("/")),
            subscription: segments.get(1).cloned(),
            group,
            provider,
            parts,
            plain: segments.to_vec(),
        })
    }

    /// The id of the subscription, as the path spells it.
    pub(crate) fn subscription_id(&self) -> String {
        format!("/subscriptions/{}", self.subscription.as_deref().unwrap_or_default())
    }

    /// The name of the group, whatever its subscription.
    pub(crate) fn group_name(&self) -> &str {
        bare_name(self.group.as_deref().unwrap_or_default())
    }

    /// Whether an id is that of a resource in the scope that the path lists.
    pub(crate) fn holds(&self, id: &str) -> bool {
        id.to_lowercase().starts_with(&format!("{}/", self.scope.to_lowercase()))
    }

    /// `/subscriptions/s/providers/N[/register]`: the provider as a resource of the subscription.
    pub(crate) fn is_provider_itself(&self) -> bool {
        self.group.is_none()
            && (self.parts.is_empty() || matches!(self.parts.as_slice(), [p] if p.eq_ignore_ascii_case("register")))
    }

    /// Parts with the types in lower case; names keep their spelling, except that they too are lower-cased, since ids
    /// compare without case (R-ARM-22). Use `parts` where a new name is kept.
    pub(crate) fn lower_parts(&self) -> Vec<String> {
        self.parts.iter().map(|p| p.to_lowercase()).collect()
    }

    pub(crate) fn name(&self, i: usize) -> &str {
        self.parts.get(i).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn tail(&self) -> String {
        format!("{}/{}", self.provider.as_deref().unwrap_or_default(), self.parts.join("/"))
    }

    pub(crate) fn id(&self) -> String {
        match self.provider {
            Some(_) => format!("{}/providers/{}", self.scope, self.tail()),
            None => self.scope.clone(),
        }
    }

    /// The id of the resource named by the first two parts.
    pub(crate) fn resource_id(&self) -> String {
        let first: Vec<&str> = self.parts.iter().take(2).map(String::as_str).collect();
        format!("{}/providers/{}/{}", self.scope, self.provider.as_deref().unwrap_or_default(), first.join("/"))
    }

    pub(crate) fn types(&self) -> String {
        self.parts.iter().step_by(2).map(String::as_str).collect::<Vec<_>>().join("/")
    }

    /// The type of the resource the path names, as policies and rights spell it; none if it names no resource.
    pub(crate) fn full_type(&self) -> Option<String> {
        match (&self.provider, self.parts.len(), self.plain.len()) {
            (None, _, 4) if self.group.is_some() => Some("Microsoft.Resources/subscriptions/resourceGroups".into()),
            (Some(provider), parts, _) if parts >= 2 && parts.is_multiple_of(2) => {
                Some(format!("{provider}/{}", self.types()))
            }
            _ => None,
        }
    }

    /// The group as it is spelled where it was made.
    pub(crate) fn existing_group(&self, world: &World) -> Result<String, Fail> {
        world.group_name(self.group.as_deref().unwrap_or_default())
    }
}

/// The name out of what `World::group_in` gives.
pub(crate) fn bare_name(group: &str) -> &str {
    group.rsplit('/').next().unwrap_or_default()
}

/// The first two parts of an id: its subscription's.
pub(crate) fn subscription_of(id: &str) -> String {
    id.split('/').take(3).collect::<Vec<_>>().join("/")
}

/// Whether `inner` is `outer` or lies below it, whatever the case.
pub(crate) fn within(inner: &str, outer: &str) -> bool {
    let (inner, outer) = (inner.trim_end_matches('/'), outer.trim_end_matches('/'));
    inner
        .split_at_checked(outer.len())
        .is_some_and(|(start, rest)| start.eq_ignore_ascii_case(outer) && (rest.is_empty() || rest.starts_with('/')))
}
