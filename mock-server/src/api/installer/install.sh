#!/bin/sh
# Installs ztna, the QuickZTNA agent.
#
#   curl -fsSL BASE/install.sh | sh                        installs it
#   curl -fsSL BASE/install.sh | ZTNA_AUTH_KEY=KEY sh      and connects this machine
#
# ZTNA_INSTALL_DIR   where to install [default: /usr/local/bin if it is writable, else ~/.local/bin]
# ZTNA_STATE_DIR     where the agent keeps its keys [default: $XDG_STATE_HOME/ztna or ~/.local/state/ztna]
# ZTNA_HOSTNAME      the machine's name [default: the host's]
# ZTNA_USERSPACE     true to run without a TUN device [default: true if none can be created]
# ZTNA_UP_TIMEOUT    seconds to wait for the connection [default: 60]
set -eu

base_url='@BASE_URL@'
system='@SYSTEM@'
machine='@MACHINE@'
arguments='@ARGUMENTS@'

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || fail "$1 not found; install it and try again"
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
}

temporary=
agent=

# Removes a partial file, and stops an agent that has not been reported as running.
clean_up() {
    [ -z "$temporary" ] || rm -f "$temporary"
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
    chmod 755 "$temporary" && mv -f "$temporary" "$1" || fail "cannot replace $1"
    temporary=
}

install_agent() {
    need curl
    ztna=$folder/ztna
    program=$ztna
    [ -z "$arguments" ] || program=$folder/ztna-program
    say "Installing ztna from $base_url to $folder"
    begin_file
    curl -fsSL -o "$temporary" "$base_url/install/ztna" ||
        fail "cannot download the agent from $base_url/install/ztna"
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

connect() {
    state=${ZTNA_STATE_DIR:-}
    case "${XDG_STATE_HOME:-}" in
        /*) state=${state:-$XDG_STATE_HOME/ztna} ;;
        *) state=${state:-$HOME/.local/state/ztna} ;;
    esac
    (umask 077 && mkdir -p "$state") || fail "cannot create the folder $state; choose another one with ZTNA_STATE_DIR"
    export ZTNA_STATE_DIR="$state" ZTNA_SERVER="$base_url"
    # The new agent replaces a running one.
    if [ -S "$state/ztna.sock" ]; then
        "$ztna" down || fail "cannot stop the running agent"
    fi
    # A TUN device requires root, and many containers have none. The variable overrides this.
    if [ "$(id -u)" -ne 0 ] || [ ! -c /dev/net/tun ]; then
        export ZTNA_USERSPACE="${ZTNA_USERSPACE:-true}"
    fi
    log=$state/up.log
    (umask 077 && : >"$log") || fail "cannot write $log"
    if command -v setsid >/dev/null 2>&1; then
        setsid "$ztna" up </dev/null >"$log" 2>&1 &
    else
        nohup "$ztna" up </dev/null >"$log" 2>&1 &
    fi
    agent=$!
    await_connection
    agent=
    say "Connected. ztna runs in the background and logs to $log; stop it with: ztna down"
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

# Called on the last line, so that an incomplete download does nothing.
main() {
    check_platform
    find_home
    choose_folder
    install_agent
    if [ -n "${ZTNA_AUTH_KEY:-}" ]; then
        connect
    else
        say "Next: ztna login --server $base_url, and then: ztna up"
    fi
}

main
