#!/usr/bin/env bash
# GnuTLS' p11tool: what the token shows, and signatures that it checks itself.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need p11tool

world_begin p11tool "$(p11tool --version | sed -n '1s/^p11tool //p')"
tokens_begin

# One private key, one public key, one certificate of one label and one id; and it signs.
show() {
    recipe_run p11tool >"$work"/shown 2>&1
    cat "$work"/shown
    [ "$(grep -c "^Object " "$work"/shown)" = 3 ]
    [ "$(grep "ID:" "$work"/shown | sort -u | wc -l)" = 1 ]
    grep -q "Signing using .*ok" "$work"/shown
    sed -n "/^-----BEGIN CERT/,/^-----END CERT/p" "$work"/shown | openssl x509 -outform DER | cmp - <(openssl x509 -in "$certificate" -outform DER)
}
sign() {
    p11tool --test-sign "$@" "$uri;type=private" >"$work"/signed 2>&1
    cat "$work"/signed
    grep -q "Signing using .*ok" "$work"/signed
    grep -q "Verifying against public key in the token... ok" "$work"/signed
}
for key in rsa p256; do
    token_use $key
    attempt $key "list and sign" show
    attempt $key "SHA-384" sign --hash SHA384
done
token_use rsa
attempt rsa "PSS" sign --sign-params=rsa-pss
world_end
