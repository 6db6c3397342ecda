#!/usr/bin/env bash
# stunnel as a client, through OpenSSL's pkcs11 engine.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need stunnel4 nginx curl

world_begin stunnel "$(package_version stunnel4)"
tokens_begin
site_begin

page() {
    { echo "foreground = yes"; echo "pid ="; recipe stunnel; } >"$work"/stunnel.conf
    stunnel4 "$work"/stunnel.conf >"$work"/stunnel.log 2>&1 &
    local pid=$! status=0
    wait_for 10 port_open 127.0.0.1 8080
    curl -sS --max-time 20 -H "Host: intranet.example.com" http://127.0.0.1:8080/ | grep -x welcome || status=$?
    kill "$pid"
    cat "$work"/stunnel.log
    return "$status"
}
site_matrix page
world_end
