//! The codes of refusals.

/// The machine-readable code of a [`Refusal`](super::Refusal): the envelope's `error.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    Unauthorized,
    InvalidCredentials,
    Forbidden,
    InsufficientScope,
    RateLimited,
    MissingFields,
    InvalidInput,
    InvalidAction,
    InvalidScopes,
    InvalidFilter,
    InvalidJson,
    PayloadTooLarge,
    InvalidKey,
    KeyUsed,
    IpNotAllowed,
    TagNotAllowed,
    MachineLimitReached,
    RegistrationConflict,
    PublicKeyInUse,
    Quarantined,
    NotFound,
    MethodNotAllowed,
}

impl RefusalCode {
    pub const ALL: [Self; 22] = [
        Self::Unauthorized,
        Self::InvalidCredentials,
        Self::Forbidden,
        Self::InsufficientScope,
        Self::RateLimited,
        Self::MissingFields,
        Self::InvalidInput,
        Self::InvalidAction,
        Self::InvalidScopes,
        Self::InvalidFilter,
        Self::InvalidJson,
        Self::PayloadTooLarge,
        Self::InvalidKey,
        Self::KeyUsed,
        Self::IpNotAllowed,
        Self::TagNotAllowed,
        Self::MachineLimitReached,
        Self::RegistrationConflict,
        Self::PublicKeyInUse,
        Self::Quarantined,
        Self::NotFound,
        Self::MethodNotAllowed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "UNAUTHORIZED",
            Self::InvalidCredentials => "INVALID_CREDENTIALS",
            Self::Forbidden => "FORBIDDEN",
            Self::InsufficientScope => "INSUFFICIENT_SCOPE",
            Self::RateLimited => "RATE_LIMITED",
            Self::MissingFields => "MISSING_FIELDS",
            Self::InvalidInput => "INVALID_INPUT",
            Self::InvalidAction => "INVALID_ACTION",
            Self::InvalidScopes => "INVALID_SCOPES",
            Self::InvalidFilter => "INVALID_FILTER",
            Self::InvalidJson => "INVALID_JSON",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::InvalidKey => "INVALID_KEY",
            Self::KeyUsed => "KEY_USED",
            Self::IpNotAllowed => "IP_NOT_ALLOWED",
            Self::TagNotAllowed => "TAG_NOT_ALLOWED",
            Self::MachineLimitReached => "MACHINE_LIMIT_REACHED",
            Self::RegistrationConflict => "REGISTRATION_CONFLICT",
            Self::PublicKeyInUse => "PUBLIC_KEY_IN_USE",
            Self::Quarantined => "QUARANTINED",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
        }
    }
}
