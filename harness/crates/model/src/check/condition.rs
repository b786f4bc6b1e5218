//! `when`: whether a step is carried out at all.

use crate::bindings::{Bindings, LossCause};
use crate::scenario::model::{Condition, Matcher, Step};
use crate::scenario::template::{Binding, Scope, TemplateError, Variables};

use super::{matcher, wording};

/// What the conditions of a step say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applicability {
    Applies,
    /// A condition is not met, with the reason.
    DoesNotApply(String),
    /// A condition needs the value of a step that could not be carried out.
    Unknown {
        variable: String,
    },
}

/// Evaluates the conditions of a step with the variables before it. A variable without a value only meets
/// `{ absent = true }`.
pub fn applicability(step: &Step, bindings: &Bindings) -> Applicability {
    let all = step.when.iter().map(|condition| evaluate(condition, bindings));
    // A condition that is certainly not met decides, whatever is unknown beside it.
    all.reduce(|one, other| match (&one, &other) {
        (Applicability::DoesNotApply(_), _) | (_, Applicability::Applies) => one,
        (Applicability::Unknown { .. }, Applicability::Unknown { .. }) => one,
        _ => other,
    })
    .unwrap_or(Applicability::Applies)
}

fn evaluate(condition: &Condition, bindings: &Bindings) -> Applicability {
    let is_unknown = |name: &str| bindings.loss(name).is_some_and(|loss| loss.cause == LossCause::Unknown);
    let variable = &condition.variable;
    let found = match bindings.get(variable) {
        Some(Binding::Value(value)) => Some(value),
        None if is_unknown(variable) => return Applicability::Unknown { variable: variable.clone() },
        Some(Binding::Absent) | None => None,
    };
    let wanted = match matcher::fill(&condition.matcher, Scope { variables: bindings, generators: None }) {
        Ok(wanted) => wanted,
        Err(TemplateError::Missing { name, .. }) if is_unknown(&name) => {
            return Applicability::Unknown { variable: name };
        }
        Err(error) => return Applicability::DoesNotApply(error.to_string()),
    };
    if matcher::judge(&wanted, found.as_ref()).is_ok() {
        return Applicability::Applies;
    }
    let wanted = match &wanted {
        Matcher::Absent => "has no value".to_owned(),
        wanted => format!("is {}", matcher::describe(wanted)),
    };
    let found = match found {
        Some(value) => format!("it is {}", wording::value(&value)),
        None => "it has no value".to_owned(),
    };
    let reason = format!("`{variable}` {wanted}, but {found}");
    Applicability::DoesNotApply(format!("applies only if {reason}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bindings::Loss;
    use crate::omission::tests::planned;
    use crate::scenario::model::Row;

    fn applies(when: &str, bindings: &Bindings) -> Applicability {
        let step = format!(
            "[[step]]\nname = \"kept\"\nget = \"/x\"\nkeep = {{ form = \"@status\", key = \"/key\", lost = \"/x\" }}\n[[step]]\nname = \"n\"\nget = \"/x\"\nwhen = {when}\ncheck = [{{ verifies = \"keys/ST1.1\", status = 200 }}]"
        );
        applicability(&planned(&step, true, &[]).scenario.steps[1], bindings)
    }

    fn does_not_apply(reason: &str) -> Applicability {
        Applicability::DoesNotApply(reason.to_owned())
    }

    #[test]
    fn every_condition_must_be_met() {
        let mut bindings = Bindings::default();
        bindings.keep("form", Binding::Value(json!(201)));
        bindings.lose("key", Loss { reason: "the response was 400".to_owned(), cause: LossCause::Target });
        bindings.lose("lost", Loss { reason: "no answer".to_owned(), cause: LossCause::Unknown });
        let unknown = || Applicability::Unknown { variable: "lost".to_owned() };
        for (when, expected) in [
            ("{ form = 201 }", Applicability::Applies),
            ("{ form = { one_of = [200, 201] }, key = { absent = true } }", Applicability::Applies),
            ("{ form = 400 }", does_not_apply("applies only if `form` is 400, but it is 201")),
            ("{ form = \"201\" }", does_not_apply("applies only if `form` is \"201\", but it is 201")),
            (
                "{ form = { not = 201 } }",
                does_not_apply("applies only if `form` is anything but 201, but it is 201"),
            ),
            (
                "{ form = { absent = true } }",
                does_not_apply("applies only if `form` has no value, but it is 201"),
            ),
            (
                "{ key = { not = 5 } }",
                does_not_apply("applies only if `key` is anything but 5, but it has no value"),
            ),
            ("{ lost = 1 }", unknown()),
            ("{ form = \"${lost}\" }", unknown()),
            ("{ lost = 1, form = 201 }", unknown()),
            ("{ lost = 1, form = 400 }", does_not_apply("applies only if `form` is 400, but it is 201")),
        ] {
            assert_eq!(applies(when, &bindings), expected, "{when}");
        }
    }

    #[test]
    fn a_condition_sees_the_cells_of_its_row() {
        let mut bindings = Bindings::default();
        let row = |value: i32| -> Row { vec![("form".to_owned(), json!(value))] };
        bindings.enter_row(&row(201));
        assert_eq!(applies("{ form = 201 }", &bindings), Applicability::Applies);
        bindings.enter_row(&row(400));
        assert_ne!(applies("{ form = 201 }", &bindings), Applicability::Applies);
    }
}
