//! How often an API key may be used within a minute (`api-key/ST3.2`).
