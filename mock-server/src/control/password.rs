//! Passwords, compared without telling who exists.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Each comparison takes 19 MiB: so many at a time bound what a flood of logins can claim.
static COMPARISONS: Semaphore = Semaphore::const_new(4);

/// What the password of someone who does not exist is compared with: made with the parameters that users' hashes have, so
/// that it takes as long, and equal to no password's hash.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWhlcmUtYXQtYWxs$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A PHC string of the password; each has a salt of its own. Slow on purpose.
pub fn hash(password: &str, salt: [u8; 16]) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password_with_salt(password.as_bytes(), &salt)?.to_string())
}

/// Whether the password is the one that was hashed; without a hash it takes as long and is `false`.
pub async fn matches(password: String, hash: Option<String>) -> bool {
    let _permit = COMPARISONS.acquire().await;
    let comparison = tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
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
    async fn only_the_password_that_was_hashed_matches() {
        let hashed = hash("olive-owns-acme", [7; 16]).unwrap();
        assert!(matches("olive-owns-acme".to_owned(), Some(hashed.clone())).await);
        for (password, hash) in [
            ("olive-owns-acm", Some(hashed.clone())),
            ("", Some(hashed)),
            ("x", Some("no PHC string".to_owned())),
            ("olive-owns-acme", None),
        ] {
            assert!(!matches(password.to_owned(), hash).await, "{password}");
        }
    }

    #[test]
    fn nobody_is_hashed_as_everybody_else() {
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().map(ToOwned::to_owned);
        assert_eq!(parameters(NOBODY), parameters(&hash("x", [7; 16]).unwrap()));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
