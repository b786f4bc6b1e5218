use std::sync::Arc;

use harness_model::source::Source;
use serde_json::json;

use super::*;

const PROFILE: &str = "name = \"x\"\nbase_url = \"http://mesh.example\"\norg_id = \"o1\"\nother_org_id = \"o2\"\n[tokens]\n\
     admin = { env = \"A\" }\nmember = { env = \"M\" }\noutsider = { env = \"X\" }\n";

fn response(status: u16) -> Response {
    Response { request: "GET /api/x".to_owned(), status, code: None }
}

fn refused(status: u16) -> Option<Creation> {
    Some(Creation::Refused(response(status)))
}

fn made() -> Option<Creation> {
    let revocation = Revocation::Done;
    Some(Creation::Made { response: response(201), name: "k".to_owned(), revocation })
}

/// The observation of a session whose organisations are `None` if unreadable, and otherwise pairs of id and role.
fn observed(identity: Identity, list: u16, organisations: Option<&[(&str, &str)]>) -> Observation {
    let row = |(id, role): &(&str, &str)| json!({ "org_id": id, "role": role });
    let rows = organisations.map(|rows| rows.iter().map(row).collect());
    Observation {
        identity,
        org: if identity == Identity::Outsider { "o2" } else { "o1" }.to_owned(),
        token: "t".to_owned(),
        is_refused: false,
        list: response(list),
        organisations: rows.map(Organisations::new),
        reads_foreign: false,
        is_renewable: true,
    }
}

/// The key that is wrong, or what else was decided.
fn decided(observation: &Observation, creation: Option<&Creation>) -> String {
    let source = Source::new("target.toml", PROFILE);
    let profile = Profile::parse(&Arc::new(source)).unwrap();
    match decide(observation, creation, &profile) {
        State::Right(_) => "right".to_owned(),
        State::Open { .. } => "open".to_owned(),
        State::Wrong { key, .. } => key,
    }
}

#[test]
fn a_refusal_alone_is_left_to_the_sub_tests() {
    for status in [400, 403, 404, 405, 500, 503] {
        for organisations in [None, Some(&[("o1", "admin")][..])] {
            let admin = observed(Identity::Admin, 200, organisations);
            assert_eq!(decided(&admin, refused(status).as_ref()), "right", "{status} {organisations:?}");
            let admin = observed(Identity::Admin, status, organisations);
            assert!(["right", "open"].contains(&&*decided(&admin, None)), "{status} {organisations:?}");
        }
    }
}

#[test]
#[allow(clippy::type_complexity, reason = "a table of cases")]
fn a_mistake_needs_two_facts_that_agree() {
    use Identity::{Admin, Member, Outsider, Owner};
    let cases: [(Identity, u16, &[(&str, &str)], Option<Creation>, &str); 14] = [
        (Admin, 403, &[("o9", "admin")], None, "org_id"),
        (Admin, 200, &[("o9", "admin")], refused(403), "org_id"),
        (Admin, 200, &[("o9", "admin")], made(), "right"),
        (Admin, 500, &[("o9", "admin")], refused(500), "open"),
        (Admin, 200, &[("o1", "member")], refused(403), "tokens.admin"),
        (Admin, 200, &[("o1", "member")], refused(500), "open"),
        (Admin, 200, &[("o1", "member")], made(), "open"),
        (Owner, 200, &[("o1", "admin")], None, "open"),
        (Owner, 200, &[("o1", "member")], refused(403), "tokens.owner"),
        (Member, 403, &[("o1", "member")], None, "right"),
        (Member, 200, &[("o1", "admin")], made(), "tokens.member"),
        (Member, 200, &[("o1", "admin")], refused(403), "open"),
        (Outsider, 403, &[("o9", "admin")], None, "other_org_id"),
        (Outsider, 200, &[("o2", "admin")], None, "right"),
    ];
    for (identity, list, organisations, creation, expected) in cases {
        let observation = observed(identity, list, Some(organisations));
        let case = format!("{identity:?} {list} {organisations:?} {creation:?}");
        assert_eq!(decided(&observation, creation.as_ref()), expected, "{case}");
    }
    let both = Observation {
        reads_foreign: true,
        ..observed(Outsider, 200, Some(&[("o2", "admin"), ("o1", "member")]))
    };
    assert_eq!(decided(&both, None), "tokens.outsider");
}
