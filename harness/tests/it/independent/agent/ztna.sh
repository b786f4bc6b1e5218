#!/bin/sh
# An agent that keeps to the words of the documents and differs from the reference's elsewhere. It carries no packets.
# NORTH_CHOICES names the choices that it makes otherwise than usual, as choices.rs lists them.
set -u
state=${ZTNA_STATE_DIR:-${HOME:-/root}/.ztna}
server=${ZTNA_SERVER:-http://127.0.0.1:9}
mkdir -p "$state"

chosen() {
  case " ${NORTH_CHOICES:-} " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

fail() {
  if chosen ErrorsHaveAPrefix; then set -- "ztna: error: $1"; fi
  if chosen ErrorsOnStandardOutput; then line "$1"; else line "$1" >&2; fi
  if chosen FailuresExitWith70; then exit 70; else exit 1; fi
}

# A line for people.
line() { printf '%s\n' "$1" | show; }

# Lines for people.
show() {
  if chosen ColoursEverywhere; then before=$(printf '\033[1;32m') after=$(printf '\033[0m'); else before='' after=''; fi
  if chosen LinesEndAsOnWindows; then end=$(printf '\r'); else end=''; fi
  if chosen TextOnStandardError; then sed "s/^/$before/;s/\$/$after$end/" >&2; else sed "s/^/$before/;s/\$/$after$end/"; fi
}

# Progress of `up`.
say() {
  if chosen ProgressOnStandardError; then line "$1" >&2; else line "$1"; fi
}

# ask METHOD PATH [BODY]: sets $status, and $answer to lines of NAME<TAB>VALUE. $bearer and $accept are sent.
bearer=
accept=text/plain
ask() {
  answer=$(printf '%s' "${3:-}" | curl -s --noproxy '*' --max-time 10 -X "$1" -H "Accept: $accept" \
    -H "Authorization: Bearer $bearer" -H 'Content-Type: application/json' --data-binary @- -w '\n%{http_code}' "$server$2")
  status=${answer##*
}
  answer=${answer%
*}
}
value() { printf '%s\n' "$answer" | sed -n "s/^$1	//p" | head -n 1; }
accepted() { case $status in 2??) return 0 ;; *) return 1 ;; esac; }

json() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }
# A list in commas as a JSON array.
array() { printf '["%s"]' "$(json "$1" | sed 's/,/","/g')"; }

kept() { cat "$state/$1" 2> /dev/null; }
keep() { (umask 077 && printf '%s\n' "$2" > "$state/$1"); }

# The node key's public half as it is shown.
node_key() {
  if chosen NodeKeysInHex; then
    kept public_key | base64 -d | od -An -tx1 | tr -d ' \n' | cut -c 1-16
  else
    kept public_key | cut -c 1-16
  fi
}

remember() {
  keep machine_id "$(value data.machine_id)"
  keep ip "$(value data.ip)"
  keep organisation "$(value data.organisation)"
  keep name "$1"
  credential=$(value data.machine_token)
  keep credential "${credential:-$(value data.credential.secret)}"
}

# enrol NAME KEY TAGS: with the key, or with the session if there is no key.
enrol() {
  head -c 32 /dev/urandom | base64 > "$state/next_key"
  new_key=$(kept next_key)
  body="\"name\":\"$(json "$1")\",\"public_key\":\"$new_key\""
  if [ -n "$2" ]; then
    bearer=
    ask POST /api/register-machine "{\"auth_key\":\"$(json "$2")\",$body${3:+,\"tags\":$(array "$3")}}"
    accepted || fail "auth key registration failed: $(value error.code): $(value error.message)"
  else
    bearer=$(kept session)
    ask POST /agent/join "{$body}"
    accepted || fail "joining failed: $(value error.message)"
  fi
  keep public_key "$new_key"
  remember "$1"
}

