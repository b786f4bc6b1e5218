//! Every way in which the control plane says no, with the code and the words the documents give it.

use std::borrow::Cow;

/// A documented refusal. `api::error` turns it into a status; nothing else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No credential, or one that is broken, expired or revoked (`generate/F.3`). The words say which, never the value.
    Unauthorized(&'static str),
    /// Email or password is wrong.
    InvalidCredentials,
    /// The caller may not do this here: "Admin required" (`generate/ST5.3`).
    Forbidden(&'static str),
    /// The API key's scopes do not cover the call (`api-key/ST2.3`).
    InsufficientScope {
        /// The scope that would have allowed it.
        needed: &'static str,
    },
    /// The API key was used more often than its limit within a minute (`api-key/ST3.2`).
    RateLimited {
        /// Whole seconds until it may be used again, at least 1.
        retry_after_seconds: u64,
    },
    /// A required field is absent (`generate/ST1.2`): "name required".
    MissingField(&'static str),
    /// A field has a wrong type or value; the words name the field.
    InvalidInput(Cow<'static, str>),
    /// No such action on this endpoint.
    InvalidAction {
        /// The actions there are, separated by commas.
        valid: &'static str,
    },
    /// Scopes that do not exist (`api-key/ST2.2`).
    InvalidScopes {
        /// The unknown names, in the order they came.
        unknown: Vec<String>,
    },
    /// A filter, column or operator of the CRUD endpoints that does not exist or does not fit.
    InvalidFilter(String),
    /// The body is not JSON, or not an object.
    InvalidJson(String),
    /// The body is longer than the limit.
    PayloadTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The auth key is unknown, revoked or expired (`headless/ST2.3`).
    InvalidKey,
    /// The auth key is single-use and was used (`used-count/F.2`).
    KeyUsed,
    /// The machine registers from an address outside the key's CIDRs (`generate/ST4.2`).
    IpNotAllowed,
    /// The machine claims a tag that the key does not allow (`generate/ST3.2`).
    TagNotAllowed {
        /// The tags refused, without prefix.
        tags: Vec<String>,
    },
    /// The organisation has as many machines as it may have (`headless/F.6`).
    MachineLimitReached {
        /// The organisation's limit.
        limit: i64,
    },
    /// Two registrations of one name met (`headless/ST4.5`).
    RegistrationConflict,
    /// The machine was put into quarantine.
    Quarantined,
    /// What the request names does not exist; the word says what kind of thing.
    NotFound(&'static str),
    /// The path exists, with other methods.
    MethodNotAllowed,
}

/// The scopes the documents list, in their order and spelling (`api-key/ST2.1`).
pub const VALID_SCOPES: &str = "read, write, admin, machines, dns, acl, billing, audit";

impl Refusal {
    /// A field with a wrong type or value; `words` name the field.
    pub fn invalid(words: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidInput(words.into())
    }

    /// The machine-readable code of the envelope's `error.code`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "UNAUTHORIZED",
            Self::InvalidCredentials => "INVALID_CREDENTIALS",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::InsufficientScope { .. } => "INSUFFICIENT_SCOPE",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::MissingField(_) => "MISSING_FIELDS",
            Self::InvalidInput(_) => "INVALID_INPUT",
            Self::InvalidAction { .. } => "INVALID_ACTION",
            Self::InvalidScopes { .. } => "INVALID_SCOPES",
            Self::InvalidFilter(_) => "INVALID_FILTER",
            Self::InvalidJson(_) => "INVALID_JSON",
            Self::PayloadTooLarge { .. } => "PAYLOAD_TOO_LARGE",
            Self::InvalidKey => "INVALID_KEY",
            Self::KeyUsed => "KEY_USED",
            Self::IpNotAllowed => "IP_NOT_ALLOWED",
            Self::TagNotAllowed { .. } => "TAG_NOT_ALLOWED",
            Self::MachineLimitReached { .. } => "MACHINE_LIMIT_REACHED",
            Self::RegistrationConflict => "REGISTRATION_CONFLICT",
            Self::Quarantined => "QUARANTINED",
            Self::NotFound(_) => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
        }
    }

    /// The words of the envelope's `error.message`.
    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Unauthorized(words) | Self::Forbidden(words) => Cow::Borrowed(words),
            Self::InvalidCredentials => "Email or password is wrong".into(),
            Self::InsufficientScope { needed } => format!("The API key lacks the scope {needed}").into(),
            Self::RateLimited { retry_after_seconds } => {
                format!("Rate limit exceeded; try again in {retry_after_seconds} s").into()
            }
            Self::MissingField(field) => format!("{field} required").into(),
            Self::InvalidInput(words) => words.clone(),
            Self::InvalidFilter(words) | Self::InvalidJson(words) => words.clone().into(),
            Self::InvalidAction { valid } => format!("Unknown action. Valid: {valid}").into(),
            Self::InvalidScopes { unknown } => {
                format!("Invalid scopes: {}. Valid: {VALID_SCOPES}", unknown.join(", ")).into()
            }
            Self::PayloadTooLarge { limit } => format!("The body is longer than {limit} bytes").into(),
            Self::InvalidKey => "Invalid auth key".into(),
            Self::KeyUsed => "Auth key already used".into(),
            Self::IpNotAllowed => "The auth key does not allow this address".into(),
            Self::TagNotAllowed { tags } => {
                format!("These tags may not be claimed here: {}", tags.join(", ")).into()
            }
            Self::MachineLimitReached { limit } => {
                format!("The organisation has reached its limit of {limit} machines").into()
            }
            Self::RegistrationConflict => "Another registration of this name is under way; try again".into(),
            Self::Quarantined => "The machine is in quarantine".into(),
            Self::NotFound(what) => format!("{what} not found").into(),
            Self::MethodNotAllowed => "Method not allowed".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn the_documents_words_are_answered_letter_by_letter() {
        for (refusal, code, words) in [
            (Refusal::KeyUsed, "KEY_USED", "Auth key already used"),
            (Refusal::MissingField("name"), "MISSING_FIELDS", "name required"),
            (Refusal::Forbidden("Admin required"), "FORBIDDEN", "Admin required"),
            (
                Refusal::InvalidScopes { unknown: texts(&["superpower", "x"]) },
                "INVALID_SCOPES",
                "Invalid scopes: superpower, x. Valid: read, write, admin, machines, dns, acl, billing, audit",
            ),
        ] {
            assert_eq!((refusal.code(), refusal.message().as_ref()), (code, words));
        }
    }

    /// Clients tell refusals apart by their codes, and people by what the words name.
    #[test]
    fn every_refusal_has_its_code_and_names_what_is_wrong() {
        for (refusal, code, named) in [
            (Refusal::Unauthorized("token expired"), "UNAUTHORIZED", "token expired"),
            (Refusal::InvalidCredentials, "INVALID_CREDENTIALS", "password"),
            (Refusal::InsufficientScope { needed: "dns" }, "INSUFFICIENT_SCOPE", "scope dns"),
            (Refusal::RateLimited { retry_after_seconds: 59 }, "RATE_LIMITED", "59 s"),
            (Refusal::invalid("days must be 7"), "INVALID_INPUT", "days must be 7"),
            (Refusal::InvalidAction { valid: "a, b" }, "INVALID_ACTION", "Valid: a, b"),
            (Refusal::InvalidFilter("no column x".to_owned()), "INVALID_FILTER", "no column x"),
            (Refusal::InvalidJson("line 1".to_owned()), "INVALID_JSON", "line 1"),
            (Refusal::PayloadTooLarge { limit: 65_536 }, "PAYLOAD_TOO_LARGE", "65536 bytes"),
            (Refusal::InvalidKey, "INVALID_KEY", "auth key"),
            (Refusal::IpNotAllowed, "IP_NOT_ALLOWED", "address"),
            (Refusal::TagNotAllowed { tags: texts(&["a", "b"]) }, "TAG_NOT_ALLOWED", "a, b"),
            (Refusal::MachineLimitReached { limit: 3 }, "MACHINE_LIMIT_REACHED", "3 machines"),
            (Refusal::RegistrationConflict, "REGISTRATION_CONFLICT", "try again"),
            (Refusal::Quarantined, "QUARANTINED", "quarantine"),
            (Refusal::NotFound("Machine"), "NOT_FOUND", "Machine"),
            (Refusal::MethodNotAllowed, "METHOD_NOT_ALLOWED", "Method"),
        ] {
            assert_eq!(refusal.code(), code);
            assert!(refusal.message().contains(named), "{code}: {}", refusal.message());
        }
    }
}
