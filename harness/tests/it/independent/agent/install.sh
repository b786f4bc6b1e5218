#!/bin/sh
# Installs the agent, registers the machine with ZTNA_AUTH_KEY, and connects it.
set -eu
folder=${ZTNA_INSTALL_DIR:-/usr/local/bin}
ZTNA_SERVER=${ZTNA_SERVER:-@SERVER@}
export ZTNA_SERVER
mkdir -p "$folder"
cat > "$folder/ztna" <<'AGENT'
@AGENT@
AGENT
chmod +x "$folder/ztna"
log=${ZTNA_STATE_DIR:-$folder}/install.log
: > "$log"
nohup "$folder/ztna" up ${ZTNA_HOSTNAME:+--hostname "$ZTNA_HOSTNAME"} > "$log" 2>&1 &
agent=$!
case " ${NORTH_CHOICES:-} " in
  *" InstallerReturnsEarly "*) exit 0 ;;
esac
while ! grep -q 'VPN started!' "$log"; do
  if ! kill -0 "$agent" 2> /dev/null; then
    cat "$log"
    exit 1
  fi
  sleep 0.1
done
echo "QuickZTNA runs in the background"
