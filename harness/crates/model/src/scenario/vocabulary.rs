//! The keys of the scenario language, shared by the decoder, its messages and the JSON Schema.

use super::model::{Capability, Identity, Kind};

/// A key and its description.
pub type Word = (&'static str, &'static str);

pub const FILE: &[Word] = &[
    ("title", "What the sub-test proves, in one sentence."),
    ("machines", "The machines it uses: agents, or the kit's WireGuard peers."),
    ("needs", "The capabilities it needs beyond those implied by its steps."),
    ("skip", "Why no target can run the sub-test yet."),
    ("statements", "With `skip`: the statements it will judge."),
    ("step", "The steps, in order."),
    ("cleanup", "Steps that always run at the end."),
];

pub const MACHINE: &[Word] = &[
    ("name", "The name in the documents."),
    ("login", "Who logs in before the first step."),
    ("up", "Whether `ztna up` runs before the first step."),
    ("observed", "Whether its requests to the target are recorded."),
    ("wire", "Whether it is one of the kit's WireGuard peers instead of an agent."),
];

pub const HTTP_VERBS: &[Word] = &[
    ("get", "GET this path."),
    ("post", "POST to this path."),
    ("put", "PUT to this path."),
    ("patch", "PATCH this path."),
    ("delete", "DELETE this path."),
];

pub const OTHER_VERBS: &[Word] = &[
    ("ztna", "An agent command, quoted as in a shell."),
    ("shell", "A shell command on a machine."),
    (
        "wire",
        "A command for one of the kit's WireGuard peers: `join`, `ping MACHINE` or `await MACHINE` (waits for the machine's handshake).",
    ),
    ("browse", "What a user does in the dashboard, in order: a list of acts."),
    ("login", "Logs this user in on a machine: `ztna login`, approved by the kit."),
    ("interrupt", "`up`: interrupts the `ztna up` that an earlier step left running, as Ctrl+C does."),
    ("advance", "Advances the target's clock, for example by `31m` or `7d`."),
    (
        "wait",
        "Lets time pass, for example `61s`: advances the target's clock, or waits where it cannot be advanced.",
    ),
    ("set", "Assigns variables."),
];

pub const HTTP: &[Word] = &[
    ("as", "The user who sends the request; nobody if omitted."),
    ("bearer", "The bearer token."),
    ("json", "A JSON body."),
    ("body", "A text body, sent unchanged."),
    ("query", "Further query parameters, encoded by the kit."),
    ("headers", "Request headers."),
    ("from", "The local address to connect from."),
];

pub const ZTNA: &[Word] = &[
    ("on", "The machine."),
    ("env", "More environment."),
    ("timeout", "The time limit; 10s by default, 30s for `shell`."),
    ("offline", "Whether the machine, which must be observed, cannot reach the target meanwhile."),
    ("host_name", "`false`: `up` gets no `--hostname`; the machine's host has its name instead."),
    ("until", "Continue once a line of output contains this text, and leave the command running."),
];

pub const SHELL: &[Word] =
    &[("on", "The machine."), ("env", "More environment."), ("timeout", "The time limit; 30s by default.")];

pub const LOGIN: &[Word] = &[("on", "The machine."), ("timeout", "The time limit; 15s by default.")];

pub const INTERRUPT: &[Word] =
    &[("on", "The machine."), ("timeout", "How long the process may take to end; 10s by default.")];

pub const PASSAGE: &[Word] = &[(
    "keeping",
    "The credentials of machines that stay online: they send a heartbeat at least every 30 seconds.",
)];

pub const WIRE: &[Word] = &[
    ("on", "The machine."),
    ("auth_key", "For `join`: the auth key to register with."),
    ("own_key", "`old`: use the peer's key from before it joined again."),
    ("their_key", "The machine's public key; that of the network map by default."),
    ("source", "The source address of the ping inside the tunnel; the peer's own by default."),
    (
        "timeout",
        "The time limit. By default 15s, and the target's `silence` where the checks expect no answer.",
    ),
];

pub const BROWSE: &[Word] = &[
    ("as", "The user who is signed in; the same as before if omitted."),
    ("timeout", "How long the page may take for each act; 10s by default."),
];

/// The acts of a `browse` step. Names of elements may list alternatives, separated by ` | `.
pub const ACTS: &[Word] = &[
    ("open", "Opens this path of the dashboard."),
    (
        "go",
        "Follows these names to a page or a section: `Settings > Auth Keys`; alternatives are separated by ` | `.",
    ),
    ("click", "Clicks the button, link or tab with this name."),
    ("fill", "Brings the field with this label to the value `with`, whatever kind of control it is."),
    ("check", "Ticks the checkbox with this label."),
    ("uncheck", "Clears the checkbox with this label."),
    ("select", "Selects `option` in the field with this label."),
    ("confirm", "Confirms the question that the page asks, with a button of this name, if it asks one."),
    ("reload", "`true`: loads the page again."),
    ("back", "`true`: goes back to the page before."),
];

/// What belongs to an act.
pub const ACT_PARTS: &[Word] = &[
    ("with", "For `fill`: the value."),
    ("option", "For `select`: the option."),
    ("row", "For `click`: only in the row of a list that has this name."),
    ("optional", "For `click`, `fill` and `select`: only if the page has it."),
];

