//! The words of the language, for the reader, its messages and the schema alike.

use super::model::{Capability, Identity, Kind};

/// A key and what it means.
pub type Word = (&'static str, &'static str);

pub const FILE: &[Word] = &[
    ("title", "What the sub-test proves, in one sentence."),
    ("machines", "The agents it uses."),
    ("needs", "Capabilities beyond those that the steps show by themselves."),
    ("skip", "Why the sub-test cannot run yet on any target."),
    ("statements", "With `skip`: the statements that it will judge."),
    ("step", "What is done, in order."),
    ("cleanup", "Steps that run at the end whatever happened."),
];

pub const MACHINE: &[Word] = &[
    ("name", "Its name in the documents."),
    ("login", "Who logs in on it before the first step."),
    ("up", "Whether `ztna up` runs on it before the first step."),
    ("observed", "Whether its requests to the target are recorded."),
    ("wire", "Whether it is a WireGuard peer of the kit's own rather than an agent."),
];

pub const HTTP_VERBS: &[Word] = &[
    ("get", "GET this path."),
    ("post", "POST to this path."),
    ("put", "PUT to this path."),
    ("patch", "PATCH this path."),
    ("delete", "DELETE this path."),
];

pub const OTHER_VERBS: &[Word] = &[
    ("ztna", "A command of the agent, words quoted as in a shell."),
    ("shell", "A line in a machine's shell."),
    (
        "wire",
        "What a WireGuard peer of the kit's own does: `join`, `ping MACHINE` or `await MACHINE` (whose handshake it lets come).",
    ),
    ("advance", "Moves the target's clock: `31m`, `7d`."),
    ("set", "Names values as they are now."),
];

pub const HTTP: &[Word] = &[
    ("as", "Whose request it is; nobody's without it."),
    ("bearer", "The token to send."),
    ("json", "A JSON body."),
    ("body", "A body as it stands."),
    ("query", "More of the query, to be encoded."),
    ("headers", "Headers."),
    ("from", "The address to connect from."),
];

pub const ZTNA: &[Word] = &[
    ("on", "The machine."),
    ("env", "More environment."),
    ("timeout", "How long it may take; 10s without it, 30s for a shell's line."),
    ("until", "Go on as soon as its output has a line that contains this, and leave it running."),
];

pub const SHELL: &[Word] = &[
    ("on", "The machine."),
    ("env", "More environment."),
    ("timeout", "How long it may take; 30s without it."),
];

pub const WIRE: &[Word] = &[
    ("on", "The machine."),
    ("auth_key", "Of `join`: the key to register with."),
    ("own_key", "`old`: the key that it had before it joined anew."),
    ("their_key", "The key that the machine is believed to have; without it that of the network map."),
    ("source", "The inner address that its ping comes from; without it its own."),
    ("timeout", "How long it may take; 15s without it. Silence is believed when it is over."),
];

pub const ANY_STEP: &[Word] = &[
    ("name", "What happens, in the words of the document."),
    ("rows", "The step once a row, its keys being variables."),
    ("race", "That many requests at the same moment."),
    ("eventually", "For how long a read is repeated until its checks pass."),
    ("keep", "What is kept of the answer, by name."),
    ("check", "What must hold."),
];

pub const CHECK: &[Word] = &[
    ("verifies", "The statements that it judges."),
    ("any", "Alternatives, one of which must hold."),
    ("exactly", "How many answers of a race must satisfy it."),
    ("at_least", "How many answers of a race must satisfy it, or more."),
    ("at_most", "How many answers of a race may satisfy it, or fewer."),
];

pub const HTTP_EXPECTATIONS: &[Word] = &[
    ("status", "The status is (one of) these."),
    ("error", "The error's code matches."),
    ("message", "The error's message matches."),
    ("header", "Each header matches."),
    ("body", "The answer's text matches; a plain string: is contained."),
];

pub const ZTNA_EXPECTATIONS: &[Word] = &[
    ("exit", "The exit code is (one of) these; `failure`: any but 0."),
    ("stdout", "Standard output matches; a plain string: is contained."),
    ("stderr", "Standard error matches; a plain string: is contained."),
    ("output", "Standard output and error match; a plain string: is contained."),
    ("running", "Whether the process is still running."),
    ("requests", "Requests of this step, `GET /path?query`."),
];

pub const WIRE_EXPECTATIONS: &[Word] = &[
    ("handshake", "Whether a WireGuard handshake was completed."),
    ("pong", "Whether the machine's own address answered a ping through the tunnel."),
];

pub const JSON_EXPECTATIONS: &[Word] = &[("json", "Each place of the JSON answer matches.")];

pub const BOTH_EXPECTATIONS: &[Word] = &[("snapshot", "The answer is that of the snapshot.")];

pub const MATCHERS: &[Word] = &[
    ("equals", "This value as it stands."),
    ("matches", "Text in which a regular expression is found."),
    ("type", "A value of this kind."),
    ("one_of", "One of these values."),
    ("contains", "Text in text, an element in an array."),
    ("excludes", "The opposite of `contains`."),
    ("length", "An array, object or text of this length."),
    ("keys", "An object with these keys and no other."),
    ("has_keys", "An object with at least these keys."),
    ("above", "A number above this one."),
    ("below", "A number below this one."),
    ("within", "A time at most so far from another: `5m of ${created}+90d`."),
    ("not", "What does not match this."),
    ("every", "An array, not empty, whose every element matches at these places."),
    ("some", "An array with an element that matches at these places."),
    ("absent", "There is no such place."),
    ("line", "Text with a line that is exactly this."),
    ("lines", "Text with lines that match, in this order."),
];

pub const IDENTITIES: &[(&str, Option<Identity>)] = &[
    ("admin", Some(Identity::Admin)),
    ("owner", Some(Identity::Owner)),
    ("member", Some(Identity::Member)),
    ("outsider", Some(Identity::Outsider)),
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
    ("fresh", Capability::Fresh),
];

impl Capability {
    /// Every capability there is.
    pub fn all() -> impl Iterator<Item = Self> {
        CAPABILITIES.iter().map(|(_, capability)| *capability)
    }

    /// As profiles and scenarios write it.
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

/// The keys of several groups of words.
pub fn keys(groups: &[&[Word]]) -> Vec<&'static str> {
    groups.iter().flat_map(|words| words.iter().map(|(key, _)| *key)).collect()
}
