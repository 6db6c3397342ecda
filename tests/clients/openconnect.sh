#!/usr/bin/env bash
# openconnect against ocserv in two network namespaces: certificate authentication, tunnel up, data passes.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/gateway.sh
. "$clients/gateway.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need openconnect ocserv occtl ip curl

world_begin openconnect "$(openconnect --version | sed -n '1s/.* v//p')"
[ -c /dev/net/tun ] || { echo "SKIP: no /dev/net/tun"; exit 77; }
[ -x /usr/share/vpnc-scripts/vpnc-script ] || { echo "SKIP: no vpnc-scripts"; exit 77; }
tokens_begin
gateway_begin
site_certificate vpn.example.com
site_name vpn.example.com 192.0.2.2

# The user's name for the server is the certificate's common name, which the two tokens do not share; the script that it
# calls for a connection writes it down.
cat >$work/ocserv.conf <<EOF
auth = "certificate"
tcp-port = 443
udp-port = 443
run-as-user = nobody
run-as-group = nogroup
socket-file = $work/ocserv.socket
occtl-socket-file = $work/occtl.socket
use-occtl = true
isolate-workers = false
server-cert = $site/vpn.example.com.crt
server-key = $site/vpn.example.com.key
ca-cert = $site/clients.pem
cert-user-oid = 2.5.4.3
device = vpns
ipv4-network = 10.7.0.0
ipv4-netmask = 255.255.255.0
route = 198.51.100.1/255.255.255.255
max-clients = 4
max-same-clients = 4
keepalive = 30
try-mtu-discovery = false
cisco-client-compat = true
connect-script = $work/connected
EOF
cat >$work/connected <<EOF
#!/bin/sh
echo "\$REASON \$USERNAME" >>$work/connected.log
EOF
chmod +x $work/connected

tunnel() {
    local server client status=0 priorities
    priorities="NORMAL:-VERS-ALL:+VERS-TLS1.$1"
    { cat "$work"/ocserv.conf; echo "tls-priorities = \"$priorities\""; } >"$work"/ocserv."$1".conf
    : >"$work"/connected.log
    inside_unreachable
    gateway_start "$work"/server.log ocserv --foreground --debug 3 --config "$work"/ocserv."$1".conf
    server=$started
    wait_for 10 port_open 192.0.2.2 443
    recipe openconnect >"$work"/recipe-openconnect.sh
    bash -c "exec $(cat "$work"/recipe-openconnect.sh)" >"$work"/client.log 2>&1 </dev/null &
    client=$!
    inside_reached || status=$?
    occtl -s "$work"/occtl.socket --json show users >"$work"/users || status=$?
    end_process "$client"
    end_process "$server"
    cat "$work"/client.log "$work"/server.log "$work"/users
    [ "$status" = 0 ]
    grep -q "TLS1.$1" "$work"/users
    grep -qx "connect $common_name" "$work"/connected.log
}
for key in rsa p256; do
    token_use $key
    common_name=$(openssl x509 -in "$certificate" -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p')
    for version in 3 2; do
        attempt $key "TLS 1.$version" tunnel $version
    done
done
world_end
