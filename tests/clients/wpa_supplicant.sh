#!/usr/bin/env bash
# wpa_supplicant: wired 802.1X with EAP-TLS against hostapd, in two network namespaces; hostapd
# authorizes the port (its wired driver keeps no switch that could be seen to open).
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/gateway.sh
. "$clients/gateway.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need wpa_supplicant hostapd ip

world_begin wpa_supplicant "$(wpa_supplicant -v | sed -n '1s/.* v//p')"
tokens_begin
gateway_begin
site_certificate radius.example.com

# hostapd as the switch's port, with its own EAP server.
echo '* TLS' >$work/eap_users
cat >$work/hostapd.conf <<EOF
interface=lan0
driver=wired
ieee8021x=1
use_pae_group_addr=1
eap_server=1
eap_user_file=$work/eap_users
ca_cert=$site/clients.pem
server_cert=$site/radius.example.com.crt
private_key=$site/radius.example.com.key
EOF

# authenticate VERSION: the switch lets the machine in, and has seen this certificate's serial number.
authenticate() {
    local server client status=0 serial flags='[DISABLE-TLSv1.3]'
    [ "$1" = 2 ] || flags='[ENABLE-TLSv1.3][DISABLE-TLSv1.2]'
    { cat "$work"/hostapd.conf; echo "tls_flags=$flags"; } >"$work"/hostapd."$1".conf
    gateway_start "$work"/hostapd.log hostapd -ddt "$work"/hostapd."$1".conf
    server=$started
    recipe wpa_supplicant >/etc/wpa_supplicant/wpa_supplicant-wired-lan0.conf
    [ "$1" = 2 ] || sed -i 's/eap=TLS/eap=TLS\n    phase1="tls_disable_tlsv1_3=0"/' /etc/wpa_supplicant/wpa_supplicant-wired-lan0.conf
    wpa_supplicant -D wired -i lan0 -c /etc/wpa_supplicant/wpa_supplicant-wired-lan0.conf >"$work"/supplicant.log 2>&1 &
    client=$!
    wait_for 15 grep -q 'CTRL-EVENT-EAP-SUCCESS' "$work"/supplicant.log || status=$?
    wait_for 5 grep -q 'AP-STA-CONNECTED' "$work"/hostapd.log || status=$?
    end_process "$client"
    end_process "$server"
    cat "$work"/supplicant.log
    grep -iE 'peer certificate|AP-STA-CONNECTED|CTRL-EVENT-EAP|TLSv1|SSL:.*error' "$work"/hostapd.log || status=$?
    [ "$status" = 0 ]
    serial=$(openssl x509 -in "$certificate" -noout -serial | sed 's/serial=//')
    grep -q "authsrv: peer certificate: depth=0 serial_num=$serial" "$work"/hostapd.log
    grep -q "SSL: Using TLS version TLSv1.$1$" "$work"/hostapd.log
}
for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "TLS 1.$version" authenticate $version
    done
done
world_end
