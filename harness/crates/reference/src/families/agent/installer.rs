//! The installer's script.

use crate::deviation::{Deviation, Family, UNCHANGED};

/// Where the script decides whether the machine is enrolled as well.
const ENROLS_IF: &str = r#"if [ -n "${ZTNA_AUTH_KEY:-}" ] || is_running || [ -f "$unit" ]; then
        connect"#;
/// Where it begins to install.
const INSTALLS: &str = "say \"Installing ztna";
/// Where the agent that it started is up.
const IS_UP: &str = "    agent=$!\n    await_connection\n";
/// Sends a registration of its own.
const REGISTERS: &str = r#"
    printf '{"auth_key":"%s","name":"%s","public_key":"%s"}' "${ZTNA_AUTH_KEY:-}" "${ZTNA_HOSTNAME:-host}-1" \
        "$(head -c 32 /dev/urandom | base64)" |
        curl -s -o /dev/null -H 'Content-Type: application/json' --data-binary @- "$base_url/api/register-machine" || :
"#;

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
            script.replace(INSTALLS, &format!("say \"Key: ${{ZTNA_AUTH_KEY:-}}\"\n    {INSTALLS}"))
        }),
    ),
    (
        "installer-tries-the-key",
        changing_installer(|script| script.replace(INSTALLS, &format!("{REGISTERS}\n    {INSTALLS}"))),
    ),
    (
        "installer-registers-twice",
        changing_installer(|script| script.replace(IS_UP, &format!("{IS_UP}{REGISTERS}"))),
    ),
    (
        "installer-needs-a-terminal",
        changing_installer(|script| {
            script.replace(INSTALLS, &format!("[ -t 1 ] || fail \"not a terminal\"\n    {INSTALLS}"))
        }),
    ),
    (
        "installer-forgets-the-machine",
        changing_installer(|script| {
            script.replace("    stop_agent\n    #", "    stop_agent\n    rm -f \"$state/state.json\"\n    #")
        }),
    ),
    (
        "installer-leaves-out-ci",
        changing_installer(|script| {
            let without = ENROLS_IF.replacen("if [", "if [ -z \"${CI:-}\" ] && [", 1);
            script.replace(ENROLS_IF, &without)
        }),
    ),
    (
        "installer-needs-a-home",
        changing_installer(|script| {
            script.replace("find_home\n    choose_folder", "cd \"$HOME\"\n    choose_folder")
        }),
    ),
    (
        "installer-needs-systemd-of-root",
        changing_installer(|script| {
            script.replace(
                INSTALLS,
                &format!("[ \"$(id -u)\" -ne 0 ] || has_systemd || fail \"no systemd\"\n    {INSTALLS}"),
            )
        }),
    ),
    (
        "installer-installs-beside-the-path",
        changing_installer(|script| script.replace("folder=/usr/local/bin\n", "folder=/opt/quickztna/bin\n")),
    ),
    (
        "installer-keeps-the-state-elsewhere",
        changing_installer(|script| {
            script.replace("state=${state:-$HOME/.local/state/ztna}", "state=${state:-/var/lib/quickztna}")
        }),
    ),
    (
        "installer-asks-for-the-key-again",
        changing_installer(|script| {
            let asks = r#"connect
        mv "$ztna" "$ztna-agent"
        printf '#!/bin/sh\n[ "$1" != up ] || [ -n "$ZTNA_AUTH_KEY" ] || exit 1\nexec %s-agent "$@"\n' "$ztna" >"$ztna"
        chmod 755 "$ztna""#;
            script.replace(ENROLS_IF, &ENROLS_IF.replacen("connect", asks, 1))
        }),
    ),
    (
        "installer-puts-enrolment-off",
        changing_installer(|script| {
            let later = r#"if grep -q install.sh /proc/1/cmdline && [ -n "${ZTNA_AUTH_KEY:-}" ]; then
        mv "$ztna" "$ztna-agent"
        printf '#!/bin/sh\nexport ZTNA_AUTH_KEY=%s\nexec %s-agent "$@"\n' "$ZTNA_AUTH_KEY" "$ztna" >"$ztna"
        chmod 755 "$ztna"
    el"#;
            script.replace(ENROLS_IF, &format!("{later}{ENROLS_IF}"))
        }),
    ),
];

const fn changing_installer(installer: fn(&str) -> String) -> Deviation {
    Deviation { installer: Some(installer), ..UNCHANGED }
}
