-- Wrong guesses at passwords and device codes, by the hash of what they count against: all replicas count together.
CREATE TABLE wrong_guesses (
    subject TEXT PRIMARY KEY,      -- SHA-256, hex
    guesses BIGINT NOT NULL,
    last_at BIGINT NOT NULL,       -- the latest one
    delayed BIGINT NOT NULL        -- whether a guess had to wait since
);
CREATE INDEX wrong_guesses_by_age ON wrong_guesses (last_at);

-- The network that started a device's login, so that none takes the places of all; empty if it is not known.
ALTER TABLE device_codes ADD COLUMN started_from TEXT NOT NULL DEFAULT '';
CREATE INDEX device_codes_by_start ON device_codes (started_from, created_at);
