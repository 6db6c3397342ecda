# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# OpenVPN's side of the gateway, which writes down which certificate came. Sourced after gateway.sh.

openvpn_server_prepare() {
    site_certificate vpn.example.com
    site_name vpn.example.com 192.0.2.2
    # tls-verify is called with the depth of each certificate that was verified; 0 is the device's.
    cat >"$work"/came <<EOF
#!/bin/sh
[ "\$1" != 0 ] || echo "\$tls_digest_sha256_0" >>$work/came.log
EOF
    chmod +x "$work"/came
    cat >"$work"/server.conf <<EOF
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
}

# openvpn_server_start VERSION: speaks TLS 1.VERSION alone; its process id is in `started`.
openvpn_server_start() {
    : >"$work"/came.log
    gateway_start "$work"/server.log openvpn --config "$work"/server.conf --tls-version-min "1.$1" --tls-version-max "1.$1"
}

# openvpn_server_saw VERSION: this token's certificate came over that version, and no other.
openvpn_server_saw() {
    local digest
    grep -q "Control Channel: TLSv1.$1" "$work"/server.log
    digest=$(openssl x509 -in "$certificate" -noout -fingerprint -sha256 | sed 's/.*=//' | tr '[:upper:]' '[:lower:]')
    grep -qx "$digest" "$work"/came.log
    [ "$(sort -u "$work"/came.log | wc -l)" = 1 ]
}