up() {
  key=${ZTNA_AUTH_KEY:-} name=$(uname -n) tags= userspace=no
  while [ $# -gt 0 ]; do
    case $1 in
      --auth-key)
        key=$2
        if ! chosen ExportedKeysAreNoWarning || [ "${ZTNA_AUTH_KEY:-}" != "$2" ]; then
          echo "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead." >&2
        fi
        shift ;;
      --hostname) name=$2; shift ;;
      --userspace) userspace=yes ;;
      --tags) if chosen ClaimsByFlag; then tags=$2; shift; else fail "unknown flag: --tags"; fi ;;
      *) fail "unknown flag: $1" ;;
    esac
    shift
  done
  if chosen OtherWarnings; then echo "WARNING: no DNS resolver was found, names of machines are not resolved" >&2; fi
  if chosen SessionsBeforeKeys && [ -s "$state/session" ]; then key=; fi
  is_first=yes
  if [ -s "$state/credential" ]; then
    bearer=$(kept credential)
    ask GET /agent/self
    accepted && is_first=no
  fi
  if [ $is_first = yes ] && [ -z "$key" ] && [ ! -s "$state/session" ]; then
    fail "not authenticated. Run 'ztna login' first or use --auth-key"
  fi
  if chosen StartOnStandardError; then line "Starting QuickZTNA..." >&2; else say "Starting QuickZTNA..."; fi
  if chosen MoreLines; then say "Using the control plane at $server"; fi
  if [ $is_first = yes ]; then
    enrol "$name" "$key" "$tags"
    say "Registered: $name ($(kept ip))"
  else
    if [ -n "$key" ] && chosen UpRegistersAgain; then enrol "$name" "$key" "$tags"; fi
    say "Already registered: $name (IP: $(kept ip))"
  fi
  if chosen MoreLines; then say "Negotiated 1 relay, 0 peers"; fi
  mode=userspace
  if chosen UserSpaceMode; then mode=user-space; fi
  if chosen DrawsProgress; then printf '⠋ Connecting\r\033[2K'; fi
  say "Connected as $name ($(kept ip)) [$mode]"
  keep connected yes
  echo $$ > "$state/pid"
  sleeper=
  trap 'rm -f "$state/pid" "$state/connected"; [ -n "$sleeper" ] && kill "$sleeper" 2> /dev/null; exit 0' INT TERM
  say "VPN started!"
  if [ $is_first = yes ] || chosen PromptsEveryTime; then
    say "Node key: $(node_key)..."
    say "Press Ctrl+C to stop..."
  fi
  bearer=$(kept credential)
  while :; do
    sleep 30 < /dev/null > /dev/null 2>&1 &
    sleeper=$!
    wait "$sleeper"
    ask POST /api/heartbeat '{}'
  done
}

