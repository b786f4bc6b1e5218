-- What a registration writes: ten b-trees of machines become eight, of which two are in a random order instead of four.
-- Organisations, users and auth keys are never deleted, so that references to them need no check with each row.

-- The tokens that machines hold from before tokens contained their machine's id.
CREATE TABLE former_tokens (
    token_hash TEXT PRIMARY KEY,          -- as in machines
    machine_id TEXT NOT NULL
);
INSERT INTO former_tokens (token_hash, machine_id)
    SELECT token_hash, id FROM machines WHERE token_hash IS NOT NULL;

CREATE TABLE machines_with_fewer_indexes (
    id          TEXT NOT NULL PRIMARY KEY,
    org_id      TEXT NOT NULL,
    name        TEXT NOT NULL,
    tailnet_ip  TEXT NOT NULL,
    status      TEXT NOT NULL,            -- online, offline, pending, quarantined
    tags        TEXT NOT NULL,            -- JSON array
    ephemeral   BIGINT NOT NULL,
    public_key  TEXT NOT NULL,
    token_hash  TEXT,                     -- SHA-256 of the machine token, hex; NULL when logged out
    auth_key_id TEXT,                     -- NULL if registered with a session
    enrolled_by TEXT,                     -- NULL if registered with an auth key
    os          TEXT,
    version     TEXT,
    created_at  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    endpoints   TEXT NOT NULL DEFAULT '[]',      -- JSON array of ADDRESS:PORT
    map_version BIGINT NOT NULL DEFAULT 0,       -- version of its last change for its peers; 0 means never
    relay       TEXT,                     -- region code; NULL means none
    name_key    TEXT NOT NULL,            -- the name in the form in which names are compared
    namesake    BIGINT NOT NULL DEFAULT 0,       -- 0, but for names of earlier versions that differ in case alone
    attempt_hash         TEXT,
    attempted_at         BIGINT,
    attempt_reregistered BIGINT
);
INSERT INTO machines_with_fewer_indexes
    (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash, auth_key_id, enrolled_by, os, version,
     created_at, last_seen, endpoints, map_version, relay, name_key, namesake, attempt_hash, attempted_at,
     attempt_reregistered)
    SELECT id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash, auth_key_id, enrolled_by, os,
     version, created_at, last_seen, endpoints, map_version, relay, name_key,
     row_number() OVER (PARTITION BY org_id, name_key ORDER BY created_at, id) - 1, attempt_hash, attempted_at,
     attempt_reregistered
    FROM machines ORDER BY created_at, id;
DROP TABLE machines;
ALTER TABLE machines_with_fewer_indexes RENAME TO machines;
CREATE UNIQUE INDEX machines_by_name ON machines (org_id, name_key, namesake);
CREATE UNIQUE INDEX machines_by_address ON machines (org_id, tailnet_ip);
CREATE INDEX machines_in_order ON machines (org_id, created_at, id);
CREATE INDEX machines_by_map_version ON machines (org_id, map_version);
-- The beginning tells keys apart: a whole key would fill four times as many pages, in a random order.
CREATE INDEX machines_by_public_key ON machines (substr(public_key, 1, 8));
CREATE INDEX machines_to_miss ON machines (last_seen) WHERE status = 'online';
CREATE INDEX machines_to_reap ON machines (last_seen) WHERE ephemeral = 1;
CREATE INDEX machines_pending ON machines (org_id, enrolled_by) WHERE status = 'pending';
CREATE INDEX machines_to_forget ON machines (last_seen) WHERE status = 'pending';

CREATE TABLE audit_logs_without_references (
    id         TEXT NOT NULL,
    org_id     TEXT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    details    TEXT NOT NULL,             -- JSON object
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, created_at, id)
) WITHOUT ROWID;
INSERT INTO audit_logs_without_references (id, org_id, actor, action, target, details, created_at)
    SELECT id, org_id, actor, action, target, details, created_at FROM audit_logs
    ORDER BY org_id, created_at, id;
DROP TABLE audit_logs;
ALTER TABLE audit_logs_without_references RENAME TO audit_logs;
