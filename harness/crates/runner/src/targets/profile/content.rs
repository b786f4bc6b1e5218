//! The content of a target profile. The comments are also the descriptions of its JSON Schema.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;

use harness_model::scenario::model::{Identity, identity_name};
use harness_model::scenario::undocumented::Undocumented;

use crate::targets::dashboard::SignInAct;

/// A target profile: the target's URL, sessions for its people, and its capabilities.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Profile")]
pub struct Content {
    /// The target's name in reports.
    pub name: String,
    /// Its version in reports.
    pub version: Option<String>,
    /// The base URL, http://… or https://…, including the path before /api.
    pub base_url: String,
    /// The organisation of admin, owner and member.
    pub org_id: String,
    /// The outsider's organisation.
    pub other_org_id: Option<String>,
    /// The address from which the target sees the kit.
    pub address: Option<String>,
    /// Whether the target is the reference, so that `ours` statements are judged.
    #[schemars(default)]
    pub reference: bool,
    /// The target's capabilities. By default they follow from the rest of the profile.
    #[schemars(with = "Option<Vec<CapabilityName>>")]
    pub capabilities: Option<Vec<String>>,
    /// The sources of sessions for admin, owner, member and outsider.
    #[schemars(default, with = "BTreeMap<IdentityName, TokenSource>")]
    pub tokens: BTreeMap<Identity, TokenSource>,
    /// TLS settings.
    #[schemars(default)]
    pub tls: TlsFiles,
    /// Limits on requests and responses.
    #[schemars(default)]
    pub limits: Limits,
    /// Time limits.
    #[schemars(default)]
    pub timeouts: Timeouts,
    /// An organisation with a machine limit.
    pub quota: Option<Quota>,
    /// The target's agent.
    pub agent: Option<Agent>,
    /// Where the target's installer is.
    pub installer: Option<Installer>,
    /// How Terraform manages the target.
    pub terraform: Option<Terraform>,
    /// The target's dashboard.
    pub dashboard: Option<DashboardContent>,
    /// The target's test hooks.
    #[schemars(default)]
    pub hooks: Hooks,
    /// Whether the target has what no document describes. What is not listed is probed before the run.
    #[schemars(default, with = "BTreeMap<UndocumentedName, bool>")]
    pub undocumented: BTreeMap<Undocumented, bool>,
    /// The paths of undocumented endpoints.
    #[schemars(default)]
    pub paths: Paths,
    /// The locations of undocumented fields that the kit reads.
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
    ClaimTags,
    AccessRules,
    Fresh,
    Quota,
    Terraform,
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

#[derive(JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[schemars(rename = "Undocumented", rename_all = "snake_case")]
#[allow(dead_code, reason = "its names are the schema's; reports spell them otherwise")]
enum UndocumentedName {
    Machines,
    MachineAdmin,
    RevokeApiKey,
    Claims,
    UserOrgs,
    Heartbeat,
    NetworkMap,
    Acl,
}

/// The source of a session token.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum TokenSource {
    /// An environment variable.
    Env(String),
    /// A file, relative to the profile. It is read again when its token is refused.
    File(PathBuf),
    /// A command, quoted as in a shell, that prints the token. It is run again when its token is refused.
    Command(String),
    /// `POST /api/auth/login` with the password from an environment variable. It is repeated when its token is refused.
    Login(Login),
    /// A token in the profile itself, which causes a warning.
    #[schemars(untagged)]
    Inline(String),
}

/// Returns the key of the profile that has the source of the identity's sessions.
pub fn token_key(identity: Identity) -> String {
    match identity {
        Identity::Limited => "quota.token".to_owned(),
        identity => format!("tokens.{}", identity_name(identity)),
    }
}

/// A login with a password.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Login {
    /// The account's email address.
    pub email: String,
    /// The environment variable that contains the password.
    pub password_env: String,
}

/// TLS settings. Files are PEM, and their paths are relative to the profile.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TlsFiles {
    /// The only trusted authorities; by default the system's.
    pub ca: Option<PathBuf>,
    /// The kit's own certificate, followed by its chain.
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate.
    pub client_key: Option<PathBuf>,
    /// Whether the certificate must be for the host of base_url; true by default.
    #[schemars(default)]
    pub check_name: Option<bool>,
}

