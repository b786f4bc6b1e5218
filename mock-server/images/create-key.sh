#!/bin/sh
# Creates a reusable auth key for the agents of compose.yaml in /keys/auth-key, unless there is one.
set -eu
[ ! -s /keys/auth-key ] || exit 0

until curl -fsS -o /dev/null "$BASE_URL/readyz"; do
    sleep 0.2
done

# A JSON string that has no escapes. Nothing here needs more.
field() {
    sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"
}

token=$(printf '{"email":"admin@acme.example","password":"ada-runs-acme"}' |
    curl -fsS -H 'Content-Type: application/json' -d @- "$BASE_URL/api/auth/login" | field access_token)
key='{"action":"create_auth_key","org_id":"org_9fX2kR","name":"compose","reusable":true,"expiry_days":7}'
umask 077
printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl -fsS -K - -H 'Content-Type: application/json' -d "$key" "$BASE_URL/api/key-management" |
    field key >/keys/auth-key
[ -s /keys/auth-key ]
