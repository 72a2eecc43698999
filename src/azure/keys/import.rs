//! Key material of one's own, on its way into a vault: read, sent once, never kept (R-KV-11).

use super::{
    KeyView,
    data::{content, done},
};
use crate::{
    azure::{
        Writer,
        id::{KeyName, VaultHost},
        resources::{Tags, with_tags},
        retry::{Called, Nature},
    },
    sabotage::Guard,
};
use azure_security_keyvault_keys::models::KeyClientImportKeyOptions;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pkcs8::der::{Decode as _, asn1::UintRef};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// What registries need of a key, and nothing more (R-CMK-05).
const OPS: [&str; 2] = ["wrapKey", "unwrapKey"];
/// A transfer blob is some kilobytes; a file this large is something else.
pub(crate) const LARGEST: u64 = 1024 * 1024;

/// Key material: secret, and so neither shown, kept nor compared but by its fingerprint.
pub struct KeyMaterial {
    of: Of,
    fingerprint: String,
}

enum Of {
    /// The members of an RSA private key, each in base64url.
    Rsa(Vec<(&'static str, Zeroizing<String>)>),
    /// A key wrapped for a vault's HSM.
    Byok(Zeroizing<Vec<u8>>),
}

/// Why a file holds no key that can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidMaterial {
    /// It is no PEM text with a private key.
    NotPem,
    /// It is protected by a password.
    Encrypted,
    /// It is a key of another kind than RSA (R-CMK-05).
    NotRsa,
    /// It is an RSA key that cannot be read.
    Broken,
    /// It has a size that vaults do not take.
    Size(usize),
    /// It is empty, or no transfer blob.
    NotBlob,
}

impl fmt::Display for InvalidMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPem => f.write_str("it is no PEM file with a private key (PKCS#1 or PKCS#8)"),
            Self::Encrypted => f.write_str("its private key is protected by a password"),
            Self::NotRsa => f.write_str("its private key is no RSA key"),
            Self::Broken => f.write_str("its RSA private key cannot be read"),
            Self::Size(bits) => write!(f, "its RSA key has {bits} bits, and vaults take 2048, 3072 or 4096"),
            Self::NotBlob => f.write_str("it is no key transfer blob (a JSON file that ends in .byok)"),
        }
    }
}

impl std::error::Error for InvalidMaterial {}

impl KeyMaterial {
    /// An RSA private key from PEM text: PKCS#1 (`RSA PRIVATE KEY`) or PKCS#8 (`PRIVATE KEY`), without a password.
    ///
    /// # Errors
    /// What is wrong with it; nothing of its content.
    pub fn pem(text: &[u8]) -> Result<Self, InvalidMaterial> {
        let block = private_key_block(text)?;
        let (label, der) = pem_rfc7468::decode_vec(block).map_err(|_| InvalidMaterial::NotPem)?;
        let der = Zeroizing::new(der);
        match label {
            "RSA PRIVATE KEY" => Self::rsa(&der),
            "PRIVATE KEY" => {
                let info = pkcs8::PrivateKeyInfoRef::from_der(&der).map_err(|_| InvalidMaterial::Broken)?;
                if info.algorithm.oid != pkcs1::ALGORITHM_OID {
                    return Err(InvalidMaterial::NotRsa);
                }
                Self::rsa(info.private_key.as_bytes())
            }
            "ENCRYPTED PRIVATE KEY" => Err(InvalidMaterial::Encrypted),
            label if label.ends_with(" PRIVATE KEY") => Err(InvalidMaterial::NotRsa),
            _ => Err(InvalidMaterial::NotPem),
        }
    }

    fn rsa(der: &[u8]) -> Result<Self, InvalidMaterial> {
        let key = pkcs1::RsaPrivateKey::<UintRef<'_>>::from_der(der).map_err(|_| InvalidMaterial::Broken)?;
        let bytes = key.modulus.as_bytes();
        let bits = bytes.len() * 8 - bytes.first().map_or(0, |b| b.leading_zeros() as usize);
        if ![2048, 3072, 4096].contains(&bits) {
            return Err(InvalidMaterial::Size(bits));
        }
        let members = [
            ("n", key.modulus),
            ("e", key.public_exponent),
            ("d", key.private_exponent),
            ("p", key.prime1),
            ("q", key.prime2),
            ("dp", key.exponent1),
            ("dq", key.exponent2),
            ("qi", key.coefficient),
        ];
        let encoded = |number: UintRef<'_>| Zeroizing::new(URL_SAFE_NO_PAD.encode(number.as_bytes()));
        let fingerprint = fingerprint(bytes);
        Ok(Self { of: Of::Rsa(members.map(|(name, number)| (name, encoded(number))).into()), fingerprint })
    }

    /// A key transfer blob: a key wrapped for a vault's HSM, as the HSM maker's tool writes it (`.byok`).
    ///
    /// # Errors
    /// When it is not the JSON that such files are.
    pub fn byok(blob: &[u8]) -> Result<Self, InvalidMaterial> {
        let fits = serde_json::from_slice::<Value>(blob).is_ok_and(|v| v.get("ciphertext").is_some());
        if !fits {
            return Err(InvalidMaterial::NotBlob);
        }
        Ok(Self { fingerprint: fingerprint(blob), of: Of::Byok(Zeroizing::new(blob.to_vec())) })
    }

