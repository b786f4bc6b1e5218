//! Runs of the program against the implementation.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::independent::choices::{Choice, Reach};
use crate::independent::files::{certificate, scenarios};
use crate::independent::implementation::listen::Implementation;
use crate::independent::implementation::place::MOVED;
use crate::program::harness;
use crate::run::Run;
use crate::selected::{filter_of, write_selected};

/// Judges the implementation without its agent.
pub(crate) fn judge(implementation: &Implementation, words: &[&str]) -> Run {
    judged(implementation, &[], words)
}

/// Judges the implementation and its agent.
pub(crate) fn judge_with_agent(implementation: &Implementation, words: &[&str]) -> Run {
    judged(implementation, &["agent", "installer"], words)
}

/// Judges the implementation and its agent on a host that has the programs of this folder alone.
pub(crate) fn judge_with_agent_on(programs: &Path, implementation: &Implementation, words: &[&str]) -> Run {
    judged_in(Some(programs), implementation, Hooks::Clock, &["agent", "installer"], words)
}

/// Judges the implementation, of whose hooks the profile names the reset alone: its clock has to be waited for.
pub(crate) fn judge_waiting(implementation: &Implementation, has_agent: bool, words: &[&str]) -> Run {
    let capabilities: &[&str] = if has_agent { &["agent", "fresh"] } else { &["fresh"] };
    judged_as(implementation, Hooks::Reset, capabilities, words)
}

/// Judges the sub-tests that could mind a choice.
pub(crate) fn judge_within(implementation: &Implementation, reach: Reach) -> Run {
    match reach {
        Reach::ControlPlane => judge(implementation, &["--jobs", "8"]),
        Reach::Some(subtests) => judge(implementation, &["--jobs", "8", "--filter", subtests]),
        // A capability that is declared has to be used.
        Reach::Agent(subtests) if subtests.contains("rollout") => {
            judge_with_agent(implementation, &["--filter", subtests])
        }
        Reach::Agent(subtests) => judged(implementation, &["agent"], &["--filter", subtests]),
    }
}

/// The hooks that a profile names, besides the one that approves logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hooks {
    Clock,
    Reset,
}

impl Hooks {
    /// The capability that only the clock gives.
    fn capability(self) -> &'static str {
        if self == Self::Clock { "\"clock\", " } else { "" }
    }

    fn line(self) -> &'static str {
        if self == Self::Clock { "clock = \"/for-tests/clock\"" } else { "reset = \"/for-tests/reset\"" }
    }
}

fn judged(implementation: &Implementation, capabilities: &[&str], words: &[&str]) -> Run {
    judged_as(implementation, Hooks::Clock, capabilities, words)
}

fn judged_as(implementation: &Implementation, hooks: Hooks, capabilities: &[&str], words: &[&str]) -> Run {
    judged_in(None, implementation, hooks, capabilities, words)
}

fn judged_in(
    programs: Option<&Path>,
    implementation: &Implementation,
    hooks: Hooks,
    capabilities: &[&str],
    words: &[&str],
) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(implementation, hooks, capabilities, folder.path());
    let results = folder.path().join("results.json");
    let mut command = harness();
    command.envs(programs.map(|programs| ("PATH", programs)));
    for (variable, email) in PASSWORDS {
        command.env(variable, email.chars().rev().collect::<String>());
    }
    let selected = folder.path().join("selected");
    let of_ids = filter_of(words).filter(|filter| !filter.contains(['*', '[', '!']));
    let scenarios = of_ids.map_or_else(scenarios, |filter| {
        write_selected(filter, &selected);
        selected
    });
    command.arg("--scenarios").arg(scenarios).arg("--target").arg(profile);
    command.arg("--report").arg(format!("json={}", results.display())).args(words);
    Run::of(&mut command, folder.path())
}

