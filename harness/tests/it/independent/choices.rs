//! What the documents leave open: one switch for each choice, with the sentence that leaves it open.

/// A choice that may be made in either way.
pub(crate) struct Open {
    pub(crate) choice: Choice,
    /// What an implementation does that chooses so.
    pub(crate) what: &'static str,
    /// The file of the document, and words in it that allow this and its opposite.
    pub(crate) document: &'static str,
    pub(crate) words: &'static str,
    pub(crate) reach: Reach,
}

/// The sub-tests that could mind a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All that need no agent.
    ControlPlane,
    /// Those of the control plane that a filter selects.
    Some(&'static str),
    /// Those of the agent that a filter selects.
    Agent(&'static str),
}

const WITHOUT_RACES: Reach = Reach::Some("!*-race & !issuing/reuse & !api-key/ST3-enforced");
const RACES: Reach = Reach::Some("*-race, issuing/reuse, used-count/ST[1-4]*, headless/ST4-*, headless/F6*");
const EXPIRIES: Reach = Reach::Some(
    "generate/ST1, generate/ST2, issuing/expiry, issuing/create, api-key/ST1, api-key/ST4, api-key/ST5-*",
);
const API_KEYS: Reach =
    Reach::Some("api-key/*, issuing/create, issuing/revoke-line, generate/F7-session, generate/owner");
pub(crate) const CREATION: Reach =
    Reach::Some("generate/*, issuing/create, issuing/expiry*, issuing/tags, used-count/ST1");
const TAGS: Reach = Reach::Some("generate/ST3, issuing/tags, issuing/create");
const ORGANISATIONS: Reach = Reach::Some("generate/ST5, generate/owner");
const OFFLINE: Reach =
    Reach::Some("issuing/ephemeral, generate/ST2-offline, issuing/expiry-enrolled, headless/ST4-online");

macro_rules! choices {
    (@reach) => { WITHOUT_RACES };
    (@reach $reach:expr) => { $reach };
    ($($choice:ident { $what:literal, $document:literal: $words:literal $(, $reach:expr)? })*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Choice { $($choice),* }

        pub(crate) const CHOICES: &[Open] = &[$(Open {
            choice: Choice::$choice,
            what: $what,
            document: $document,
            words: $words,
            reach: choices!(@reach $($reach)?),
        }),*];
    };
}

choices! {
    // ─── the form of keys, ids, times and responses
    HexInCapitals { "keys are written in capital hex digits", "generate.txt": "tskey-auth- followed by 64 hex characters" }
    ShortIds { "auth keys have ids such as ak_9fX2kR", "issuing.txt": "\"key_id\": \"ak_9fX2kR\"" }
    IdsInCapitals { "UUIDs are written in capitals", "api-key.txt": "The id is a valid UUID" }
    OnlyDocumentedFields { "responses have no other fields than the documented ones", "generate.txt": "Response: { id, key, key_prefix, name, reusable, ephemeral, expiry_days, allowed_tags, allowed_cidrs }" }
    CompactJson { "JSON has no white space", "api-key.txt": "| python3 -m json.tool" }
    RefusalsAsProblems { "refusals are application/problem+json", "generate.txt": "with appropriate error codes" }
    ConnectionsStay { "connections stay open between requests", "generate.txt": "curl -s -X POST", RACES }
    ResponsesWithoutDate { "responses have no Date header", "generate.txt": "Response is HTTP 201", EXPIRIES }
    DatesInSeconds { "times are seconds since 1970", "used-count.txt": "expires_at, revoked, created_at", EXPIRIES }
    DatesInMilliseconds { "times are milliseconds since 1970", "used-count.txt": "expires_at, revoked, created_at", EXPIRIES }
    DatesWithSpace { "times read 2026-04-16 10:00:00+00", "used-count.txt": "expires_at, revoked, created_at", EXPIRIES }
    DatesWithFraction { "times have nanoseconds", "used-count.txt": "expires_at, revoked, created_at", EXPIRIES }
    DatesElsewhere { "times have an offset of five and a half hours", "used-count.txt": "expires_at, revoked, created_at", EXPIRIES }
    DatesAsInMail { "times read as in mail", "used-count.txt": "expires_at, revoked, created_at", EXPIRIES }
    DatesWithoutTime { "expiries are dates", "used-count.txt": "expires_at, revoked, created_at", EXPIRIES }
    SessionElsewhere { "a login answers its session elsewhere", "generate.txt": "or use the auth API" }
    ShortSessions { "a session lasts a quarter of an hour", "generate.txt": "JWT token is missing or expired. Re-authenticate." }

    NumbersHaveAPoint { "whole numbers are written as 30.0", "generate.txt": "| python3 -m json.tool", WITHOUT_RACES }
    SlashesEscaped { "JSON writes slashes as \\/", "generate.txt": "| python3 -m json.tool", WITHOUT_RACES }
    IdsWithSymbols { "ids of auth keys have characters that mean something in a URL", "issuing.txt": "\"key_id\": \"ak_9fX2kR\"", WITHOUT_RACES }
    ListsInAnotherOrder { "allowed tags and networks are answered in another order", "generate.txt": "allowed_tags contains [\"server\", \"production\"] (prefix stripped)", CREATION }

    // ─── creating and revoking keys
    DescriptionNames { "without a name the description names the key", "issuing.txt": "\"description\": \"Q2 laptop fleet rollout\"", CREATION }
    NamesInvented { "without a name the server invents one", "issuing.txt": "\"description\": \"Q2 laptop fleet rollout\"", CREATION }
    GuideFieldsIgnored { "tags and expires_in are ignored", "generate.txt": "Optional fields: reusable (bool), ephemeral (bool), expiry_days", CREATION }
    UnknownFieldsRefused { "fields that the chapter does not name are refused", "generate.txt": "The backend rejects malformed requests", CREATION }
    ExpiresInClamped { "expires_in outside its range is taken as the nearest bound", "issuing.txt": "Range: 5 minutes — 30 days", CREATION }
    ExpiresInTakenLoosely { "expires_in may be 3600.5, \"3600\", \"1h\" or true", "issuing.txt": "\"expires_in\": 3600", CREATION }
    BooleansTakenLoosely { "reusable may be \"yes\" or 1", "generate.txt": "reusable (bool), ephemeral (bool)", CREATION }
    NullExpiryRefused { "expiry_days null is refused for auth keys", "generate.txt": "expiry_days (int, 1-365, default 90)", CREATION }
    NullExpiryDefaults { "expiry_days null is 30 days for API keys", "api-key.txt": "expiry_days (int, 1–90, default 30)", API_KEYS }
    NamesAreHostNames { "names are at most 40 letters, digits and hyphens", "generate.txt": "Required fields: action, org_id, name" }
    NamesAreUnique { "no two keys that are valid have the same name", "generate.txt": "Required fields: action, org_id, name" }
    FieldsBeforeSession { "missing fields are refused before a missing session", "generate.txt": "name, action, or org_id is missing from the request body", CREATION }
    PeopleManageKeys { "API keys may not manage keys", "generate.txt": "Auth: JWT required, caller must be org admin or owner", API_KEYS }
    RevokedOnceOnly { "a second revocation is refused", "issuing.txt": "Revoke an auth key to prevent future enrolments." }
    RevocationsDescribed { "a revocation answers what it did", "issuing.txt": "\"action\": \"revoke_auth_key\"" }
    RevokedKeysPurged { "revoked keys disappear from the lists", "issuing.txt": "Revoke an auth key to prevent future enrolments." }
    ExpiredKeysPurged { "expired keys disappear from the lists", "issuing.txt": "How long the key is valid for enrolling new devices" }

    // ─── registration
    BareKeysTaken { "a key is taken without its prefix, too", "headless.txt": "the backend strips the tskey-auth- prefix, SHA256-hashes the remainder" }
    UsedKeysAreInvalid { "a used-up key is INVALID_KEY", "headless.txt": "the backend may return INVALID_KEY instead of KEY_USED in some versions", RACES }
    HasAlreadyBeenUsed { "KEY_USED comes with the other message", "headless.txt": "KEY_USED: Auth key has already been used", RACES }
    UsedBeforeExpired { "a key that is used up and expired is KEY_USED", "used-count.txt": "Non-reusable keys with used_count greater than 0 return KEY_USED specifically." }
    RegistrationsAreOk { "a registration is 200, new or not", "headless.txt": "creates or re-activates a machine record", RACES }
    RegistrationsAreCreated { "a registration is 201, new or not", "headless.txt": "creates or re-activates a machine record", RACES }
    RegistrationsWait { "simultaneous registrations wait for each other", "headless.txt": "race condition if multiple registrations happen simultaneously", RACES }
    NamesIgnoreCase { "Linux-C and linux-c are one machine", "headless.txt": "If a machine with the same name+org already exists", RACES }
    AddressesFromTheTop { "tailnet addresses are given from 100.127.255.253 downwards", "headless.txt": "Tailnet IP assigned." }
    AddressesReused { "the address of a deleted machine is given again", "headless.txt": "Tailnet IP assigned.", RACES }
    OtherTagsDropped { "a claim of a tag that the key does not allow is dropped", "generate.txt": "Machines registering with this key can only claim tags listed in allowed_tags.", TAGS }
    OtherTagsMakeKeysInvalid { "a claim of a tag that the key does not allow is INVALID_KEY", "generate.txt": "Machines registering with this key can only claim tags listed in allowed_tags.", TAGS }
    AllowedTagsAreGiven { "machines get the tags that their key allows", "generate.txt": "An auth key can be scoped to specific tags.", TAGS }
    ClaimsIgnored { "machines claim nothing when they register", "headless.txt": "The CLI calls POST /api/register-machine with the auth key and machine name.", TAGS }
    OutsideIsForbidden { "a machine from elsewhere is refused with 403", "generate.txt": "Only machines registering from an IP within the allowed CIDRs will be accepted.", Reach::Some("generate/ST4*") }
    CredentialElsewhere { "a registration answers the machine's credential elsewhere", "issuing.txt": "each machine uses a permanent node_key" }

    // ─── machines afterwards
    EphemeralGoAtOnce { "ephemeral machines are removed as soon as they are offline", "issuing.txt": "Enrolled machines auto-deregister when they go offline.", OFFLINE }
    SlowToCallOffline { "a machine is offline twelve minutes after its last heartbeat", "generate.txt": "when they go offline for 30 minutes", OFFLINE }
    RemovedRowsStay { "the row of a removed machine stays, with that status", "issuing.txt": "Enrolled machines auto-deregister" }
    RemovedMachinesAreGone { "the credential of a removed machine is answered with 410", "issuing.txt": "action: \"quarantine\" or \"delete\"" }
    HeartbeatsAnswered { "a heartbeat is answered with JSON", "issuing.txt": "correct from first heartbeat" }
    MachinesHavePrefixedTags { "machines have tags with their prefix", "issuing.txt": "applies to any machine with tag:laptop", TAGS }
    AdminsAdminister { "members may not administer machines", "issuing.txt": "use ztna machine-admin" }

    // ─── lists
    RowsInEnvelope { "rows are the data of an envelope", "used-count.txt": "the CLI fetches from GET /api/db/auth_keys?org_id=X", RACES }
    RowsElsewhere { "rows are where the profile says", "used-count.txt": "the CLI fetches from GET /api/db/auth_keys?org_id=X" }
    StrangersSeeEmptyLists { "a list is empty for who may not read it", "used-count.txt": "you may not be an admin/owner" }
    ListsOfRowsAreText { "rows have lists as the text of their JSON", "api-key.txt": "Storage table: api_keys in PostgreSQL" }
    NewestFirst { "lists begin with the newest row", "headless.txt": "Look for the key entry" }
    HashesListed { "lists show the hash of a key", "api-key.txt": "key_hash column stores SHA256 of full key including prefix" }
    DigestsListed { "rows have a digest of 64 hex digits", "used-count.txt": "key prefix, name, reusable flag, ephemeral flag, used count, and expiry date" }
    SelectAllRefused { "select=* is refused", "used-count.txt": "&select=name,used_count" }
    OthersHaveRows { "others have keys and machines with odd names", "headless.txt": "the key may have been used in a previous test", RACES }
    MembersListNothing { "members may not list", "used-count.txt": "CLI list requires: Admin or owner role in the org" }
    MembersSeeEmptyLists { "members see empty lists", "used-count.txt": "you may not be an admin/owner" }
    OrganisationsByName { "GET /api/user-orgs is an object by organisation", "generate.txt": "Verify via GET /api/user-orgs.", ORGANISATIONS }
    OrganisationsNested { "GET /api/user-orgs has roles in capitals, nested", "generate.txt": "Verify via GET /api/user-orgs.", ORGANISATIONS }

    // ─── API keys
    ScopesTakenExactly { "a scope in capitals is not a scope", "api-key.txt": "Invalid scope values are rejected before the key is stored.", API_KEYS }
    ScopesAreNarrow { "the scope machines covers no keys", "api-key.txt": "create a read-only machines key", API_KEYS }
    ScopesSorted { "scopes are listed in alphabetical order", "api-key.txt": "Scopes: machines:read and audit:read badges", API_KEYS }
    NoScopesAreNull { "the scopes of a key with full access are null", "api-key.txt": "no explicit scopes (full access)", API_KEYS }
    OutOfScopeIsUnauthorized { "out of scope is 401", "api-key.txt": "A key can be created with a limited set of scopes.", API_KEYS }
    SpentApiKeysAreUnknown { "a revoked or expired API key is 401", "api-key.txt": "expiry is mandatory", API_KEYS }
    SmoothingLimiter { "requests are spread evenly: never two at once", "api-key.txt": "The rate_limit_rpm field is stored and enforced.", API_KEYS }
    FixedWindows { "requests are counted by the minute of the clock", "api-key.txt": "The rate_limit_rpm field is stored and enforced.", API_KEYS }
    TooManyRequests { "a refusal for the rate is 429", "api-key.txt": "The rate_limit_rpm field is stored and enforced.", API_KEYS }
    UsesCountedLater { "uses are counted at the end of the day", "api-key.txt": "Usage: 0 calls", API_KEYS }
    InsertionsAnswerNothing { "an inserted row is answered with 204", "api-key.txt": "verify the insert succeeded without error", API_KEYS }

    // ─── what no document describes
    NoMachinesTable { "machines cannot be listed", "generate.txt": "GET /api/user-orgs" }
    NoMachineAdmin { "machines are not administered over HTTP", "issuing.txt": "use ztna machine-admin with action" }
    NoApiKeyRevocation { "API keys are revoked elsewhere", "api-key.txt": "This chapter tests the create_api_key action", API_KEYS }
    NoOrganisations { "nobody is told their organisations", "generate.txt": "Verify via GET /api/user-orgs.", ORGANISATIONS }
    NoHeartbeats { "machines send no heartbeats over HTTP", "issuing.txt": "correct from first heartbeat" }
    ClaimsRefused { "a registration has no field for tags", "headless.txt": "The CLI calls POST /api/register-machine with the auth key and machine name.", TAGS }
    RefusalsAtTheTop { "a refusal is {code, message} without an envelope", "used-count.txt": "returns { code: 'KEY_USED', message: 'Auth key already used' }", RACES }
    ColumnsRenamed { "the columns of machines have other names", "headless.txt": "creates or re-activates a machine record", RACES }
    PathsMoved { "what no document describes is at other paths", "issuing.txt": "use ztna machine-admin with action" }

    // ─── the agent: up, down, status
    VersionNamesPlatform { "the version is 0.9.4 (linux/amd64)", "headless.txt": "Version: 3.2.8", Reach::Agent("headless/ST2-connected") }
    RegionIsAName { "the region is eu-west", "headless.txt": "DERP Region: blr1", Reach::Agent("headless/ST2-connected") }
    UserSpaceMode { "the mode without a TUN device is called user-space", "issuing.txt": "[\"ztna\", \"up\", \"--userspace\"]", Reach::Agent("headless/ST2*, headless/ST4*, issuing/userspace, issuing/rollout*") }
    OtherWarnings { "other warnings are printed as well", "headless.txt": "This is a warning, not an error.", Reach::Agent("headless/ST2*, used-count/ST2") }
    ExportedKeysAreNoWarning { "the chapter's lines print no warning", "headless.txt": "Use the env var approach shown above to avoid it.", Reach::Agent("headless/ST2") }
    MoreLines { "other lines stand between the documented ones", "headless.txt": "Expected output:", Reach::Agent("headless/ST2*, headless/ST4*, issuing/create-cli, issuing/rollout") }
    ProgressOnStandardError { "progress goes to standard error", "headless.txt": "Expected output: Starting QuickZTNA...", Reach::Agent("headless/ST*, issuing/rollout, issuing/userspace, used-count/ST2, used-count/ST3, used-count/ST4") }
    PromptsEveryTime { "every up prints the node key and how to stop it", "headless.txt": "Press Ctrl+C to stop...", Reach::Agent("headless/ST4*, used-count/ST3") }
    UpRegistersAgain { "up with a key registers again, although the machine is known", "used-count.txt": "Expected: \"used_count\": 2 (incremented from 1).", Reach::Agent("used-count/ST3, headless/ST4*, issuing/*") }
    SessionsBeforeKeys { "up prefers a session to a key", "issuing.txt": "they can just run ztna login and authenticate through the browser", Reach::Agent("used-count/ST5, issuing/create-cli, issuing/login") }
    ClaimsByFlag { "up has a flag for claimed tags", "generate.txt": "can only claim tags listed in allowed_tags", Reach::Agent("generate/ST3-cli, headless/ST2") }
    NothingToStopFails { "down and logout fail where there is nothing to do", "headless.txt": "ensure no existing session", Reach::Agent("used-count/ST2, headless/ST2, headless/ST4") }
    NodeKeysInHex { "node keys are shown in hex", "headless.txt": "Node key: a1b2c3d4e5f6g7h8...", Reach::Agent("headless/ST2-connected, headless/ST4") }
    InstallerReturnsEarly { "the installer returns before the machine is connected", "issuing.txt": "The agent auto-registers + connects.", Reach::Agent("issuing/rollout") }

    StartOnStandardError { "what `up` begins with goes to standard error, and its results to standard output", "headless.txt": "Starting QuickZTNA...", Reach::Agent("headless/ST2-connected, headless/ST4*, issuing/userspace, used-count/ST2") }
    TextOnStandardError { "what people read goes to standard error", "used-count.txt": "Expected output:", Reach::Agent("headless/*, used-count/*, issuing/create-cli, issuing/list, issuing/revoke-cli, issuing/login, issuing/rollout") }
    ColoursEverywhere { "output is coloured, whatever it goes to", "headless.txt": "Expected status output:", Reach::Agent("headless/*, used-count/*, issuing/create-cli, issuing/list, issuing/revoke-cli, issuing/login, issuing/rollout") }
    DrawsProgress { "progress is drawn in a line that the next one is written over", "headless.txt": "Expected output:", Reach::Agent("headless/ST2*, headless/ST4*, used-count/ST2, issuing/userspace") }
    LinesEndAsOnWindows { "lines end with a carriage return and a newline", "headless.txt": "Expected status output:", Reach::Agent("headless/ST2*, headless/ST4*, headless/ST5, issuing/create-cli, issuing/rollout, issuing/revoke-cli, used-count/*") }

    // ─── the agent: errors
    ErrorsHaveAPrefix { "errors begin with the program's name", "used-count.txt": "auth key registration failed: KEY_USED: Auth key already used", Reach::Agent("headless/ST2, headless/ST5, used-count/*") }
    ErrorsOnStandardOutput { "errors go to standard output", "used-count.txt": "Expected error:", Reach::Agent("headless/ST2, headless/ST5, used-count/*") }
    FailuresExitWith70 { "a failure exits with 70", "used-count.txt": "Expected error:", Reach::Agent("headless/ST2, headless/ST5, used-count/*, issuing/revoke-cli") }

    // ─── the agent: keys
    GuideTable { "the list is the guide's", "issuing.txt": "PREFIX REUSABLE USES EXPIRES", Reach::Agent("used-count/ST2, used-count/ST5, issuing/list") }
    WholePrefixListed { "the list shows eight characters of a key, and three dots", "used-count.txt": "ztna auth-keys list shows key prefix, name", Reach::Agent("used-count/ST2, used-count/ST5, issuing/list") }
    LongNamesCut { "the list cuts names after 20 characters", "used-count.txt": "KEY PREFIX NAME REUSABLE EPHEMERAL USES EXPIRES", Reach::Agent("used-count/ST2, used-count/ST5, issuing/list") }
    PlainRule { "the rule below the headings is of hyphens", "used-count.txt": "KEY PREFIX NAME REUSABLE EPHEMERAL USES EXPIRES", Reach::Agent("used-count/ST2") }
    ExpiryInLocalTime { "expiries are dates where the agent is", "used-count.txt": "used count, and expiry date", Reach::Agent("used-count/ST2, used-count/ST5, issuing/list") }
    ListAsksForOrder { "the list is asked for in an order", "used-count.txt": "the CLI fetches from GET /api/db/auth_keys?org_id=X", Reach::Agent("used-count/ST5") }
    ListAsksForColumns { "the list is asked for by columns", "used-count.txt": "the CLI fetches from GET /api/db/auth_keys?org_id=X", Reach::Agent("used-count/ST5") }
    LoginSetsOrganisation { "a login sets the organisation", "used-count.txt": "the CLI needs an active org context to list keys", Reach::Agent("used-count/ST2") }
    NoOrganisationNoKeys { "without an organisation there are no keys", "used-count.txt": "or the org context is missing", Reach::Agent("used-count/ST2") }
    MembersFindNoKeys { "a member's list says that there are none", "used-count.txt": "you may not be an admin/owner", Reach::Agent("used-count/ST5") }
    PrefixesWithDotsTaken { "revoke takes a prefix with its dots", "issuing.txt": "ztna auth-keys revoke tskey-auth-abc...", Reach::Agent("issuing/revoke-cli") }
    OtherWords { "machines are administered by fleet ACTION --machine NAME", "issuing.txt": "use ztna machine-admin with action: \"quarantine\" or \"delete\"", Reach::Agent("issuing/disconnect-cli") }
    CodesOfDigits { "a login shows six digits", "issuing.txt": "they can just run ztna login and authenticate through the browser", Reach::Agent("issuing/login") }
    ActionIsAFlag { "machine-admin takes --action", "issuing.txt": "use ztna machine-admin with action: \"quarantine\" or \"delete\"", Reach::Agent("issuing/disconnect-cli") }
}
