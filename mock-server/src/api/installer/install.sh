#!/bin/sh
# Installs ztna, the QuickZTNA agent.
#
#   curl -fsSL BASE/install.sh | sh                        installs it, or the present version
#   curl -fsSL BASE/install.sh | ZTNA_AUTH_KEY=KEY sh      and connects this machine
#   curl -fsSL BASE/install.sh | sh -s -- --uninstall      removes it; the machine's identity stays
#
# ZTNA_INSTALL_DIR   where to install [default: /usr/local/bin if it is writable, else ~/.local/bin]
# ZTNA_STATE_DIR     where the agent keeps its keys [default: $XDG_STATE_HOME/ztna or ~/.local/state/ztna]
# ZTNA_HOSTNAME      the machine's name [default: the host's]
# ZTNA_USERSPACE     true to run without a TUN device [default: true if none can be created]
# ZTNA_UP_TIMEOUT    seconds to wait for the connection [default: 60]
# ZTNA_SERVICE       false to run in the background instead of as a service [default: a service as root with systemd]
set -eu

base_url='@BASE_URL@'
system='@SYSTEM@'
machine='@MACHINE@'
arguments='@ARGUMENTS@'
unit=/etc/systemd/system/ztna.service

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || fail "$1 not found; install it and try again"
}

# A secret that a CI does not have is an empty variable. The key itself is never printed.
check_key() {
    [ -n "${ZTNA_AUTH_KEY+set}" ] || return 0
    key_help="set it to the whole key, tskey-auth-..., or unset it to install without connecting"
    case "$ZTNA_AUTH_KEY" in
        '') fail "ZTNA_AUTH_KEY is empty; $key_help" ;;
        *[!A-Za-z0-9_-]*) fail "ZTNA_AUTH_KEY has characters that no key has; $key_help" ;;
        tskey-auth-?*) ;;
        *) fail "ZTNA_AUTH_KEY is no auth key; $key_help" ;;
    esac
}

check_platform() {
    need uname
    here="$(uname -s) $(uname -m)"
    case "$here" in
        *' amd64') here="${here% *} x86_64" ;;
        *' arm64') here="${here% *} aarch64" ;;
    esac
    [ "$here" = "$system $machine" ] ||
        fail "unsupported platform $here: $base_url provides the agent for $system $machine only; build ztna from source"
}

# cloud-init and some CI runners do not set HOME.
find_home() {
    if [ -z "${HOME:-}" ]; then
        HOME=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6) || HOME=
        [ -n "$HOME" ] || fail "HOME is not set; set it and try again"
        export HOME
    fi
}

choose_folder() {
    if [ -n "${ZTNA_INSTALL_DIR:-}" ]; then
        folder=$ZTNA_INSTALL_DIR
    elif [ -d /usr/local/bin ] && [ -w /usr/local/bin ]; then
        folder=/usr/local/bin
    else
        folder=$HOME/.local/bin
    fi
    # The path must be absolute, because the wrapper is called from any folder.
    mkdir -p "$folder" 2>/dev/null || fail "cannot create the folder $folder; choose another one with ZTNA_INSTALL_DIR"
    folder=$(CDPATH='' cd "$folder" && pwd)
    ztna=$folder/ztna
}

