//! Keys at their vault, through the SDK's client. Each call of the SDK is one try of ours.

use super::{
    DeletedKeyView, KeyItemView, KeySpec, KeyView,
    model::{DeletedKeyBundle, KeyBundle, KeyItem},
};
use crate::{
    azure::{
        Azure, Kept, Reader, Writer,
        client::{VaultClient, read, read_into},
        cloud::ForeignHost,
        host_guard,
        id::{InvalidId, KeyId, KeyName, VaultHost},
        limited::{PAGES, Room},
        retry::{Answer, CallError, Called, Cause, Nature, Sent, Try},
    },
    sabotage::Guard,
};
use azure_core::{
    error::ErrorKind,
    http::{
        ClientMethodOptions, Context, RequestContent, Response,
        pager::{PagerContinuation, PagerOptions},
        request::options::ClientRequestId,
    },
};
use azure_security_keyvault_keys::{
    KeyClient,
    models::{
        KeyClientCreateKeyOptions, KeyClientGetDeletedKeyOptions, KeyClientGetKeyOptions,
        KeyClientListKeyPropertiesVersionsOptions, KeyClientRecoverDeletedKeyOptions,
        KeyClientUpdateKeyPropertiesOptions,
    },
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;

impl Azure {
    /// The official client of a vault, for what is not wrapped here. It shares this handle's transport, tokens and
    /// checks of hosts, and sends each request once: the SDK's own repeats are off, as they would make keys twice
    /// (R-KV-11).
    ///
    /// Read something through it before the first write: a write that meets the vault's challenge and fails on the way
    /// loses its body. Errors are the SDK's, which misreads the code of some.
    ///
    /// # Errors
    /// When the host is none of the cloud's. Nothing is sent.
    pub fn key_client(&self, host: &VaultHost) -> Called<Arc<KeyClient>> {
        self.reader().vault_client(host, &format!("a client of {host}")).map(|client| client.keys.clone())
    }
}

fn get_name(host: &VaultHost, name: &KeyName, version: &str) -> String {
    format!("GET {host}/keys/{name}/{version}")
}

impl Reader {
    /// A key at its vault: the version that the id pins, or the current one. `None` also while a recovered key is not
    /// back yet (R-KV-13).
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key>
    ///
    /// # Errors
    /// When the call fails; 403 when the vault's firewall or access model does not let the caller in, which says
    /// nothing about the registry.
    pub async fn key(&self, id: &KeyId) -> Called<Option<KeyView>> {
        let (host, name) = (id.host(), id.name());
        let version = id.version().map(ToString::to_string);
        let request = get_name(host, name, version.as_deref().unwrap_or_default());
        let client = self.vault_client(host, &request)?;
        let attempt = || async {
            let options =
                KeyClientGetKeyOptions { key_version: version.clone(), method_options: self.method_options() };
            self.tried(Nature::Read, &request, client.keys.get_key(name.as_str(), Some(options)).await)
        };
        let answer = self.called(Nature::Read, self.core.scope_at(id.host()), &request, "", None, attempt).await?;
        warmed(&client);
        if answer.status == 404 { Ok(None) } else { self.key_view(host, request, &answer).map(Some) }
    }

    /// All versions of a key at its vault, in no order of time; none if there is no such key.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/get-key-versions/get-key-versions>
    ///
    /// # Errors
    /// As [`Reader::key`].
    pub async fn key_versions(&self, host: &VaultHost, name: &KeyName) -> Called<Vec<KeyItemView>> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            #[serde(default, deserialize_with = "crate::azure::resources::null_as_default")]
            value: Vec<Kept<KeyItem>>,
            next_link: Option<String>,
        }
        let request = format!("GET {host}/keys/{name}/versions");
        let client = self.vault_client(host, &request)?;
        let (mut all, mut room) = (Vec::new(), Room::default());
        let mut next: Option<Url> = None;
        for _ in 0..PAGES {
            // The SDK's own paging stops for good at the first failure, so it is asked for one page at a time.
            let attempt = || async {
                let context = self.context();
                let continuation = next.clone().map(PagerContinuation::Link);
                let options = KeyClientListKeyPropertiesVersionsOptions {
                    method_options: PagerOptions { context, continuation },
                    ..KeyClientListKeyPropertiesVersionsOptions::default()
                };
                let page = match client.keys.list_key_properties_versions(name.as_str(), Some(options)) {
                    Ok(pager) => pager.into_pages().next().await,
                    Err(e) => Some(Err(e)),
                };
                match page {
                    Some(page) => self.tried(Nature::Read, &request, page),
                    None => Err(unreadable(&request, "no page".to_owned())),
                }
            };
            let page = next.as_ref().map_or("", Url::as_str);
            let answer = self.called(Nature::Read, self.core.scope_at(host), &request, page, None, attempt).await?;
            warmed(&client);
            if answer.status == 404 {
                return Ok(all);
            }
            let page: Page = read_into(&mut room, request.clone(), &answer)?;
            for item in page.value {
                let id = self.own_key_id(host, &request, item.kid.as_deref())?;
                all.push(KeyItemView { id, item });
            }
            match page.next_link.filter(|l| !l.is_empty()) {
                None => return Ok(all),
                Some(link) => next = Some(self.own_link(host, &request, &link)?),
            }
        }
        Err(unreadable(&request, format!("over {PAGES} pages")))
    }

    /// A deleted key that can be recovered. `None` for a while also after a deletion (R-KV-13).
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/get-deleted-key/get-deleted-key>
    ///
    /// # Errors
    /// As [`Reader::key`].
    pub async fn deleted_key(&self, host: &VaultHost, name: &KeyName) -> Called<Option<DeletedKeyView>> {
        let request = format!("GET {host}/deletedkeys/{name}");
        let client = self.vault_client(host, &request)?;
        let attempt = || async {
            let options = KeyClientGetDeletedKeyOptions { method_options: self.method_options() };
            self.tried(Nature::Read, &request, client.keys.get_deleted_key(name.as_str(), Some(options)).await)
        };
        let answer = self.called(Nature::Read, self.core.scope_at(host), &request, "", None, attempt).await?;
        warmed(&client);
        if answer.status == 404 {
            return Ok(None);
        }
        let bundle: Kept<DeletedKeyBundle> = read(request.clone(), &answer)?;
        let id = self.own_key_id(host, &request, bundle.key.kid.as_deref())?;
        Ok(Some(DeletedKeyView { id, bundle }))
    }

    fn context(&self) -> Context<'static> {
        // What a vault's audit log calls the correlation id (R-KV-17).
        Context::new().with_value(ClientRequestId::new(self.correlation.to_string()))
    }
    pub(super) fn method_options(&self) -> ClientMethodOptions<'static> {
        ClientMethodOptions { context: self.context() }
    }

    /// The client of a vault, if the vault is this cloud's: ids can come from anywhere.
    pub(super) fn vault_client(&self, host: &VaultHost, request: &str) -> Called<Arc<VaultClient>> {
        if self.core.guards.hold(Guard::HostCheck) && !host.is_in(self.cloud()) {
            return Err(CallError::new(Sent::No, request, Cause::Foreign(self.foreign(host.as_str()))));
        }
        self.core.vault(host).map_err(|e| CallError::new(Sent::No, request, Cause::Invalid(e.to_string())))
    }

    fn foreign(&self, host: &str) -> ForeignHost {
        let why = format!("it is no vault of the {} cloud", self.cloud().name());
        ForeignHost { host: InvalidId::shown(host), why }
    }

    pub(super) fn key_view(&self, host: &VaultHost, request: String, answer: &Answer) -> Called<KeyView> {
        let bundle: Kept<KeyBundle> = read(request.clone(), answer)?;
        let id = self.own_key_id(host, &request, bundle.key.kid.as_deref())?;
        Ok(KeyView { id, bundle })
    }

    /// A key id in an answer, which must be of the vault that was asked.
    fn own_key_id(&self, host: &VaultHost, request: &str, kid: Option<&str>) -> Called<KeyId> {
        let id = KeyId::parse(self.cloud(), kid.unwrap_or_default()).map_err(|e| unreadable(request, e.to_string()))?;
        if id.host() == host { Ok(id) } else { Err(unreadable(request, format!("a key of {}", id.host()))) }
    }

    /// A link in an answer, which must be to the vault that was asked: the door lets through all vaults of the cloud.
    fn own_link(&self, host: &VaultHost, request: &str, link: &str) -> Called<Url> {
        let base = host.url();
        let url =
            Url::parse(&base).and_then(|b| b.join(link)).map_err(|e| unreadable(request, format!("a link: {e}")))?;
        if !self.core.guards.hold(Guard::HostCheck) {
            return Ok(url);
        }
        self.cloud().allows(&url).map_err(|foreign| CallError::new(Sent::No, request, Cause::Foreign(foreign)))?;
        let same = url.host_str().is_some_and(|h| h.eq_ignore_ascii_case(host.as_str()));
        if same { Ok(url) } else { Err(unreadable(request, "a link to another vault".to_owned())) }
    }

    /// What one call of the SDK came to. Error answers are read by us: the SDK loses the code of a body with escapes.
    pub(super) fn tried<T, F>(
        &self,
        nature: Nature,
        request: &str,
        result: azure_core::Result<Response<T, F>>,
    ) -> Called<Try> {
        let error = match result {
            Ok(response) => {
                let (status, headers, body) = response.deconstruct();
                let (status, body) = (status.into(), body.into());
                return Ok(Try::Answered(Answer { status, headers, body, doubt: false }));
            }
            Err(error) => error,
        };
        if let Some(foreign) = host_guard::foreign(&error) {
            return Err(CallError::new(Sent::No, request, Cause::Foreign(foreign)));
        }
        match error.kind() {
            ErrorKind::HttpResponse { status, raw_response: Some(raw), .. } => Ok(Try::Answered(Answer {
                status: (*status).into(),
                headers: raw.headers().clone(),
                body: raw.body().clone().into(),
                doubt: false,
            })),
            ErrorKind::Credential => {
                let scope = self.cloud().vault_scope().to_owned();
                Err(CallError::new(Sent::No, request, Cause::Credential { scope, source: error }))
            }
            ErrorKind::Connection | ErrorKind::Io => Ok(Try::Failed(error)),
            // Before a request has its token, a vault's challenge is read; what is wrong with it is no matter of luck.
            _ if error.to_string().contains("challenge") => {
                Err(CallError::new(Sent::No, request, Cause::Foreign(self.challenged(&error))))
            }
            _ => {
                let sent = if nature == Nature::Read { Sent::No } else { Sent::Maybe };
                Err(CallError::new(sent, request, Cause::Transport(error)))
            }
        }
    }

    fn challenged(&self, error: &azure_core::Error) -> ForeignHost {
        let text = error.to_string();
        let named = text.split('\'').find_map(|part| Url::parse(part).ok()?.host_str().map(str::to_owned));
        let why = "a vault's challenge asks for a token of another service".to_owned();
        ForeignHost { host: InvalidId::shown(&named.unwrap_or_default()), why }
    }
}

