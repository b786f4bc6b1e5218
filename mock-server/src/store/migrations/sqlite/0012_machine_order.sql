-- The order of lists: a page of machines is read without reading the others.
CREATE INDEX machines_in_order ON machines (org_id, created_at, id);
