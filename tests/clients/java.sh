#!/usr/bin/env bash
# Java: keytool and an SSLSocket through the SunPKCS11 provider of the JDK.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need java keytool nginx

world_begin java "$(java -version 2>&1 | sed -n '1s/.*"\(.*\)".*/\1/p')"
tokens_begin
site_begin
mkdir -p /etc/intune-tpm
recipe java.cfg >/etc/intune-tpm/java.cfg
keytool -importcert -noprompt -cacerts -storepass changeit -alias site -file $site/ca.crt 2>/dev/null
recipe java-socket >$work/Intranet.java
javac -d $work/classes $work/Intranet.java

list() {
    recipe_run java-keytool >"$work"/listed
    cat "$work"/listed
    grep -q "PrivateKeyEntry" "$work"/listed
    grep -iq "$(openssl x509 -in "$certificate" -noout -fingerprint -sha256 | sed "s/.*=//")" "$work"/listed
}
page() {
    timeout -k 5 60 java -Djdk.tls.client.protocols="TLSv1.$version" -cp "$work"/classes Intranet | grep -x welcome
}
for key in rsa p256; do
    token_use $key
    attempt $key "keytool" list
done
site_matrix page
world_end
