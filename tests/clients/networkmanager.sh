#!/usr/bin/env bash
# NetworkManager: wired 802.1X with EAP-TLS against hostapd, in two network namespaces. It runs with a D-Bus of its own and
# has wpa_supplicant do it.
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
need NetworkManager nmcli dbus-daemon wpa_supplicant hostapd ip

world_begin networkmanager "$(NetworkManager --version)"
tokens_begin
gateway_begin
switch_prepare

# The machine's own port, as the recipe names it, with no address yet. The namespace has a /sys of its own, read-only: no
# udev is here. Connections are those that somebody asked for.
ip link set lan0 down
ip addr flush dev lan0
ip link set lan0 name eth0
mount -t sysfs -o ro sysfs /sys || { echo "SKIP: no /sys of its own can be mounted here"; exit 77; }
printf '[main]\nno-auto-default=*\n' >/etc/NetworkManager/conf.d/test.conf
mkdir -p /run/dbus
dbus-uuidgen --ensure=/etc/machine-id
dbus-daemon --system --nofork --nopidfile >$work/bus.log 2>&1 &
wait_for 10 test -S /run/dbus/system_bus_socket
NetworkManager --debug --log-level=INFO >$work/networkmanager.log 2>&1 &
wait_for 20 nmcli general status

authenticate() {
    local server status=0
    switch_start "$1"
    server=$started
    recipe networkmanager >"$work"/recipe-networkmanager.sh
    [ "$1" = 2 ] || sed -i 's/802-1x.eap tls/& 802-1x.phase1-auth-flags tls-1-3-enable/' "$work"/recipe-networkmanager.sh
    bash -eu "$work"/recipe-networkmanager.sh
    switch_authorizes || status=$?
    nmcli connection delete office
    end_process "$server"
    cat "$work"/networkmanager.log "$work"/supplicant.log
    [ "$status" = 0 ]
    switch_saw "$1"
}
for key in rsa p256; do
    token_use $key
    # One for each token, which it remembers.
    wpa_supplicant -u >$work/supplicant.log 2>&1 &
    supplicant=$!
    wait_for 10 grep -q 'Successfully initialized' $work/supplicant.log
    for version in 3 2; do
        attempt $key "TLS 1.$version" authenticate $version
    done
    end_process "$supplicant"
done
world_end
