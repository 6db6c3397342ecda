#!/usr/bin/env bash
# OpenSC's pkcs11-tool: its list and its own tests.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need pkcs11-tool

world_begin pkcs11-tool "$(package_version opensc)"
tokens_begin

tests() {
    local status=0
    recipe_run pkcs11-tool >"$work"/shown 2>&1 || status=$?
    cat "$work"/shown
    [ "$status" = 0 ]
    grep -q "^Certificate Object" "$work"/shown
    grep -q "^Private Key Object" "$work"/shown
    grep -q "^Public Key Object" "$work"/shown
    grep -x "No errors" "$work"/shown
}
# A signature over the module, checked with the certificate.
signature() {
    echo data >"$work"/data
    pkcs11-tool --module "$module" --sign --mechanism "$1" --signature-format openssl --input-file "$work"/data --output-file "$work"/sig
    openssl x509 -in "$certificate" -noout -pubkey >"$work"/public.pem
    openssl dgst -sha256 -verify "$work"/public.pem -signature "$work"/sig "$work"/data
}
for key in rsa p256; do
    token_use $key
    attempt $key "list and --test" tests
    if [ $key = rsa ]; then mechanism=SHA256-RSA-PKCS; else mechanism=ECDSA-SHA256; fi
    attempt $key "sign" signature $mechanism
done
world_end
