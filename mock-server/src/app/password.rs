//! Hashes passwords of the fixture the way `control::session` verifies them.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;

use crate::control::Random;

/// A PHC string of the password with a fresh salt.
pub(super) fn hash(password: &str, random: &Random) -> Result<String, String> {
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &random.bytes::<16>())
        .map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}
