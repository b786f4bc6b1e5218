const EXAMPLES: &str = "for example: `used-count/*`, `verifies=used-count/ST4.*`, `suite=auth-keys !title~race`, \
                        `(used-count, generate) & title~\"single use\"`";

/// An invalid filter. The message shows the filter, a caret and examples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid filter: {cause}\n  {line}\n  {caret}^\n{EXAMPLES}", caret = " ".repeat(*column))]
pub struct FilterError {
    pub cause: FilterSyntaxError,
    /// The filter in one line.
    line: String,
    /// The column of the caret, in characters from 0.
    column: usize,
}

/// A syntax error in a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterSyntaxError {
    #[error("expected a term")]
    ExpectedTerm,
    #[error("expected `)`")]
    ExpectedParenthesis,
    #[error("unmatched `)`")]
    UnmatchedParenthesis,
    #[error("missing closing quote")]
    UnclosedQuote,
    #[error("nested too deeply")]
    TooDeep,
    #[error("expected text after `title~`")]
    ExpectedText,
    #[error("expected a glob after `{0}=`")]
    ExpectedGlob(&'static str),
    #[error("invalid operator for `title`: write `title~TEXT`")]
    TitleOperator,
    #[error("unknown key `{key}`: {hint}")]
    UnknownKey { key: String, hint: String },
    #[error("invalid glob: {0}")]
    Glob(String),
}

impl FilterError {
    pub(super) fn new(filter: &str, at: usize, cause: FilterSyntaxError) -> Self {
        let column = filter.get(..at).unwrap_or(filter).chars().count();
        Self { cause, line: filter.replace(['\n', '\t'], " "), column }
    }
}
