//! Values of variables in the query of a URL.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a value cannot contain as it is: what ends a parameter or means something else in a query.
const ENCODED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'>');

/// Where in a path with a query a text ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Path,
    /// Before the `=` of a parameter.
    Name,
    /// The value of a parameter.
    Value,
}

impl Place {
    /// Moves past a text of the template.
    pub(super) fn follow(&mut self, text: &str) {
        *self = text.chars().fold(*self, |place, character| match (place, character) {
            (Self::Path, '?') | (Self::Value, '&') => Self::Name,
            (Self::Name, '=') => Self::Value,
            (place, _) => place,
        });
    }

    /// Returns the value of a variable as it is written here.
    pub(super) fn written(self, value: String) -> String {
        match self {
            Self::Path | Self::Name => value,
            Self::Value => utf8_percent_encode(&value, ENCODED).to_string(),
        }
    }
}