/// Limits on the requests of all sub-tests together, and on responses.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Limits {
    /// Requests per second on average. A race is one burst, after a pause.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub requests_per_second: Option<f64>,
    /// Concurrent requests, also of a race, which proves less then; and concurrent sub-tests.
    pub concurrency: Option<NonZeroU32>,
    /// The maximum size of a response in bytes; 4 MiB by default.
    pub answer_bytes: Option<NonZeroU32>,
}

/// Time limits, such as `"10s"`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Timeouts {
    /// Of connecting; 3 s by default.
    #[schemars(with = "Option<String>")]
    pub connect: Duration,
    /// Of a request and its response; 10 s by default.
    #[schemars(with = "Option<String>")]
    pub request: Duration,
    /// Of a sub-test, not counting its waiting for `limits`; 60 s by default.
    #[schemars(with = "Option<String>")]
    pub subtest: Duration,
    /// The longest that reads lag behind what was done before. By default they do not.
    #[schemars(default, with = "Option<String>")]
    pub settle: Option<Duration>,
    /// How long a machine must not answer a WireGuard peer to count as silent; 1 s by default.
    #[schemars(default, with = "Option<String>")]
    pub silence: Duration,
}

/// An organisation that may have a few machines only, and has none before a run.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Quota {
    /// Its id.
    pub org_id: String,
    /// How many machines it may have.
    #[schemars(range(min = 1, max = 10))]
    pub limit: u32,
    /// The source of a session of one of its admins.
    pub token: TokenSource,
}

/// What the documents' recipes install from. In a profile without `capabilities` it stands for `installer`.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Installer {
    /// The URL of install.sh; below the base URL by default.
    pub url: Option<String>,
    /// The image that the documents' Dockerfile begins with; by default one of programs of the kit's host, curl among them.
    pub image: Option<String>,
}

/// The target's provider for Terraform. It is run as `hashicorp/quickztna`, which the documents' configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Terraform {
    /// The provider's program; a path is relative to the profile.
    pub provider: PathBuf,
    /// The environment variable from which it takes the target's URL; QZ_ENDPOINT by default.
    #[schemars(default)]
    pub endpoint: String,
    /// The environment variable from which it takes an API key; QZ_API_KEY by default.
    #[schemars(default)]
    pub api_key: String,
}

impl Default for Terraform {
    fn default() -> Self {
        Self {
            provider: PathBuf::new(),
            endpoint: "QZ_ENDPOINT".to_owned(),
            api_key: "QZ_API_KEY".to_owned(),
        }
    }
}

/// How the target's agent is started.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Agent {
    /// The program and its first arguments, quoted as in a shell.
    pub command: String,
    /// Additional environment variables.
    #[schemars(default)]
    pub env: BTreeMap<String, String>,
    /// Additional flags of `up` unless the profile declares `tun`, quoted as in a shell.
    #[schemars(with = "Option<String>")]
    pub without_tun: String,
    /// A regular expression for the code that `login` prints; its first group if it has one. `[A-Z0-9]{4}-[A-Z0-9]{4}` by
    /// default.
    pub code: Option<String>,
    /// Whether it sees the host name that the kit gives its process; not so if a service or another host does its work.
    #[schemars(with = "Option<bool>")]
    pub sees_host_name: bool,
    /// Its words for the commands that documents name without showing them.
    #[schemars(default)]
    pub words: Words,
}

/// Words of commands that documents name without showing them.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Words {
    /// With `{action}` (`quarantine` or `delete`) and `{machine}`; by default both `machine-admin --action {action} {machine}`
    /// and `machine-admin {action} {machine}` are tried.
    pub machine_admin: Option<Vec<String>>,
    /// What `up` takes to claim tags, with `{tags}` (separated by commas). Nothing is claimed by agents without it.
    pub claim_tags: Option<Vec<String>>,
    /// What `up` takes to serve peers a port, with `{port}` and `{service}` (ADDRESS:PORT of the service to which it passes
    /// connections on). Needed for `access-rules`.
    pub serve: Option<Vec<String>>,
    /// With `{machine}` and `{port}`: connects to a port of another machine, and prints what arrives. `{time}` is how long it
    /// waits for an answer, such as 2s. Needed for `access-rules`.
    pub connect: Option<Vec<String>>,
}

