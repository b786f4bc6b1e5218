//! `GET /api/openapi.json`: the document that the routes declare.
