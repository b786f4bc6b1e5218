//! The installer's script.

use crate::deviation::{Deviation, Family, UNCHANGED};

/// Where the script decides whether the machine is enrolled as well.
const ENROLS_IF: &str = r#"if [ -n "${ZTNA_AUTH_KEY:-}" ]; then
        connect"#;

pub(super) const ALL: Family = &[
    (
        "installer-ignores-the-key",
        changing_installer(|script| script.replace(ENROLS_IF, "if false; then\n        connect")),
    ),
    (
        "installer-stops-the-agent",
        changing_installer(|script| {
            script.replace(ENROLS_IF, &format!("{ENROLS_IF}\n        \"$ztna\" down >/dev/null"))
        }),
    ),
];

const fn changing_installer(installer: fn(&str) -> String) -> Deviation {
    Deviation { installer: Some(installer), ..UNCHANGED }
}
