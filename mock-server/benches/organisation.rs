//! The organisation in which machines are registered.

pub(crate) const ORGANISATION: &str = "org_bench";

/// Initial data with that organisation and its admin.
pub(crate) const FIXTURE: &str = r#"
[[organisation]]
id = "org_bench"
name = "Bench"
machine_limit = 4000000
[[user]]
email = "admin@bench.example"
name = "B"
password = "b"
roles = { org_bench = "admin" }
[session]
lifetime = "12h"
device_code_lifetime = "10m"
device_poll_interval = "1s"
"#;
