//! Files that are right, and every way to be wrong.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scenario::model::{
    Action, Authorisation, Body, Capability, Extraction, Identity, Initiator, Matcher, Quantity, Step,
    Subject, WireDeed,
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

/// A file that uses every part of the language.
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
advance = "31m"

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
check = [{ verifies = "keys/ST1.1", exit = 0, output = "x" }]

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

[[cleanup]]
name = "gone"
delete = "/x/${id}"
"#;

fn parsed(text: &str) -> (Parsed, Sources) {
    let registry = Registry::load(REGISTRY, Path::new("requirements.toml")).unwrap();
    let source = Arc::new(Source { path: "scenarios/s/keys/ST1.toml".into(), text: text.to_owned() });
    let place = Place {
        suite: "s".to_owned(),
        chapter: "keys".to_owned(),
        stem: "ST1".to_owned(),
        snapshots: "scenarios/s/keys/ST1.snap".into(),
    };
    let mut sources = Sources::default();
    sources.add(Arc::clone(&source));
    (parse(&source, &place, &registry), sources)
}

fn messages(text: &str) -> Vec<String> {
    let found = parsed(text).0.diagnostics;
    found.into_iter().map(|d| format!("{:?}: {}", d.severity, d.message).to_lowercase()).collect()
}

/// A file with one step that is right, but for what is put into it.
fn with_step(step: &str) -> String {
    format!("title = \"t\"\nmachines = [{{ name = \"M\", up = true }}]\n[[step]]\nname = \"n\"\n{step}\n")
}

const PEER: &str = "{ name = \"P\", wire = true }";
const CHECK: &str = "check = [{ verifies = \"keys/ST1.1\", status = 200 }]\n";

