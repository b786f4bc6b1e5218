-- The audit log in the order in which it grows and is read: one b-tree, appended to, instead of three.
CREATE TABLE audit_logs_in_order (
    id         TEXT NOT NULL,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    details    TEXT NOT NULL,             -- JSON object
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, created_at, id)
) WITHOUT ROWID;
INSERT INTO audit_logs_in_order (id, org_id, actor, action, target, details, created_at)
    SELECT id, org_id, actor, action, target, details, created_at FROM audit_logs
    ORDER BY org_id, created_at, id;
DROP TABLE audit_logs;
ALTER TABLE audit_logs_in_order RENAME TO audit_logs;
