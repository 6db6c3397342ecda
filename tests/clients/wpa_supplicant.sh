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
# shellcheck source=tests/clients/switch.sh
. "$clients/switch.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need wpa_supplicant hostapd ip

world_begin wpa_supplicant "$(wpa_supplicant -v | sed -n '1s/.* v//p')"
tokens_begin
gateway_begin
switch_prepare

authenticate() {
    local server client status=0
    switch_start "$1"
    server=$started
    recipe wpa_supplicant >/etc/wpa_supplicant/wpa_supplicant-wired-lan0.conf
    [ "$1" = 2 ] || sed -i 's/eap=TLS/eap=TLS\n    phase1="tls_disable_tlsv1_3=0"/' /etc/wpa_supplicant/wpa_supplicant-wired-lan0.conf
    wpa_supplicant -D wired -i lan0 -c /etc/wpa_supplicant/wpa_supplicant-wired-lan0.conf >"$work"/supplicant.log 2>&1 &
    client=$!
    wait_for 15 grep -q 'CTRL-EVENT-EAP-SUCCESS' "$work"/supplicant.log || status=$?
    switch_authorizes || status=$?
    end_process "$client"
    end_process "$server"
    cat "$work"/supplicant.log
    [ "$status" = 0 ]
    switch_saw "$1"
}
for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "TLS 1.$version" authenticate $version
    done
done
world_end
