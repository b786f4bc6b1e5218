use crate::text::truncated;

/// The maximum length of `${long:N}`.
pub(super) const MAX_LONG_LEN: usize = 10_000_000;

/// The maximum length of a template in a message.
const MAX_SHOWN_LEN: usize = 80;

/// A template that cannot be expanded. `text` is the template, shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The variable has no value (yet).
    #[error("cannot expand `{text}`: `${{{name}}}` has no value")]
    Missing { name: String, text: String },
    #[error("invalid template `{text}`: {cause}")]
    Malformed { cause: TemplateSyntaxError, text: String },
}

/// A syntax error in a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateSyntaxError {
    #[error("missing closing `}}`")]
    Unclosed,
    #[error("invalid variable name `{0}`")]
    Name(String),
    #[error(
        "invalid range `{0}`: expected `11..`, `..40`, `..-1` or `2..8`, or one of `sha256`, `upper`, `hex`"
    )]
    Range(String),
    #[error(transparent)]
    Length(#[from] LengthError),
}

/// An invalid length in `${long:N}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid length `{0}` for `${{long:N}}`: expected a number up to {MAX_LONG_LEN}")]
pub struct LengthError(pub(super) String);

impl TemplateError {
    pub(super) fn missing(name: &str, template: &str) -> Self {
        Self::Missing { name: name.to_owned(), text: shortened(template) }
    }

    pub(super) fn malformed(cause: impl Into<TemplateSyntaxError>, template: &str) -> Self {
        Self::Malformed { cause: cause.into(), text: shortened(template) }
    }
}

fn shortened(template: &str) -> String {
    truncated(template, MAX_SHOWN_LEN).into_owned()
}
