//! Log in to a registry, as a container client needs it.

use crate::{
    azure::{
        Azure,
        id::RegistryId,
        registries::data::{Audience, DataPlaneError, LoginServer, REFRESH_USER, RefreshToken, Stage},
    },
    engine::error::{Error, Result},
};
use time::OffsetDateTime;

/// A login to a registry: what a container client wants in place of a name and a password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Login {
    /// The registry's host.
    pub login_server: LoginServer,
    /// The name to log in with (R-DP-05).
    pub username: &'static str,
    /// The password that goes with it. Whoever has it is logged in.
    pub refresh_token: RefreshToken,
    /// Until when it is good: about three hours (R-DP-04).
    pub expires: OffsetDateTime,
}

/// Logs in to a registry with the caller's Entra token.
///
/// ```no_run
/// # async fn log_in(azure: cmk::Azure, registry: cmk::azure::id::RegistryId) -> cmk::Result<()> {
/// let login = cmk::login(&azure, &registry).await?;
/// println!("{} until {}", login.login_server, login.expires);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Invalid`](crate::engine::error::ErrorKind::Invalid) when there is no such registry; [`DataPlane`](crate::engine::error::ErrorKind::DataPlane) when
/// it does not let the caller in, with the stage and az's code for it (R-DP-11).
pub async fn login(azure: &Azure, registry: &RegistryId) -> Result<Login> {
    login_at(azure, &login_server(azure, registry).await?, Audience::Registry).await
}

/// The same for whoever may not read the registry as a resource, and knows its host.
///
/// # Errors
/// As [`login`].
pub async fn login_at(azure: &Azure, server: &LoginServer, audience: Audience) -> Result<Login> {
    let look = azure.reader();
    let at = |stage| move |e| Error::from(DataPlaneError::new(server, stage, e));
    let challenge = look.challenge(server).await.map_err(at(Stage::Challenge))?;
    let refresh_token = look.exchange(&challenge, audience).await.map_err(at(Stage::Exchange))?;
    let expires = refresh_token.expires();
    Ok(Login { login_server: server.clone(), username: REFRESH_USER, refresh_token, expires })
}

/// The host of a registry, as the registry says it (R-ARM-20).
///
/// # Errors
/// [`Invalid`](crate::engine::error::ErrorKind::Invalid) when there is no such registry, or it has no host yet; and when it cannot be
/// read.
pub async fn login_server(azure: &Azure, registry: &RegistryId) -> Result<LoginServer> {
    let seen = azure.reader().registry(registry).await?;
    let server = seen.as_ref().and_then(|r| r.properties.login_server.as_deref());
    let Some(server) = server.filter(|s| !s.is_empty()) else {
        return Err(Error::invalid(format!(
            "LOGIN_SERVER_ERROR: {registry} is not there, or has no host: look at its spelling, group, subscription and cloud; \
             with the right to its images alone, give its host (such as contoso1.azurecr.io)"
        )));
    };
    Ok(LoginServer::parse(azure.cloud(), server)?)
}
