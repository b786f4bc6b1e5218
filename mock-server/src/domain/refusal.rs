//! The refusals of the control plane with their documented codes and messages.

use std::borrow::Cow;

use super::RefusalCode;

/// A refusal of a request. Only `api::error` maps it to an HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub enum Refusal {
    /// A missing, malformed, expired or revoked credential (`generate/F.3`). The message never contains its value.
    Unauthorized(&'static str),
    InvalidCredentials,
    /// The caller's role does not permit the operation: "Admin required" (`generate/ST5.3`).
    Forbidden(&'static str),
    /// The API key's scopes do not cover the call (`api-key/ST2.3`); `needed` would.
    InsufficientScope {
        needed: &'static str,
    },
    /// The API key exceeded its limit (`api-key/ST3.2`).
    RateLimited {
        /// At least 1.
        retry_after_seconds: u64,
    },
    /// A required field is missing (`generate/ST1.2`): "name required".
    MissingField(&'static str),
    /// A field has an invalid type or value; the message names the field.
    InvalidInput(Cow<'static, str>),
    /// The endpoint has no such action; `valid` lists those that exist, separated by commas.
    InvalidAction {
        valid: &'static str,
    },
    /// Unknown scopes in the order of the request (`api-key/ST2.2`).
    InvalidScopes {
        unknown: Vec<String>,
    },
    /// An invalid filter, column or operator on a CRUD endpoint.
    InvalidFilter(String),
    /// The body is not a JSON object.
    InvalidJson(String),
    /// The body exceeds `limit` bytes.
    PayloadTooLarge {
        limit: usize,
    },
    /// The auth key is unknown, revoked or expired (`headless/ST2.3`).
    InvalidKey,
    /// The auth key is single-use and was used already (`used-count/F.2`).
    KeyUsed,
    /// The machine's address is outside the key's networks (`generate/ST4.2`).
    IpNotAllowed,
    /// The machine claims tags that it may not have (`generate/ST3.2`), listed without prefix.
    TagNotAllowed {
        tags: Vec<String>,
    },
    /// See `headless/F.6`.
    MachineLimitReached {
        limit: i64,
    },
    /// Too many machines of one member await approval.
    PendingLimitReached {
        limit: i64,
    },
    /// A concurrent registration took the same name (`headless/ST4.5`).
    RegistrationConflict,
    /// Another machine of the organisation has this public key.
    PublicKeyInUse,
    Quarantined,
    /// Someone else changed the access rules since the caller read them; carries their version now.
    AccessRulesChanged {
        version: i64,
    },
    /// The requested object does not exist; carries its kind.
    NotFound(&'static str),
    MethodNotAllowed,
}

/// The documented scopes in their documented order and spelling (`api-key/ST2.1`).
pub const VALID_SCOPES: &str = "read, write, admin, machines, dns, acl, billing, audit";

impl Refusal {
    /// Creates [`Refusal::InvalidInput`]; the message must name the field.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidInput(message.into())
    }

    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Unauthorized(_) => RefusalCode::Unauthorized,
            Self::InvalidCredentials => RefusalCode::InvalidCredentials,
            Self::Forbidden(_) => RefusalCode::Forbidden,
            Self::InsufficientScope { .. } => RefusalCode::InsufficientScope,
            Self::RateLimited { .. } => RefusalCode::RateLimited,
            Self::MissingField(_) => RefusalCode::MissingFields,
            Self::InvalidInput(_) => RefusalCode::InvalidInput,
            Self::InvalidAction { .. } => RefusalCode::InvalidAction,
            Self::InvalidScopes { .. } => RefusalCode::InvalidScopes,
            Self::InvalidFilter(_) => RefusalCode::InvalidFilter,
            Self::InvalidJson(_) => RefusalCode::InvalidJson,
            Self::PayloadTooLarge { .. } => RefusalCode::PayloadTooLarge,
            Self::InvalidKey => RefusalCode::InvalidKey,
            Self::KeyUsed => RefusalCode::KeyUsed,
            Self::IpNotAllowed => RefusalCode::IpNotAllowed,
            Self::TagNotAllowed { .. } => RefusalCode::TagNotAllowed,
            Self::MachineLimitReached { .. } | Self::PendingLimitReached { .. } => {
                RefusalCode::MachineLimitReached
            }
            Self::RegistrationConflict => RefusalCode::RegistrationConflict,
            Self::PublicKeyInUse => RefusalCode::PublicKeyInUse,
            Self::Quarantined => RefusalCode::Quarantined,
            Self::AccessRulesChanged { .. } => RefusalCode::VersionConflict,
            Self::NotFound(_) => RefusalCode::NotFound,
            Self::MethodNotAllowed => RefusalCode::MethodNotAllowed,
        }
    }

    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Unauthorized(message) | Self::Forbidden(message) => Cow::Borrowed(message),
            Self::InvalidCredentials => "Wrong email or password".into(),
            Self::InsufficientScope { needed } => format!("The API key lacks the scope {needed}").into(),
            Self::RateLimited { retry_after_seconds } => {
                format!("Rate limit exceeded; try again in {retry_after_seconds} s").into()
            }
            Self::MissingField(field) => format!("{field} required").into(),
            Self::InvalidInput(message) => message.clone(),
            Self::InvalidFilter(message) | Self::InvalidJson(message) => message.clone().into(),
            Self::InvalidAction { valid } => format!("Unknown action. Valid: {valid}").into(),
            Self::InvalidScopes { unknown } => {
                format!("Invalid scopes: {}. Valid: {VALID_SCOPES}", unknown.join(", ")).into()
            }
            Self::PayloadTooLarge { limit } => format!("The body exceeds {limit} bytes").into(),
            Self::InvalidKey => "Invalid auth key".into(),
            Self::KeyUsed => "Auth key already used".into(),
            Self::IpNotAllowed => "The auth key does not allow this address".into(),
            Self::TagNotAllowed { tags } => format!("Tags not allowed: {}", tags.join(", ")).into(),
            Self::MachineLimitReached { limit } => {
                format!("The organisation has reached its limit of {limit} machines").into()
            }
            Self::PendingLimitReached { limit } => format!(
                "{limit} of your machines await approval already; ask an admin to approve or delete them"
            )
            .into(),
            Self::RegistrationConflict => {
                "Another registration with this name is in progress; try again".into()
            }
            Self::PublicKeyInUse => {
                "Another machine has this public key; register with a new key pair".into()
            }
            Self::Quarantined => "The machine is quarantined".into(),
            Self::AccessRulesChanged { version } => {
                format!("The access rules were changed meanwhile; read version {version} and try again")
                    .into()
            }
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
    fn documented_messages_are_exact() {
        for (refusal, code, message) in [
            (Refusal::KeyUsed, "KEY_USED", "Auth key already used"),
            (Refusal::MissingField("name"), "MISSING_FIELDS", "name required"),
            (Refusal::Forbidden("Admin required"), "FORBIDDEN", "Admin required"),
            (
                Refusal::InvalidScopes { unknown: texts(&["superpower", "x"]) },
                "INVALID_SCOPES",
                "Invalid scopes: superpower, x. Valid: read, write, admin, machines, dns, acl, billing, audit",
            ),
        ] {
            assert_eq!((refusal.code().as_str(), refusal.message().as_ref()), (code, message));
        }
    }

    #[test]
    fn refusals_have_a_code_and_name_the_cause() {
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
            (Refusal::PendingLimitReached { limit: 9 }, "MACHINE_LIMIT_REACHED", "9 of your machines"),
            (Refusal::RegistrationConflict, "REGISTRATION_CONFLICT", "try again"),
            (Refusal::Quarantined, "QUARANTINED", "quarantined"),
            (Refusal::AccessRulesChanged { version: 7 }, "VERSION_CONFLICT", "version 7"),
            (Refusal::NotFound("Machine"), "NOT_FOUND", "Machine"),
            (Refusal::MethodNotAllowed, "METHOD_NOT_ALLOWED", "Method"),
        ] {
            assert_eq!(refusal.code().as_str(), code);
            assert!(refusal.message().contains(named), "{code}: {}", refusal.message());
        }
    }
}
