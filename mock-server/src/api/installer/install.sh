#!/bin/sh
# Installs ztna, the QuickZTNA agent.
#
#   curl -fsSL BASE/install.sh | sh                        installs it
#   curl -fsSL BASE/install.sh | ZTNA_AUTH_KEY=KEY sh      and connects this machine
#
# ZTNA_INSTALL_DIR   where to install [default: /usr/local/bin if it is writable, else ~/.local/bin]
# ZTNA_STATE_DIR     where the agent keeps its keys [default: $XDG_STATE_HOME/ztna or ~/.local/state/ztna]
# ZTNA_HOSTNAME      the machine's name [default: the host's]
# ZTNA_USERSPACE     true: without a TUN device [default: true where none can be made]
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
    command -v "$1" >/dev/null 2>&1 || fail "$1 is needed and not there; install it and try again"
}

check_platform() {
    need uname
    here="$(uname -s) $(uname -m)"
    case "$here" in
        *' amd64') here="${here% *} x86_64" ;;
        *' arm64') here="${here% *} aarch64" ;;
    esac
    [ "$here" = "$system $machine" ] ||
        fail "$base_url has the agent for $system $machine only, and this is $here; build ztna from its source"
}

# cloud-init and some CI runners set no HOME.
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
    # A wrapper has to find the program from wherever it is called.
    mkdir -p "$folder" 2>/dev/null || fail "the folder $folder cannot be made; name another with ZTNA_INSTALL_DIR"
    folder=$(CDPATH='' cd "$folder" && pwd)
}

temporary=
agent=

# Neither half a file stays, nor an agent of which nobody was told that it runs.
clean_up() {
    [ -z "$temporary" ] || rm -f "$temporary"
    [ -z "$agent" ] || kill "$agent" 2>/dev/null || :
}

trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Written under another name first: whoever starts a program finds a whole one.
begin_file() {
    temporary=$(mktemp "$folder/.ztna.XXXXXX" 2>/dev/null) ||
        fail "the folder $folder cannot be written to; name another with ZTNA_INSTALL_DIR"
}

finish_file() {
    chmod 755 "$temporary" && mv -f "$temporary" "$1" || fail "$1 cannot be replaced"
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
        fail "the agent cannot be downloaded from $base_url/install/ztna"
    # Before it replaces one that may have worked. The arguments are quoted for a shell.
    chmod 755 "$temporary"
    version=$(eval "\"\$temporary\" $arguments --version" 2>&1) || fail "the agent does not run here: $version"
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
    (umask 077 && mkdir -p "$state") || fail "the folder $state cannot be made; name another with ZTNA_STATE_DIR"
    export ZTNA_STATE_DIR="$state" ZTNA_SERVER="$base_url"
    # Installed over a running agent, the new one takes its place.
    if [ -S "$state/ztna.sock" ]; then
        "$ztna" down || fail "the running agent does not stop"
    fi
    # A TUN device takes root, and many containers have none. Who may make one and does not want it sets the variable too.
    if [ "$(id -u)" -ne 0 ] || [ ! -c /dev/net/tun ]; then
        export ZTNA_USERSPACE="${ZTNA_USERSPACE:-true}"
    fi
    log=$state/up.log
    (umask 077 && : >"$log") || fail "$log cannot be written"
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

# Waits until the agent is up, has failed, or takes too long.
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

# All of it, or nothing if the download broke off.
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
