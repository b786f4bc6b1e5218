//! How an agent is started, and how it spells what no document shows.

use std::ffi::OsString;

/// The flag that `up` gets where there is no TUN device.
pub const WITHOUT_TUN: &str = "--userspace";

/// How an agent is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentCommand {
    pub program: OsString,
    /// Arguments before those of a step.
    pub arguments: Vec<OsString>,
    /// Additional environment variables.
    pub environment: Vec<(String, String)>,
    /// Additional flags of every `up`, such as `--userspace` where there is no TUN device.
    pub up_flags: Vec<String>,
    pub words: AgentWords,
    /// A regular expression for the code that `login` prints, if not the usual one.
    pub login_code: Option<String>,
}

/// How an agent spells the commands that documents name without showing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentWords {
    /// The forms of `machine-admin --action ACTION MACHINE`, with `{action}` and `{machine}` in their places. The first
    /// one that succeeds counts.
    pub machine_admin: Vec<Vec<String>>,
}

impl Default for AgentWords {
    /// No document shows how `machine-admin` takes its action, so that both usual forms are tried.
    fn default() -> Self {
        let form = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            machine_admin: vec![
                form(&["machine-admin", "--action", "{action}", "{machine}"]),
                form(&["machine-admin", "{action}", "{machine}"]),
            ],
        }
    }
}

impl AgentWords {
    /// Returns the forms of a step's command, at least one.
    pub fn forms(&self, command: &[String]) -> Vec<Vec<String>> {
        match command {
            [name, flag, action, machine] if name == "machine-admin" && flag == "--action" => {
                let filled = |word: &String| word.replace("{action}", action).replace("{machine}", machine);
                self.machine_admin.iter().map(|form| form.iter().map(filled).collect()).collect()
            }
            _ => vec![command.to_vec()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_undocumented_commands_have_forms() {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let own = AgentWords { machine_admin: vec![split("fleet {machine} --do={action}")] };
        let both = ["machine-admin --action delete m", "machine-admin delete m"];
        let cases = [
            (AgentWords::default(), "machine-admin --action delete m", &both[..]),
            (own.clone(), "machine-admin --action delete m", &["fleet m --do=delete"][..]),
            (own.clone(), "machine-admin --help", &["machine-admin --help"][..]),
            (own, "set --tags tag:a", &["set --tags tag:a"][..]),
        ];
        for (words, command, forms) in cases {
            let found: Vec<String> = words.forms(&split(command)).iter().map(|form| form.join(" ")).collect();
            assert_eq!(found, forms, "{command}");
        }
    }
}