choose_state() {
    state=${ZTNA_STATE_DIR:-}
    case "${XDG_STATE_HOME:-}" in
        /*) state=${state:-$XDG_STATE_HOME/ztna} ;;
        *) state=${state:-$HOME/.local/state/ztna} ;;
    esac
    log=$state/up.log
    export ZTNA_STATE_DIR="$state" ZTNA_SERVER="$base_url"
}

temporary=
agent=

# Removes a partial file, and stops an agent that has not been reported as running.
clean_up() {
    [ -z "$temporary" ] || rm -f "$temporary" "$temporary.sha256"
    [ -z "$agent" ] || kill "$agent" 2>/dev/null || :
}

trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Files are written under a temporary name first, so that a program is never incomplete.
begin_file() {
    temporary=$(mktemp "$folder/.ztna.XXXXXX" 2>/dev/null) ||
        fail "cannot write to the folder $folder; choose another one with ZTNA_INSTALL_DIR"
}

finish_file() {
    { chmod 755 "$temporary" && mv -f "$temporary" "$1"; } || fail "cannot replace $1"
    temporary=
}

sha256() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum <"$1"
    elif command -v shasum >/dev/null 2>&1; then
        shasum -a 256 <"$1"
    elif command -v openssl >/dev/null 2>&1; then
        openssl dgst -sha256 -r <"$1"
    else
        fail "sha256sum not found; install it, shasum or openssl, and try again"
    fi
}

# Both come over one connection, so that a checksum has the same origin as the program.
download() {
    program_url=$base_url/install/ztna
    curl -fsSL --fail-early -o "$temporary" "$program_url" -o "$temporary.sha256" "$program_url.sha256" ||
        fail "cannot download the agent from $program_url"
    expected=$(cut -d' ' -f1 <"$temporary.sha256")
    rm -f "$temporary.sha256"
    found=$(sha256 "$temporary" | cut -d' ' -f1)
    [ "$found" = "$expected" ] ||
        fail "the agent from $program_url has the SHA-256 $found instead of $expected; try again"
}

install_agent() {
    need curl
    program=$ztna
    [ -z "$arguments" ] || program=$folder/ztna-program
    say "Installing ztna from $base_url to $folder"
    begin_file
    download
    # Checked before it replaces a working one. The arguments are quoted for a shell.
    chmod 755 "$temporary"
    version=$(eval "\"\$temporary\" $arguments --version" 2>&1) || fail "the agent does not run on this machine: $version"
    finish_file "$program"
    if [ -n "$arguments" ]; then
        begin_file
        quoted=$(printf '%s' "$program" | sed "s/'/'\\\\''/g")
        printf "#!/bin/sh\nexec '%s' %s \"\$@\"\n" "$quoted" "$arguments" >"$temporary"
        finish_file "$ztna"
    fi
    say "Installed $version"
    case ":$PATH:" in
        *":$folder:"*) ;;
        *) say "Note: $folder is not in PATH; add it, or call $ztna" ;;
    esac
}

# Connects this machine, or connects it again with the program that replaces the one that ran.
connect() {
    (umask 077 && mkdir -p "$state") || fail "cannot create the folder $state; choose another one with ZTNA_STATE_DIR"
    stop_agent
    # A TUN device requires root, and many containers have none. The variable overrides this.
    if [ "$(id -u)" -ne 0 ] || [ ! -c /dev/net/tun ]; then
        export ZTNA_USERSPACE="${ZTNA_USERSPACE:-true}"
    fi
    (umask 077 && : >"$log") || fail "cannot write $log"
    if command -v setsid >/dev/null 2>&1; then
        setsid "$ztna" up </dev/null >"$log" 2>&1 &
    else
        nohup "$ztna" up </dev/null >"$log" 2>&1 &
    fi
    agent=$!
    await_connection
    if runs_as_service; then
        start_service
        agent=
        say "Connected. ztna runs as the service ztna, also after a restart; see its log with: journalctl -u ztna"
    else
        agent=
        say "Connected. ztna runs in the background and logs to $log; stop it with: ztna down"
    fi
}

is_running() { [ -S "$state/ztna.sock" ]; }

stop_agent() {
    if [ -f "$unit" ] && has_systemd; then
        systemctl stop ztna || fail "cannot stop the service ztna"
    fi
    if is_running; then
        "$ztna" down || fail "cannot stop the running agent"
    fi
}

# Waits until the agent is up, has failed, or has timed out.
await_connection() {
    end=$(($(date +%s) + ${ZTNA_UP_TIMEOUT:-60}))
    until grep -q 'Press Ctrl+C' "$log"; do
        outcome=
        kill -0 "$agent" 2>/dev/null || outcome="is not connected"
        [ "$(date +%s)" -lt "$end" ] || outcome="did not connect in time"
        if [ -n "$outcome" ]; then
            cat "$log" >&2
            fail "ztna is installed, but this machine $outcome; try again: ztna up --server $base_url"
        fi
        sleep 0.05 2>/dev/null || sleep 1
    done
    grep -v 'Press Ctrl+C' "$log"
}

has_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }

runs_as_service() { [ "$(id -u)" -eq 0 ] && [ "${ZTNA_SERVICE:-true}" = true ] && has_systemd; }

# systemd reads \, " and % in a quoted value.
quote_for_unit() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g; s/%/%%/g')"; }

# The machine is enrolled by now, and comes up from its state: no unit contains a key.
start_service() {
    "$ztna" down >/dev/null || fail "cannot stop the running agent"
    {
        printf '[Unit]\nDescription=QuickZTNA agent\nWants=network-online.target\nAfter=network-online.target\n\n'
        printf '[Service]\nRestart=on-failure\nRestartSec=5\n'
        printf 'Environment=%s\n' "$(quote_for_unit "ZTNA_STATE_DIR=$state")" "$(quote_for_unit "ZTNA_SERVER=$base_url")"
        [ -z "${ZTNA_HOSTNAME:-}" ] || printf 'Environment=%s\n' "$(quote_for_unit "ZTNA_HOSTNAME=$ZTNA_HOSTNAME")"
        [ -z "${ZTNA_USERSPACE:-}" ] || printf 'Environment=%s\n' "$(quote_for_unit "ZTNA_USERSPACE=$ZTNA_USERSPACE")"
        printf 'ExecStart=%s up\n\n[Install]\nWantedBy=multi-user.target\n' "$(quote_for_unit "$ztna")"
    } >"$unit" || fail "cannot write $unit; set ZTNA_SERVICE=false to run in the background"
    { systemctl daemon-reload && systemctl enable --quiet ztna && systemctl restart ztna; } ||
        fail "cannot start the service ztna; see: systemctl status ztna"
}

uninstall() {
    # With the program gone, nothing could stop the agent.
    [ ! -x "$ztna" ] || stop_agent
    if [ -f "$unit" ]; then
        ! has_systemd || systemctl disable --quiet ztna || :
        rm -f "$unit"
        ! has_systemd || systemctl daemon-reload
    fi
    rm -f "$ztna" "$folder/ztna-program"
    say "Removed ztna from $folder"
    [ ! -d "$state" ] || say "This machine's identity is still in $state: remove it with: rm -r $state"
}

# Called on the last line, so that an incomplete download does nothing.
main() {
    case "${1:-}" in
        '' | --uninstall) ;;
        *) fail "unknown argument $1; there is --uninstall only" ;;
    esac
    if [ -z "${1:-}" ]; then
        check_key
        check_platform
    fi
    find_home
    choose_folder
    choose_state
    if [ -n "${1:-}" ]; then
        uninstall
        return
    fi
    install_agent
    if [ -n "${ZTNA_AUTH_KEY:-}" ] || is_running || [ -f "$unit" ]; then
        connect
    else
        say "Next: ztna login --server $base_url, and then: ztna up"
    fi
}

main "$@"
