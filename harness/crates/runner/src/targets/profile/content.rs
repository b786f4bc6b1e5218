//! What a profile says.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;

use harness_model::scenario::model::Identity;

/// The profile of a target: where it answers, who may use it, and what it can do.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Profile")]
pub struct Content {
    /// The target's name in reports.
    pub name: String,
    /// Its version in reports.
    pub version: Option<String>,
    /// Where it answers: http://… or https://…, the path below which /api is included.
    pub base_url: String,
    /// The organisation of admin, owner and member.
    pub org_id: String,
    /// The outsider's organisation.
    pub other_org_id: Option<String>,
    /// The address that the target sees the kit at.
    pub address: Option<String>,
    /// Whether it is the reference, so that `ours` statements are judged.
    #[schemars(default)]
    pub reference: bool,
    /// What it can do; without it, what the profile gives the means for.
    #[schemars(with = "Option<Vec<CapabilityName>>")]
    pub capabilities: Option<Vec<String>>,
    /// Where sessions come from, by person: admin, owner, member, outsider.
    #[schemars(default, with = "BTreeMap<IdentityName, TokenSource>")]
    pub tokens: BTreeMap<Identity, TokenSource>,
    /// How secure connections are made.
    #[schemars(default)]
    pub tls: TlsFiles,
    /// How fast it may be asked, and how much is read.
    #[schemars(default)]
    pub limits: Limits,
    /// How long things may take.
    #[schemars(default)]
    pub timeouts: Timeouts,
    /// Its agent.
    pub agent: Option<Agent>,
    /// Its test hooks.
    #[schemars(default)]
    pub hooks: Hooks,
    /// Where answers that no document describes keep what the kit reads of them.
    #[schemars(default)]
    pub pointers: Pointers,
}

#[derive(JsonSchema)]
#[schemars(rename = "Capability", rename_all = "kebab-case")]
#[allow(dead_code, reason = "its names are the schema's; the language's own enum has no schema")]
enum CapabilityName {
    Agent,
    Installer,
    Clock,
    Heartbeat,
    Organisations,
    Addresses,
    Cidr,
    Dashboard,
    Wire,
    Tun,
}

#[derive(JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[schemars(rename = "Identity", rename_all = "kebab-case")]
#[allow(dead_code, reason = "its names are the schema's; the language's own enum has no schema")]
enum IdentityName {
    Admin,
    Owner,
    Member,
    Outsider,
}

/// Where a session comes from.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum TokenSource {
    /// An environment variable.
    Env(String),
    /// A file, relative to the profile; read again when its token was refused.
    File(PathBuf),
    /// A command, quoted as in a shell, whose output it is; run again when its token was refused.
    Command(String),
    /// `POST /api/auth/login`, the password from an environment variable; done again when its token was refused.
    Login(Login),
    /// The profile itself, which is warned about.
    #[schemars(untagged)]
    Inline(String),
}

/// A login with a password.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Login {
    /// Who.
    pub email: String,
    /// The variable that holds the password.
    pub password_env: String,
}

/// How secure connections are made. Paths are relative to the profile, files are PEM.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TlsFiles {
    /// The authorities to trust, and no others; without it those of the system.
    pub ca: Option<PathBuf>,
    /// The kit's own certificate, its chain after it.
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate.
    pub client_key: Option<PathBuf>,
    /// Whether the certificate must be for the host of base_url; true without it.
    #[schemars(default)]
    pub check_name: Option<bool>,
}

/// How fast the target may be asked by all sub-tests together, and how much is read.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Limits {
    /// Requests in a second.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub requests_per_second: Option<f64>,
    /// Requests, and sub-tests, at the same time.
    pub concurrency: Option<NonZeroU32>,
    /// Bytes of an answer that are read at most; 4 MiB without it.
    pub answer_bytes: Option<NonZeroU32>,
}

/// How long things may take, such as `"10s"`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Timeouts {
    /// Connecting; 3 s without it.
    #[schemars(with = "Option<String>")]
    pub connect: Duration,
    /// An exchange as a whole; 10 s without it.
    #[schemars(with = "Option<String>")]
    pub request: Duration,
    /// A sub-test as a whole, beside its waiting for `limits`; 60 s without it.
    #[schemars(with = "Option<String>")]
    pub subtest: Duration,
}

/// How the target's agent is started.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Agent {
    /// Program and first arguments, quoted as in a shell.
    pub command: String,
    /// More environment.
    #[schemars(default)]
    pub env: BTreeMap<String, String>,
    /// What `up` gets beside its words unless the profile declares `tun`, quoted as in a shell.
    #[schemars(with = "Option<String>")]
    pub without_tun: String,
}

/// URLs, or paths below the base URL, that the target offers to tests.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Hooks {
    /// `POST {"advance_seconds": N}` moves the clock.
    pub clock: Option<String>,
    /// `POST {"user_code": "…", "approve": true}` with a session approves a device login.
    pub approve: Option<String>,
    /// `POST {}` before the run.
    pub reset: Option<String>,
}

/// Where answers that no document describes keep what the kit reads of them: JSON pointers (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Pointers {
    /// Of `POST /api/auth/login`; /data/access_token without it.
    pub access_token: Option<String>,
    /// Of `POST /api/register-machine`; /data/machine_token without it.
    pub machine_token: Option<String>,
    /// The array of rows that `GET /api/db/…` and `GET /api/user-orgs` answer; /data, or the answer itself, without it.
    pub rows: Option<String>,
    /// In a row of `GET /api/db/machines`.
    #[schemars(default)]
    pub machine: MachinePointers,
}

/// Where a machine's row keeps what the kit reads of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MachinePointers {
    /// /id without it.
    pub id: Option<String>,
    /// /name without it.
    pub name: Option<String>,
    /// /status without it.
    pub status: Option<String>,
    /// /tailnet_ip without it.
    pub tailnet_ip: Option<String>,
    /// /tags without it.
    pub tags: Option<String>,
    /// /public_key without it.
    pub public_key: Option<String>,
}

impl Default for Timeouts {
    fn default() -> Self {
        let [connect, request, subtest] = [3, 10, 60].map(Duration::from_secs);
        Self { connect, request, subtest }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(variable) => write!(formatter, "Env({variable})"),
            Self::File(path) => write!(formatter, "File({})", path.display()),
            Self::Command(_) => formatter.write_str("Command(…)"),
            Self::Login(login) => write!(formatter, "Login({login:?})"),
            Self::Inline(_) => formatter.write_str("Inline(…)"),
        }
    }
}
