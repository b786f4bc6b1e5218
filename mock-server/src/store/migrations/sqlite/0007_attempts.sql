-- The attempt that registered a machine (the hash of its Idempotency-Key), so that a repetition counts once.
ALTER TABLE machines ADD COLUMN attempt_hash TEXT;
ALTER TABLE machines ADD COLUMN attempted_at INTEGER;
-- Whether it was a re-registration, which the repetition answers as well.
ALTER TABLE machines ADD COLUMN attempt_reregistered INTEGER;
