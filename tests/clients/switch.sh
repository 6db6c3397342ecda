# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# The switch's port for 802.1X: hostapd in the gateway, with an EAP server of its own. Sourced after gateway.sh.

switch_prepare() {
    site_certificate radius.example.com
    echo '* TLS' >"$work"/eap_users
    cat >"$work"/hostapd.conf <<EOF
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
}

# switch_start VERSION: takes TLS 1.VERSION alone; its process id is in `started`.
switch_start() {
    local flags='[DISABLE-TLSv1.3]'
    [ "$1" = 2 ] || flags='[ENABLE-TLSv1.3][DISABLE-TLSv1.2]'
    { cat "$work"/hostapd.conf; echo "tls_flags=$flags"; } >"$work"/hostapd."$1".conf
    gateway_start "$work"/hostapd.log hostapd -ddt "$work"/hostapd."$1".conf
}

# The port is authorized, within 20 seconds.
switch_authorizes() {
    wait_for 20 grep -q 'AP-STA-CONNECTED' "$work"/hostapd.log
}

# switch_saw VERSION: this token's certificate came, over that version.
switch_saw() {
    grep -iE 'peer certificate|AP-STA-CONNECTED|CTRL-EVENT-EAP|TLSv1|SSL:.*error' "$work"/hostapd.log
    grep -q "authsrv: peer certificate: depth=0 serial_num=$serial" "$work"/hostapd.log
    grep -q "SSL: Using TLS version TLSv1.$1$" "$work"/hostapd.log
}
