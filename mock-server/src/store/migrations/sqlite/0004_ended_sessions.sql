-- Sessions that were ended before they expired.
CREATE TABLE ended_sessions (
    id         TEXT PRIMARY KEY,   -- the claim `jti` of its tokens
    expires_at BIGINT NOT NULL     -- when no token of it is valid any more, and the row is of no use
);
CREATE INDEX ended_sessions_to_prune ON ended_sessions (expires_at);
