#!/usr/bin/env bash
# What curl, Firefox, Chromium and OpenVPN do and show when things go wrong: a certificate that has expired or was revoked,
# a TPM that goes away and comes back, a renewal while the browser is open, a wrong and a locked PIN, another module beside
# ours. Nothing may hang or crash, and what is shown is printed; README.md says it in words.
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
need curl nginx firefox-esr chromium chromedriver openvpn tpm2_dictionarylockout softhsm2-util pkcs11-tool

world_begin bad-days "$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$source_root/meson.build")"
rm -f "$results/bad-days" # no application; not in the matrix
results=$work/results
mkdir "$results"
tokens_begin
gateway_begin
token_use p256
authority=$MDE_SERVER_DIRECTORY/authority

# ---- the site ----

# 127.0.0.13 takes every certificate of the MDM that is good, as a web server does; 127.0.0.14 is one that ends the handshake
# itself, and knows which certificates are revoked.
revocation_list() {
    local directory=$work/crl.${1##*/}
    mkdir "$directory"
    printf '%s' "$3" >"$directory/index.txt"
    echo 01 >"$directory/crlnumber"
    cat >"$directory/ca.conf" <<EOF
[ca]
default_ca = list
[list]
database = $directory/index.txt
crlnumber = $directory/crlnumber
default_md = sha256
default_crl_days = 30
EOF
    openssl ca -gencrl -config "$directory/ca.conf" -cert "$1" -keyfile "$authority/$2" -out "$directory/list" 2>/dev/null
    cat "$directory/list" >>"$site/revoked.pem"
}
strict_begin() {
    openssl s_server -accept 127.0.0.14:443 -cert "$site/intranet.example.com.crt" -key "$site/intranet.example.com.key" -tls1_3 \
        -CAfile "$site/strict.pem" -Verify 4 -verify_return_error "$@" -www >"$site/strict.log" 2>&1 </dev/null &
    strict=$!
    wait_for 10 port_open 127.0.0.14 443
}
site_begin
cp "$site/clients.pem" "$site/strict.pem"
strict_begin
# strict_saw NUMBER: the server refused the certificate for this reason (X509_V_ERR_...), or the application knew better than
# to send it.
strict_saw() {
    tr -d '\0' <"$site/strict.log" | tee "$work/strict.log"
    grep -qE "verify error:num=$1:|peer did not return a certificate" "$work/strict.log"
}

# ---- the applications ----

user_create person
install -m 755 "$clients/browser.py" "$work/browser.py" # the tree may be where this user cannot look
as_user mkdir -p "$user_home/.pki/nssdb"
as_user certutil -d "sql:$user_home/.pki/nssdb" -N --empty-password
as_user certutil -d "sql:$user_home/.pki/nssdb" -A -t C,, -n site -i "$site/ca.crt"
mkdir -p /etc/firefox/policies
printf '{"policies": {"Certificates": {"Install": ["%s"]}, "Preferences": {"security.default_personal_cert": {"Value": "Select Automatically"}}}}\n' \
    "$site/ca.crt" >/etc/firefox/policies/policies.json
intune-enroll register --url https://intranet.example.com >/dev/null
as_user intune-enroll register --user >/dev/null

# browser_open firefox|chromium; browser_go sets `shown`; browser_close fails when it crashed.
browser_open() {
    local profile=$user_home/$1-$RANDOM$RANDOM
    as_user mkdir "$profile"
    coproc BROWSER { as_user "$work/browser.py" "$1" "$profile" 2>"$work/browser.err"; }
    # shellcheck disable=SC2153
    browser_pid=$BROWSER_PID
    exec {to_browser}>&"${BROWSER[1]}" {from_browser}<&"${BROWSER[0]}"
}
browser_go() {
    echo "https://intranet.example.com/" >&"$to_browser"
    shown=
    read -r -t 60 shown <&"$from_browser"
    echo "shown: $shown"
}
browser_close() {
    local closed
    echo quit >&"$to_browser"
    read -r -t 40 closed <&"$from_browser"
    echo "$closed"
    wait "$browser_pid"
    exec {to_browser}>&- {from_browser}<&-
}

# show TEXT: goes into the report of this attempt.
show() {
    echo "$1" >"$work/shows"
}

curl_page() {
    local status=0
    recipe curl >"$work/recipe-curl.sh"
    timeout -k 5 40 bash -eu "$work/recipe-curl.sh" >"$work/page" 2>"$work/page.err" || status=$?
    cat "$work/page" "$work/page.err"
    [ "$status" -lt 124 ] # neither ended by the clock nor by a signal
    show "$(grep -a 'curl:' "$work/page.err" | tail -n 1)"
    return "$status"
}

# tunnel_refused: OpenVPN must not connect, and must go on or end in order; what it said is shown.
tunnel_refused() {
    local server client status=0
    openvpn_server_start 3
    server=$started
    { recipe openvpn; echo 'tls-timeout 1'; echo 'hand-window 6'; echo 'connect-retry-max 1'; } >"$work/openvpn.conf"
    openvpn --config "$work/openvpn.conf" >"$work/client.log" 2>&1 </dev/null &
    client=$!
    wait_for 25 grep -qE 'TLS handshake failed|Exiting|fatal|error' "$work/client.log" || status=$?
    refused inside_reached_now || status=1
    end_process "$client"
    end_process "$server"
    tail -n 10 "$work/server.log"
    cat "$work/client.log"
    show "$(grep -E "$1" "$work/client.log" | head -n 1 | cut -d' ' -f3-)"
    [ "$status" = 0 ]
}
inside_reached_now() {
    curl -sSf --noproxy '*' --max-time 1 -o /dev/null http://198.51.100.1/
}
openvpn_server_prepare

# ---- expired ----

# The same key and serial number in a certificate that has just ended.
sha256_of() {
    openssl x509 -in "$1" -outform DER | sha256sum | cut -d' ' -f1
}
expired_token() {
    local generation
    cp -a "$work/token/p256" "$work/token/expired"
    generation=$work/token/expired/$(readlink "$work/token/expired/current")
    openssl x509 -in "$certificate" -noout -pubkey >"$work/public.pem"
    echo 'extendedKeyUsage=clientAuth' >"$work/expired.ext"
    openssl x509 -new -force_pubkey "$work/public.pem" -CA "$authority/ca-1.crt" -CAkey "$authority/ca-1.key" \
        -subj "/$(openssl x509 -in "$certificate" -noout -subject -nameopt sep_comma_plus,lname | sed 's/^subject=//; s/organizationName/O/; s/commonName/CN/; s/,/\//g')" \
        -set_serial "0x$serial" -days 0 -extfile "$work/expired.ext" -out "$generation/device.crt"
    sed -i "s/^not-\(before\|after\) = .*/not-\1 = $(date -u +%Y%m%d)/
        s/$(sha256_of "$certificate")/$(sha256_of "$generation/device.crt")/" "$generation/token.conf"
}
expired_token

curl_refused() {
    local status=0
    site_name intranet.example.com 127.0.0.14
    curl_page || status=$?
    [ "$status" != 0 ]
    strict_saw "$1"
}
browser_refused() {
    site_name intranet.example.com 127.0.0.14
    : >"$site/strict.log"
    browser_open "$1"
    browser_go
    show "$shown"
    browser_close
    strict_saw "$2"
    refused grep -aq '^page .*Cipher' <<<"$shown"
}
token_use expired
attempt p256 "expired, curl" curl_refused 10
attempt p256 "expired, firefox" browser_refused firefox 10
attempt p256 "expired, chromium" browser_refused chromium 10
attempt p256 "expired, openvpn" tunnel_refused 'TLS Error|Exiting'

# ---- revoked ----

token_use p256
revocation_list "$MDE_CLIENT_CA" client-ca.key ''
revocation_list "$authority/ca-1.crt" ca-1.key "$(printf 'R\t%s\t%s\t%s\tunknown\t/CN=revoked' "$(date -u -d '+1 year' +%y%m%d%H%M%SZ)" "$(date -u -d '-1 hour' +%y%m%d%H%M%SZ)" "$serial")
"
end_process "$strict"
cat "$site/revoked.pem" >>"$site/strict.pem"
strict_begin -crl_check_all
attempt p256 "revoked, curl" curl_refused 23
attempt p256 "revoked, firefox" browser_refused firefox 23
attempt p256 "revoked, chromium" browser_refused chromium 23
cp "$site/revoked.pem" "$work/openvpn-revoked.pem"
echo "crl-verify $work/openvpn-revoked.pem" >>"$work/server.conf"
attempt p256 "revoked, openvpn" tunnel_refused 'TLS Error|Exiting'
sed -i '/^crl-verify/d' "$work/server.conf"

# ---- the TPM goes away between two requests, and comes back ----

tpm_away() {
    mv "$SWTPM_SOCKET" "$SWTPM_SOCKET.away"
}
tpm_back() {
    mv "$SWTPM_SOCKET.away" "$SWTPM_SOCKET"
}
curl_unplugged() {
    local status=0
    site_name intranet.example.com 127.0.0.13
    curl_page
    tpm_away
    curl_page || status=$?
    tpm_back
    [ "$status" != 0 ]
    grep -x welcome <<<"$(recipe_run curl)"
}
browser_unplugged() {
    site_name intranet.example.com 127.0.0.13
    browser_open "$1"
    browser_go
    [ "$shown" = "page welcome" ]
    tpm_away
    browser_go
    show "$shown"
    tpm_back
    [ "$shown" != "page welcome" ]
    browser_go
    [ "$shown" = "page welcome" ]
    browser_close
}
openvpn_unplugged() {
    local status=0
    tpm_away
    tunnel_refused 'PKCS#11: .*fail|TLS Error' || status=$?
    tpm_back
    return "$status"
}
attempt p256 "TPM away, curl" curl_unplugged
attempt p256 "TPM away, firefox" browser_unplugged firefox
attempt p256 "TPM away, chromium" browser_unplugged chromium
attempt p256 "TPM away, openvpn" openvpn_unplugged

# ---- renewed while the browser is open ----

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
fixture_mde_server_start --key ec --renew-period 366
renew_options=(--resolve "$MDE_SERVER_HOST:$MDE_SERVER_PORT:$MDE_SERVER_ADDRESS" --ca-file "$MDE_SERVER_CA")
attempt p256 "renewed, firefox" browser_renewed firefox
token_use p256
attempt p256 "renewed, chromium" browser_renewed chromium
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
attempt p256 "two tokens, curl" site_expect 3 curl_beside
attempt p256 "two tokens, firefox" browser_beside firefox
attempt p256 "two tokens, chromium" browser_beside chromium
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
    local try
    for try in 1 2 3 4 5 6; do
        pin_curl 00000"$try"
    done
    INTUNE_TPM_TCTI=$tcti intune-enroll status | grep LOCKED
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
attempt p256 "PIN, curl" site_expect 3 pin_right
attempt p256 "PIN wrong, curl" pin_wrong
attempt p256 "PIN locked, curl" pin_locked
attempt p256 "PIN, firefox" browser_asks firefox
attempt p256 "PIN, chromium" browser_asks chromium
attempt p256 "PIN, openvpn" tunnel_refused 'PKCS#11: .*fail|ERROR|Exiting|TLS Error|tty'
world_end
