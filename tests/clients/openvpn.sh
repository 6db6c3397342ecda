#!/usr/bin/env bash
# OpenVPN: client and server in two network namespaces, data through the tunnel.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/gateway.sh
. "$clients/gateway.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need openvpn ip curl

world_begin openvpn "$(openvpn --version | sed -n '1s/^OpenVPN \([^ ]*\).*/\1/p')"
[ -c /dev/net/tun ] || { echo "SKIP: no /dev/net/tun"; exit 77; }
tokens_begin
gateway_begin
site_certificate vpn.example.com
site_name vpn.example.com 192.0.2.2

# The server writes down the digest of each certificate that it verified.
cat >$work/came <<EOF
#!/bin/sh
[ "\$1" != 0 ] || echo "\$tls_digest_sha256_0" >>$work/came.log
EOF
chmod +x $work/came
cat >$work/server.conf <<EOF
mode server
tls-server
dev tun
topology subnet
ifconfig 10.9.0.1 255.255.255.0
ifconfig-pool 10.9.0.10 10.9.0.20
push "topology subnet"
push "route 198.51.100.1 255.255.255.255 10.9.0.1"
local 192.0.2.2
ca $site/clients.pem
cert $site/vpn.example.com.crt
key $site/vpn.example.com.key
dh none
verify-client-cert require
script-security 2
tls-verify $work/came
keepalive 1 10
verb 3
EOF

tunnel() {
    local server client status=0
    : >$work/came.log
    inside_unreachable
    gateway_start $work/server.log openvpn --config $work/server.conf --tls-version-min "1.$1" --tls-version-max "1.$1"
    server=$started
    recipe openvpn >/etc/openvpn/client/example.conf
    openvpn --config /etc/openvpn/client/example.conf >$work/client.log 2>&1 </dev/null &
    client=$!
    inside_reached || status=$?
    end_process $client
    end_process $server
    cat $work/client.log $work/server.log
    [ $status = 0 ]
    grep -q "Control Channel: TLSv1.$1" $work/server.log
    local digest
    digest=$(openssl x509 -in $certificate -noout -fingerprint -sha256 | sed 's/.*=//' | tr A-F a-f)
    grep -qx "$digest" $work/came.log
    [ "$(sort -u $work/came.log | wc -l)" = 1 ]
}
for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "TLS 1.$version" tunnel $version
    done
done
world_end
