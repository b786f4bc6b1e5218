//! Valid files, and every kind of invalid file.

mod rules;

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scenario::model::{
    Act, Action, Authorisation, Body, Capability, Extraction, Identity, Initiator, Matcher, Quantity, Step,
    Subject, WireAction,
};
use crate::source::diagnostic::{Severity, Sources, render};

const REGISTRY: &str = r#"
[chapters]
keys = { suite = "s", title = "Keys", document = "a.txt" }
[[requirement]]
id = "keys/ST1.1"
text = "x"
via = ["http"]
level = "must"
[[requirement]]
id = "keys/ST1.2"
text = "y"
via = ["http"]
level = "either"
accepts = ["a", "b"]
[[requirement]]
id = "ours/x.1"
text = "z"
via = ["http"]
level = "ours"
"#;

/// A file that uses every feature of the language.
pub(crate) const EVERYTHING: &str = r#"
title = "A key works"
machines = ["Linux-C", { name = "Win-A", login = "admin", up = true, observed = true }, { name = "Probe", wire = true }]
needs = ["tun"]

[[step]]
name = "made by ${who}"
as = "outsider"
post = "/api/keys"
json = { z = 1, a = ["${value}", "${absent}"], name = "${run}x" }
query = { org_id = "eq.${org}" }
when = { who = { not = "${run}" } }
headers = { X-Test = "1" }
from = "${address}"
rows = [{ value = 0, who = "a" }, { value = "7", who = "b" }]
keep = { id = "/data/id", until = "@date rows/0/expires_at", status = "@status", trace = "@header X-Trace" }
check = [
  { verifies = ["keys/ST1.1", "keys/ST1.2"], status = [200, 201], error = { absent = true }, snapshot = "made" },
  { verifies = "keys/ST1.2", json = { "/data" = { has_keys = ["id"] } }, any = [{ status = 401 }, { body = "no" }] },
]

[[step]]
name = "many"
bearer = "${token.member}"
get = "/x?n=${n}"
race = 32
keep = { won = "@count 200 201" }
check = [{ verifies = "keys/ST1.1", status = 201, exactly = 1 }]

[[step]]
name = "up"
on = "Linux-C"
ztna = "up --hostname 'a ${id}'"
env = { ZTNA_AUTH_KEY = "${id}" }
keep = { node = "@output Node key: (\\w+)" }
check = [{ verifies = "keys/ST1.1", running = true, stdout = { lines = ["a", { matches = "^b${run}$" }] } }]

[[step]]
name = "later"
when = { won = 3, node = { absent = true } }
advance = "31m"

[[step]]
name = "logged in"
on = "Linux-C"
login = "member"
timeout = "20s"
check = [{ verifies = "keys/ST1.1", exit = 0 }]

[[step]]
name = "interrupted"
on = "Linux-C"
interrupt = "up"
check = [{ verifies = "keys/ST1.1", ended = true }]

[[step]]
name = "unnamed"
on = "Linux-C"
ztna = "up"
host_name = false

[[step]]
name = "much later"
advance = "40m"
keeping = ["${node}"]

[[step]]
name = "a minute later"
wait = "61s"
keeping = ["${node}"]

[[step]]
name = "without a network"
on = "Win-A"
ztna = "auth-keys list"
offline = true
keep = { line = ["@output (x)", "none"] }

[[step]]
name = "remember"
set = { old = "${token.admin}" }

[[step]]
name = "listed"
on = "Win-A"
ztna = "auth-keys list --json"
eventually = "5s"
check = [{ verifies = "keys/ST1.1", exit = "failure", requests = ["GET /api/x?a=${old}"] }]

[[step]]
name = "a line"
on = "Win-A"
shell = "curl -fsSL ${base_url}/install.sh | KEY=${id} sh"
env = { A = "${run}" }
timeout = "1m"
keep = { shown = "@output (x)" }
check = [{ verifies = "keys/ST1.1", exit = 0, output = { table = { "KEY PREFIX" = "x", USES = { one_of = ["1", "${id}"] }, EXPIRES = { within = "1d of ${until}" } } } }]

[[step]]
name = "joined"
on = "Probe"
wire = "join"
auth_key = "${id}"
keep = { ip = "/tailnet_ip" }

