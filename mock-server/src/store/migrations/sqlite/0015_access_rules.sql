-- Which machines may reach which others. Without a row, or without rules in it, all may.
CREATE TABLE access_rules (
    org_id     TEXT PRIMARY KEY REFERENCES organisations (id),
    version    BIGINT NOT NULL,           -- grows with each change
    rules      TEXT NOT NULL,             -- JSON array
    updated_at BIGINT NOT NULL
);
ALTER TABLE network_maps ADD COLUMN rules_version BIGINT NOT NULL DEFAULT 0; -- version at which the access rules changed last
ALTER TABLE network_maps ADD COLUMN restricted BIGINT NOT NULL DEFAULT 0;    -- whether there are access rules
