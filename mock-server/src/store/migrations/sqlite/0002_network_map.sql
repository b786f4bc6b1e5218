-- The network map: what changed in an organisation since a version of its map.

-- One counter an organisation. Whoever raises it holds the row until the commit, so that versions
-- become visible in their order.
CREATE TABLE network_maps (
    org_id  TEXT PRIMARY KEY REFERENCES organisations (id),
    version BIGINT NOT NULL,              -- at least 1
    pruned  BIGINT NOT NULL               -- the highest version among the removals that were forgotten
);
INSERT INTO network_maps (org_id, version, pruned) SELECT id, 1, 0 FROM organisations;

ALTER TABLE machines ADD COLUMN endpoints TEXT NOT NULL DEFAULT '[]';      -- JSON array of ADDRESS:PORT
ALTER TABLE machines ADD COLUMN map_version BIGINT NOT NULL DEFAULT 0;     -- when its peers last saw it change; 0: never
CREATE INDEX machines_by_map_version ON machines (org_id, map_version);
CREATE INDEX machines_to_miss ON machines (last_seen) WHERE status = 'online';

-- Machines that no longer exist, until every peer can be expected to have heard of it.
CREATE TABLE removed_machines (
    machine_id TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    version    BIGINT NOT NULL,
    removed_at BIGINT NOT NULL
);
CREATE INDEX removed_machines_by_version ON removed_machines (org_id, version);
CREATE INDEX removed_machines_by_age ON removed_machines (removed_at);
