//! What only its own agent asks: logins with a code, joining with a session, tags, and the installer.

use serde_json::json;
use uuid::Uuid;

use super::answer::Answer;
use super::enrolment::{enter, machine};
use super::person::{caller, second_session};
use super::request::Request;
use super::rule;
use super::world::World;
use crate::independent::choices::Choice;

const SCRIPT: &str = include_str!("../agent/ztna.sh");
const INSTALLER: &str = include_str!("../agent/install.sh");

/// The installer, which carries the agent's script.
pub(super) fn installer(request: &Request) -> Answer {
    let server = format!("http://{}", request.header("host").unwrap_or_default());
    Answer::plain(INSTALLER.replace("@SERVER@", &server).replace("@AGENT@", SCRIPT.trim_end()))
}

/// POST /agent/login: a code that somebody has to approve.
pub(super) fn begin_login(world: &mut World) -> Answer {
    let random = Uuid::new_v4().simple().to_string().to_uppercase();
    let code = match world.chooses(Choice::CodesOfDigits) {
        true => format!("{:06}", Uuid::new_v4().as_u128() % 1_000_000),
        false => format!("{}-{}", &random[..4], &random[4..8]),
    };
    world.logins.insert(code.clone(), None);
    Answer::json(201, json!({ "code": code }))
}

/// GET /agent/login: the session, once the code is approved.
pub(super) fn await_login(world: &World, request: &Request) -> Answer {
    let code = request.parameter("code").unwrap_or_default();
    match world.logins.get(code) {
        Some(Some(token)) => Answer::json(200, json!({ "session": token })),
        Some(None) => Answer::json(202, json!({ "state": "waiting" })),
        None => Answer::refusal(410, "GONE", "There is no such login"),
    }
}

/// POST /for-tests/approve, with the session of the person who approves.
pub(super) fn approve(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    caller(world, request)?;
    let code = request.required("user_code")?;
    let token = second_session(world, request.bearer.as_deref().unwrap_or_default());
    match world.logins.get_mut(&code) {
        Some(login) => *login = token,
        None => return Err(Answer::refusal(410, "GONE", "There is no such login")),
    }
    Ok(Answer::empty(204))
}

/// GET /agent/role: the person's organisation and role.
pub(super) fn role(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let caller = caller(world, request)?;
    let (org, role) = caller.membership();
    Ok(Answer::json(200, json!({ "organisation": org, "role": role })))
}

/// POST /agent/join: a machine of the person whose session this is.
pub(super) fn join(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let caller = caller(world, request)?;
    let name = request.required("name")?;
    let org = caller.membership().0.to_owned();
    let (_, welcome) = enter(world, &org, &name, Vec::new(), false);
    Ok(Answer::data(201, welcome))
}

/// GET /agent/self: what the machine is, if its credential is still good.
pub(super) fn itself(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let now = world.now();
    let machine = machine(world, request)?;
    machine.seen = now;
    Ok(Answer::json(200, json!({ "machine_id": machine.id, "ip": machine.address, "name": machine.name })))
}

/// POST /agent/tags: adds tags to the machine.
pub(super) fn add_tags(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let tags = rule::texts(request.field("tags"))?.unwrap_or_default();
    let machine = machine(world, request)?;
    for tag in tags.iter().map(|tag| rule::bare(tag)) {
        if !machine.tags.contains(&tag) {
            machine.tags.push(tag);
        }
    }
    Ok(Answer::empty(204))
}