/// The target's dashboard: where it is, and what it calls what the documents name.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Dashboard")]
pub struct DashboardContent {
    /// Its base URL; base_url by default.
    pub url: Option<String>,
    /// The target's own words for those of the documents, such as `"Create API Key" = "New key"`.
    #[schemars(default)]
    pub words: BTreeMap<String, String>,
    /// The target's own pages for documented ones, such as `"/api-keys" = "/console/keys"`.
    #[schemars(default)]
    pub paths: BTreeMap<String, String>,
    /// Paths of requests that its pages leave open until there is news, such as `/api/changes`. Without them, each is taken for a
    /// slow answer until it has been open for 1.5 s, once a run.
    #[schemars(default)]
    pub waits: Vec<String>,
    /// How a user signs in. By default with email and password, or with the session in Local Storage as `access_token`.
    #[schemars(default, with = "Vec<SignInContent>")]
    pub sign_in: Vec<SignInAct>,
    /// Who signs in with which password, if not as in `tokens.… = { login = … }`.
    #[schemars(default, with = "BTreeMap<IdentityName, Login>")]
    pub accounts: BTreeMap<Identity, Login>,
}

/// One act of signing in; `${email}` and `${password}` stand for the user's.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "SignIn")]
#[allow(dead_code, reason = "its fields are the schema's; what is decoded is an enum")]
struct SignInContent {
    /// Opens a path.
    open: Option<String>,
    /// Fills the field with this label.
    fill: Option<String>,
    /// For `fill`: the value.
    with: Option<String>,
    /// Clicks the button with this name.
    click: Option<String>,
}

/// Test hooks of the target: URLs, or paths below the base URL.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Hooks {
    /// `POST {"advance_seconds": N}` moves the clock.
    pub clock: Option<String>,
    /// `POST {"user_code": "…", "approve": true}` with a session approves a device login.
    pub approve: Option<String>,
    /// `POST {}` resets the target: before the run and, with the capability `fresh`, before each sub-test that needs it.
    pub reset: Option<String>,
}

/// Where the target has endpoints that no document describes: paths below the base URL. Documented ones cannot be moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Paths {
    /// /api/db/machines by default.
    pub machines: Option<String>,
    /// /api/machine-admin by default.
    pub machine_admin: Option<String>,
    /// /api/user-orgs by default.
    pub user_orgs: Option<String>,
    /// /api/heartbeat by default.
    pub heartbeat: Option<String>,
    /// /api/network-map by default.
    pub network_map: Option<String>,
    /// /api/acl by default.
    pub acl: Option<String>,
    /// /api/auth/login by default, for `tokens.… = { login = … }`.
    pub login: Option<String>,
}

/// JSON pointers (RFC 6901) to undocumented fields that the kit reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Pointers {
    /// The token in the response of `POST /api/auth/login`; /data/access_token by default.
    pub access_token: Option<String>,
    /// The token in the response of `POST /api/register-machine`; /data/machine_token by default.
    pub machine_token: Option<String>,
    /// The array of rows in responses of `GET /api/db/…` and `GET /api/user-orgs`; /data or the response itself by default.
    pub rows: Option<String>,
    /// The code of a refusal; /error/code by default.
    pub error_code: Option<String>,
    /// The message of a refusal; /error/message by default.
    pub error_message: Option<String>,
    /// The rows of `GET /api/user-orgs`, and fields in one.
    #[schemars(default)]
    pub user_orgs: UserOrgPointers,
    /// Fields in a row of `GET /api/db/machines`.
    #[schemars(default)]
    pub machine: MachinePointers,
}

/// JSON pointers into the response of `GET /api/user-orgs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct UserOrgPointers {
    /// The array of rows; as for other tables by default.
    pub rows: Option<String>,
    /// In a row; /org_id by default.
    pub org_id: Option<String>,
    /// In a row; /role by default.
    pub role: Option<String>,
}

/// JSON pointers to the fields of a machine's row. A column of another name is also renamed in filters, `select` and
/// `order` of the kit's requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MachinePointers {
    /// /id by default.
    pub id: Option<String>,
    /// /name by default.
    pub name: Option<String>,
    /// /status by default.
    pub status: Option<String>,
    /// /tailnet_ip by default.
    pub tailnet_ip: Option<String>,
    /// /tags by default.
    pub tags: Option<String>,
    /// /public_key by default.
    pub public_key: Option<String>,
}

impl Default for Timeouts {
    fn default() -> Self {
        let [connect, request, subtest, silence] = [3, 10, 60, 1].map(Duration::from_secs);
        Self { connect, request, subtest, settle: None, silence }
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
