#!/usr/bin/env bash
# openssl s_client through the pkcs11 engine, and through the tpm2 provider with the key file.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need openssl nginx

world_begin openssl "$(openssl version | cut -d' ' -f2)"
tokens_begin
site_begin

# s_client ends with its input; the request goes in on it.
fetch() {
    local status=0
    recipe "$1" >"$work"/recipe-"$1".sh
    (printf "GET / HTTP/1.0\r\n\r\n"; sleep 1) | timeout -k 5 30 bash -eu "$work"/recipe-"$1".sh >"$work"/page 2>&1 || status=$?
    cat "$work"/page
    [ "$status" = 0 ]
    grep -x welcome "$work"/page
    grep -q "Verify return code: 0" "$work"/page
}
provider_directory=$(openssl version -m | sed 's/.*"\(.*\)"/\1/')

for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "engine TLS 1.$version" site_expect $version fetch openssl-engine
    done
done

# Through the tpm2 provider, with the key file.
sign() {
    recipe_run openssl-provider
    openssl x509 -in "$certificate" -noout -pubkey >"$work"/public.pem
    openssl dgst -sha256 -verify "$work"/public.pem -signature signature /etc/hostname
}
export TPM2OPENSSL_TCTI=$tcti
for key in rsa p256; do
    token_use $key
    if [ -e "$provider_directory"/tpm2.so ]; then
        attempt $key "tpm2 provider" sign
    else
        report SKIP $key "tpm2 provider" "no tpm2-openssl"
    fi
done

# Its handshakes need the room that tpm2-abrmd makes.
if [ -e "$provider_directory"/tpm2.so ] && command -v tpm2-abrmd >/dev/null; then
    fixture_resource_manager_start abrmd
    unset INTUNE_TPM_TCTI
    for key in rsa p256; do
        token_use $key
        for version in 3 2; do
            attempt $key "provider TLS 1.$version" site_expect $version fetch openssl-provider-tls
        done
    done
else
    report SKIP - "tpm2 provider TLS" "no tpm2-openssl or no tpm2-abrmd"
fi

# Through the pkcs11 provider: Debian 13 and later.
message() {
    cd "$work"
    recipe_run openssl-req
    openssl req -in device.csr -noout -verify
    recipe_run openssl-cms
    openssl cms -verify -in hostname.cms -inform PEM -purpose any -CAfile "$site"/clients.pem >message
    cmp message <(sed 's/$/\r/' /etc/hostname)
}
curl_page() {
    recipe_run curl-provider | grep -x welcome
}
if [ -e "$provider_directory"/pkcs11.so ]; then
    mkdir -p /etc/intune-tpm
    recipe openssl.cnf >/etc/intune-tpm/openssl.cnf
    for key in rsa p256; do
        token_use $key
        for version in 3 2; do
            attempt $key "pkcs11 provider TLS 1.$version" site_expect $version fetch openssl-pkcs11-provider
            attempt $key "curl, provider 1.$version" site_expect $version curl_page
        done
        attempt $key "req, cms" message
    done
else
    report SKIP - "pkcs11 provider" "this Debian has no package of it"
fi
world_end
