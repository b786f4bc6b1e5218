//! How an agent is started, and how it spells what no document shows.

use std::ffi::OsString;

use super::profile::Words;

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
    /// What `up` takes instead of `--tags TAGS`, with `{tags}` in its place.
    pub claim_tags: Option<Vec<String>>,
    /// What `up` takes instead of `--serve PORT=SERVICE`, with `{port}` and `{service}` in their places.
    pub serve: Option<Vec<String>>,
    /// The form of `nc MACHINE PORT --timeout TIME`, with `{machine}`, `{port}` and `{time}` in their places.
    pub connect: Option<Vec<String>>,
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
            claim_tags: None,
            serve: None,
            connect: None,
        }
    }
}

impl AgentWords {
    /// The words of a profile.
    pub(super) fn of(words: &Words) -> Self {
        let usual = Self::default();
        let machine_admin = words.machine_admin.clone().map_or(usual.machine_admin, |form| vec![form]);
        let Words { claim_tags, serve, connect, .. } = words.clone();
        Self { machine_admin, claim_tags, serve, connect }
    }

    /// Returns the forms of a step's command, at least one.
    pub fn forms(&self, command: &[String]) -> Vec<Vec<String>> {
        match command {
            [name, flag, action, machine] if name == "machine-admin" && flag == "--action" => {
                let filled = |word: &String| word.replace("{action}", action).replace("{machine}", machine);
                self.machine_admin.iter().map(|form| form.iter().map(filled).collect()).collect()
            }
            [name, machine, port, flag, time] if name == "nc" && flag == "--timeout" => {
                let places = [("{machine}", machine.as_str()), ("{port}", port), ("{time}", time)];
                vec![self.connect.as_deref().map_or_else(|| command.to_vec(), |form| fill(form, &places))]
            }
            [name, ..] if name == "up" => vec![self.serving(&self.claiming(command))],
            _ => vec![command.to_vec()],
        }
    }

    /// Returns `up` with the agent's own words for each `--serve PORT=SERVICE`.
    fn serving(&self, up: &[String]) -> Vec<String> {
        let Some(form) = &self.serve else { return up.to_vec() };
        let mut words: Vec<String> = Vec::new();
        let mut rest = up.iter();
        while let Some(word) = rest.next() {
            let served = if word == "--serve" { rest.next() } else { None };
            match served.and_then(|served| served.split_once('=')) {
                Some((port, service)) => {
                    let given = fill(form, &[("{port}", port), ("{service}", service)]);
                    // A flag that takes no value, such as --userspace, is given once.
                    let is_flag = |at: usize| [at, at + 1].iter().all(|at| form.get(*at) == given.get(*at));
                    let known = words.clone();
                    let new =
                        given.iter().enumerate().filter(|(at, word)| !is_flag(*at) || !known.contains(word));
                    words.extend(new.map(|(_, word)| word.clone()));
                }
                None => words.extend([Some(word), served].into_iter().flatten().cloned()),
            }
        }
        words
    }

    /// Returns `up` with the agent's own words for `--tags TAGS`.
    fn claiming(&self, up: &[String]) -> Vec<String> {
        let flag = up.iter().position(|word| word == "--tags");
        match (&self.claim_tags, flag.map(|flag| up.split_at(flag))) {
            (Some(form), Some((before, [_, tags, after @ ..]))) => {
                let claim = form.iter().map(|word| word.replace("{tags}", tags));
                before.iter().cloned().chain(claim).chain(after.iter().cloned()).collect()
            }
            _ => up.to_vec(),
        }
    }
}

/// Replaces the places in each word.
fn fill(form: &[String], places: &[(&str, &str)]) -> Vec<String> {
    let filled =
        |word: &String| places.iter().fold(word.clone(), |word, (place, value)| word.replace(place, value));
    form.iter().map(filled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_undocumented_commands_have_forms() {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let own = AgentWords {
            machine_admin: vec![split("fleet {machine} --do={action}")],
            claim_tags: Some(split("--claim={tags}")),
            serve: Some(split("--offer {port} --at {service}")),
            connect: Some(split("dial {machine}:{port} -w {time}")),
        };
        let both = ["machine-admin --action delete m", "machine-admin delete m"];
        let cases = [
            (AgentWords::default(), "machine-admin --action delete m", &both[..]),
            (own.clone(), "machine-admin --action delete m", &["fleet m --do=delete"][..]),
            (own.clone(), "machine-admin --help", &["machine-admin --help"][..]),
            (own.clone(), "set --tags tag:a", &["set --tags tag:a"][..]),
            (own.clone(), "nc b 22 --timeout 2s", &["dial b:22 -w 2s"][..]),
            (
                own.clone(),
                "up --serve 22=h:1 --serve 80=h:2 -v",
                &["up --offer 22 --at h:1 --offer 80 --at h:2 -v"][..],
            ),
            (
                AgentWords {
                    serve: Some(split("--userspace --serve {port}={service}")),
                    ..AgentWords::default()
                },
                "up --serve 22=h:1 --serve 80=h:2",
                &["up --userspace --serve 22=h:1 --serve 80=h:2"][..],
            ),
            (AgentWords::default(), "nc b 22 --timeout 2s", &["nc b 22 --timeout 2s"][..]),
            (AgentWords::default(), "up --serve 22=h:1", &["up --serve 22=h:1"][..]),
            (own, "up --tags a,b --userspace", &["up --claim=a,b --userspace"][..]),
            (AgentWords::default(), "up --tags a", &["up --tags a"][..]),
        ];
        for (words, command, forms) in cases {
            let found: Vec<String> = words.forms(&split(command)).iter().map(|form| form.join(" ")).collect();
            assert_eq!(found, forms, "{command}");
        }
    }
}
