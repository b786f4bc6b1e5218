//! `GET /api/user-orgs`: the organisations of the caller (`generate/ST5.5`).
