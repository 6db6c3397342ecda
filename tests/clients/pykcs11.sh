#!/usr/bin/env bash
# Python through PyKCS11.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need python3

world_begin pykcs11 "$(package_version python3-pykcs11)"
tokens_begin
/usr/bin/python3 -c "import PyKCS11" || { echo "SKIP: no python3-pykcs11"; exit 77; }

# What the recipe prints is a signature over "hello"; the certificate says whether it is this key's.
signature() {
    recipe pykcs11 >"$work"/sign.py
    timeout -k 5 60 /usr/bin/python3 "$work"/sign.py | python3 -c "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read().strip()))" >"$work"/sig
    openssl x509 -in "$certificate" -noout -pubkey >"$work"/public.pem
    if [ "$1" = p256 ]; then # r and s become the structure that OpenSSL checks
        python3 - "$work"/sig <<"PY"
import sys
raw = open(sys.argv[1], "rb").read()
def integer(n):
    b = n.to_bytes(n.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(b)]) + b
body = integer(int.from_bytes(raw[:32], "big")) + integer(int.from_bytes(raw[32:], "big"))
open(sys.argv[1], "wb").write(b"\x30" + bytes([len(body)]) + body)
PY
    fi
    printf hello | openssl dgst -sha256 -verify "$work"/public.pem -signature "$work"/sig
}
for key in rsa p256; do
    token_use $key
    attempt $key "sign" signature $key
done
world_end
