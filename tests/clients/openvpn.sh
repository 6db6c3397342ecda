#!/usr/bin/env bash
# OpenVPN: client and server in two network namespaces, data through the tunnel.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/gateway.sh
. "$clients/gateway.sh"
# shellcheck source=tests/clients/openvpn-server.sh
. "$clients/openvpn-server.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need openvpn ip curl

world_begin openvpn "$(openvpn --version | sed -n '1s/^OpenVPN \([^ ]*\).*/\1/p')"
[ -c /dev/net/tun ] || { echo "SKIP: no /dev/net/tun"; exit 77; }
tokens_begin
gateway_begin
openvpn_server_prepare

tunnel() {
    local server client status=0
    inside_unreachable
    openvpn_server_start "$1"
    server=$started
    recipe openvpn >/etc/openvpn/client/example.conf
    openvpn --config /etc/openvpn/client/example.conf >"$work"/client.log 2>&1 </dev/null &
    client=$!
    inside_reached || status=$?
    end_process "$client"
    end_process "$server"
    cat "$work"/client.log "$work"/server.log
    [ "$status" = 0 ]
    openvpn_server_saw "$1"
}
for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "TLS 1.$version" tunnel $version
    done
done
world_end
