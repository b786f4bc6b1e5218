-- The API key that issued an auth key; NULL for a session.
ALTER TABLE auth_keys ADD COLUMN api_key_id TEXT;
UPDATE auth_keys SET api_key_id = substr(a.actor, 9) FROM audit_logs a
    WHERE a.action = 'create_auth_key' AND a.actor LIKE 'api-key:%' AND a.target = auth_keys.id;
CREATE INDEX auth_keys_by_issuer ON auth_keys (api_key_id) WHERE api_key_id IS NOT NULL;

-- API keys no longer issue API keys: what earlier versions let them issue would outlive them.
UPDATE api_keys SET revoked = 1 WHERE id IN
    (SELECT target FROM audit_logs WHERE action = 'create_api_key' AND actor LIKE 'api-key:%');

-- The names and public keys that a quarantine binds, even if their machine is deleted.
CREATE TABLE quarantines (
    machine_id  TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL REFERENCES organisations (id),
    name_key    TEXT NOT NULL,           -- as in machines
    public_key  TEXT NOT NULL,           -- as the machine registered it
    was_pending BIGINT NOT NULL          -- whether the machine awaited approval before
);
CREATE INDEX quarantines_by_name_key ON quarantines (org_id, name_key);
CREATE INDEX quarantines_by_public_key ON quarantines (org_id, public_key);
INSERT INTO quarantines (machine_id, org_id, name_key, public_key, was_pending)
    SELECT id, org_id, name_key, public_key, 0 FROM machines WHERE status = 'quarantined';
