//! A certificate authority that nobody trusts but who is told to: it is made at start, and gone with the program.

use crate::world::clock::Moment as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use time::{Duration, OffsetDateTime};

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It could not be made.
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// It could not be used.
    #[error("TLS could not be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// A throw-away authority, and the certificates it has made for hosts.
///
/// Its private key is in this process only. Clients trust it by the bundle that [`Authority::pem`] is, as
/// [`Surroundings`](crate::Surroundings) arranges.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    made: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// Clients refuse certificates of servers that last longer than about 13 months.
const LASTS: Duration = Duration::days(365);

impl Authority {
    /// A new one, valid for a year.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn new() -> Result<Self, TlsError> {
        // A name of its own, so that a client that trusts several is not led astray.
        let mut params = params(&format!("azure-sim throw-away CA {}", uuid::Uuid::new_v4()), Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem, made: Mutex::default() })
    }

    /// Its own certificate, as PEM: the bundle that clients have to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// What a server needs to be `host`. One certificate serves all hosts that differ in their first label only, as
    /// Azure's own do.
    pub(crate) fn server(&self, host: &str) -> Result<Arc<ServerConfig>, TlsError> {
        let name = match host.split_once('.') {
            Some((_, rest)) if rest.contains('.') => format!("*.{rest}"),
            _ => host.to_owned(),
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = made.get(&name) {
            return Ok(Arc::clone(server));
        }
        let server = Arc::new(self.make(host, &name)?);
        made.insert(name, Arc::clone(&server));
        Ok(server)
    }

    fn make(&self, host: &str, name: &str) -> Result<ServerConfig, TlsError> {
        let mut params = params(host, vec![name.to_owned()])?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|why| rustls::Error::General(why.into()))?;
        let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(server)
    }
}

fn params(common: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let mut subject = DistinguishedName::new();
    // At most 64 characters may stand there; what counts is in the alternative names.
    subject.push(DnType::CommonName, common.chars().take(64).collect::<String>());
    params.distinguished_name = subject;
    // Strict clients want to see which key signed.
    params.use_authority_key_identifier_extension = true;
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now.before(Duration::days(1)), now.after(LASTS));
    Ok(params)
}
