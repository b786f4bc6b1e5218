use super::*;
use crate::targets::WITHOUT_TUN;
use harness_model::scenario::model::Identity;

fn parse(text: &str) -> Result<Profile, ProfileError> {
    Profile::parse(&Arc::new(Source { path: PathBuf::from("target.toml"), text: text.to_owned() }))
}

const LEAST: &str = "name = \"x\"\nbase_url = \"http://mesh.example:1\"\norg_id = \"o\"\n";

#[test]
fn the_example_is_right() {
    let profile = parse(include_str!("../example.toml")).unwrap();
    let declared = [Capability::Agent, Capability::Clock, Capability::Organisations, Capability::Cidr];
    assert_eq!(profile.capabilities, BTreeSet::from(declared));
    assert_eq!(profile.content.tokens.len(), 4);
    // The clock moves, and one token of it is fixed.
    assert_eq!(profile.warnings.len(), 1, "{:?}", profile.warnings);
}

#[test]
fn capabilities_are_what_there_are_means_for() {
    assert!(parse(LEAST).unwrap().capabilities.is_empty());
    let agent = "[agent]\ncommand = \"ztna\"\n";
    let cases = [
        ("[hooks]\nclock = \"/clock\"\n", vec![Capability::Clock]),
        (agent, vec![Capability::Agent]),
        ("address = \"203.0.113.9\"\n", vec![Capability::Cidr]),
        (&format!("capabilities = [\"tun\"]\n{agent}"), vec![Capability::Tun]),
    ];
    for (more, capabilities) in cases {
        let profile = parse(&format!("{LEAST}{more}")).unwrap();
        assert_eq!(profile.capabilities, BTreeSet::from_iter(capabilities), "{more}");
    }
    let beside = LEAST.replace("mesh.example", "127.0.0.1");
    assert_eq!(parse(&beside).unwrap().capabilities, BTreeSet::from([Capability::Cidr]));
    let with_agent = parse(&format!("{LEAST}{agent}")).unwrap();
    assert_eq!(with_agent.content.agent.unwrap().without_tun, WITHOUT_TUN);
}

#[test]
fn an_inline_token_is_warned_about_and_never_shown() {
    let profile = parse(&format!("{LEAST}[tokens]\nadmin = \"very-secret\"\n")).unwrap();
    assert_eq!(profile.warnings.len(), 1);
    let shown = render(&profile.warnings, &profile.sources(), false, 100);
    assert!(shown.contains("stands in the profile itself"), "{shown}");
    assert!(!shown.contains("very-secret") && !format!("{profile:?}").contains("very-secret"), "{shown}");
    let wrong =
        parse(&format!("{LEAST}[tokens]\nadmin = \"very-secret\" x\n")).unwrap_err().render(false, 100);
    assert!(wrong.contains("not TOML") && !wrong.contains("very-secret"), "{wrong}");
}

