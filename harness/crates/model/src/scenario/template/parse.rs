//! Splits a template into text and references to variables.

use super::error::{TemplateError, TemplateSyntaxError};
use super::slice::Form;

pub(super) enum Piece<'a> {
    Text(&'a str),
    Variable(Reference<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub(super) name: &'a str,
    pub(super) form: Option<Form>,
}

/// Returns the names of the variables in a template, in order. `$${` is an escaped `${`.
pub fn variable_names(template: &str) -> Result<Vec<&str>, TemplateError> {
    let names = pieces(template)?.into_iter().filter_map(|piece| match piece {
        Piece::Variable(reference) => Some(reference.name),
        Piece::Text(_) => None,
    });
    Ok(names.collect())
}

pub(super) fn pieces(template: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            pieces.extend([Piece::Text(before), Piece::Text("${")]);
            rest = after;
            continue;
        }
        let Some((inner, after)) = after.split_once('}') else {
            return Err(TemplateError::malformed(TemplateSyntaxError::Unclosed, template));
        };
        let reference = reference(inner).map_err(|cause| TemplateError::malformed(cause, template))?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Variable(reference));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Splits the content of `${…}` into the variable's name and its form. `${long:N}` has no form.
fn reference(inner: &str) -> Result<Reference<'_>, TemplateSyntaxError> {
    if inner.is_empty() || !inner.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c)) {
        return Err(TemplateSyntaxError::Name(inner.to_owned()));
    }
    match inner.split_once(':') {
        Some((name, form)) if name != "long" => Ok(Reference { name, form: Some(form.parse()?) }),
        _ => Ok(Reference { name: inner, form: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_length_of_long_is_no_form() {
        assert_eq!(reference("long:70"), Ok(Reference { name: "long:70", form: None }));
        let sliced = reference("key:1..3").unwrap();
        assert_eq!((sliced.name, sliced.form), ("key", "1..3".parse().ok()));
        for inner in ["key:", "key:7", "a b", ""] {
            assert!(reference(inner).is_err(), "{inner}");
        }
    }
}