pub const ANY_STEP: &[Word] = &[
    ("name", "What happens, in the terms of the document."),
    (
        "when",
        "Carries the step out only if each of these variables matches; its checks are not judged otherwise.",
    ),
    ("rows", "Runs the step once per row, with the row's keys as variables."),
    ("race", "The number of concurrent requests."),
    ("eventually", "How long a read is repeated until its checks pass."),
    ("keep", "Variables that take their values from the response."),
    ("check", "The checks on the response."),
];

pub const CHECK: &[Word] = &[
    ("verifies", "The statements it judges."),
    ("any", "Alternatives, at least one of which must be met."),
    ("exactly", "The number of responses of a race that must satisfy it."),
    ("at_least", "The minimum number of responses of a race that must satisfy it."),
    ("at_most", "The maximum number of responses of a race that may satisfy it."),
];

pub const HTTP_EXPECTATIONS: &[Word] = &[
    ("status", "The status is (one of) these."),
    ("error", "The error code matches."),
    ("message", "The error message matches."),
    ("header", "Each header matches."),
    ("body", "The response body matches; a plain string must be contained in it."),
];

pub const ZTNA_EXPECTATIONS: &[Word] = &[
    ("exit", "The exit code is (one of) these; `failure` is any code other than 0."),
    ("stdout", "Standard output matches; a plain string must be contained in it."),
    ("stderr", "Standard error matches; a plain string must be contained in it."),
    ("output", "Standard output followed by standard error matches; a plain string must be contained in it."),
    ("running", "Whether the process is still running."),
    ("ended", "Whether the process that an earlier step left running on the machine has ended by itself."),
    ("requests", "Requests the machine made during this step, as `GET /path?query`."),
];

pub const WIRE_EXPECTATIONS: &[Word] = &[
    ("handshake", "Whether a WireGuard handshake was completed."),
    ("pong", "Whether the machine's own address answered a ping through the tunnel."),
];

pub const BROWSE_EXPECTATIONS: &[Word] = &[
    ("page", "The text of the page matches; a plain string must be contained in it."),
    ("row", "A row of a list matches under these labels."),
    ("no_row", "No row of a list matches under these labels."),
    ("done", "Whether everything that the step says could be done."),
    ("requests", "Requests the page made during this step, as `GET /path?query`."),
];

pub const JSON_EXPECTATIONS: &[Word] =
    &[("json", "The JSON response matches at each of these JSON pointers.")];

pub const BOTH_EXPECTATIONS: &[Word] = &[("snapshot", "The response equals the snapshot.")];

pub const MATCHERS: &[Word] = &[
    ("equals", "Equal to this value."),
    ("matches", "Text in which this regular expression finds a match."),
    ("type", "A value of this type."),
    ("one_of", "One of these values."),
    ("contains", "A string with this substring, or an array with this element."),
    ("excludes", "The negation of `contains`."),
    ("length", "An array, object or string of this length."),
    ("keys", "An object with exactly these keys."),
    ("has_keys", "An object with at least these keys."),
    ("above", "A number above this one, or above that of a variable."),
    ("below", "A number below this one, or below that of a variable."),
    ("within", "A time at most that far from another: `5m of ${created}+90d`."),
    ("not", "A value that does not match this."),
    ("every", "A non-empty array in which every element matches at these JSON pointers."),
    ("some", "An array in which at least one element matches at these JSON pointers."),
    ("absent", "Whether the value is absent."),
    ("line", "Text with exactly this line."),
    ("lines", "Text with matching lines in this order."),
    (
        "table",
        "Text with a table that has these headings in this order, and a row whose values under them match.",
    ),
];

pub const IDENTITIES: &[(&str, Option<Identity>)] = &[
    ("admin", Some(Identity::Admin)),
    ("owner", Some(Identity::Owner)),
    ("member", Some(Identity::Member)),
    ("outsider", Some(Identity::Outsider)),
    ("limited", Some(Identity::Limited)),
    ("nobody", None),
];

pub const CAPABILITIES: &[(&str, Capability)] = &[
    ("agent", Capability::Agent),
    ("installer", Capability::Installer),
    ("clock", Capability::Clock),
    ("heartbeat", Capability::Heartbeat),
    ("organisations", Capability::Organisations),
    ("addresses", Capability::Addresses),
    ("cidr", Capability::Cidr),
    ("dashboard", Capability::Dashboard),
    ("wire", Capability::Wire),
    ("tun", Capability::Tun),
    ("host-name", Capability::HostName),
    ("claim-tags", Capability::ClaimTags),
    ("access-rules", Capability::AccessRules),
    ("fresh", Capability::Fresh),
    ("quota", Capability::Quota),
    ("ansible", Capability::Ansible),
    ("actions", Capability::Actions),
    ("cloud-init", Capability::CloudInit),
    ("docker", Capability::Docker),
    ("terraform", Capability::Terraform),
];

impl Capability {
    pub fn all() -> impl Iterator<Item = Self> {
        CAPABILITIES.iter().map(|(_, capability)| *capability)
    }

    /// The name in profiles and scenarios.
    pub fn name(self) -> &'static str {
        CAPABILITIES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

pub const KINDS: &[(&str, Kind)] = &[
    ("uuid", Kind::Uuid),
    ("string", Kind::String),
    ("integer", Kind::Integer),
    ("boolean", Kind::Boolean),
    ("null", Kind::Null),
    ("array", Kind::Array),
    ("object", Kind::Object),
    ("date-time", Kind::DateTime),
];

/// Returns the keys of several groups.
pub fn keys(groups: &[&[Word]]) -> Vec<&'static str> {
    groups.iter().flat_map(|words| words.iter().map(|(key, _)| *key)).collect()
}
