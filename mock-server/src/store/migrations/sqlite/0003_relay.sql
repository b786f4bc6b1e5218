-- The region code of the relay that a machine is connected to; NULL means none.
ALTER TABLE machines ADD COLUMN relay TEXT;