pub(super) fn unreadable(request: &str, why: String) -> CallError {
    CallError::new(Sent::No, request, Cause::Unreadable(why))
}

/// Notes that a client has been through its challenge.
pub(super) fn warmed(client: &VaultClient) {
    // Set by another call already: just as well.
    let _ = client.warm.set(());
}

pub(super) fn content<T>(request: &str, body: &Value) -> Called<RequestContent<T>> {
    let bytes =
        serde_json::to_vec(body).map_err(|e| CallError::new(Sent::No, request, Cause::Invalid(e.to_string())))?;
    Ok(RequestContent::from(bytes))
}

impl Writer {
    /// Makes a further version of a key. Each request makes another one (R-KV-11), so it is sent once: when it is not
    /// known what became of it, [`CallError::sent`] is [`Sent::Maybe`] and the versions want a look, by their tags.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/create-key/create-key>
    ///
    /// # Errors
    /// When the call fails; 403 `ForbiddenByRbac` without Key Vault Crypto Officer, even for the vault's Owner
    /// (R-KV-34); [`Sent::Yes`] when a version was made and is not what was asked for.
    pub async fn create_key_version(&self, host: &VaultHost, name: &KeyName, spec: &KeySpec) -> Called<KeyView> {
        let request = format!("POST {host}/keys/{name}/create");
        let client = self.warm_client(host, name, &request).await?;
        let mut body = json!({ "kty": spec.kty, "key_size": spec.size });
        if let Some(members) = body.as_object_mut() {
            if !spec.ops.is_empty() {
                members.insert("key_ops".to_owned(), json!(spec.ops));
            }
            if let Some(exp) = spec.exp {
                members.insert("attributes".to_owned(), json!({ "exp": exp.unix_timestamp() }));
            }
        }
        let body = crate::azure::resources::with_tags(body, &spec.tags);
        let nature = if self.core.guards.hold(Guard::NoBlindPost) { Nature::Once } else { Nature::Same };
        let attempt = || async {
            let options = KeyClientCreateKeyOptions { method_options: self.method_options() };
            let body = content(&request, &body)?;
            self.tried(nature, &request, client.keys.create_key(name.as_str(), body, Some(options)).await)
        };
        let answer = self.called(nature, self.core.scope_at(host), &request, "", None, attempt).await?;
        if answer.status == 404 {
            return Err(self.core.refused(request, &answer));
        }
        let made = self.key_view(host, request.clone(), &answer).map_err(done)?;
        if made.kty() != Some(spec.kty) || made.size() != Some(spec.size) {
            let kty = made.bundle.key.kty.as_deref().unwrap_or("no kind");
            let size = made.size().map_or_else(|| "no size".to_owned(), |s| s.to_string());
            let why = format!("{} was made, {kty} of {size} bits rather than {} of {}", made.id(), spec.kty, spec.size);
            return Err(done(unreadable(&request, why)));
        }
        Ok(made)
    }

