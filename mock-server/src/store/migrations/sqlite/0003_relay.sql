-- The relay where a machine listens: the code of a region; NULL: none.
ALTER TABLE machines ADD COLUMN relay TEXT;