    /// By what it is known again: of an RSA key, the sha-256 of its modulus, which is public; of a blob, its sha-256.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The key as a vault takes it. `hsm` asks for a key that is kept in hardware; a blob always is.
    fn body(&self, hsm: bool) -> Value {
        match &self.of {
            Of::Rsa(members) => {
                let mut key = json!({ "kty": if hsm { "RSA-HSM" } else { "RSA" }, "key_ops": OPS });
                if let Some(object) = key.as_object_mut() {
                    object.extend(members.iter().map(|(name, value)| ((*name).to_owned(), json!(value.as_str()))));
                }
                json!({ "key": key })
            }
            Of::Byok(blob) => {
                json!({ "key": { "kty": "RSA-HSM", "key_ops": OPS, "key_hsm": URL_SAFE_NO_PAD.encode(blob) } })
            }
        }
    }
}

/// From the first `BEGIN` of a private key to its `END`: files often hold certificates or text before it.
fn private_key_block(text: &[u8]) -> Result<&[u8], InvalidMaterial> {
    let text = std::str::from_utf8(text).map_err(|_| InvalidMaterial::NotPem)?;
    let key = text.find("PRIVATE KEY-----").ok_or(InvalidMaterial::NotPem)?;
    let head = text.get(..key).and_then(|head| head.rfind("-----BEGIN ")).ok_or(InvalidMaterial::NotPem)?;
    let block = text.get(head..).ok_or(InvalidMaterial::NotPem)?;
    // OpenSSL's old form of a password.
    if block.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(InvalidMaterial::Encrypted);
    }
    let end = block.find("-----END ").ok_or(InvalidMaterial::NotPem)?;
    let tail = block.get(end + 9..).and_then(|tail| tail.find("-----")).ok_or(InvalidMaterial::NotPem)?;
    block.get(..end + 9 + tail + 5).map(str::as_bytes).ok_or(InvalidMaterial::NotPem)
}

fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMaterial").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl KeyView {
    /// Its fingerprint, to be compared with [`KeyMaterial::fingerprint`]; RSA only.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        let n = URL_SAFE_NO_PAD.decode(self.body().key.n.as_deref()?.trim_end_matches('=')).ok()?;
        let start = n.iter().position(|b| *b != 0)?;
        n.get(start..).map(fingerprint)
    }
}

impl Writer {
    /// Imports a key: the first version of a name that is free, or a further version. Each request makes one (R-KV-11), so
    /// it is sent once: when it is not known what became of it, [`CallError::sent`](crate::azure::CallError::sent) is
    /// [`Sent::Maybe`](crate::azure::Sent::Maybe) and the versions want a look, by their tags.
    ///
    /// <https://learn.microsoft.com/rest/api/keyvault/keys/import-key/import-key>
    ///
    /// # Errors
    /// When the call fails; 403 without the right to import, even for the vault's Owner (R-KV-34); 409 when a deleted key
    /// has the name (R-KV-13).
    pub async fn import_key(
        &self,
        host: &VaultHost,
        name: &KeyName,
        material: &KeyMaterial,
        hsm: bool,
        tags: &Tags,
    ) -> Called<KeyView> {
        let request = format!("PUT {host}/keys/{name}");
        let client = self.warm_client(host, name, &request).await?;
        let body = with_tags(material.body(hsm), tags);
        let nature = if self.core.guards.hold(Guard::NoBlindPost) { Nature::Once } else { Nature::Same };
        let attempt = || async {
            let options = KeyClientImportKeyOptions { method_options: self.method_options() };
            let body = content(&request, &body)?;
            self.tried(nature, &request, client.keys.import_key(name.as_str(), body, Some(options)).await)
        };
        let answer = self.called(nature, self.core.scope_at(host), &request, "", None, attempt).await?;
        if answer.status == 404 {
            return Err(self.core.refused(request, &answer));
        }
        self.key_view(host, request, &answer).map_err(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_told_apart() {
        let of = |text: &str| KeyMaterial::pem(text.as_bytes()).map(|_| ()).unwrap_err();
        let block = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        assert_eq!(of(""), InvalidMaterial::NotPem);
        assert_eq!(of("-----BEGIN PRIVATE KEY-----"), InvalidMaterial::NotPem);
        assert_eq!(of("PRIVATE KEY-----"), InvalidMaterial::NotPem);
        assert_eq!(of(&block("CERTIFICATE", "AAAA")), InvalidMaterial::NotPem);
        assert_eq!(of(&block("ENCRYPTED PRIVATE KEY", "AAAA")), InvalidMaterial::Encrypted);
        assert_eq!(of(&block("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\nAAAA")), InvalidMaterial::Encrypted);
        assert_eq!(of(&block("EC PRIVATE KEY", "AAAA")), InvalidMaterial::NotRsa);
        assert_eq!(of(&block("RSA PRIVATE KEY", "AAAA")), InvalidMaterial::Broken);
        assert_eq!(of(&block("PRIVATE KEY", "AAAA")), InvalidMaterial::Broken);
        assert_eq!(KeyMaterial::byok(b"x").map(|_| ()).unwrap_err(), InvalidMaterial::NotBlob);
        assert!(KeyMaterial::byok(br#"{"schema_version":"1.0.0","ciphertext":"AA"}"#).is_ok());
    }
}
