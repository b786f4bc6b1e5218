//! Every rule of the language, with a file that breaks it.

use super::*;

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
    let browse = |acts: &str| {
        with_step(&format!("browse = [{acts}]\ncheck = [{{ verifies = \"keys/ST1.1\", done = true }}]"))
    };
    for (text, expected) in [
        (browse("{ clik = \"x\" }"), "error: unknown key `clik` in an act"),
        (browse("{ row = \"x\" }"), "error: missing verb in an act"),
        (browse("{ click = \"x\", open = \"/\" }"), "error: an act takes only one verb"),
        (browse("{ fill = \"x\" }"), "error: missing key `with` in an act"),
        (browse("{ click = \"x\", with = \"y\" }"), "error: `with` is only available for `fill`"),
        (browse("{ open = \"x\" }"), "error: invalid path `x`: it must begin with `/`"),
        (browse("{ go = \"x >  > y\" }"), "error: empty name in `go`"),
        (browse("{ reload = false }"), "error: `reload` must be `true`"),
        (browse("{ reload = true, optional = true }"), "error: `optional` is only available for `click`"),
        (browse("\"x\""), "error: invalid act: expected a table"),
        (with_step("browse = [{ reload = true }]"), "error: missing key `check` in a `browse` step"),
        (
            browse("").replace("done = true", "status = 200"),
            "error: `status` is only available for http requests",
        ),
        (
            check("{ verifies = \"keys/ST1.1\", page = \"x\" }"),
            "error: `page` is only available for `browse`",
        ),
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
        (ztna("host_name = true"), "error: `host_name = false` is only available for `up`"),
        (
            with_step("on = \"M\"\nztna = \"status\"\nhost_name = false"),
            "error: `host_name = false` is only available for `up`",
        ),
        (
            with_step("on = \"M\"\nztna = \"up --hostname x\"\nhost_name = false"),
            "error: `host_name = false` is only available for `up`",
        ),
        (shell("host_name = false"), "error: `host_name` is not available for `shell`"),
        (with_step("wait = \"3h\""), "error: `wait` takes 2 hours at most"),
        (with_step("wait = \"a while\""), "error: invalid duration `a while`"),
        (with_step("wiat = \"61s\""), "error: unknown verb `wiat`"),
        (http("keeping = [\"x\"]"), "error: `keeping` is not available for `get`"),
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