#[test]
fn every_mistake_has_its_place_and_a_way_out() {
    let cases = [
        ("capabilities = [\"fresh\"]", "none of them finds it empty", "leave `fresh` out"),
        ("capabilities = [\"tun\"]", "`tun` needs an [agent] with its command", "leave the capability out"),
        ("capabilities = [\"cidr\"]", "`cidr` needs the `address`", "add it"),
        ("capabilities = [\"agnet\"]", "no capability `agnet`", "did you mean `agent`?"),
        ("capabilities = \"agent\"\nversion = 1", "`version` must be a string", ""),
        ("oder_org_id = \"x\"", "no key `oder_org_id`", "did you mean `other_org_id`?"),
        ("address = \"here\"", "`here` is no IP address", "203.0.113.9"),
        ("[timeouts]\nrequest = \"soon\"", "`soon` is no duration", "\"10s\""),
        ("[timeouts]\nsubtest = \"0s\"", "longer than nothing", ""),
        (
            "[tokens]\nadmin = { enviroment = \"X\" }",
            "no key `enviroment`",
            "there are: `env`, `file`, `command`, `login`",
        ),
        ("[tokens]\nadmin = { env = \"X\", file = \"y\" }", "exactly one source", "{ command ="),
        ("[tokens]\nadmin = { login = { email = \"a\" } }", "needs `password_env`", ""),
        ("[tokens]\nadmin = { command = \"vault 'x\" }", "cannot be split into words", "sh -c"),
        ("[tokens]\nnobody = \"x\"", "no key `nobody`", "there are: `admin`"),
        ("[tls]\nclient_key = \"k.pem\"", "no use without tls.client_certificate", "add client_certificate"),
        ("[limits]\nrequests_per_second = 0", "a number of at least 0.01", ""),
        ("[limits]\nconcurrency = 0", "must be above 0", ""),
        ("[limits]\nconcurency = 4", "no key `concurency`", "did you mean `concurrency`?"),
        ("[hooks]\nclock = \"clock\"", "neither a URL nor a path", "beginning with `/`"),
        ("[pointers]\nrows = \"items\"", "is no JSON pointer", "\"/items\""),
        ("[pointers.machine]\nip = \"/ip\"", "no key `ip`", ""),
        ("[agent]\nenv = {}", "agent needs `command`", ""),
    ];
    for (more, told, help) in cases {
        let shown = parse(&format!("{LEAST}{more}\n")).unwrap_err().render(false, 100);
        assert!(shown.contains(told) && shown.contains(help), "{more}: {shown}");
        assert!(shown.contains("target.toml:4:") || shown.contains("target.toml:5:"), "{shown}");
        assert!(shown.contains('^'), "{shown}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "nmae = \"x\"\nbase_url = \"ftp://x\"\ncapabilities = [\"clock\"]\n[timeouts]\nconnect = 3\n";
    let error = parse(text).unwrap_err();
    let shown = error.render(false, 100);
    for told in [
        "`clock` needs hooks.clock",
        "`nmae`",
        "did you mean `name`?",
        "must begin with http",
        "needs `org_id`",
        "`connect` must be a string",
    ] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
}

#[test]
fn what_a_profile_points_to_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("target.toml");
    let rest = "[tokens]\nadmin = { env = \"NO_SUCH_VARIABLE\" }\nowner = { file = \"none.token\" }\n\
                member = { command = \"no-such-program x\" }\n[tls]\nca = \"ca.pem\"\n\
                client_certificate = \"c.pem\"\nclient_key = \"k.pem\"\n[agent]\ncommand = \"./no-agent\"\n";
    std::fs::write(&path, format!("{LEAST}{rest}")).unwrap();
    for file in ["ca.pem", "c.pem", "k.pem"] {
        std::fs::write(folder.path().join(file), "not PEM").unwrap();
    }
    let shown = Profile::read(&path).unwrap().means().unwrap_err().render(false, 100);
    for told in [
        "NO_SUCH_VARIABLE is not set, but tokens.admin reads it",
        "none.token cannot be read",
        "tokens.member: there is no program `no-such-program`",
        "ca.pem has no certificate",
        "tls.client_certificate and tls.client_key are no certificate",
        "agent.command: there is no program",
    ] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
}

#[test]
fn a_written_profile_is_right_whatever_is_known() {
    let least = Draft {
        name: "Acme \"Mesh\"".to_owned(),
        base_url: "https://mesh.example/base".to_owned(),
        org_id: "org_1".to_owned(),
        ..Draft::default()
    };
    let profile = parse(&written(&least)).unwrap_or_else(|error| panic!("{}", error.render(false, 100)));
    assert_eq!((profile.content.name.as_str(), profile.capabilities.len()), ("Acme \"Mesh\"", 0));
    let login = Login { email: "a@x.example".to_owned(), password_env: "PASSWORD".to_owned() };
    let most = Draft {
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
        ..least
    };
    let text = written(&most);
    let profile = parse(&text).unwrap_or_else(|error| panic!("{}", error.render(false, 100)));
    assert_eq!(profile.content.tokens, most.tokens, "{text}");
    assert_eq!(profile.capabilities.len(), 4, "{text}");
    // What stands in comments is right, too.
    let uncommented: String = written(&Draft { tokens: most.tokens.clone(), ..most })
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
