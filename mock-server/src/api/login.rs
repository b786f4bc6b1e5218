//! `POST /api/auth/login`: email and password for an access token.
