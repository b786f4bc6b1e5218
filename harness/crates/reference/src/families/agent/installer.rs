//! The installer's script.

use crate::deviation::{Deviation, Family, UNCHANGED};

/// Where the script decides whether the machine is enrolled as well.
const ENROLS_IF: &str = r#"if [ -n "${ZTNA_AUTH_KEY:-}" ] || is_running || [ -f "$unit" ]; then
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
    (
        "installer-prints-the-key",
        changing_installer(|script| {
            script.replace(
                "say \"Installing ztna",
                "say \"Key: ${ZTNA_AUTH_KEY:-}\"\n    say \"Installing ztna",
            )
        }),
    ),
];

const fn changing_installer(installer: fn(&str) -> String) -> Deviation {
    Deviation { installer: Some(installer), ..UNCHANGED }
}