    /// Enables or disables one version of a key (R-KV-14).
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/update-key/update-key>
    ///
    /// # Errors
    /// When the call fails, or the id pins no version: the current one may be another by the time the call arrives.
    pub async fn set_key_enabled(&self, id: &KeyId, enabled: bool) -> Called<KeyView> {
        self.update_key(Nature::Same, id, &json!({ "attributes": { "enabled": enabled } })).await
    }

    /// Changes members of one version of a key, and leaves all others.
    pub(super) async fn update_key(&self, nature: Nature, id: &KeyId, body: &Value) -> Called<KeyView> {
        let (host, name) = (id.host(), id.name());
        let Some(version) = id.version().map(ToString::to_string) else {
            let why = "which version is not said".to_owned();
            return Err(CallError::new(Sent::No, format!("PATCH {host}/keys/{name}"), Cause::Invalid(why)));
        };
        let request = format!("PATCH {host}/keys/{name}/{version}");
        let client = self.warm_client(host, name, &request).await?;
        let attempt = || async {
            let key_version = Some(version.clone());
            let options = KeyClientUpdateKeyPropertiesOptions { key_version, method_options: self.method_options() };
            let body = content(&request, body)?;
            let sent = client.keys.update_key_properties(name.as_str(), body, Some(options)).await;
            self.tried(nature, &request, sent)
        };
        let answer = self.called(nature, self.core.scope_at(id.host()), &request, "", None, attempt).await?;
        if answer.status == 404 {
            return Err(self.core.refused(request, &answer));
        }
        self.key_view(host, request, &answer).map_err(done)
    }

