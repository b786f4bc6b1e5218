use crate::source::Span;

/// A text with unexpanded `${variables}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub text: String,
    pub span: Span,
}
