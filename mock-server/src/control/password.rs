//! Password hashing, and verification that does not reveal which users exist.

use std::sync::{Mutex, PoisonError};

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

/// The number of verifications at once, and so of work areas, of 19 MiB each.
const MAX_VERIFICATIONS: usize = 4;
static VERIFICATIONS: Semaphore = Semaphore::const_new(MAX_VERIFICATIONS);
/// Work areas that no verification uses. They are kept, since an allocator that gets them back keeps them in pieces: the
/// memory of a flood of logins would grow with its length.
static WORK_AREAS: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// The hash that unknown users are verified against. It matches no password but has the usual parameters, so that
/// verification takes the same time.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWhlcmUtYXQtYWxs$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password into a PHC string. Slow by design.
pub fn hash(password: &str, salt: [u8; 16]) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password_with_salt(password.as_bytes(), &salt)?.to_string())
}

/// Whether the text is a hash that a password can be compared with.
pub fn is_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| {
        let algorithm = Algorithm::try_from(hash.algorithm.as_str());
        algorithm.is_ok() && Params::try_from(&hash).is_ok() && hash.salt.is_some() && hash.hash.is_some()
    })
}

/// Whether the password matches the hash. Without a hash, takes the same time and returns `false`.
pub async fn matches(password: String, hash: Option<String>) -> bool {
    let _permit = VERIFICATIONS.acquire().await;
    let comparison = tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| DUMMY_HASH.to_owned());
        let equal = PasswordHash::new(&hash).is_ok_and(|hash| verify(&password, &hash) == Some(true));
        known && equal
    });
    comparison.await.unwrap_or(false)
}

/// Compares a password with a hash in a work area of the pool; returns `None` for a hash that is not Argon2's.
fn verify(password: &str, hash: &PasswordHash) -> Option<bool> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = Version::try_from(hash.version.unwrap_or_default()).ok()?;
    let params = Params::try_from(hash).ok()?;
    let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
    let mut area = WORK_AREAS.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
    area.resize(params.block_count(), Block::default());
    let mut computed = vec![0; expected.len()];
    let argon2 = Argon2::new(algorithm, version, params);
    let done = argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut computed, &mut area);
    WORK_AREAS.lock().unwrap_or_else(PoisonError::into_inner).push(area);
    done.ok()?;
    // Outputs are compared in constant time.
    Some(Output::new(&computed).ok()? == *expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_flood_of_logins_uses_a_fixed_number_of_work_areas() {
        let logins = (0..4 * MAX_VERIFICATIONS).map(|_| tokio::spawn(matches("x".to_owned(), None)));
        for login in logins.collect::<Vec<_>>() {
            assert!(!login.await.unwrap());
        }
        let areas = WORK_AREAS.lock().unwrap().len();
        assert!((1..=MAX_VERIFICATIONS).contains(&areas), "{areas}");
    }

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