#[test]
fn a_scenario_is_read_as_it_is_written() {
    let text = EVERYTHING;
    let (found, sources) = parsed(text);
    assert!(found.diagnostics.is_empty(), "{}", render(&found.diagnostics, &sources, false, 100));
    let scenario = found.scenario.unwrap();
    assert_eq!((scenario.id.as_str(), scenario.suite.as_str()), ("keys/ST1", "s"));
    use Capability::{Addresses, Agent, Cidr, Clock, Installer, Organisations, Tun, Wire};
    assert_eq!(scenario.needs, [Agent, Installer, Clock, Organisations, Addresses, Cidr, Wire, Tun].into());
    assert!(scenario.machines[1].up && scenario.machines[1].login == Some(Identity::Admin));
    assert!(scenario.machines[2].wire);
    let [made, many, up, later, _, listed, line, joined, met, awaited] = scenario.steps.as_slice() else {
        panic!("{scenario:?}")
    };
    let Action::Http(request) = &made.action else { panic!("{made:?}") };
    assert_eq!((request.method.as_str(), request.path.text.as_str()), ("POST", "/api/keys"));
    assert!(matches!(request.authorisation, Authorisation::Identity(Identity::Outsider)));
    let Body::Json { value, .. } = &request.body else { panic!("{request:?}") };
    assert_eq!(value.to_string(), r#"{"z":1,"a":["${value}","${absent}"],"name":"${run}x"}"#);
    assert_eq!(made.rows[1], [("value".to_owned(), json!("7")), ("who".to_owned(), json!("b"))]);
    assert_eq!(made.keep[1].from, Extraction::Date("rows/0/expires_at".to_owned()));
    assert_eq!(made.checks[0].verifies.len(), 2);
    assert_eq!(made.checks[1].alternatives.len(), 2);
    assert_eq!(
        made.checks[1].alternatives[1].len(),
        2,
        "what stands beside `any` is part of each alternative"
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
    assert!(matches!(later.action, Action::Advance(duration) if duration.as_secs() == 31 * 60));
    assert_eq!(listed.eventually, Some(Duration::from_secs(5)));
    let Action::Shell(shell) = &line.action else { panic!("{line:?}") };
    assert_eq!(shell.line.text, "curl -fsSL ${base_url}/install.sh | KEY=${id} sh");
    assert_eq!((shell.machine.as_str(), shell.timeout), ("Win-A", Duration::from_secs(60)));
    let deed = |step: &Step| match &step.action {
        Action::Wire(command) => command.deed.clone(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(deed(joined), WireDeed::Join { auth_key } if auth_key.text == "${id}"));
    let (WireDeed::Meet(met), WireDeed::Meet(awaited)) = (deed(met), deed(awaited)) else { panic!() };
    assert_eq!((met.with.text.as_str(), met.initiator, met.with_old_key), ("Linux-C", Initiator::Peer, true));
    assert_eq!((awaited.with.text.as_str(), awaited.initiator), ("${run}Linux-C", Initiator::Agent));
    assert_eq!(
        &text[many.checks[0].span.clone()],
        "{ verifies = \"keys/ST1.1\", status = 201, exactly = 1 }"
    );
}

#[test]
fn a_skipped_subtest_says_why_and_what_it_will_judge() {
    let (found, _) = parsed("title = \"t\"\nskip = \"needs a browser\"\nstatements = [\"keys/ST1.2\"]\n");
    let skip = found.scenario.unwrap().skip.unwrap();
    assert_eq!((skip.reason.as_str(), skip.statements.len()), ("needs a browser", 1));
    assert_eq!(
        messages("title = \"t\"\nskip = \"needs a browser\"\n"),
        ["error: a skipped sub-test must say what it will judge"]
    );
}

#[test]
fn all_mistakes_of_a_file_are_shown_where_they_stand() {
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
fn each_rule_is_kept() {
    let http = |more: &str| with_step(&format!("get = \"/x\"\n{more}"));
    let check = |check: &str| http(&format!("check = [{check}]"));
    let race = |more: &str| {
        http(&format!("race = 32\ncheck = [{{ verifies = \"keys/ST1.1\", status = 200, {more} }}]"))
    };
    let matcher =
        |matcher: &str| check(&format!("{{ verifies = \"keys/ST1.1\", json = {{ \"/a\" = {matcher} }} }}"));
    let ztna = |more: &str| with_step(&format!("on = \"M\"\nztna = \"up\"\n{more}"));
    let wire = |deed: &str, more: &str| {
        with_step(&format!("on = \"P\"\nwire = \"{deed}\"\n{more}"))
            .replace("up = true }", &format!("up = true }}, {PEER}"))
    };
    let shell = |more: &str| with_step(&format!("on = \"M\"\nshell = \"ls\"\n{more}"));
    for (text, expected) in [
        (http(""), "error: no step has a `check`"),
        (shell("until = \"x\""), "error: `until` does not go with `shell`"),
        (shell("eventually = \"1s\""), "error: `eventually` repeats the step"),
        (
            shell("check = [{ verifies = \"keys/ST1.1\", status = 200 }]"),
            "error: `status` is of http answers",
        ),
        (with_step("on = \"N\"\nshell = \"ls\""), "error: there is no machine `n`"),
        (wire("ping", ""), "error: `ping` is nothing that a wireguard peer does"),
        (wire("join", ""), "error: a step needs `auth_key`"),
        (wire("join", "auth_key = \"x\"\nsource = \"1\""), "error: `source` does not go with `wire"),
        (wire("ping M", "auth_key = \"x\""), "error: `auth_key` does not go with `wire"),
        (wire("ping M", "own_key = \"new\""), "error: `new` is not a key of the peer's"),
        (wire("await M", "eventually = \"1s\""), "error: `eventually` repeats the step"),
        (
            wire("ping M", "check = [{ verifies = \"keys/ST1.1\", stdout = \"x\" }]"),
            "error: `stdout` is of commands of `ztna`",
        ),
        (
            wire("ping M", "check = [{ verifies = \"keys/ST1.1\", snapshot = \"x\" }]"),
            "error: `snapshot` is of http answers and",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", handshake = true }"),
            "error: `handshake` is of the verb `wire`",
        ),
        (http("their_key = \"x\""), "error: `their_key` does not go with `get`"),
        (with_step("on = \"M\"\nwire = \"join\"\nauth_key = \"x\""), "error: `m` is an agent"),
        (
            with_step("on = \"P\"\nztna = \"status\"").replace("{ name = \"M\", up = true }", PEER),
            "error: `p` is a wireguard peer",
        ),
        (
            http(CHECK).replace("up = true", "up = true, wire = true"),
            "error: a wireguard peer of the kit's own has no agent",
        ),
        (http("check = []\nname2 = 1"), "error: a step has no key `name2`"),
        (check("{ verifies = \"keys/ST1.1\" }"), "error: this check expects nothing"),
        (check("{ status = 200 }"), "error: a check needs `verifies`"),
        (check("{ verifies = [], status = 200 }"), "error: `verifies` names no statement"),
        (check("{ verifies = \"keys/ST1.1\", status = [] }"), "error: `status` is empty"),
        (check("{ verifies = \"keys/ST1.1\", status = 99 }"), "error: 99 is no http status"),
        (check("{ verifies = \"keys/ST1.1\", exit = 1 }"), "error: `exit` is of commands of `ztna`"),
        (check("{ verifies = \"keys/ST1.1\", json = {} }"), "error: `json` names no place"),
        (check("{ verifies = \"keys/ST1.1\", json = { data = 1 } }"), "error: `data` is not a place in json"),
        (check("{ verifies = \"keys/ST1.1\", body = \"\" }"), "error: every text contains the empty"),
        (check("{ verifies = \"keys/ST1.1\", body = 5 }"), "error: `body` is text, so it is never equal"),
        (check("{ verifies = \"keys/ST1.1\", body = { keys = [] } }"), "error: `keys` is not for text"),
        (
            check("{ verifies = \"keys/ST1.1\", snapshot = \"../x\" }"),
            "error: `../x` cannot be a snapshot's name",
        ),
        (check("{ verifies = \"keys/ST1.1\", any = [{ status = 1 }] }"), "error: `any` needs at least two"),
        (
            check("{ verifies = \"keys/ST1.2\", any = [{ status = 200 }, {}] }"),
            "error: this alternative expects",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", any = [{ status = 200 }, { status = 201 }] }"),
            "warning: `any` lets a `must` statement",
        ),
        (
            check("{ verifies = [\"keys/ST1.1\", \"ours/x.1\"], status = 200 }"),
            "warning: a check judges a documented",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", status = 200, exactly = 1 }"),
            "error: `exactly` counts the answers",
        ),
        (race("at_most = 3, exactly = 1"), "error: `exactly` and `at_most` do not go together"),
        (race("at_most = 33"), "error: a race of 32 can never have 33"),
        (race("at_most = 32"), "error: `at_most = 32` can never fail"),
        (race("at_least = 0"), "error: `at_least = 0` can never fail"),
        (matcher("{ matches = \"[\" }"), "error: this is not a regular expression"),
        (matcher("{ machtes = \"x\" }"), "error: an expectation has no key `machtes`"),
        (matcher("{}"), "error: `/a` says nothing"),
        (matcher("{ above = 1, below = 2 }"), "error: one matcher at a time"),
        (matcher("{ above = \"1\" }"), "error: `above` must be a number"),
        (matcher("{ type = \"uid\" }"), "error: `uid` is not a type"),
        (matcher("{ one_of = [] }"), "error: `one_of` is empty"),
        (matcher("{ every = {} }"), "error: `every` names no place"),
        (matcher("2026-01-01"), "error: json has no dates"),
        (matcher("\"${uuid}\""), "error: `${uuid}` is new at each use"),
        (matcher("\"${nope}\""), "error: there is no variable `${nope}`"),
        (matcher("\"${n}\""), "error: `${n}` counts the requests of a race"),
        (matcher("\"${long:x}\""), "error: `long:` takes a number"),
        (matcher("\"${open\""), "error: `${open` is not a template"),
        (
            with_step(
                "post = \"/x\"\neventually = \"1s\"\ncheck = [{ verifies = \"keys/ST1.1\", status = 200 }]",
            ),
            "error: `eventually` repeats the step",
        ),
        (http(&format!("race = 2\neventually = \"1s\"\n{CHECK}")), "error: `eventually` and `race`"),
        (ztna("race = 2"), "error: `race` is for requests only"),
        (ztna("check = [{ verifies = \"keys/ST1.1\", status = 200 }]"), "error: `status` is of http answers"),
        (
            ztna("check = [{ verifies = \"keys/ST1.1\", requests = [\"GET /x\"] }]"),
            "error: the requests of `m` are not recorded",
        ),
        (
            ztna("check = [{ verifies = \"keys/ST1.1\", exit = \"fail\" }]"),
            "error: `fail` is not an exit code",
        ),
        (ztna("as = \"admin\""), "error: `as` does not go with `ztna`"),
        (with_step("ztna = \"up\""), "error: a step needs `on`"),
        (with_step("on = \"M\"\nztna = \"up 'x\""), "error: this is not a line that a shell"),
        (with_step("advance = \"1h\"\ncheck = []"), "error: this step leaves nothing to check"),
        (with_step("set = { run = \"x\" }"), "error: `${run}` is always there"),
        (with_step("set = { \"a b\" = \"x\" }"), "error: `a b` cannot be a variable's name"),
        (with_step("get = \"x\""), "error: `x` is not a path"),
        (http("as = \"root\""), "error: `root` is not one of the target's people"),
        (http("as = \"admin\"\nbearer = \"x\""), "error: `as` and `bearer`"),
        (http("json = 1\nbody = \"x\""), "error: `json` and `body`"),
        (http("rows = []"), "error: `rows` is empty"),
        (http("rows = [{ a = 1 }, { b = 1 }]"), "error: this row differs from the first"),
        (http("keep = { a = \"@count 200\" }"), "error: `@count` counts the answers of a race"),
        (http("keep = { a = \"@output x\" }"), "error: `@output` is of processes only"),
        (ztna("keep = { a = \"@output x\" }"), "error: `@output` keeps the first group"),
        (
            format!("{}[[cleanup]]\nname = \"c\"\nget = \"/\"\n{CHECK}", http(CHECK)),
            "error: a cleanup step takes no",
        ),
        (format!("statements = [\"keys/ST1.1\"]\n{}", http(CHECK)), "error: `statements` goes with `skip`"),
        (format!("needs = [\"wires\"]\n{}", http(CHECK)), "error: `wires` is not a capability"),
        (http(CHECK).replace(", up = true", ""), "warning: machine `m` is not used"),
        (http(CHECK).replace("\"M\"", "\"M M\""), "error: `m m` cannot be a machine's name"),
    ] {
        let messages = messages(&text);
        assert!(
            messages.iter().any(|message| message.starts_with(expected)),
            "{expected}\n{messages:#?}\n{text}"
        );
    }
}

#[test]
fn one_snapshot_is_of_one_check() {
    let twice = "check = [{ verifies = \"keys/ST1.1\", snapshot = \"a\" }, { verifies = \"keys/ST1.1\", snapshot = \"a\" }]";
    let text = with_step(&format!("get = \"/x\"\n{twice}"));
    assert_eq!(messages(&text), ["error: another check has the snapshot `a` already"]);
    let any = "check = [{ verifies = \"keys/ST1.2\", snapshot = \"a\", any = [{ status = 200 }, { status = 201 }] }]";
    assert!(messages(&with_step(&format!("get = \"/x\"\n{any}"))).is_empty());
}

#[test]
fn depth_is_bounded() {
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
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = parsed(&text);
    }

    #[test]
    fn no_torn_file_panics(
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
