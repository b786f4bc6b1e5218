//! The values of `${…}` in one sub-test, as its steps add to them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::scenario::model::Row;
use crate::scenario::template::{Binding, Generators, Scope, TemplateError, Variables, fill_value};

/// The variables of a sub-test. A row's cells hide kept values, which hide built-in ones.
#[derive(Clone)]
pub struct Bindings {
    generators: &'static (dyn Generators + Sync),
    built_in: BTreeMap<String, Binding>,
    kept: BTreeMap<String, Binding>,
    row: Row,
    contestant: Option<u32>,
    lost: BTreeMap<String, Loss>,
}

/// Why a variable has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What the step that should have kept the value produced instead.
    pub reason: String,
    pub cause: LossCause,
}

/// What a missing value says about the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// The target's response lacks the value.
    Target,
    /// The step could not be carried out, so that nothing is known about the target.
    Unknown,
    /// The step was left out on this target, see [`crate::judge::Judge::restraint`].
    Omitted,
    /// The step does not apply, since the target has chosen another documented behaviour (`when`).
    Inapplicable,
}

impl Default for Bindings {
    /// Values that are new at each use are the same ones here, so that judging a recording depends on nothing else.
    fn default() -> Self {
        Self::new(&Fixed)
    }
}

impl Bindings {
    /// Creates an empty set whose templates generate values with `generators`.
    pub fn new(generators: &'static (dyn Generators + Sync)) -> Self {
        Self {
            generators,
            built_in: BTreeMap::new(),
            kept: BTreeMap::new(),
            row: Row::new(),
            contestant: None,
            lost: BTreeMap::new(),
        }
    }

    /// Sets a built-in variable, such as `org` or `token.admin`.
    pub fn set_built_in(&mut self, name: &str, value: impl Into<Value>) {
        self.built_in.insert(name.to_owned(), Binding::Value(value.into()));
    }

    pub fn built_ins(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.built_in.iter().map(|(name, binding)| (name.as_str(), binding))
    }

    pub fn built_in(&self, name: &str) -> Option<&Binding> {
        self.built_in.get(name)
    }

    /// Returns the value that a `keep` or `set` stored under the name.
    pub fn kept(&self, name: &str) -> Option<&Binding> {
        self.kept.get(name)
    }

    /// Returns everything that a `keep` or `set` stored.
    pub fn all_kept(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.kept.iter().map(|(name, binding)| (name.as_str(), binding))
    }

    pub fn has_built_in(&self, name: &str) -> bool {
        self.built_in.contains_key(name)
    }

    pub fn keep(&mut self, name: &str, binding: Binding) {
        self.lost.remove(name);
        self.kept.insert(name.to_owned(), binding);
    }

    /// Records why a value is missing, and forgets an older value of that name.
    pub fn lose(&mut self, name: &str, loss: Loss) {
        self.kept.remove(name);
        self.lost.insert(name.to_owned(), loss);
    }

    /// Returns why the variable has no value, if a step should have kept one. A row's cell is missing when a variable
    /// inside it is.
    pub fn loss(&self, name: &str) -> Option<&Loss> {
        match self.row.iter().find(|(column, _)| column == name) {
            None => self.lost.get(name),
            Some((_, cell)) => match fill_value(cell, WithoutRow(self).scope()) {
                Err(TemplateError::Missing { name, .. }) => self.lost.get(&name),
                _ => None,
            },
        }
    }

    /// Replaces the previous row's variables with those of `row`.
    pub fn enter_row(&mut self, row: &Row) {
        self.row.clone_from(row);
    }

    /// Sets `${n}`, a race's contestant number.
    pub fn enter_contestant(&mut self, contestant: Option<u32>) {
        self.contestant = contestant;
    }

    /// Returns the scope for a step's templates, in which generators such as `${uuid}` produce new values.
    pub fn scope(&self) -> Scope<'_> {
        Scope { variables: self, generators: Some(self.generators) }
    }
}

impl Variables for Bindings {
    fn get(&self, name: &str) -> Option<Binding> {
        let is_contestant = name == "n" && self.contestant.is_some();
        if !is_contestant && let Some((_, value)) = self.row.iter().find(|(column, _)| column == name) {
            // A row's cell may itself be `${null}`, `${absent}`, `${long:300}` or another variable.
            return match fill_value(value, WithoutRow(self).scope()) {
                Ok(Some(filled)) => Some(Binding::Value(filled)),
                Ok(None) => Some(Binding::Absent),
                Err(_) => None,
            };
        }
        WithoutRow(self).get(name)
    }
}

/// The variables that a row's cells may use: all but the row's.
#[derive(Clone, Copy)]
struct WithoutRow<'a>(&'a Bindings);

impl<'a> WithoutRow<'a> {
    fn scope(&'a self) -> Scope<'a> {
        Scope { variables: self, generators: Some(self.0.generators) }
    }
}

impl Variables for WithoutRow<'_> {
    fn get(&self, name: &str) -> Option<Binding> {
        let Self(bindings) = self;
        match bindings.contestant {
            Some(contestant) if name == "n" => Some(Binding::Value(contestant.into())),
            _ => bindings.kept.get(name).or_else(|| bindings.built_in.get(name)).cloned(),
        }
    }
}

impl fmt::Debug for Bindings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secrets.
        formatter.debug_struct("Bindings").field("lost", &self.lost).finish_non_exhaustive()
    }
}

/// Generates the same values at each use.
struct Fixed;

impl Generators for Fixed {
    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }

    fn public_key(&self) -> String {
        // 32 bytes of zeros.
        format!("{}=", "A".repeat(43))
    }

    fn secret_hex(&self) -> String {
        "0".repeat(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_hide_kept_values_and_kept_values_hide_built_ins() {
        let mut bindings = Bindings::default();
        bindings.set_built_in("name", "built in");
        assert_eq!(bindings.get("name"), Some(Binding::Value(json!("built in"))));
        bindings.keep("name", Binding::Value(json!("kept")));
        assert_eq!(bindings.get("name"), Some(Binding::Value(json!("kept"))));
        bindings.enter_row(&vec![("name".to_owned(), json!(1.5))]);
        assert_eq!(bindings.get("name"), Some(Binding::Value(json!(1.5))));
        bindings.enter_row(&Row::new());
        bindings.lose("name", Loss { reason: "gone".to_owned(), cause: LossCause::Target });
        assert_eq!(bindings.get("name"), Some(Binding::Value(json!("built in"))));
        assert_eq!(bindings.loss("name").map(|loss| loss.reason.as_str()), Some("gone"));
    }

    #[test]
    fn a_cell_has_the_loss_of_the_variable_in_it() {
        let mut bindings = Bindings::default();
        bindings.lose("id", Loss { reason: "no answer".to_owned(), cause: LossCause::Unknown });
        bindings.enter_row(&vec![("key".to_owned(), json!("${id}")), ("id".to_owned(), json!("x"))]);
        assert_eq!(bindings.get("key"), None);
        assert!(bindings.loss("key").is_some_and(|loss| loss.cause == LossCause::Unknown));
        assert_eq!(bindings.loss("id"), None);
    }
}
