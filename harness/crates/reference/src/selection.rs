//! Selects deviations by id, family or pattern.

use std::collections::BTreeSet;

use harness_model::source::spelling::nearest;
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use regex::Regex;

use crate::{ReferenceError, families};

pub fn named<'a>(catalogue: &'a Catalogue, id: &str) -> Result<&'a Declared, ReferenceError> {
    catalogue.find(id).ok_or_else(|| unknown(catalogue, id))
}

/// The deviations that a comma-separated list of ids, families and patterns with `*` selects, in the catalogue's order.
pub fn selected<'a>(catalogue: &'a Catalogue, text: &str) -> Result<Vec<&'a Declared>, ReferenceError> {
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

fn unknown(catalogue: &Catalogue, id: &str) -> ReferenceError {
    let ids = catalogue.deviations.iter().map(|declared| declared.id.as_str());
    let families = families::families().map(|(family, _)| family);
    let hint = match nearest(id, ids.chain(families)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`harness list --deviations` names them all".to_owned(),
    };
    ReferenceError::UnknownDeviation { id: id.to_owned(), hint }
}

fn glob(text: &str) -> Option<Regex> {
    Regex::new(&format!("^{}$", regex::escape(text).replace("\\*", ".*"))).ok()
}
