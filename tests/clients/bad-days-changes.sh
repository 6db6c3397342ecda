#!/usr/bin/env bash
# What curl, Firefox, Chromium and OpenVPN do and show when things change: a renewal while they run, another module beside
# ours, a PIN that is asked for, wrong, or locked. Nothing may hang or crash, and what is shown is printed; README.md says
# it in words.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/applications.sh
. "$clients/applications.sh"
need tpm2_dictionarylockout softhsm2-util pkcs11-tool jq
applications_begin bad-days-changes

# ---- renewed while it runs ----

# What comes from the open browser is its own affair; one that is started afterwards sends the new certificate.
renew() {
    INTUNE_TPM_TCTI=$tcti intune-enroll renew --force --token-dir "$work/token/p256" "${renew_options[@]}"
}
browser_renewed() {
    local before after
    site_name intranet.example.com 127.0.0.13
    browser_open "$1"
    browser_go
    [ "$shown" = "page welcome" ]
    before=$fingerprint
    renew
    token_use p256
    after=$fingerprint
    [ "$before" != "$after" ]
    : >"$site/access.log"
    browser_go
    cat "$site/access.log"
    if grep -q "SUCCESS $after 200" "$site/access.log"; then
        show "goes on, with the new certificate"
    elif grep -q "SUCCESS $before 200" "$site/access.log"; then
        show "goes on with the old certificate until it is started again"
    else
        grep -q "NONE - 400" "$site/access.log"
        show "sends no certificate to a site that already had the old one, until it is started again"
    fi
    browser_close
    : >"$site/access.log"
    browser_open "$1"
    browser_go
    browser_close
    [ "$shown" = "page welcome" ]
    grep -q "SUCCESS $after 200" "$site/access.log"
}
curl_renewed() {
    local before=$fingerprint
    site_expect 3 curl_page
    renew
    token_use p256
    [ "$before" != "$fingerprint" ]
    site_expect 3 curl_page
    show "the new certificate, at once"
}

# tunnel_begin [OPTION-LINE...]: sets server and client; the client's log is client.log.
tunnel_begin() {
    openvpn_server_start 3
    server=$started
    { recipe openvpn; printf '%s\n' "$@"; } >"$work/openvpn.conf"
    openvpn --config "$work/openvpn.conf" >"$work/client.log" 2>&1 </dev/null &
    client=$!
}
tunnel_end() {
    end_process "$client"
    end_process "$server"
    cat "$work/server.log" "$work/client.log"
}
# The keys are renegotiated every few seconds, before the renewal and after it, and at last the same process connects anew,
# as it does when the network was away. Which certificate it sends then is OpenVPN's own affair; the tunnel must stand each
# time, and a client that is started afterwards sends the new certificate.
openvpn_certificate() {
    local new
    new=$(openssl x509 -in "$work/token/p256/current/device.crt" -noout -fingerprint -sha256 | sed 's/.*=//' | tr '[:upper:]' '[:lower:]')
    if [ "$(tail -n 1 "$work/came.log")" = "$new" ]; then echo new; else echo old; fi
}
openvpn_handshakes() {
    grep -c 'Control Channel: TLS' "$work/server.log"
}
more_handshakes() {
    [ "$(openvpn_handshakes)" -gt "$1" ]
}
openvpn_renewed() {
    local before=$fingerprint id_before=$openvpn_id server client renegotiated connected
    tunnel_begin 'reneg-sec 5 5' 'tls-timeout 1' 'hand-window 6'
    inside_reached
    openvpn_server_saw 3
    renew
    wait_for 15 more_handshakes "$(openvpn_handshakes)"
    renegotiated=$(openvpn_certificate)
    inside_reached
    kill -USR1 "$client"
    wait_for 15 grep -q 'SIGUSR1.*received' "$work/client.log"
    wait_for 15 more_handshakes "$(openvpn_handshakes)"
    connected=$(openvpn_certificate)
    inside_reached
    tunnel_end
    token_use p256
    [ "$before" != "$fingerprint" ]
    show "tunnel stays; renegotiates with the $renegotiated certificate, connects anew with the $connected one; pkcs11-id $([ "$openvpn_id" = "$id_before" ] && echo the same || echo another)"
    tunnel_begin
    inside_reached
    tunnel_end
    openvpn_server_saw 3
}
fixture_mde_server_start --key ec --renew-period 366
renew_options=(--resolve "$MDE_SERVER_HOST:$MDE_SERVER_PORT:$MDE_SERVER_ADDRESS" --ca-file "$MDE_SERVER_CA")
attempt p256 "renewed, curl" curl_renewed
token_use p256
attempt p256 "renewed, firefox" browser_renewed firefox
token_use p256
attempt p256 "renewed, chromium" browser_renewed chromium
token_use p256
attempt p256 "renewed, openvpn" openvpn_renewed
token_use p256

