use std::fmt;
use std::io::Cursor;
use std::path::Path;

use minisign::{PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

use crate::EvidenceError;

/// Name of the signature in the bundle, where `minisign -Vm manifest.json` looks for it.
pub const SIGNATURE: &str = "manifest.json.minisig";

/// The environment variable with the signing key's password.
pub const PASSWORD_VARIABLE: &str = "HARNESS_SIGNING_PASSWORD";

/// The untrusted comment is not signed; it is constant, so that a change is detected anyway.
const UNTRUSTED_COMMENT: &str = "signature of a QuickZTNA evidence bundle's manifest";

/// A key pair that signs manifests.
pub struct Signer {
    secret: SecretKey,
    public: PublicKey,
}

impl Signer {
    /// Reads a secret key file, decrypted with `password` if necessary.
    ///
    /// # Errors
    /// The file is unreadable or not a secret key, or the password is missing or wrong.
    pub fn read(path: &Path, password: Option<String>) -> Result<Self, EvidenceError> {
        let path = || path.to_owned();
        let text = std::fs::read_to_string(path())
            .map_err(|cause| EvidenceError::UnreadableKey { path: path(), cause })?;
        let invalid = |cause| EvidenceError::InvalidSecretKey { path: path(), cause };
        // The library prompts on the terminal unless the key is first tried as an unencrypted one.
        let unencrypted = SecretKeyBox::from_string(&text).map_err(invalid)?.into_unencrypted_secret_key();
        let secret = match (unencrypted, password) {
            (Ok(secret), _) => secret,
            (Err(_), Some(password)) => SecretKeyBox::from_string(&text)
                .map_err(invalid)?
                .into_secret_key(Some(password))
                .map_err(|cause| EvidenceError::WrongPassword { path: path(), cause })?,
            (Err(cause), None) if is_encrypted(&cause) => {
                return Err(EvidenceError::EncryptedKey { path: path() });
            }
            (Err(cause), None) => return Err(invalid(cause)),
        };
        let public = PublicKey::from_secret_key(&secret).map_err(invalid)?;
        Ok(Self { secret, public })
    }

    /// Returns the public key in base64.
    pub fn public_key(&self) -> String {
        self.public.to_base64()
    }

    /// Returns the text of the signature file.
    pub fn sign(&self, manifest: &[u8], trusted_comment: &str) -> Result<String, EvidenceError> {
        minisign::sign(
            Some(&self.public),
            &self.secret,
            Cursor::new(manifest),
            Some(trusted_comment),
            Some(UNTRUSTED_COMMENT),
        )
        .map(SignatureBox::into_string)
        .map_err(EvidenceError::Signing)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("public", &self.public.to_base64()).finish_non_exhaustive()
    }
}

/// Parses a public key given as text or as the path of a file.
pub fn public_key(given: &str) -> Result<String, EvidenceError> {
    let invalid = || EvidenceError::InvalidPublicKey(given.to_owned());
    if let Ok(key) = PublicKey::from_base64(given.trim()) {
        return Ok(key.to_base64());
    }
    let text = std::fs::read_to_string(given).map_err(|_| invalid())?;
    let key = PublicKeyBox::from_string(&text).and_then(PublicKeyBox::into_public_key);
    let key = key.or_else(|_| PublicKey::from_base64(text.trim())).map_err(|_| invalid())?;
    Ok(key.to_base64())
}

/// Verifies the signature of the manifest, which must be in the form that the kit writes.
pub fn verify(public_key: &str, manifest: &[u8], signature: &str) -> Result<(), EvidenceError> {
    let key = PublicKey::from_base64(public_key)
        .map_err(|_| EvidenceError::InvalidPublicKey(public_key.to_owned()))?;
    let parsed = SignatureBox::from_string(signature).map_err(EvidenceError::InvalidSignature)?;
    minisign::verify(&key, &parsed, Cursor::new(manifest), true, false, false)
        .map_err(EvidenceError::InvalidSignature)?;
    // Base64 has unused bits and line endings may vary: only the canonical text is accepted.
    let comment = format!("untrusted comment: {UNTRUSTED_COMMENT}");
    let is_canonical = parsed.to_string() == signature && signature.lines().next() == Some(comment.as_str());
    if is_canonical { Ok(()) } else { Err(EvidenceError::ModifiedSignature) }
}

/// The library reports an encrypted key with the same kind as any other invalid one: only the message differs.
fn is_encrypted(error: &minisign::PError) -> bool {
    error.to_string().contains("encrypted")
}
