-- The name in the form in which names are compared, and the holder of a public key.
ALTER TABLE machines ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE machines SET name_key = lower(name);
CREATE INDEX machines_by_name_key ON machines (org_id, name_key);
CREATE INDEX machines_by_public_key ON machines (org_id, public_key);
