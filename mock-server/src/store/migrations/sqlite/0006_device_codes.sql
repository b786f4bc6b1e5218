CREATE INDEX device_codes_to_prune ON device_codes (expires_at);