[[step]]
name = "met"
on = "Probe"
wire = "ping Linux-C"
own_key = "old"
their_key = "${public_key}"
source = "${ip}"
timeout = "1s"
eventually = "5s"
check = [{ verifies = "keys/ST1.1", handshake = true, pong = false, json = { "/refused" = 0 } }]

[[step]]
name = "awaited"
on = "Probe"
wire = "await ${run}Linux-C"

[[step]]
name = "in the dashboard"
as = "admin"
timeout = "20s"
eventually = "2s"
browse = [
  { open = "/api-keys" },
  { go = "Settings > Auth Keys | Settings > API Keys > Auth Keys" },
  { click = "New | Create", row = "${run}x" },
  { fill = "Name", with = "${id}", optional = true },
  { select = "Expiry", option = "7 days" },
  { check = "machines:read" },
  { uncheck = "Ephemeral" },
  { confirm = "Yes" },
  { reload = true },
  { back = true },
]
keep = { path = "/path", shown_key = "@output (tskey-\\w+)" }
check = [
  { verifies = "keys/ST1.1", page = "x", done = true, row = { Name = "${id}", date = { within = "1d of ${until}" } } },
  { verifies = "keys/ST1.1", no_row = { Name = "y" }, requests = "GET /api/x", json = { "/storage" = { keys = [] } } },
]

[[cleanup]]
name = "gone"
delete = "/x/${id}"
"#;

fn parsed(text: &str) -> (Parsed, Sources) {
    let registry = Registry::load(REGISTRY, Path::new("requirements.toml")).unwrap();
    let source = Arc::new(Source::new("scenarios/s/keys/ST1.toml", text));
    let path = ScenarioPath {
        suite: "s".to_owned(),
        chapter: "keys".to_owned(),
        stem: "ST1".to_owned(),
        snapshots: "scenarios/s/keys/ST1.snap".into(),
    };
    let mut sources = Sources::default();
    sources.add(Arc::clone(&source));
    (parse(&source, &path, &registry), sources)
}

fn messages(text: &str) -> Vec<String> {
    let found = parsed(text).0.diagnostics;
    found.into_iter().map(|d| format!("{:?}: {}", d.severity, d.message).to_lowercase()).collect()
}

/// Returns a file with one step, valid except for the given lines.
fn with_step(step: &str) -> String {
    format!("title = \"t\"\nmachines = [{{ name = \"M\", up = true }}]\n[[step]]\nname = \"n\"\n{step}\n")
}

const PEER: &str = "{ name = \"P\", wire = true }";
const CHECK: &str = "check = [{ verifies = \"keys/ST1.1\", status = 200 }]\n";