    /// Recovers a deleted key with all its versions. It answers at once; the key is back some time later (R-KV-13).
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/recover-deleted-key/recover-deleted-key>
    ///
    /// # Errors
    /// When the call fails; 404 when there is nothing to recover, as after an earlier try whose answer was lost.
    pub async fn recover_deleted_key(&self, host: &VaultHost, name: &KeyName) -> Called<KeyView> {
        let request = format!("POST {host}/deletedkeys/{name}/recover");
        let client = self.warm_client(host, name, &request).await?;
        let attempt = || async {
            let options = KeyClientRecoverDeletedKeyOptions { method_options: self.method_options() };
            let sent = client.keys.recover_deleted_key(name.as_str(), Some(options)).await;
            self.tried(Nature::Same, &request, sent)
        };
        let answer = self.called(Nature::Same, self.core.scope_at(host), &request, "", None, attempt).await?;
        if answer.status == 404 {
            return Err(self.core.refused(request, &answer));
        }
        self.key_view(host, request, &answer).map_err(done)
    }

    /// The client of a vault, ready to write: it has been through the vault's challenge. Else the first, bodiless
    /// request of a write could fail, and would have to be taken for the write itself.
    pub(super) async fn warm_client(
        &self,
        host: &VaultHost,
        name: &KeyName,
        request: &str,
    ) -> Called<Arc<VaultClient>> {
        let client = self.vault_client(host, request)?;
        if self.core.guards.hold(Guard::WarmUp) {
            let warm = client.warm.get_or_try_init(|| async {
                let request = get_name(host, name, "");
                let attempt = || async {
                    let options = KeyClientGetKeyOptions { key_version: None, method_options: self.method_options() };
                    self.tried(Nature::Read, &request, client.keys.get_key(name.as_str(), Some(options)).await)
                };
                match self.called(Nature::Read, self.core.scope_at(host), &request, "", None, attempt).await {
                    Ok(_) => Ok(()),
                    // Who may not read may still write; the answer shows that the challenge was met.
                    Err(e) if matches!(e.status(), Some(400 | 403 | 409)) => Ok(()),
                    Err(e) => Err(e),
                }
            });
            warm.await?;
        }
        Ok(client)
    }
}

/// An error about the answer to a write that was carried out.
pub(super) fn done(e: CallError) -> CallError {
    CallError { sent: Sent::Yes, ..e }
}
