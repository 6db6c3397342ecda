#!/usr/bin/env bash
# What curl, Firefox, Chromium and OpenVPN do and show when things change: a renewal while they run, another module beside
# ours. Nothing may hang or crash, and what is shown is printed; README.md says it in words.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/applications.sh
. "$clients/applications.sh"
# shellcheck source=tests/clients/desktop.sh
. "$clients/desktop.sh"
need softhsm2-util pkcs11-tool jq
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

# With a key and a certificate of its own, from an authority that the site does not know, and with a PIN.
export SOFTHSM2_CONF=$work/softhsm.conf
softhsm=/usr/lib/softhsm/libsofthsm2.so
other_token() {
    mkdir "$work/softhsm" "$work/other"
    printf 'directories.tokendir = %s/softhsm\nlog.level = ERROR\n' "$work" >"$SOFTHSM2_CONF"
    softhsm2-util --init-token --free --label other --pin 1234 --so-pin 1234 >/dev/null
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other/key" -out "$work/other/certificate" \
        -subj '/CN=somebody/O=Other' -days 30 -addext extendedKeyUsage=clientAuth 2>/dev/null
    openssl pkcs8 -topk8 -nocrypt -in "$work/other/key" -out "$work/other/pkcs8"
    softhsm2-util --import "$work/other/pkcs8" --token other --label theirs --id 01 --pin 1234 >/dev/null
    openssl x509 -in "$work/other/certificate" -outform DER -out "$work/other/certificate.der"
    pkcs11-tool --module $softhsm --login --pin 1234 --write-object "$work/other/certificate.der" --type cert --label theirs --id 01 \
        >/dev/null 2>&1
    chown -R "$user_name" "$work/softhsm"
    chmod 644 "$SOFTHSM2_CONF"
    echo "module: $softhsm" >"$p11_config_dir/softhsm2.module"
    jq ".policies.SecurityDevices.Add.softhsm = \"$softhsm\"" /etc/firefox/policies/policies.json >"$work/policies.json"
    cat "$work/policies.json" >/etc/firefox/policies/policies.json
    as_user modutil -force -dbdir "sql:$user_home/.pki/nssdb" -add softhsm -libfile $softhsm >/dev/null
}
curl_beside() {
    p11tool --list-tokens | grep -q 'token=other'
    curl_page
}
# browser_beside BROWSER ANSWER: the other token's PIN is wanted, since the browser looks for certificates in every token; with
# it or without, ours must be what the site gets.
browser_beside() {
    local asked
    site_name intranet.example.com 127.0.0.13
    : >"$site/access.log"
    window_open "$1"
    window_visit
    window_asks
    asked=0
    until window_title '^welcome' 2; do
        asked=$((asked + 1))
        [ "$asked" -le 3 ]
        window_answer "$2"
    done
    cat "$site/access.log"
    grep -qx "TLSv1.3 SUCCESS $fingerprint 200" "$site/access.log"
    refused grep -v "^TLSv1.3 SUCCESS $fingerprint " "$site/access.log"
    window_close
    show "asks for the other token's PIN, times: $asked; $3, it sends ours"
}
# Both modules are named, the other one first.
openvpn_beside() {
    local server client status=0
    tunnel_begin "pkcs11-providers $softhsm /usr/lib/x86_64-linux-gnu/pkcs11/intune-tpm-pkcs11.so"
    inside_reached || status=$?
    tunnel_end
    [ "$status" = 0 ]
    openvpn_server_saw 3
}
other_token
desktop_begin
attempt p256 "two tokens, curl" site_expect 3 curl_beside
for browser in firefox chromium; do
    attempt p256 "two tokens, $browser" browser_beside $browser 1234 "typed"
    attempt p256 "two tokens, $browser" browser_beside $browser - "cancelled"
done
attempt p256 "two tokens, openvpn" openvpn_beside
world_end
