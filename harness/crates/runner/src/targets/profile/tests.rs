use std::collections::BTreeSet;
use std::sync::Arc;

use harness_model::scenario::model::{Capability, Source};
use harness_model::source::diagnostic::render;

use super::*;
use crate::targets::WITHOUT_TUN;
use harness_model::scenario::model::Identity;

fn parse(text: &str) -> Result<Profile, ProfileError> {
    Profile::parse(&Arc::new(Source::new("target.toml", text)))
}

const MINIMAL: &str = "name = \"x\"\nbase_url = \"http://mesh.example:1\"\norg_id = \"o\"\n";

#[test]
fn example_is_valid() {
    let profile = parse(include_str!("../example.toml")).unwrap();
    let declared = [
        Capability::Agent,
        Capability::Clock,
        Capability::Organisations,
        Capability::Cidr,
        Capability::Quota,
    ];
    assert_eq!(profile.capabilities, BTreeSet::from(declared));
    assert_eq!(profile.content.tokens.len(), 5);
    // The clock moves, and two of the tokens cannot be renewed.
    assert_eq!(profile.warnings.len(), 2, "{:?}", profile.warnings);
}

#[test]
fn capabilities_follow_from_the_profile() {
    assert!(parse(MINIMAL).unwrap().capabilities.is_empty());
    let agent = "[agent]\ncommand = \"ztna\"\n";
    let cases = [
        ("[hooks]\nclock = \"/clock\"\n", vec![Capability::Clock]),
        (agent, vec![Capability::Agent]),
        ("address = \"203.0.113.9\"\n", vec![Capability::Cidr]),
        ("[quota]\norg_id = \"q\"\nlimit = 3\ntoken = { env = \"X\" }\n", vec![Capability::Quota]),
        ("[installer]\nurl = \"https://get.acme.example/install.sh\"\n", vec![Capability::Installer]),
        (&format!("capabilities = [\"tun\"]\n{agent}"), vec![Capability::Tun]),
    ];
    for (more, capabilities) in cases {
        let profile = parse(&format!("{MINIMAL}{more}")).unwrap();
        assert_eq!(profile.capabilities, BTreeSet::from_iter(capabilities), "{more}");
    }
    let beside = MINIMAL.replace("mesh.example", "127.0.0.1");
    assert_eq!(parse(&beside).unwrap().capabilities, BTreeSet::from([Capability::Cidr]));
    let with_agent = parse(&format!("{MINIMAL}{agent}")).unwrap();
    assert_eq!(with_agent.content.agent.unwrap().without_tun, WITHOUT_TUN);
}

#[test]
fn inline_tokens_are_masked_and_cause_a_warning() {
    let profile = parse(&format!("{MINIMAL}[tokens]\nadmin = \"very-secret\"\n")).unwrap();
    assert_eq!(profile.warnings.len(), 1);
    let shown = render(&profile.warnings, &profile.sources(), false, 100);
    assert!(shown.contains("is written in the profile"), "{shown}");
    assert!(!shown.contains("very-secret") && !format!("{profile:?}").contains("very-secret"), "{shown}");
    let limited = "[quota]\norg_id = \"q\"\nlimit = 3\ntoken = \"very-secret\"\n";
    let profile = parse(&format!("{MINIMAL}{limited}")).unwrap();
    let shown = render(&profile.warnings, &profile.sources(), false, 100);
    assert!(shown.contains("quota.token is written in the profile"), "{shown}");
    assert!(!shown.contains("very-secret") && !format!("{profile:?}").contains("very-secret"), "{shown}");
    let wrong =
        parse(&format!("{MINIMAL}[tokens]\nadmin = \"very-secret\" x\n")).unwrap_err().render(false, 100);
    assert!(wrong.contains("invalid TOML") && !wrong.contains("very-secret"), "{wrong}");
}