#[test]
fn every_feature_is_parsed() {
    let text = EVERYTHING;
    let (found, sources) = parsed(text);
    assert!(found.diagnostics.is_empty(), "{}", render(&found.diagnostics, &sources, false, 100));
    let scenario = found.scenario.unwrap();
    assert_eq!((scenario.id.as_str(), scenario.suite.as_str()), ("keys/ST1", "s"));
    use Capability::{
        Addresses, Agent, Cidr, Clock, Dashboard, Heartbeat, HostName, Installer, Organisations, Tun, Wire,
    };
    assert_eq!(
        scenario.needs,
        [Agent, Installer, Clock, Heartbeat, Organisations, Addresses, Cidr, Dashboard, Wire, Tun, HostName]
            .into()
    );
    for (name, is_used) in
        [("token.admin", true), ("token.member", true), ("who", true), ("token.owner", false)]
    {
        assert_eq!(scenario.variables.contains(name), is_used, "{name}");
    }
    assert!(scenario.machines[1].up && scenario.machines[1].login == Some(Identity::Admin));
    assert!(scenario.machines[2].wire);
    let [
        made,
        many,
        up,
        later,
        login,
        interrupted,
        unnamed,
        online,
        waited,
        offline,
        _,
        listed,
        line,
        joined,
        met,
        awaited,
        browsed,
    ] = scenario.steps.as_slice()
    else {
        panic!("{scenario:?}")
    };
    let Action::Http(request) = &made.action else { panic!("{made:?}") };
    assert_eq!((request.method.as_str(), request.path.text.as_str()), ("POST", "/api/keys"));
    assert!(matches!(request.authorisation, Authorisation::Identity(Identity::Outsider)));
    let Body::Json { value, .. } = &request.body else { panic!("{request:?}") };
    assert_eq!(value.to_string(), r#"{"z":1,"a":["${value}","${absent}"],"name":"${run}x"}"#);
    assert_eq!(made.rows[1], [("value".to_owned(), json!("7")), ("who".to_owned(), json!("b"))]);
    assert_eq!(made.when[0].variable, "who");
    assert_eq!(later.when[1].matcher, Matcher::Absent);
    assert_eq!(made.keep[1].from, Extraction::Date("rows/0/expires_at".to_owned()));
    assert_eq!(made.checks[0].verifies.len(), 2);
    assert_eq!(made.checks[1].alternatives.len(), 2);
    assert_eq!(
        made.checks[1].alternatives[1].len(),
        2,
        "expectations next to `any` are part of each alternative"
    );
    assert_eq!(many.race.unwrap().get(), 32);
    assert_eq!(many.checks[0].quantity, Quantity::Exactly(1));
    assert_eq!(many.keep[0].from, Extraction::Count(vec![200, 201]));
    let Action::Ztna(command) = &up.action else { panic!("{up:?}") };
    let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words, ["up", "--hostname", "a ${id}"]);
    assert_eq!((command.until.as_deref(), command.timeout), (Some("Press Ctrl+C"), Duration::from_secs(10)));
    let Subject::Text(_, Matcher::Lines(lines)) = &up.checks[0].alternatives[0][1].subject else {
        panic!("{up:?}")
    };
    assert_eq!(lines[1], Matcher::Matches("^b${run}$".to_owned()));
    assert!(matches!(&later.action, Action::Advance(advance) if advance.duration.as_secs() == 31 * 60));
    assert!(matches!(&login.action, Action::Login(login) if login.identity == Identity::Member));
    assert!(matches!(&interrupted.action, Action::Interrupt(of) if of.machine == "Linux-C"));
    assert!(matches!(&unnamed.action, Action::Ztna(command) if !command.is_named));
    assert!(matches!(&up.action, Action::Ztna(command) if command.is_named));
    assert!(matches!(&online.action, Action::Advance(advance) if advance.keeping.len() == 1));
    assert!(matches!(&waited.action, Action::Wait(wait) if wait.duration.as_secs() == 61));
    assert_eq!(scenario.waits, None, "with `advance` it needs a clock");
    assert!(matches!(&offline.action, Action::Ztna(command) if command.offline));
    assert_eq!(offline.keep[0].fallback, Some(json!("none")));
    assert_eq!(listed.eventually, Some(Duration::from_secs(5)));
    let Action::Shell(shell) = &line.action else { panic!("{line:?}") };
    assert_eq!(shell.line.text, "curl -fsSL ${base_url}/install.sh | KEY=${id} sh");
    assert_eq!((shell.machine.as_str(), shell.timeout), ("Win-A", Duration::from_secs(60)));
    let action = |step: &Step| match &step.action {
        Action::Wire(command) => command.action.clone(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(action(joined), WireAction::Join { auth_key } if auth_key.text == "${id}"));
    let (WireAction::Meet(met), WireAction::Meet(awaited)) = (action(met), action(awaited)) else { panic!() };
    assert_eq!((met.with.text.as_str(), met.initiator, met.with_old_key), ("Linux-C", Initiator::Peer, true));
    assert_eq!((awaited.with.text.as_str(), awaited.initiator), ("${run}Linux-C", Initiator::Agent));
    let Action::Browse(browse) = &browsed.action else { panic!("{browsed:?}") };
    assert_eq!(
        (browse.identity, browse.timeout.as_secs(), browse.acts.len()),
        (Some(Identity::Admin), 20, 10)
    );
    assert!(matches!(&browse.acts[1], Act::Go(ways) if ways[1][2].text == "Auth Keys"), "{browse:?}");
    assert!(matches!(&browse.acts[3], Act::Optional(_)), "{browse:?}");
    assert!(matches!(&browsed.checks[1].alternatives[0][0].subject, Subject::NoRow(_)), "{browsed:?}");
    assert_eq!(
        &text[many.checks[0].span.clone()],
        "{ verifies = \"keys/ST1.1\", status = 201, exactly = 1 }"
    );
}

#[test]
fn a_subtest_that_only_waits_needs_no_clock() {
    let rows = "rows = [{ a = 1 }, { a = 2 }]";
    let wait = |more: &str| format!("[[step]]\nname = \"w\"\nwait = \"61s\"\n{more}\n");
    let text = format!("{}{}{}", with_step(&format!("get = \"/x\"\n{CHECK}")), wait(rows), wait(""));
    let scenario = parsed(&text).0.scenario.unwrap();
    assert_eq!(scenario.waits, Some(Duration::from_secs(183)));
    assert!(!scenario.needs.contains(&Capability::Clock));
}

#[test]
fn skipped_subtest_needs_reason_and_statements() {
    let (found, _) = parsed("title = \"t\"\nskip = \"needs a browser\"\nstatements = [\"keys/ST1.2\"]\n");
    let skip = found.scenario.unwrap().skip.unwrap();
    assert_eq!((skip.reason.as_str(), skip.statements.len()), ("needs a browser", 1));
    assert_eq!(
        messages("title = \"t\"\nskip = \"needs a browser\"\n"),
        ["error: missing key `statements` in a skipped sub-test"]
    );
}

#[test]
fn all_errors_of_a_file_are_shown_with_carets() {
    let text = r#"titel = "Twelve mistakes"
machines = ["Linux-C", "Linux-C"]

[[step]]
name = "an unknown verb"
pots = "/api/keys"
keep = { id = "/data/id" }

[[step]]
name = "two verbs"
get = "/x"
ztna = "status"

[[step]]
name = "a wrong type and an unknown statement"
get = "/x/${id}"
check = [{ verifies = "keys/ST1.3", status = "200", stdot = "x" }]

[[step]]
name = "a bad duration"
advance = "half an hour"

[[step]]
name = "an unknown machine"
on = "Linux-D"
ztna = "status"
check = [{ verifies = "keys/ST1.1", output = { matches = "(" } }]

[[step]]
name = "a variable too early"
get = "/x/${later}"
eventually = "0s"
check = [{ verifies = "keys/ST1.1" }]

[[step]]
name = "a race of nothing"
post = "/x"
race = 1
keep = { later = "data/id" }
check = [{ status = 200, exactly = 3 }]
"#;
    let (found, sources) = parsed(text);
    assert!(found.scenario.is_none());
    insta::assert_snapshot!(render(&found.diagnostics, &sources, false, 100));
}

#[test]
fn snapshot_names_are_unique() {
    let twice = "check = [{ verifies = \"keys/ST1.1\", snapshot = \"a\" }, { verifies = \"keys/ST1.1\", snapshot = \"a\" }]";
    let text = with_step(&format!("get = \"/x\"\n{twice}"));
    assert_eq!(messages(&text), ["error: duplicate snapshot name `a`"]);
    let any = "check = [{ verifies = \"keys/ST1.2\", snapshot = \"a\", any = [{ status = 200 }, { status = 201 }] }]";
    assert!(messages(&with_step(&format!("get = \"/x\"\n{any}"))).is_empty());
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for (open, close) in [("[", "]"), ("{ a = ", " }")] {
        let nested = format!("x = {}1{}", open.repeat(50_000), close.repeat(50_000));
        assert!(!messages(&nested).is_empty());
    }
    let matcher = format!("{}1{}", "{ not = ".repeat(70), " }".repeat(70));
    let check = format!("check = [{{ verifies = \"keys/ST1.1\", json = {{ \"/a\" = {matcher} }} }}]");
    let _ = messages(&with_step(&format!("get = \"/x\"\n{check}")));
}

proptest! {
    #[test]
    fn arbitrary_text_does_not_panic(text in "\\PC{0,200}") {
        let _ = parsed(&text);
    }

    #[test]
    fn malformed_files_do_not_panic(
        line in prop::sample::select(vec![
            "title = ", "[[step]]", "name = ", "get = ", "check = [", "{ verifies = ", "json = { \"/a\" = ",
            "ztna = ", "rows = [{ ", "keep = { a = ", "set = { a = ", "advance = ", "machines = [",
        ]),
        value in "[\\[\\]{}=,\"'0-9a-z${}@/ ]{0,30}",
        other in "[\\[\\]{}=,\"'0-9a-z${}@/ \n]{0,60}",
    ) {
        let (found, sources) = parsed(&format!("title = \"t\"\n{line}{value}\n{other}"));
        let errors = found.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        prop_assert_eq!(found.scenario.is_none(), errors > 0);
        let _ = render(&found.diagnostics, &sources, true, 80);
    }
}
