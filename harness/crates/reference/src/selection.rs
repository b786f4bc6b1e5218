//! Deviations chosen by name.

use std::collections::BTreeSet;

use harness_model::source::spelling::nearest;
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use regex::Regex;

use crate::families;

/// A deviation is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no deviation `{id}`; {hint}")]
pub struct UnknownDeviation {
    /// As it was given.
    pub id: String,
    /// What was meant, or where to look.
    pub hint: String,
}

/// The deviation of that id.
///
/// # Errors
/// There is none.
pub fn named<'a>(catalogue: &'a Catalogue, id: &str) -> Result<&'a Declared, UnknownDeviation> {
    catalogue.find(id).ok_or_else(|| unknown(catalogue, id))
}

/// The deviations that a text selects: ids or families, separated by commas, `*` standing for anything.
///
/// # Errors
/// A part of it selects nothing.
pub fn selected<'a>(catalogue: &'a Catalogue, text: &str) -> Result<Vec<&'a Declared>, UnknownDeviation> {
    let mut ids = BTreeSet::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let pattern = glob(part);
        let chosen: Vec<&str> = catalogue
            .deviations
            .iter()
            .map(|declared| declared.id.as_str())
            .filter(|id| {
                let family = families::named(id).map(|(family, _)| family);
                family == Some(part) || pattern.as_ref().is_some_and(|pattern| pattern.is_match(id))
            })
            .collect();
        if chosen.is_empty() {
            return Err(unknown(catalogue, part));
        }
        ids.extend(chosen);
    }
    Ok(catalogue.deviations.iter().filter(|declared| ids.contains(declared.id.as_str())).collect())
}

fn unknown(catalogue: &Catalogue, id: &str) -> UnknownDeviation {
    let ids = catalogue.deviations.iter().map(|declared| declared.id.as_str());
    let families = families::FAMILIES.iter().map(|(family, _)| *family);
    let hint = match nearest(id, ids.chain(families)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`harness list --deviations` names them all".to_owned(),
    };
    UnknownDeviation { id: id.to_owned(), hint }
}

fn glob(text: &str) -> Option<Regex> {
    Regex::new(&format!("^{}$", regex::escape(text).replace("\\*", ".*"))).ok()
}
