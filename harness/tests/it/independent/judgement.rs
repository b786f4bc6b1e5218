//! Runs of the program against the implementation.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::independent::implementation::Implementation;
use crate::independent::{fixture, scenarios};
use crate::program::harness;

pub(crate) struct Judgement {
    pub(crate) code: Option<i32>,
    pub(crate) results: Value,
    output: String,
}

/// Judges the implementation with more arguments.
pub(crate) fn judge(implementation: &Implementation, words: &[&str]) -> Judgement {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(implementation, folder.path());
    let results = folder.path().join("results.json");
    let mut command = harness();
    for (variable, email) in PASSWORDS {
        command.env(variable, email.chars().rev().collect::<String>());
    }
    command.arg("--scenarios").arg(scenarios()).arg("--target").arg(profile);
    command.arg("--report").arg(format!("json={}", results.display())).args(words);
    let output = command.output().unwrap();
    let read = std::fs::read_to_string(results).unwrap_or_default();
    Judgement {
        code: output.status.code(),
        results: serde_json::from_str(&read).unwrap_or_default(),
        output: format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
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

impl Judgement {
    pub(crate) fn statements(&self, verdict: &str) -> BTreeSet<String> {
        let all = self.results["requirements"].as_array().into_iter().flatten();
        all.filter(|statement| statement["verdict"] == verdict)
            .filter_map(|statement| statement["id"].as_str().map(str::to_owned))
            .collect()
    }

    pub(crate) fn subtests(&self, verdict: &str) -> BTreeSet<String> {
        let all = self.results["subtests"].as_array().into_iter().flatten();
        all.filter(|subtest| subtest["verdict"] == verdict)
            .filter_map(|subtest| subtest["id"].as_str().map(str::to_owned))
            .collect()
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit code {:?}\n{}", self.code, self.output)
    }
}