down() {
  pid=$(kept pid)
  if [ -z "$pid" ]; then
    if chosen NothingToStopFails; then fail "nothing to stop"; fi
    return
  fi
  kill -TERM "$pid" 2> /dev/null
  tries=0
  while [ -e "$state/pid" ] && [ $tries -lt 60 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
  rm -f "$state/pid" "$state/connected"
  if chosen MoreLines; then echo "Stopped."; fi
}

logout() {
  if [ ! -e "$state/credential" ] && [ ! -e "$state/session" ] && chosen NothingToStopFails; then
    fail "nobody is logged in"
  fi
  down_quietly=$(kept pid)
  [ -n "$down_quietly" ] && kill -TERM "$down_quietly" 2> /dev/null
  rm -rf "${state:?}"/*
}

login() {
  bearer=
  ask POST /agent/login
  accepted || fail "login failed"
  code=$(value code)
  line "Open $server/login and enter $code"
  while :; do
    ask GET "/agent/login?code=$code"
    [ "$status" = 200 ] && break
    [ "$status" = 202 ] || fail "login failed"
    sleep 0.1
  done
  keep session "$(value session)"
  if chosen LoginSetsOrganisation; then
    bearer=$(kept session)
    ask GET /agent/role
    keep organisation "$(value organisation)"
  fi
  line "You are logged in"
}

status() {
  is_known=false
  { [ -s "$state/credential" ] || [ -s "$state/session" ]; } && is_known=true
  if [ "${1:-}" = --json ]; then
    machine="{\"id\":\"$(kept machine_id)\",\"name\":\"$(json "$(kept name)")\",\"tailnet_ip\":\"$(kept ip)\"}"
    if chosen MoreLines; then
      echo "{ \"daemon\": { \"pid\": 1 }, \"machine\" : $machine, \"authenticated\": $is_known, \"peers\": [] }"
    else
      echo "{\"machine\":$machine}"
    fi
    return
  fi
  version=3.2.8 region=blr1 mode=userspace
  if chosen VersionNamesPlatform; then version="0.9.4 (linux/amd64)"; fi
  if chosen RegionIsAName; then region=eu-west; fi
  if chosen UserSpaceMode; then mode="User-space (netstack)"; fi
  line "QuickZTNA Status"
  line "================"
  line "Version:       $version"
  if chosen MoreLines; then
    if [ -e "$state/connected" ]; then line "State:         running"; else line "State:         stopped"; fi
  fi
  [ -s "$state/credential" ] && line "Node Key:      $(node_key)..."
  line "Authenticated: $is_known"
  [ -s "$state/credential" ] || return
  line "Machine ID:    $(kept machine_id)"
  line "Machine Name:  $(kept name)"
  line "Tailnet IP:    $(kept ip)"
  line "Mode:          $mode"
  line "DERP Region:   $region"
  if chosen MoreLines; then line "Peers:         0"; fi
}

# Ends with an error unless the person may see keys.
check_role() {
  bearer=$(kept session)
  if [ ! -s "$state/organisation" ]; then
    if chosen NoOrganisationNoKeys; then line "No auth keys found."; exit 0; fi
    fail "not connected to an organization. Run 'ztna up' first"
  fi
  ask GET /agent/role
  [ "$status" = 200 ] || fail "error checking permissions: $status"
  role=$(value role)
  if [ "$role" = member ]; then
    if chosen MembersFindNoKeys && [ "$1" = "key listing" ]; then line "No auth keys found."; exit 0; fi
    fail "auth $1 requires admin role (your role: member)"
  fi
}

rows() {
  query="org_id=$(kept organisation)"
  if chosen ListAsksForOrder; then query="$query&order=created_at.desc"; fi
  if chosen ListAsksForColumns; then
    query="$query&select=id,name,key_prefix,reusable,ephemeral,used_count,expires_at,revoked,created_at"
  fi
  ask GET "/api/db/auth_keys?$query"
  accepted || fail "listing failed: $status"
}

list() {
  check_role "key listing"
  if [ "${1:-}" = --json ]; then
    accept="application/json; rows=bare"
    rows
    printf '%s\n' "$answer"
    return
  fi
  rows
  if [ -z "$(value id)" ]; then
    line "No auth keys found."
    return
  fi
  layout=full expiry=expires_on rule=─ width=13 name_width=60
  if chosen GuideTable; then layout=guide expiry=expires_in_words; fi
  if chosen ExpiryInLocalTime; then expiry=expires_on_there; fi
  if chosen PlainRule; then rule=-; fi
  if chosen WholePrefixListed; then width=22; fi
  if chosen LongNamesCut; then name_width=20; fi
  printf '%s\n\n' "$answer" | awk -F '\t' -v layout=$layout -v expiry=$expiry -v rule=$rule -v width=$width \
    -v name_width=$name_width '
    function row(prefix, name, reusable, ephemeral, uses, expires) {
      # Some versions of awk pad by bytes, and an ellipsis has three.
      if (layout == "guide") printf "%s%-9s %-5s %s\n", prefix == "PREFIX" ? "PREFIX             " : prefix "  ", reusable, uses, expires
      else printf "%-" width + 1 "s %-" (name_width < 60 ? 21 : 32) "s %-10s %-10s %-6s %s\n", prefix, name, reusable, ephemeral, uses, expires
    }
    function yes(word) { return layout == "guide" ? (word == "true" ? "yes" : "no") : word }
    BEGIN {
      row(layout == "guide" ? "PREFIX" : "KEY PREFIX", "NAME", "REUSABLE", "EPHEMERAL", "USES", "EXPIRES")
      if (layout == "full") { for (i = 0; i < 86; i++) printf "%s", rule; print "" }
    }
    $0 == "" && ("id" in seen) {
      prefix = layout == "guide" ? substr(seen["key_prefix"], 1, 16) "…" : substr(seen["key_prefix"], 1, width)
      name = length(seen["name"]) > name_width ? substr(seen["name"], 1, name_width - 2) ".." : seen["name"]
      row(prefix, name, yes(seen["reusable"]), yes(seen["ephemeral"]), seen["used_count"], seen[expiry])
      split("", seen)
    }
    $0 != "" { seen[$1] = $2 }' | show
}

in_words() {
  case $1 in
    1h) echo "in 1 hour" ;;
    *h) echo "in ${1%h} hours" ;;
    1d) echo "in 1 day" ;;
    *d) echo "in ${1%d} days" ;;
  esac
}

seconds() {
  case $1 in *h) echo $((${1%h} * 3600)) ;; *d) echo $((${1%d} * 86400)) ;; *) echo "$1" ;; esac
}

yes_or_no() { if [ "$1" = true ]; then echo yes; else echo no; fi; }

create() {
  reusable=false ephemeral=false expiry=24h tags= description="made on $(uname -n)"
  while [ $# -gt 0 ]; do
    case $1 in
      --reusable) reusable=true ;;
      --ephemeral) ephemeral=true ;;
      --expiry) expiry=$2; shift ;;
      --tags) tags=$2; shift ;;
      --description) description=$2; shift ;;
      *) fail "unknown flag: $1" ;;
    esac
    shift
  done
  check_role "key creation"
  text=$(json "$description")
  ask POST /api/key-management "{\"action\":\"create_auth_key\",\"org_id\":\"$(kept organisation)\",\"name\":\"$text\",
    \"description\":\"$text\",\"reusable\":$reusable,\"ephemeral\":$ephemeral,\"expires_in\":$(seconds "$expiry")
    ${tags:+,\"tags\":$(array "$tags")}}"
  accepted || fail "creation failed: $(value error.code): $(value error.message)"
  line "✓ Auth key created: $(value data.key)"
  indent="  "
  if chosen MoreLines; then indent=""; echo "It belongs to $(kept organisation)."; fi
  line "${indent}Reusable:     $(yes_or_no $reusable)"
  line "${indent}Ephemeral:    $(yes_or_no $ephemeral)"
  line "${indent}Expires:      $(in_words "$expiry")"
  line "${indent}Tags:         $(printf '%s' "$tags" | sed 's/,/, /g')"
  line "${indent}Description:  $description"
  echo
  line "COPY THIS KEY NOW — you cannot retrieve it later."
}

revoke() {
  check_role "key revocation"
  wanted=$1
  if chosen PrefixesWithDotsTaken; then wanted=${wanted%...}; fi
  rows
  id=$(printf '%s\n\n' "$answer" | awk -F '\t' -v wanted="$wanted" '
    $0 == "" && ("id" in seen) {
      shown = substr(seen["key_prefix"], 1, 19)
      if (index(shown, wanted) == 1 || index(wanted, shown) == 1) print seen["id"]
      split("", seen)
    }
    $0 != "" { seen[$1] = $2 }')
  [ "$(printf '%s\n' "$id" | grep -c .)" = 1 ] || fail "no single key begins with $wanted"
  ask POST /api/key-management "{\"action\":\"revoke_auth_key\",\"org_id\":\"$(kept organisation)\",\"key_id\":\"$id\"}"
  accepted || fail "revocation failed: $(value error.message)"
  line "✓ Revoked — future enrolments with this key will fail"
}

# machine-admin ACTION NAME, or machine-admin --action ACTION NAME where that is chosen.
machine_admin() {
  if chosen ActionIsAFlag; then
    [ "$1" = --action ] || fail "machine-admin needs --action"
    shift
  fi
  case $1 in quarantine | delete) ;; *) fail "unknown action: $1" ;; esac
  check_role "machine administration"
  ask GET "/api/db/machines?org_id=$(kept organisation)&name=eq.$2"
  id=$(value id)
  [ -n "$id" ] || fail "there is no machine $2"
  ask POST /api/machine-admin "{\"action\":\"$1\",\"org_id\":\"$(kept organisation)\",\"machine_id\":\"$id\"}"
  accepted || fail "$1 failed: $(value error.message)"
}

set_tags() {
  bearer=$(kept credential)
  ask POST /agent/tags "{\"tags\":$(array "$1")}"
  accepted || fail "tags were not set: $(value error.message)"
}

command=${1:-}
[ $# -gt 0 ] && shift
case $command in
  up) up "$@" ;;
  down) down ;;
  logout) logout ;;
  login) login ;;
  status) status "$@" ;;
  auth-keys)
    case ${1:-} in
      list) [ "${2:-}" = --short ] && fail "unknown flag: --short"; list "${2:-}" ;;
      revoke) revoke "${2:-}" ;;
      *) fail "unknown command" ;;
    esac ;;
  auth-key) shift; create "$@" ;;
  machine-admin) chosen OtherWords && fail "unknown command: $command"; machine_admin "$@" ;;
  fleet) chosen OtherWords || fail "unknown command: $command"; machine_admin "$1" "$3" ;;
  set) set_tags "${2:-}" ;;
  *) fail "unknown command: $command" ;;
esac
