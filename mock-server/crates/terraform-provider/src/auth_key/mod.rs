//! The resource `quickztna_auth_key` of issuing/create.5.

mod check;
mod plan;
mod row;

pub use check::check;
pub use plan::plan;
pub use row::{Found, request, state_of_answer, state_of_row, unread_state};

use crate::schema::{Attribute, Role};

pub const TYPE_NAME: &str = "quickztna_auth_key";

pub const DESCRIPTION: &str = "An auth key, with which machines join a tailnet. Every change replaces it; destroying it revokes the key, and \
     machines that joined with it stay.";

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("org_id", r#""string""#, Role::Required, "The organisation, such as org_9fX2kR"),
    Attribute::new(
        "reusable",
        r#""bool""#,
        Role::FalseByDefault,
        "Whether many machines may join with the key",
    ),
    Attribute::new(
        "ephemeral",
        r#""bool""#,
        Role::FalseByDefault,
        "Whether machines of the key are removed when they go offline",
    ),
    Attribute::new(
        "expires_in",
        r#""number""#,
        Role::Optional,
        "For how many seconds after its creation the key lets machines join: 300 to 2592000",
    ),
    Attribute::new(
        "tags",
        r#"["set","string"]"#,
        Role::Optional,
        "Tags of each machine that joins, such as tag:laptop",
    ),
    Attribute::new("description", r#""string""#, Role::Optional, "What the key is for"),
    Attribute::new("id", r#""string""#, Role::Computed, "The id of the key"),
    Attribute::new(
        "key",
        r#""string""#,
        Role::Computed,
        "The key, tskey-auth-…; unknown to keys that were imported",
    )
    .sensitive(),
    Attribute::new(
        "key_prefix",
        r#""string""#,
        Role::Computed,
        "The beginning of the key, by which lists name it",
    ),
    Attribute::new("name", r#""string""#, Role::Computed, "The name of the key"),
    Attribute::new(
        "expires_at",
        r#""string""#,
        Role::Computed,
        "When the key stops to let machines join (RFC 3339)",
    ),
];
