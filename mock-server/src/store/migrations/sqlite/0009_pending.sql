-- Machines that await approval: counted by organisation and user, and removed when they are silent.

CREATE INDEX IF NOT EXISTS machines_pending ON machines (org_id, enrolled_by) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS machines_to_forget ON machines (last_seen) WHERE status = 'pending';
