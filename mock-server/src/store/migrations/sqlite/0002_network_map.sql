-- The network map: the changes of an organisation's map by version.

-- One counter per organisation. An increment locks the row until the commit, so that versions
-- become visible in order.
CREATE TABLE network_maps (
    org_id  TEXT PRIMARY KEY REFERENCES organisations (id),
    version BIGINT NOT NULL,              -- at least 1
    pruned  BIGINT NOT NULL               -- the highest version among deleted tombstones
);
INSERT INTO network_maps (org_id, version, pruned) SELECT id, 1, 0 FROM organisations;

ALTER TABLE machines ADD COLUMN endpoints TEXT NOT NULL DEFAULT '[]';      -- JSON array of ADDRESS:PORT
ALTER TABLE machines ADD COLUMN map_version BIGINT NOT NULL DEFAULT 0;     -- version of its last change for its peers; 0 means never
CREATE INDEX machines_by_map_version ON machines (org_id, map_version);
CREATE INDEX machines_to_miss ON machines (last_seen) WHERE status = 'online';

-- Tombstones of deleted machines, kept until peers can be expected to have received the removal.
CREATE TABLE removed_machines (
    machine_id TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    version    BIGINT NOT NULL,
    removed_at BIGINT NOT NULL
);
CREATE INDEX removed_machines_by_version ON removed_machines (org_id, version);
CREATE INDEX removed_machines_by_age ON removed_machines (removed_at);
