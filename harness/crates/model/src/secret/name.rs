//! Names of headers and of the parts of cookies: which of them are credentials.

const CREDENTIALS: [&str; 6] =
    ["authentication", "authorization", "cookie", "proxy-authorization", "set-cookie", "set-cookie2"];

/// Parts of names by which vendors tell that a header is a credential.
const CREDENTIAL_PARTS: [&str; 7] =
    ["api-key", "apikey", "password", "secret", "session-id", "sessionid", "signature"];

/// Attributes of a cookie, which are no secret.
const ATTRIBUTES: [&str; 9] =
    ["domain", "expires", "httponly", "max-age", "partitioned", "path", "priority", "samesite", "secure"];

/// Whether the values of headers with that name are credentials.
pub(crate) fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CREDENTIALS.contains(&name.as_str())
        || name.ends_with("-token")
        || name.ends_with("-jwt")
        || CREDENTIAL_PARTS.iter().any(|part| name.contains(part))
}

/// Whether that part of a cookie is an attribute.
pub(crate) fn is_attribute(name: &str) -> bool {
    ATTRIBUTES.contains(&name.trim().to_ascii_lowercase().as_str())
}
