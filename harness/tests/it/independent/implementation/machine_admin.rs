//! POST /api/machine-admin: quarantine and deletion.

use serde_json::json;

use super::answer::Answer;
use super::departure::Departure;
use super::person::caller;
use super::request::Request;
use super::world::World;
use crate::independent::choices::Choice;

pub(super) fn administer(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let caller = caller(world, request)?;
    let org = request.text("org_id").unwrap_or_default();
    let scoped =
        caller.has_one_of(&["admin", "write", "machines"]) || world.departs(Departure::ScopesUnchecked);
    // Members are allowed too unless the choice is otherwise: no document forbids it.
    let is_barred = world.chooses(Choice::AdminsAdminister) && !caller.is_admin();
    if !caller.is_of(org) || !scoped || is_barred {
        return Err(Answer::refusal(403, "NOT_YOURS", "Not your machine"));
    }
    let id = request.text("machine_id").unwrap_or_default();
    let machine = world
        .machines
        .iter_mut()
        .find(|machine| machine.org == org && machine.id == id && machine.removed.is_none());
    match (request.text("action"), machine) {
        (Some("delete"), Some(machine)) => {
            machine.removed = Some("deleted");
            machine.tokens.clear();
            world.tidy();
            Ok(Answer::empty(204))
        }
        (Some("quarantine"), Some(machine)) => {
            machine.quarantined = true;
            Ok(Answer::data(202, json!({ "effective": "now" })))
        }
        (Some("delete" | "quarantine"), None) => {
            Err(Answer::refusal(410, "GONE", "There is no such machine"))
        }
        _ => Err(Answer::refusal(422, "UNHEARD_OF", "There is no such action")),
    }
}
