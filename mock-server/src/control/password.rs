//! Password hashing, and verification that does not reveal which users exist.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Each verification takes 19 MiB; this limits the memory that a flood of logins can claim.
static VERIFICATIONS: Semaphore = Semaphore::const_new(4);

/// The hash that unknown users are verified against. It matches no password but has the usual parameters, so that
/// verification takes the same time.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWhlcmUtYXQtYWxs$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password into a PHC string. Slow by design.
pub fn hash(password: &str, salt: [u8; 16]) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password_with_salt(password.as_bytes(), &salt)?.to_string())
}

/// Whether the password matches the hash. Without a hash, takes the same time and returns `false`.
pub async fn matches(password: String, hash: Option<String>) -> bool {
    let _permit = VERIFICATIONS.acquire().await;
    let comparison = tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| DUMMY_HASH.to_owned());
        let equal = PasswordHash::new(&hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        known && equal
    });
    comparison.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_hashed_password_matches() {
        let hashed = hash("olive-owns-acme", [7; 16]).unwrap();
        assert!(matches("olive-owns-acme".to_owned(), Some(hashed.clone())).await);
        for (password, hash) in [
            ("olive-owns-acm", Some(hashed.clone())),
            ("", Some(hashed)),
            ("x", Some("not a PHC string".to_owned())),
            ("olive-owns-acme", None),
        ] {
            assert!(!matches(password.to_owned(), hash).await, "{password}");
        }
    }

    #[test]
    fn the_dummy_hash_has_the_usual_parameters() {
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().map(ToOwned::to_owned);
        assert_eq!(parameters(DUMMY_HASH), parameters(&hash("x", [7; 16]).unwrap()));
        assert!(PasswordHash::new(DUMMY_HASH).is_ok());
    }
}
