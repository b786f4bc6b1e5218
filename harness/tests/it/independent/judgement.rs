//! Runs of the program against the implementation.

use std::path::{Path, PathBuf};

use crate::independent::implementation::Implementation;
use crate::independent::{fixture, scenarios};
use crate::program::harness;
use crate::run::Run;

/// Judges the implementation with more arguments.
pub(crate) fn judge(implementation: &Implementation, words: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(implementation, folder.path());
    let results = folder.path().join("results.json");
    let mut command = harness();
    for (variable, email) in PASSWORDS {
        command.env(variable, email.chars().rev().collect::<String>());
    }
    command.arg("--scenarios").arg(scenarios()).arg("--target").arg(profile);
    command.arg("--report").arg(format!("json={}", results.display())).args(words);
    Run::of(&mut command, folder.path())
}

const PASSWORDS: [(&str, &str); 4] = [
    ("NORTH_ADMIN", "ada@north.example"),
    ("NORTH_OWNER", "olga@north.example"),
    ("NORTH_MEMBER", "mo@north.example"),
    ("NORTH_OUTSIDER", "zoe@south.example"),
];

fn profile(implementation: &Implementation, folder: &Path) -> PathBuf {
    let logins: String = ["admin", "owner", "member", "outsider"]
        .iter()
        .zip(PASSWORDS)
        .map(|(who, (variable, email))| {
            format!("{who} = {{ login = {{ email = \"{email}\", password_env = \"{variable}\" }} }}\n")
        })
        .collect();
    let tls = match implementation.base_url.starts_with("https:") {
        true => format!("[tls]\nca = \"{}\"\n", fixture("authority.pem").display()),
        false => String::new(),
    };
    let text = format!(
        "name = \"North\"\nversion = \"7\"\nbase_url = \"{}\"\norg_id = \"north\"\nother_org_id = \"south\"\naddress = \"127.0.0.1\"\n\
         capabilities = [\"clock\", \"organisations\", \"addresses\", \"cidr\", \"heartbeat\"]\n\
         [tokens]\n{logins}[hooks]\nclock = \"/for-tests/clock\"\n{tls}",
        implementation.base_url
    );
    let path = folder.join("north.toml");
    std::fs::write(&path, text).unwrap();
    path
}