#[test]
fn mistakes_have_a_caret_and_a_hint() {
    let cases = [
        ("capabilities = [\"fresh\"]", "`fresh` requires hooks.reset", "add it"),
        ("capabilities = [\"tun\"]", "`tun` requires an [agent] with its command", "remove the capability"),
        ("capabilities = [\"cidr\"]", "`cidr` requires the `address`", "add it"),
        ("capabilities = [\"agnet\"]", "unknown capability `agnet`", "did you mean `agent`?"),
        ("capabilities = \"agent\"\nversion = 1", "`version` must be a string", ""),
        ("oder_org_id = \"x\"", "unknown key `oder_org_id`", "did you mean `other_org_id`?"),
        ("address = \"here\"", "invalid address `here`", "203.0.113.9"),
        ("[timeouts]\nrequest = \"soon\"", "invalid duration `soon`", "\"10s\""),
        ("[timeouts]\nsubtest = \"0s\"", "greater than zero", ""),
        ("[quota]\norgid = \"q\"", "unknown key `orgid`", "did you mean `org_id`?"),
        ("[quota]\norg_id = \"q\"\nlimit = 3", "missing key `token`", ""),
        (
            "[quota]\norg_id = \"q\"\nlimit = 99\ntoken = { env = \"X\" }",
            "`limit` must be 1 to 10",
            "a few machines",
        ),
        (
            "[quota]\ntoken = { evn = \"X\" }\norg_id = \"q\"\nlimit = 3",
            "unknown key `evn`",
            "did you mean `env`?",
        ),
        ("[installer]\nurl = \"get.acme.example\"", "invalid `url`: `get.acme.example`", "https://HOST"),
        ("[installer]\nurl = \"https://a.example/$(id)\"", "invalid `url`", "https://HOST"),
        ("[installer]\nimage = \"a; id\"", "invalid `image`", "REPOSITORY:TAG"),
        ("capabilities = [\"quota\"]", "`quota` requires a [quota]", "remove the capability"),
        ("[tokens]\nlimited = { env = \"X\" }", "unknown key `limited`", ""),
        ("[timeouts]\nsetle = \"3s\"", "unknown key `setle`", "did you mean `settle`?"),
        ("[timeouts]\nsettle = \"a bit\"", "invalid duration `a bit`", "\"10s\""),
        (
            "[tokens]\nadmin = { enviroment = \"X\" }",
            "unknown key `enviroment`",
            "expected one of `env`, `file`, `command`, `login`",
        ),
        ("[tokens]\nadmin = { env = \"X\", file = \"y\" }", "exactly one source", "{ command ="),
        ("[tokens]\nadmin = { login = { email = \"a\" } }", "missing key `password_env`", ""),
        ("[tokens]\nadmin = { command = \"vault 'x\" }", "invalid command line in `command`", "sh -c"),
        ("[tokens]\nnobody = \"x\"", "unknown key `nobody`", "expected one of `admin`"),
        ("[tls]\nclient_key = \"k.pem\"", "requires tls.client_certificate", "add client_certificate"),
        ("[limits]\nrequests_per_second = 0", "a number of at least 0.01", ""),
        ("[limits]\nconcurrency = 0", "must be an integer above 0", ""),
        ("[limits]\nconcurency = 4", "unknown key `concurency`", "did you mean `concurrency`?"),
        ("[hooks]\nclock = \"clock\"", "expected a URL or a path", "begins with `/`"),
        (
            "[agent]\ncommand = \"ztna\"\ncode = \"[0-9\"",
            "invalid regular expression: unclosed character class",
            "[0-9]{6}",
        ),
        (
            "[agent]\ncommand = \"ztna\"\nwords = { machine_admin = [\"fleet\", \"{action}\"] }",
            "`machine_admin` has no {machine}",
            "--action",
        ),
        (
            "[agent]\ncommand = \"ztna\"\nwords = { claim_tags = [\"--tags\"] }",
            "`claim_tags` has no {tags}",
            "[\"--tags\", \"{tags}\"]",
        ),
        (
            "[agent]\ncommand = \"ztna\"\nwords = { serve = [\"--serve\", \"{port}\"] }",
            "`serve` has no {service}",
            "{port}={service}",
        ),
        (
            "[agent]\ncommand = \"ztna\"\nwords = { connect = [\"nc\", \"{port}\"] }",
            "`connect` has no {machine}",
            "--timeout",
        ),
        (
            "capabilities = [\"access-rules\"]\n[agent]\ncommand = \"ztna\"\nwords = { serve = [\"{port}={service}\"] }",
            "`access-rules` requires agent.words.serve and agent.words.connect",
            "remove the capability",
        ),
        (
            "[agent]\ncommand = \"ztna\"\nwords = { claim_tag = [\"{tags}\"] }",
            "unknown key `claim_tag`",
            "did you mean `claim_tags`?",
        ),
        (
            "capabilities = [\"claim-tags\"]",
            "`claim-tags` requires agent.words.claim_tags",
            "remove the capability",
        ),
        (
            "[agent]\ncommand = \"ztna\"\nwords = { machin_admin = [] }",
            "unknown key `machin_admin`",
            "did you mean `machine_admin`?",
        ),
        (
            "[agent]\ncommand = \"ztna\"\nwords = { set_tags = [\"x\"] }",
            "`set_tags` is a documented command",
            "remove it",
        ),
        ("[undocumented]\nmachine = true", "unknown key `machine`", "did you mean `machines`?"),
        ("[undocumented]\nclaims = \"no\"", "`claims` must be true or false", ""),
        ("[paths]\nmachine = \"/x\"", "unknown key `machine`", "did you mean `machines`?"),
        ("[paths]\nmachines = \"devices\"", "invalid path `devices`", "begins with `/`"),
        ("[paths]\nmachines = \"/devices?all=1\"", "invalid path `/devices?all=1`", "without `?`"),
        ("[paths]\nregister = \"/x\"", "`register` is documented, and cannot be moved", "remove it"),
        ("[pointers]\nrows = \"items\"", "invalid JSON pointer", "\"/items\""),
        ("[pointers]\neror_code = \"/code\"", "unknown key `eror_code`", "did you mean `error_code`?"),
        ("[pointers.user_orgs]\nrow = \"/x\"", "unknown key `row`", "did you mean"),
        ("[pointers.machine]\nip = \"/ip\"", "unknown key `ip`", ""),
        ("[agent]\nenv = {}", "missing key `command`", ""),
    ];
    for (more, message, help) in cases {
        let shown = parse(&format!("{MINIMAL}{more}\n")).unwrap_err().render(false, 100);
        assert!(shown.contains(message) && shown.contains(help), "{more}: {shown}");
        assert!((4..7).any(|line| shown.contains(&format!("target.toml:{line}:"))), "{shown}");
        assert!(shown.contains('^'), "{shown}");
    }
}

