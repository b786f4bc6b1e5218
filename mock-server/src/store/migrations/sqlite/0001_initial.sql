-- Portable between SQLite and PostgreSQL: TEXT and BIGINT only, 0/1 for booleans,
-- milliseconds since 1970 for times, JSON as TEXT.

CREATE TABLE organisations (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    machine_limit BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,   -- lower case
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,          -- PHC string
    created_at    BIGINT NOT NULL
);

CREATE TABLE memberships (
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id  TEXT NOT NULL REFERENCES organisations (id),
    role    TEXT NOT NULL,                -- owner, admin, member
    PRIMARY KEY (user_id, org_id)
);

CREATE TABLE auth_keys (
    id            TEXT PRIMARY KEY,
    org_id        TEXT NOT NULL REFERENCES organisations (id),
    name          TEXT NOT NULL,
    key_hash      TEXT NOT NULL UNIQUE,   -- SHA-256 of the part after the prefix, hex
    key_prefix    TEXT NOT NULL,
    reusable      BIGINT NOT NULL DEFAULT 0,
    ephemeral     BIGINT NOT NULL DEFAULT 0,
    used_count    BIGINT NOT NULL DEFAULT 0,
    expires_at    BIGINT NOT NULL,
    revoked       BIGINT NOT NULL DEFAULT 0,
    allowed_tags  TEXT,                   -- JSON array; NULL means any
    allowed_cidrs TEXT,                   -- JSON array; NULL means any
    tags          TEXT,                   -- JSON array; NULL means none
    description   TEXT,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX auth_keys_of_organisation ON auth_keys (org_id, created_at);

CREATE TABLE api_keys (
    id                TEXT PRIMARY KEY,
    org_id            TEXT NOT NULL REFERENCES organisations (id),
    name              TEXT NOT NULL,
    key_hash          TEXT NOT NULL UNIQUE,   -- SHA-256 of the full key, hex
    key_prefix        TEXT NOT NULL,
    scopes            TEXT,                   -- JSON array; NULL means everything that the creator's role allows
    rate_limit_rpm    BIGINT NOT NULL DEFAULT 60,
    usage_count       BIGINT NOT NULL DEFAULT 0,
    expires_at        BIGINT NOT NULL,
    revoked           BIGINT NOT NULL DEFAULT 0,
    last_used_at      BIGINT,
    window_started_at BIGINT,                 -- start of the rate limit's window
    window_uses       BIGINT NOT NULL DEFAULT 0,
    created_by        TEXT NOT NULL,          -- user id
    created_at        BIGINT NOT NULL
);
CREATE INDEX api_keys_of_organisation ON api_keys (org_id, created_at);

CREATE TABLE machines (
    id          TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL REFERENCES organisations (id),
    name        TEXT NOT NULL,
    tailnet_ip  TEXT NOT NULL,
    status      TEXT NOT NULL,            -- online, offline, pending, quarantined
    tags        TEXT NOT NULL,            -- JSON array
    ephemeral   BIGINT NOT NULL,
    public_key  TEXT NOT NULL,
    token_hash  TEXT UNIQUE,              -- SHA-256 of the machine token, hex; NULL when logged out
    auth_key_id TEXT REFERENCES auth_keys (id),   -- NULL if registered with a session
    enrolled_by TEXT REFERENCES users (id),       -- NULL if registered with an auth key
    os          TEXT,
    version     TEXT,
    created_at  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    UNIQUE (org_id, name),
    UNIQUE (org_id, tailnet_ip)
);
CREATE INDEX machines_to_reap ON machines (last_seen) WHERE ephemeral = 1;

-- Address allocation and quota of an organisation, independent of the number of its machines.
CREATE TABLE address_pools (
    org_id      TEXT PRIMARY KEY REFERENCES organisations (id),
    next_offset BIGINT NOT NULL,          -- offset into 100.64.0.0/10, never assigned before
    machines    BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE released_addresses (
    org_id      TEXT NOT NULL REFERENCES organisations (id),
    "offset"    BIGINT NOT NULL,
    released_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, "offset")
);
CREATE INDEX released_addresses_by_age ON released_addresses (org_id, released_at);

CREATE TABLE audit_logs (
    id         TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    details    TEXT NOT NULL,             -- JSON object
    created_at BIGINT NOT NULL
);
CREATE INDEX audit_logs_of_organisation ON audit_logs (org_id, created_at);

CREATE TABLE device_codes (
    device_code_hash TEXT PRIMARY KEY,    -- SHA-256, hex
    user_code        TEXT NOT NULL UNIQUE,
    client_id        TEXT NOT NULL,
    status           TEXT NOT NULL,       -- pending, approved, denied, used
    user_id          TEXT REFERENCES users (id),
    interval_seconds BIGINT NOT NULL,
    last_polled_at   BIGINT,
    expires_at       BIGINT NOT NULL,
    created_at       BIGINT NOT NULL
);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
