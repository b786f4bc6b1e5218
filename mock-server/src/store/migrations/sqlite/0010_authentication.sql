-- When the user who decided on a device's login last entered the password.
ALTER TABLE device_codes ADD COLUMN authenticated_at BIGINT;
