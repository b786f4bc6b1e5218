//! minisign signatures of manifests.

use std::fmt;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use minisign::{PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

/// Name of the signature in the bundle, where `minisign -Vm manifest.json` looks for it.
pub const SIGNATURE: &str = "manifest.json.minisig";

/// The environment variable with the signing key's password.
pub const PASSWORD: &str = "HARNESS_SIGNING_PASSWORD";

/// The untrusted comment is not signed; it is constant, so that a change is detected anyway.
const UNTRUSTED: &str = "signature of a QuickZTNA evidence bundle's manifest";

/// A key pair that signs manifests.
pub struct Signer {
    secret: SecretKey,
    public: PublicKey,
}

/// A key cannot be used: a usage error.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("reading key {path} failed: {cause}")]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("invalid minisign secret key {path}: {cause}\n`minisign -G` creates a key pair")]
    NoSecretKey { path: PathBuf, cause: String },
    #[error(
        "key {path} is encrypted\nset {PASSWORD} to its password, or create a key without one: `minisign -G -W`"
    )]
    NoPassword { path: PathBuf },
    #[error("decrypting key {path} failed: {cause}\ncheck the password in {PASSWORD}")]
    WrongPassword { path: PathBuf, cause: String },
    #[error("invalid public key `{0}`: expected a minisign public key or a file with one")]
    NoPublicKey(String),
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("public", &self.public.to_base64()).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads a secret key file, decrypted with `password` if necessary.
    ///
    /// # Errors
    /// The file is unreadable or not a secret key, or the password is missing or wrong.
    pub fn read(path: &Path, password: Option<String>) -> Result<Self, KeyError> {
        let at = || path.to_owned();
        let text =
            std::fs::read_to_string(path).map_err(|cause| KeyError::Unreadable { path: at(), cause })?;
        let boxed = SecretKeyBox::from_string(&text);
        let no_key = |cause: minisign::PError| KeyError::NoSecretKey { path: at(), cause: cause.to_string() };
        // The library prompts on the terminal unless the key is first tried as an unencrypted one.
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

    /// Returns the public key in base64.
    pub fn public_key(&self) -> String {
        self.public.to_base64()
    }

    /// Returns the text of the signature file. `trusted` is the trusted comment.
    ///
    /// # Errors
    /// Errors of the library.
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

/// Parses a public key given as text or as the path of a file.
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

/// Verifies the signature of the manifest, which must be in the form that the kit writes.
///
/// # Errors
/// The signature is invalid.
pub fn verify(public_key: &str, manifest: &[u8], signature: &str) -> Result<(), String> {
    let key = PublicKey::from_base64(public_key).map_err(|error| format!("invalid public key: {error}"))?;
    let boxed = SignatureBox::from_string(signature).map_err(|error| error.to_string())?;
    minisign::verify(&key, &boxed, Cursor::new(manifest), true, false, false)
        .map_err(|error| error.to_string())?;
    // Base64 has unused bits and line endings may vary: only the canonical text is accepted.
    let is_canonical = boxed.to_string() == signature
        && signature.lines().next() == Some(format!("untrusted comment: {UNTRUSTED}").as_str());
    if is_canonical { Ok(()) } else { Err("the signature is valid, but its file was modified".to_owned()) }
}