# ---- another module beside ours ----

export SOFTHSM2_CONF=$work/softhsm.conf
mkdir "$work/softhsm"
printf 'directories.tokendir = %s/softhsm\nlog.level = ERROR\n' "$work" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label other --pin 1234 --so-pin 1234 >/dev/null
pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin 1234 --keypairgen --key-type EC:prime256v1 --label device --id 01 \
    >/dev/null 2>&1
chmod -R a+rX "$work/softhsm" "$SOFTHSM2_CONF"
echo 'module: /usr/lib/softhsm/libsofthsm2.so' >"$p11_config_dir/softhsm2.module"
jq '.policies.SecurityDevices.Add.softhsm = "/usr/lib/softhsm/libsofthsm2.so"' /etc/firefox/policies/policies.json >"$work/policies.json"
cat "$work/policies.json" >/etc/firefox/policies/policies.json
as_user modutil -force -dbdir "sql:$user_home/.pki/nssdb" -add softhsm -libfile /usr/lib/softhsm/libsofthsm2.so >/dev/null
curl_beside() {
    p11tool --list-tokens | grep -q 'token=other'
    curl_page
}
browser_beside() {
    browser_open "$1"
    browser_go
    show "$shown"
    browser_close
}
# Both modules are named, the other one first.
openvpn_beside() {
    local server client status=0
    tunnel_begin 'pkcs11-providers /usr/lib/softhsm/libsofthsm2.so /usr/lib/x86_64-linux-gnu/pkcs11/intune-tpm-pkcs11.so'
    inside_reached || status=$?
    tunnel_end
    [ "$status" = 0 ]
    openvpn_server_saw 3
}
attempt p256 "two tokens, curl" site_expect 3 curl_beside
attempt p256 "two tokens, firefox" browser_beside firefox
attempt p256 "two tokens, chromium" browser_beside chromium
attempt p256 "two tokens, openvpn" openvpn_beside
rm "$p11_config_dir/softhsm2.module"
jq 'del(.policies.SecurityDevices.Add.softhsm)' "$work/policies.json" >/etc/firefox/policies/policies.json
as_user modutil -force -dbdir "sql:$user_home/.pki/nssdb" -delete softhsm >/dev/null

# ---- a PIN, wrong and locked ----

