//! Signatures over manifests, as minisign makes and verifies them.

use std::fmt;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use minisign::{PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

/// The signature's name in the bundle: where `minisign -Vm manifest.json` looks for it.
pub const SIGNATURE: &str = "manifest.json.minisig";

/// The variable that has the password of a signing key.
pub const PASSWORD: &str = "HARNESS_SIGNING_PASSWORD";

/// Nobody signs this line; so that it cannot be changed either, it is always the same.
const UNTRUSTED: &str = "signature of a QuickZTNA evidence bundle's manifest";

/// Who signs.
pub struct Signer {
    secret: SecretKey,
    public: PublicKey,
}

/// A key cannot be used: a usage error.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("the key {path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The file holds no secret key.
    #[error("{path} is no secret key of minisign (`minisign -G` makes one): {cause}")]
    NoSecretKey {
        /// The file.
        path: PathBuf,
        /// What the library says.
        cause: String,
    },
    /// The key is encrypted and there is no password for it.
    #[error(
        "{path} is encrypted; put its password into {PASSWORD}, or use a key without one (`minisign -G -W`)"
    )]
    NoPassword {
        /// The file.
        path: PathBuf,
    },
    /// The password is another.
    #[error("the password in {PASSWORD} does not open {path}: {cause}")]
    WrongPassword {
        /// The file.
        path: PathBuf,
        /// What the library says.
        cause: String,
    },
    /// The text is neither a file nor a key.
    #[error("`{0}` is neither a minisign public key nor a file with one")]
    NoPublicKey(String),
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("public", &self.public.to_base64()).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads a key file; `password` opens it if it is encrypted.
    ///
    /// # Errors
    /// It is no such file, or does not open.
    pub fn read(path: &Path, password: Option<String>) -> Result<Self, KeyError> {
        let at = || path.to_owned();
        let text =
            std::fs::read_to_string(path).map_err(|cause| KeyError::Unreadable { path: at(), cause })?;
        let boxed = SecretKeyBox::from_string(&text);
        let no_key = |cause: minisign::PError| KeyError::NoSecretKey { path: at(), cause: cause.to_string() };
        // minisign's library asks at the terminal unless it is told that there is no password.
        let secret = match boxed.map_err(no_key)?.into_unencrypted_secret_key() {
            Ok(secret) => secret,
            Err(cause) => {
                let boxed = SecretKeyBox::from_string(&text).map_err(no_key)?;
                let Some(password) = password else {
                    let is_encrypted = cause.to_string().to_lowercase().contains("encrypt");
                    return Err(if is_encrypted {
                        KeyError::NoPassword { path: at() }
                    } else {
                        no_key(cause)
                    });
                };
                boxed
                    .into_secret_key(Some(password))
                    .map_err(|cause| KeyError::WrongPassword { path: at(), cause: cause.to_string() })?
            }
        };
        let public = PublicKey::from_secret_key(&secret).map_err(no_key)?;
        Ok(Self { secret, public })
    }

    /// The public key as minisign prints it.
    pub fn public_key(&self) -> String {
        self.public.to_base64()
    }

    /// The text of the signature file.
    ///
    /// # Errors
    /// What the library says.
    pub fn sign(&self, manifest: &[u8], trusted: &str) -> Result<String, String> {
        minisign::sign(
            Some(&self.public),
            &self.secret,
            Cursor::new(manifest),
            Some(trusted),
            Some(UNTRUSTED),
        )
        .map(SignatureBox::into_string)
        .map_err(|error| error.to_string())
    }
}

/// A public key, from a file or as text.
///
/// # Errors
/// It is neither.
pub fn public_key(given: &str) -> Result<String, KeyError> {
    let none = || KeyError::NoPublicKey(given.to_owned());
    if let Ok(key) = PublicKey::from_base64(given.trim()) {
        return Ok(key.to_base64());
    }
    let text = std::fs::read_to_string(given).map_err(|_| none())?;
    let key = PublicKeyBox::from_string(&text).and_then(PublicKeyBox::into_public_key);
    key.or_else(|_| PublicKey::from_base64(text.trim())).map(|key| key.to_base64()).map_err(|_| none())
}

/// Whether the signature is that key's over these bytes, written as the kit writes it.
///
/// # Errors
/// It is not: why.
pub fn verify(public_key: &str, manifest: &[u8], signature: &str) -> Result<(), String> {
    let key = PublicKey::from_base64(public_key).map_err(|error| format!("no such key: {error}"))?;
    let boxed = SignatureBox::from_string(signature).map_err(|error| error.to_string())?;
    minisign::verify(&key, &boxed, Cursor::new(manifest), true, false, false)
        .map_err(|error| error.to_string())?;
    // Base64 has spare bits and lines may end otherwise: the only text that counts is the one that the kit writes.
    let is_canonical = boxed.to_string() == signature
        && signature.lines().next() == Some(format!("untrusted comment: {UNTRUSTED}").as_str());
    if is_canonical { Ok(()) } else { Err("it is valid, but its file was changed".to_owned()) }
}