const PASSWORDS: [(&str, &str); 4] = [
    ("NORTH_ADMIN", "ada@north.example"),
    ("NORTH_OWNER", "olga@north.example"),
    ("NORTH_MEMBER", "mo@north.example"),
    ("NORTH_OUTSIDER", "zoe@south.example"),
];

fn profile(implementation: &Implementation, hooks: Hooks, capabilities: &[&str], folder: &Path) -> PathBuf {
    let has_agent = capabilities.contains(&"agent");
    let heartbeat = Some("heartbeat").filter(|_| !implementation.nature.chooses(Choice::NoHeartbeats));
    let claims =
        Some("claim-tags").filter(|_| has_agent && implementation.nature.chooses(Choice::ClaimsByFlag));
    let more: String = heartbeat
        .iter()
        .chain(&claims)
        .chain(capabilities)
        .map(|capability| format!(", \"{capability}\""))
        .collect();
    let mut text = format!(
        "name = \"North\"\nversion = \"7\"\nbase_url = \"{}\"\norg_id = \"north\"\nother_org_id = \"south\"\n\
         address = \"127.0.0.1\"\ncapabilities = [{}\"organisations\", \"addresses\", \"cidr\"{}]\n\
         [hooks]\n{}\napprove = \"/for-tests/approve\"\n[tokens]\n",
        implementation.base_url,
        hooks.capability(),
        more,
        hooks.line(),
    );
    for (who, (variable, email)) in ["admin", "owner", "member", "outsider"].iter().zip(PASSWORDS) {
        let login = format!("{who} = {{ login = {{ email = \"{email}\", password_env = \"{variable}\" }} }}");
        writeln!(text, "{login}").unwrap();
    }
    if has_agent {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/independent/agent/ztna.sh");
        let environment = format!("{{ NORTH_CHOICES = \"{}\" }}", implementation.nature.names());
        let chooses = |choice| implementation.nature.chooses(choice);
        writeln!(text, "[agent]\ncommand = \"sh {}\"\nenv = {environment}", script.display()).unwrap();
        let words = [
            (Choice::OtherWords, "machine_admin = [\"fleet\", \"{action}\", \"--machine\", \"{machine}\"]"),
            (Choice::ClaimsByFlag, "claim_tags = [\"--tags\", \"{tags}\"]"),
        ];
        let words: Vec<&str> =
            words.iter().filter(|(choice, _)| chooses(*choice)).map(|(_, words)| *words).collect();
        writeln!(text, "words = {{ {} }}", words.join(", ")).unwrap();
        if chooses(Choice::CodesOfDigits) {
            writeln!(text, "code = '[0-9]{{6}}'").unwrap();
        }
    }
    if implementation.base_url.starts_with("https:") {
        writeln!(text, "[tls]\nca = \"{}\"", certificate("authority.pem").display()).unwrap();
    }
    let pointers = [
        (Choice::SessionElsewhere, "access_token = \"/session/jwt\""),
        (Choice::CredentialElsewhere, "machine_token = \"/data/credential/secret\""),
        (Choice::RowsElsewhere, "rows = \"/page/items\""),
        (Choice::RefusalsAtTheTop, "error_code = \"/code\"\nerror_message = \"/message\""),
        // A table, which has to be the last.
        (
            Choice::ColumnsRenamed,
            "[pointers.machine]\nid = \"/uuid\"\nname = \"/hostname\"\nstatus = \"/state\"",
        ),
    ];
    if implementation.nature.chooses(Choice::PathsMoved) {
        writeln!(text, "[paths]").unwrap();
        for (name, _, moved) in MOVED {
            writeln!(text, "{name} = \"{moved}\"").unwrap();
        }
    }
    writeln!(text, "[pointers]").unwrap();
    for (_, line) in pointers.iter().filter(|(choice, _)| implementation.nature.chooses(*choice)) {
        writeln!(text, "{line}").unwrap();
    }
    let path = folder.join("north.toml");
    std::fs::write(&path, text).unwrap();
    path
}
