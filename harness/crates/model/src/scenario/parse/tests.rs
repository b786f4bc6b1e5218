//! Valid files, and every kind of invalid file.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scenario::model::{
    Action, Authorisation, Body, Capability, Extraction, Identity, Initiator, Matcher, Quantity, Step,
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
name = "much later"
advance = "40m"
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

[[cleanup]]
name = "gone"
delete = "/x/${id}"
"#;

fn parsed(text: &str) -> (Parsed, Sources) {
    let registry = Registry::load(REGISTRY, Path::new("requirements.toml")).unwrap();
    let source = Arc::new(Source { path: "scenarios/s/keys/ST1.toml".into(), text: text.to_owned() });
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
    use Capability::{Addresses, Agent, Cidr, Clock, Heartbeat, Installer, Organisations, Tun, Wire};
    assert_eq!(
        scenario.needs,
        [Agent, Installer, Clock, Heartbeat, Organisations, Addresses, Cidr, Wire, Tun].into()
    );
    for (name, is_used) in
        [("token.admin", true), ("token.member", true), ("who", true), ("token.owner", false)]
    {
        assert_eq!(scenario.variables.contains(name), is_used, "{name}");
    }
    assert!(scenario.machines[1].up && scenario.machines[1].login == Some(Identity::Admin));
    assert!(scenario.machines[2].wire);
    let [made, many, up, later, login, interrupted, online, offline, _, listed, line, joined, met, awaited] =
        scenario.steps.as_slice()
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
    assert!(matches!(&later.action, Action::Advance(advance) if advance.by.as_secs() == 31 * 60));
    assert!(matches!(&login.action, Action::Login(login) if login.identity == Identity::Member));
    assert!(matches!(&interrupted.action, Action::Interrupt(of) if of.machine == "Linux-C"));
    assert!(matches!(&online.action, Action::Advance(advance) if advance.keeping.len() == 1));
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
    assert_eq!(
        &text[many.checks[0].span.clone()],
        "{ verifies = \"keys/ST1.1\", status = 201, exactly = 1 }"
    );
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
fn every_rule_is_enforced() {
    let http = |more: &str| with_step(&format!("get = \"/x\"\n{more}"));
    let check = |check: &str| http(&format!("check = [{check}]"));
    let race = |more: &str| {
        http(&format!("race = 32\ncheck = [{{ verifies = \"keys/ST1.1\", status = 200, {more} }}]"))
    };
    let matcher =
        |matcher: &str| check(&format!("{{ verifies = \"keys/ST1.1\", json = {{ \"/a\" = {matcher} }} }}"));
    let ztna = |more: &str| with_step(&format!("on = \"M\"\nztna = \"up\"\n{more}"));
    let wire = |action: &str, more: &str| {
        with_step(&format!("on = \"P\"\nwire = \"{action}\"\n{more}"))
            .replace("up = true }", &format!("up = true }}, {PEER}"))
    };
    let shell = |more: &str| with_step(&format!("on = \"M\"\nshell = \"ls\"\n{more}"));
    for (text, expected) in [
        (http(""), "error: no step has a `check`"),
        (shell("until = \"x\""), "error: `until` is not available for `shell`"),
        (shell("eventually = \"1s\""), "error: `eventually` is only available for steps that read"),
        (
            shell("check = [{ verifies = \"keys/ST1.1\", status = 200 }]"),
            "error: `status` is only available for http requests",
        ),
        (with_step("on = \"N\"\nshell = \"ls\""), "error: unknown machine `n`"),
        (wire("ping", ""), "error: unknown `wire` command `ping`"),
        (wire("join", ""), "error: missing key `auth_key` in a step"),
        (wire("join", "auth_key = \"x\"\nsource = \"1\""), "error: `source` is not available for `wire"),
        (wire("ping M", "auth_key = \"x\""), "error: `auth_key` is not available for `wire"),
        (wire("ping M", "own_key = \"new\""), "error: unknown `own_key` `new`"),
        (wire("await M", "eventually = \"1s\""), "error: `eventually` is only available for steps that read"),
        (
            wire("ping M", "check = [{ verifies = \"keys/ST1.1\", stdout = \"x\" }]"),
            "error: `stdout` is only available for commands",
        ),
        (
            wire("ping M", "check = [{ verifies = \"keys/ST1.1\", snapshot = \"x\" }]"),
            "error: `snapshot` is only available for http requests and",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", handshake = true }"),
            "error: `handshake` is only available for `wire`",
        ),
        (http("their_key = \"x\""), "error: `their_key` is not available for `get`"),
        (
            with_step("on = \"M\"\nwire = \"join\"\nauth_key = \"x\""),
            "error: `wire` needs a wireguard peer, but `m` is an agent",
        ),
        (
            with_step("on = \"P\"\nztna = \"status\"").replace("{ name = \"M\", up = true }", PEER),
            "error: `p` is a wireguard peer",
        ),
        (
            http(CHECK).replace("up = true", "up = true, wire = true"),
            "error: `wire` cannot be combined with `login`, `up` or `observed`",
        ),
        (http("check = []\nname2 = 1"), "error: unknown key `name2` in a step"),
        (check("{ verifies = \"keys/ST1.1\" }"), "error: this check has no expectation"),
        (check("{ status = 200 }"), "error: missing key `verifies` in a check"),
        (check("{ verifies = [], status = 200 }"), "error: `verifies` is empty"),
        (check("{ verifies = \"keys/ST1.1\", status = [] }"), "error: `status` is empty"),
        (check("{ verifies = \"keys/ST1.1\", status = 99 }"), "error: invalid http status 99"),
        (check("{ verifies = \"keys/ST1.1\", exit = 1 }"), "error: `exit` is only available for commands"),
        (check("{ verifies = \"keys/ST1.1\", json = {} }"), "error: `json` is empty"),
        (check("{ verifies = \"keys/ST1.1\", json = { data = 1 } }"), "error: invalid json pointer `data`"),
        (
            check("{ verifies = \"keys/ST1.1\", body = \"\" }"),
            "error: `body` is empty, which every text contains",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", body = 5 }"),
            "error: `body` is text and never equals a value of type integer",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", body = { keys = [] } }"),
            "error: `keys` is not available for text",
        ),
        (check("{ verifies = \"keys/ST1.1\", snapshot = \"../x\" }"), "error: invalid snapshot name `../x`"),
        (check("{ verifies = \"keys/ST1.1\", any = [{ status = 1 }] }"), "error: `any` needs at least two"),
        (
            check("{ verifies = \"keys/ST1.2\", any = [{ status = 200 }, {}] }"),
            "error: this alternative has no expectation",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", any = [{ status = 200 }, { status = 201 }] }"),
            "warning: `any` accepts several answers for a statement of level `must`",
        ),
        (
            check("{ verifies = [\"keys/ST1.1\", \"ours/x.1\"], status = 200 }"),
            "warning: this check verifies documented statements together with",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", status = 200, exactly = 1 }"),
            "error: `exactly` is only available in a race",
        ),
        (race("at_most = 3, exactly = 1"), "error: `exactly` and `at_most` cannot be combined"),
        (race("at_most = 33"), "error: a race of 32 requests cannot have 33 responses"),
        (race("at_most = 32"), "error: `at_most = 32` can never fail"),
        (race("at_least = 0"), "error: `at_least = 0` can never fail"),
        (matcher("{ matches = \"[\" }"), "error: invalid regular expression"),
        (matcher("{ machtes = \"x\" }"), "error: unknown key `machtes` in an expectation"),
        (matcher("{}"), "error: empty matcher for `/a`"),
        (matcher("{ above = 1, below = 2 }"), "error: only one matcher is allowed"),
        (matcher("{ above = \"1\" }"), "error: `above` must be a number"),
        (matcher("{ type = \"uid\" }"), "error: unknown type `uid`"),
        (matcher("{ table = { A = \"1\" } }"), "error: `table` is not available for json"),
        (check("{ verifies = \"keys/ST1.1\", body = { table = {} } }"), "error: `table` is empty"),
        (
            check("{ verifies = \"keys/ST1.1\", body = { table = { A = 1 } } }"),
            "error: `a` is text and never equals a value of type integer",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", body = { table = { A = { line = \"1\" } } } }"),
            "error: `line` is not available for the cell of a table",
        ),
        (matcher("{ one_of = [] }"), "error: `one_of` is empty"),
        (matcher("{ every = {} }"), "error: `every` is empty"),
        (matcher("2026-01-01"), "error: invalid value: json has no dates"),
        (matcher("\"${uuid}\""), "error: `${uuid}` is generated anew at each use"),
        (matcher("\"${nope}\""), "error: unknown variable `${nope}`"),
        (matcher("\"${n}\""), "error: `${n}` is only available in a race"),
        (matcher("\"${long:x}\""), "error: invalid length `x` for `${long:n}`"),
        (matcher("\"${open\""), "error: invalid template `${open`"),
        (
            with_step(
                "post = \"/x\"\neventually = \"1s\"\ncheck = [{ verifies = \"keys/ST1.1\", status = 200 }]",
            ),
            "error: `eventually` is only available for steps that read",
        ),
        (http(&format!("race = 2\neventually = \"1s\"\n{CHECK}")), "error: `eventually` and `race`"),
        (ztna("race = 2"), "error: `race` is only available for http requests"),
        (
            ztna("check = [{ verifies = \"keys/ST1.1\", status = 200 }]"),
            "error: `status` is only available for http requests",
        ),
        (
            ztna("check = [{ verifies = \"keys/ST1.1\", requests = [\"GET /x\"] }]"),
            "error: `requests` needs an observed machine, but `m` is not observed",
        ),
        (ztna("check = [{ verifies = \"keys/ST1.1\", exit = \"fail\" }]"), "error: invalid exit code `fail`"),
        (ztna("as = \"admin\""), "error: `as` is not available for `ztna`"),
        (with_step("ztna = \"up\""), "error: missing key `on` in a step"),
        (with_step("on = \"M\"\nztna = \"up 'x\""), "error: invalid command line"),
        (with_step("advance = \"1h\"\ncheck = []"), "error: `check` is not allowed here"),
        (with_step("set = { run = \"x\" }"), "error: `${run}` is built in"),
        (with_step("set = { \"a b\" = \"x\" }"), "error: invalid variable name `a b`"),
        (with_step("get = \"x\""), "error: invalid path `x`"),
        (http("as = \"root\""), "error: unknown user `root`"),
        (http("as = \"admin\"\nbearer = \"x\""), "error: `as` and `bearer`"),
        (http("json = 1\nbody = \"x\""), "error: `json` and `body`"),
        (http("rows = []"), "error: `rows` is empty"),
        (ztna("offline = true"), "error: `offline` needs an observed machine, but `m` is not observed"),
        (http("offline = true"), "error: `offline` is not available for `get`"),
        (with_step("login = \"admin\""), "error: missing key `on` in a step"),
        (with_step("on = \"M\"\nlogin = \"amdin\""), "error: unknown user `amdin`"),
        (with_step("on = \"M\"\nlogin = \"nobody\""), "error: `login` needs a user who can log in"),
        (with_step("on = \"N\"\nlogin = \"admin\""), "error: unknown machine `n`"),
        (with_step("on = \"M\"\ninterrupt = \"down\""), "error: unknown command to interrupt `down`"),
        (
            with_step("on = \"M\"\ninterrupt = \"up\"\nuntil = \"x\""),
            "error: `until` is not available for `interrupt`",
        ),
        (with_step("advance = \"1h\"\nkeeping = [\"${nope}\"]"), "error: unknown variable `${nope}`"),
        (with_step("advance = \"1h\"\non = \"M\""), "error: `on` is not available for `advance`"),
        (http("keeping = [\"x\"]"), "error: `keeping` is not available for `get`"),
        (
            check("{ verifies = \"keys/ST1.1\", ended = true }"),
            "error: `ended` is only available for commands",
        ),
        (http("keep = { a = [\"/x\"] }"), "error: invalid source of `a`: expected a source and a fallback"),
        (http("when = {}"), "error: `when` is empty"),
        (http("when = { nope = 1 }"), "error: unknown variable `${nope}`"),
        (http("when = { run = \"${uuid}\" }"), "error: `${uuid}` is generated anew at each use"),
        (http("when = { run = { is = 1 } }"), "error: unknown key `is` in an expectation"),
        (
            http("keep = { a = \"@status\" }\nwhen = { a = 200 }"),
            "error: `${a}` is used before it is assigned",
        ),
        (http("wehn = { run = 1 }"), "error: unknown key `wehn` in a step"),
        (
            http("rows = [{ a = 1 }, { b = 1 }]"),
            "error: this row must set the same variables as the first row",
        ),
        (http("keep = { a = \"@count 200\" }"), "error: `@count` is only available in a race"),
        (wire("await M", "keep = { a = \"@output (x)\" }"), "error: `@output` is not available for `wire`"),
        (
            ztna("keep = { a = \"@output x\" }"),
            "error: `@output` needs a regular expression with a capture group",
        ),
        (
            format!("{}[[cleanup]]\nname = \"c\"\nget = \"/\"\n{CHECK}", http(CHECK)),
            "error: `check` is not allowed in a cleanup step",
        ),
        (
            format!("statements = [\"keys/ST1.1\"]\n{}", http(CHECK)),
            "error: `statements` is only allowed with `skip`",
        ),
        (format!("needs = [\"wires\"]\n{}", http(CHECK)), "error: unknown capability `wires`"),
        (http(CHECK).replace(", up = true", ""), "warning: unused machine `m`"),
        (http(CHECK).replace("\"M\"", "\"M M\""), "error: invalid machine name `m m`"),
    ] {
        let messages = messages(&text);
        assert!(
            messages.iter().any(|message| message.starts_with(expected)),
            "{expected}\n{messages:#?}\n{text}"
        );
    }
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