echo 482915 >"$work/pin"
chmod 600 "$work/pin"
fixture_mde_server_stop
MDE_SERVER_COUNT=$((MDE_SERVER_COUNT - 1)) # the same authority again
export INTUNE_TPM_TCTI=$tcti
fixture_mde_server_start --key ec
FIXTURE_TOKEN_DIR=$work/token/pin
fixture_enroll --key p256 --pin-file "$work/pin" >"$work/enrol-pin.log" 2>&1 || { cat "$work/enrol-pin.log"; fail "enrolment with a PIN"; }
fixture_mde_server_stop
unset INTUNE_TPM_TCTI INTUNE_TPM_TOKEN_DIR
token_use pin
pin_curl() {
    curl --silent --show-error --max-time 30 --cert 'pkcs11:token=intune-tpm;object=device' \
        --key "pkcs11:token=intune-tpm;object=device;pin-value=$1" https://intranet.example.com/ 2>&1 | tee "$work/page"
}
pin_right() {
    pin_curl 482915 | grep -x welcome
}
pin_wrong() {
    pin_curl 000000
    refused grep -x welcome "$work/page"
    show "$(tail -n 1 "$work/page")"
    site_expect 3 pin_right
}
pin_locked() {
    pin_lock
    pin_curl 482915
    refused grep -x welcome "$work/page"
    show "$(tail -n 1 "$work/page")"
    TPM2TOOLS_TCTI=$tcti tpm2_dictionarylockout --clear-lockout
    site_expect 3 pin_right
}
# The browsers ask; nobody answers in the test, and the browser must still close in order.
browser_asks() {
    browser_open "$1"
    browser_go
    show "$shown"
    refused grep -x 'page welcome' <<<"$shown"
    browser_close
}
# tunnel_typing PIN...: each time OpenVPN asks for the token's PIN, over its management interface, the next one is typed;
# ends when the tunnel stands, when OpenVPN ends or gives up a try, or when there are no more to type.
tunnel_typing() {
    local server client line management
    tunnel_begin 'management 127.0.0.1 7505' 'management-query-passwords' 'tls-timeout 1' 'hand-window 8' 'connect-retry-max 1'
    wait_for 10 port_listening 7505
    exec {management}<>/dev/tcp/127.0.0.1/7505
    echo 'state on' >&"$management"
    asked=0
    while read -r -t 20 line <&"$management"; do
        echo "management: $line"
        case $line in
            ">PASSWORD:Need '"*)
                asked=$((asked + 1))
                [ $# != 0 ] || break
                line=${line#*\'}
                printf 'password "%s" "%s"\n' "${line%%\'*}" "$1" >&"$management"
                shift
                ;;
            '>STATE:'*CONNECTED* | '>STATE:'*EXITING* | '>STATE:'*RECONNECTING*) break ;;
        esac
    done
    exec {management}>&-
    tunnel_stands=no
    [[ $line != *CONNECTED* ]] || tunnel_stands=yes
    [ "$tunnel_stands" = no ] || inside_reached
    tunnel_end
}
port_listening() {
    ss -Hltn "sport = :$1" | grep -q .
}
openvpn_says() {
    grep -E 'PKCS#11: Cannot|TLS Error|AUTH_FAILED' "$work/client.log" | head -n 1 | cut -d' ' -f3- | sed 's/^us=[0-9]* //'
}
pin_openvpn_typed() {
    tunnel_typing 482915
    [ "$tunnel_stands $asked" = "yes 1" ]
    openvpn_server_saw 3
    show "asks once, and connects"
}
pin_openvpn_wrong() {
    local status=0
    tunnel_typing 000000 482915 || status=$?
    TPM2TOOLS_TCTI=$tcti tpm2_dictionarylockout --clear-lockout
    [ "$status" = 0 ]
    [ "$tunnel_stands $asked" = "yes 2" ]
    show "asks again, and connects with the right one"
}
# While it is locked every application is refused, whatever is typed; afterwards the right PIN works again.
pin_lock() {
    local try
    for try in 1 2 3 4 5 6; do
        pin_curl 00000"$try"
    done
    INTUNE_TPM_TCTI=$tcti intune-enroll status | grep LOCKED
}
pin_openvpn_locked() {
    local status=0
    pin_lock
    tunnel_typing 482915 482915 482915 || status=$?
    TPM2TOOLS_TCTI=$tcti tpm2_dictionarylockout --clear-lockout
    show "asked $asked times; $(openvpn_says)"
    [ "$status" = 0 ]
    [ "$tunnel_stands" = no ]
    tunnel_typing 482915
    [ "$tunnel_stands" = yes ]
}
pin_browser_locked() {
    local status=0
    pin_lock
    browser_asks "$1" || status=$?
    TPM2TOOLS_TCTI=$tcti tpm2_dictionarylockout --clear-lockout
    return "$status"
}
attempt p256 "PIN, curl" site_expect 3 pin_right
attempt p256 "PIN wrong, curl" pin_wrong
attempt p256 "PIN locked, curl" pin_locked
attempt p256 "PIN, firefox" browser_asks firefox
attempt p256 "PIN, chromium" browser_asks chromium
attempt p256 "PIN, openvpn" tunnel_refused 'PKCS#11: .*fail|ERROR|Exiting|TLS Error|tty'
attempt p256 "PIN typed, openvpn" pin_openvpn_typed
attempt p256 "PIN wrong, openvpn" pin_openvpn_wrong
attempt p256 "PIN locked, openvpn" pin_openvpn_locked
attempt p256 "PIN locked, firefox" pin_browser_locked firefox
attempt p256 "PIN locked, chromium" pin_browser_locked chromium
world_end
