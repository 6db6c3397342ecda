#!/usr/bin/env bash
# What curl, Firefox, Chromium and OpenVPN do and show when things go wrong: a certificate that has expired or was revoked,
# a TPM that goes away and comes back. Nothing may hang or crash, and what is shown is printed; README.md says it in words.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/applications.sh
. "$clients/applications.sh"
applications_begin bad-days
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
cp "$site/clients.pem" "$site/strict.pem"
strict_begin
# strict_saw NUMBER: the server refused the certificate for this reason (X509_V_ERR_...), or the application knew better than
# to send it.
strict_saw() {
    tr -d '\0' <"$site/strict.log" | tee "$work/strict.log"
    grep -qE "verify error:num=$1:|peer did not return a certificate" "$work/strict.log"
}
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
attempt p256 "expired, openvpn" tunnel_refused 'Your certificate has expired' 'VERIFY ERROR: depth=0, error=certificate has expired'

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
attempt p256 "revoked, openvpn" tunnel_refused 'TLS Error|Exiting' 'VERIFY ERROR: depth=0, error=certificate revoked'
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
world_end
