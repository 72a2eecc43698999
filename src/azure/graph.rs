//! The directory, Microsoft Graph, as far as it says who somebody is.

use super::{
    Kept, Reader,
    client::{name_of, read},
    cloud::HostKind,
    id::{ClientId, PrincipalId, TenantId},
    resources::{is, null_as_default},
    retry::{CallError, Called, Cause, Nature, Sent},
    time_format,
};
use azure_core::http::{Method, Request};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

/// Somebody in the directory: a service principal, a user, a group, ..
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DirectoryObject {
    /// What it is, `#microsoft.graph.servicePrincipal`; told of objects that were asked for by id only.
    #[serde(rename = "@odata.type")]
    pub kind: Option<String>,
    /// Its object id.
    pub id: Option<String>,
    /// Its name.
    pub display_name: Option<String>,
    /// Of a service principal: what it signs in with.
    pub app_id: Option<String>,
    /// Of a service principal: the tenant that its application is registered in.
    pub app_owner_organization_id: Option<String>,
    /// Of a service principal: `Application`, `ManagedIdentity`, ..
    pub service_principal_type: Option<String>,
    /// Whether it may sign in.
    pub account_enabled: Option<bool>,
}

/// A registered application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Application {
    /// Its object id, which is not its principal's.
    pub id: Option<String>,
    /// What it signs in with.
    pub app_id: Option<String>,
    /// Its name.
    pub display_name: Option<String>,
    /// Its secrets, without their values.
    #[serde(deserialize_with = "null_as_default")]
    pub password_credentials: Vec<AppCredential>,
    /// Its certificates.
    #[serde(deserialize_with = "null_as_default")]
    pub key_credentials: Vec<AppCredential>,
}

/// A secret or certificate of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AppCredential {
    /// Its name.
    pub display_name: Option<String>,
    /// Its id, which people mistake for the secret.
    pub key_id: Option<String>,
    /// When it ends.
    pub end_date_time: Option<String>,
}

impl DirectoryObject {
    /// Its object id.
    #[must_use]
    pub fn principal(&self) -> Option<PrincipalId> {
        self.id.as_ref()?.parse().ok()
    }
    /// What a service principal signs in with.
    #[must_use]
    pub fn client(&self) -> Option<ClientId> {
        self.app_id.as_ref()?.parse().ok()
    }
    /// The tenant that a service principal's application is registered in.
    #[must_use]
    pub fn home(&self) -> Option<TenantId> {
        self.app_owner_organization_id.as_ref()?.parse().ok()
    }
    /// Whether it is of this kind, such as `user`.
    #[must_use]
    pub fn is_a(&self, kind: &str) -> bool {
        self.kind.as_deref().and_then(|k| k.rsplit('.').next()).is_some_and(|k| k.eq_ignore_ascii_case(kind))
    }
    /// Whether it is an application's service principal, which signs in with secrets; a managed identity has none.
    #[must_use]
    pub fn has_application(&self) -> bool {
        is(self.service_principal_type.as_deref(), "Application")
    }
}

impl AppCredential {
    /// When it ends.
    #[must_use]
    pub fn ends(&self) -> Option<OffsetDateTime> {
        time_format::date(self.end_date_time.as_ref()?)
    }
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    value: Vec<T>,
}

impl Reader {
    /// Who has this object id; `None` if nobody in the tenant has.
    ///
    /// <https://learn.microsoft.com/graph/api/directoryobject-getbyids>
    ///
    /// # Errors
    /// When the call fails; 403 for who may not read the directory; when the cloud's table names no Graph.
    pub async fn directory_object(&self, id: &PrincipalId) -> Called<Option<Kept<DirectoryObject>>> {
        let body = json!({ "ids": [id], "types": ["servicePrincipal", "user", "group"] });
        let url = self.graph_url("directoryObjects/getByIds", &[])?;
        let found: Vec<Kept<DirectoryObject>> = self.graph(Method::Post, &url, Some(&body)).await?;
        Ok(found.into_iter().find(|o| o.principal() == Some(*id)))
    }
    /// The service principal that signs in with this id, if the tenant has one.
    ///
    /// <https://learn.microsoft.com/graph/api/serviceprincipal-list>
    ///
    /// # Errors
    /// As [`directory_object`](Self::directory_object).
    pub async fn service_principal_of(&self, client: &ClientId) -> Called<Option<Kept<DirectoryObject>>> {
        let url = self.graph_url("servicePrincipals", &[("$filter", &format!("appId eq '{client}'"))])?;
        let found: Vec<Kept<DirectoryObject>> = self.graph(Method::Get, &url, None).await?;
        Ok(found.into_iter().find(|o| o.client() == Some(*client)))
    }
    /// The application that signs in with this id, if it is registered in the tenant.
    ///
    /// <https://learn.microsoft.com/graph/api/application-list>
    ///
    /// # Errors
    /// As [`directory_object`](Self::directory_object).
    pub async fn application_of(&self, client: &ClientId) -> Called<Option<Kept<Application>>> {
        let url = self.graph_url("applications", &[("$filter", &format!("appId eq '{client}'"))])?;
        let found: Vec<Kept<Application>> = self.graph(Method::Get, &url, None).await?;
        Ok(found.into_iter().next())
    }

    fn graph_url(&self, path: &str, query: &[(&str, &str)]) -> Called<Url> {
        let unable = |why: String| CallError::new(Sent::No, path, Cause::Invalid(why));
        let endpoint = self.core.cloud.graph_endpoint();
        let endpoint = endpoint.ok_or_else(|| unable("the cloud's table names no Microsoft Graph".into()))?;
        let mut url = Url::parse(&format!("{endpoint}/v1.0/{path}")).map_err(|e| unable(e.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        // A form's spaces are pluses, which not every service takes for spaces; a plus itself is %2B by now.
        if let Some(query) = url.query().map(|q| q.replace('+', "%20")) {
            url.set_query(Some(&query));
        }
        Ok(url)
    }

    async fn graph<T: DeserializeOwned>(&self, verb: Method, url: &Url, body: Option<&Value>) -> Called<Vec<T>> {
        let name = name_of(verb, url);
        let invalid = |why: String| CallError::new(Sent::No, name.clone(), Cause::Invalid(why));
        let scope = self.core.cloud.scope(HostKind::Graph).ok_or_else(|| invalid("no scope for its tokens".into()))?;
        let body = body.map(serde_json::to_vec).transpose().map_err(|e| invalid(e.to_string()))?;
        let attempt = || async {
            let token = self.core.tokens.token(scope).await?;
            let mut request = Request::new(url.clone(), verb);
            request.insert_header("authorization", format!("Bearer {token}"));
            request.insert_header("accept", "application/json");
            if let Some(body) = &body {
                request.insert_header("content-type", "application/json");
                request.set_body(body.clone());
            }
            self.core.send(&mut request).await
        };
        let answer = self.called(Nature::Read, scope, &name, url.as_str(), body.as_deref(), attempt).await?;
        if answer.status == 404 {
            return Err(self.core.refused(name, &answer));
        }
        Ok(read::<Page<T>>(name, &answer)?.value)
    }
}