#[test]
fn base_url_must_not_end_in_api() {
    for end in ["/api", "/base/api/"] {
        let shown = parse(&MINIMAL.replace(":1", &format!(":1{end}"))).unwrap_err().render(false, 100);
        assert!(
            shown.contains("/api/api/… would be requested") && shown.contains("target.toml:2:"),
            "{shown}"
        );
    }
    assert!(parse(&MINIMAL.replace(":1", ":1/my-api")).is_ok());
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let text = "nmae = \"x\"\nbase_url = \"ftp://x\"\ncapabilities = [\"clock\"]\n[timeouts]\nconnect = 3\n";
    let error = parse(text).unwrap_err();
    let shown = error.render(false, 100);
    for message in [
        "`clock` requires hooks.clock",
        "`nmae`",
        "did you mean `name`?",
        "must begin with http",
        "missing key `org_id`",
        "`connect` must be a string",
    ] {
        assert!(shown.contains(message), "{message}: {shown}");
    }
}

#[test]
fn missing_resources_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("target.toml");
    let rest = "[tokens]\nadmin = { env = \"NO_SUCH_VARIABLE\" }\nowner = { file = \"none.token\" }\n\
                member = { command = \"no-such-program x\" }\n[tls]\nca = \"ca.pem\"\n\
                client_certificate = \"c.pem\"\nclient_key = \"k.pem\"\n[agent]\ncommand = \"./no-agent\"\n";
    std::fs::write(&path, format!("{MINIMAL}{rest}")).unwrap();
    for file in ["ca.pem", "c.pem", "k.pem"] {
        std::fs::write(folder.path().join(file), "not PEM").unwrap();
    }
    let shown = Profile::read(&path).unwrap().resolve().unwrap_err().render(false, 100);
    for message in [
        "NO_SUCH_VARIABLE, which tokens.admin reads, is not set",
        "failed to read",
        "tokens.member: program not found: `no-such-program`",
        "ca.pem contains no certificate",
        "tls.client_certificate and tls.client_key are not a certificate",
        "agent.command: program not found",
    ] {
        assert!(shown.contains(message), "{message}: {shown}");
    }
}

#[test]
fn written_profiles_are_valid() {
    let minimal = Draft {
        name: "Acme \"Mesh\"".to_owned(),
        base_url: "https://mesh.example/base".to_owned(),
        org_id: "org_1".to_owned(),
        ..Draft::default()
    };
    let profile = parse(&minimal.to_toml()).unwrap_or_else(|error| panic!("{}", error.render(false, 100)));
    assert_eq!((profile.content.name.as_str(), profile.capabilities.len()), ("Acme \"Mesh\"", 0));
    let login = Login { email: "a@x.example".to_owned(), password_env: "PASSWORD".to_owned() };
    let complete = Draft {
        other_org_id: Some("org_2".to_owned()),
        address: Some("192.0.2.1".to_owned()),
        tokens: [
            (Identity::Admin, TokenSource::Env("A".to_owned())),
            (Identity::Owner, TokenSource::File("o.token".into())),
            (Identity::Member, TokenSource::Command("sh -c 'echo \"x\"'".to_owned())),
            (Identity::Outsider, TokenSource::Login(login)),
        ]
        .into(),
        ca: Some("ca.pem".to_owned()),
        agent: Some("./ztna".to_owned()),
        clock: Some("/clock".to_owned()),
        approve: Some("/approve".to_owned()),
        reset: Some("/reset".to_owned()),
        ..minimal
    };
    let text = complete.to_toml();
    let profile = parse(&text).unwrap_or_else(|error| panic!("{}", error.render(false, 100)));
    assert_eq!(profile.content.tokens, complete.tokens, "{text}");
    assert_eq!(profile.capabilities.len(), 4, "{text}");
    // The commented keys are valid, too.
    let uncommented: String = Draft { tokens: complete.tokens.clone(), ..complete }
        .to_toml()
        .lines()
        .map(|line| {
            format!(
                "{}\n",
                line.strip_prefix("# ")
                    .filter(|rest| rest.starts_with('[') || is_assignment(rest))
                    .unwrap_or(line)
            )
        })
        .collect();
    parse(&uncommented).unwrap_or_else(|error| panic!("{}", error.render(false, 100)));
}

fn is_assignment(line: &str) -> bool {
    let key = line.split_once(" = ").map(|(key, _)| key.trim_end());
    key.is_some_and(|key| key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'))
}
