//! What a filter's term that matches nothing may have meant.

use std::sync::Arc;

use crate::requirement::Registry;
use crate::scenario::model::{Capability, Scenario};
use crate::source::spelling;

/// Characters of globs, which name no single sub-test.
const GLOB: [char; 4] = ['*', '?', '[', '{'];

/// Returns what a term that matches no sub-test may have meant.
pub fn meant(term: &str, scenarios: &[Arc<Scenario>], registry: &Registry) -> Option<String> {
    match term.split_once('/') {
        Some((chapter, file)) if file.contains(GLOB) && !chapter.contains('=') => {
            Some(format!("{}/{file}", near(chapter, scenarios, registry)?))
        }
        _ if term.contains(GLOB) => None,
        _ => near(term, scenarios, registry),
    }
}

fn near(word: &str, scenarios: &[Arc<Scenario>], registry: &Registry) -> Option<String> {
    if let Some((key, value)) = word.split_once('=') {
        let near = match key {
            "suite" => spelling::nearest(value, registry.suites())?,
            "needs" => spelling::nearest(value, Capability::all().map(Capability::name))?,
            _ => registry.did_you_mean(value)?,
        };
        return (near != value).then(|| format!("{key}={near}"));
    }
    let ids = scenarios.iter().map(|scenario| scenario.id.as_str());
    if word.contains('/') {
        let is_known = scenarios.iter().any(|scenario| scenario.id == word);
        // The id of a statement selects nothing by itself.
        let statement = registry.get(word).map(|_| format!("verifies={word}"));
        return if is_known {
            None
        } else {
            statement.or_else(|| spelling::nearest(word, ids).map(str::to_owned))
        };
    }
    let parts: Vec<&str> = scenarios.iter().flat_map(|scenario| scenario.id.split('/')).collect();
    let near = spelling::nearest(word, parts.iter().copied())?;
    (near != word && !parts.contains(&word)).then(|| near.to_owned())
}
