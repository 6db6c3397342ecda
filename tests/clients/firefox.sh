#!/usr/bin/env bash
# Firefox ESR, with the module from the policy file: headless, and in a window, where it asks which certificate to send.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
# shellcheck source=tests/clients/desktop.sh
. "$clients/desktop.sh"
need firefox-esr nginx

world_begin firefox "$(firefox-esr --version | sed 's/^Mozilla Firefox //')"
tokens_begin
site_begin
mkdir -p /etc/firefox/policies
recipe firefox >/etc/firefox/policies/policies.json
sed -i "s,\"policies\": {,\"policies\": { \"Certificates\": { \"Install\": [\"$site/ca.crt\"] }\,," /etc/firefox/policies/policies.json

# A profile of its own for each page: nothing is remembered. Firefox draws the page and ends.
page() {
    local profile=$work/profile
    rm -rf "$profile" "$work"/page.png
    mkdir "$profile"
    cat >"$profile"/user.js <<EOF
user_pref("security.default_personal_cert", "Select Automatically");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
EOF
    timeout -k 5 60 firefox-esr --headless --no-remote --profile "$profile" --screenshot "$work"/page.png https://intranet.example.com/
    test -s "$work"/page.png
}

# Firefox asks for an icon as well; every request must have come with this certificate.
page_expect() {
    site_name intranet.example.com "127.0.0.1$1"
    : >"$site"/access.log
    page
    cat "$site"/access.log
    grep -qx "TLSv1.$1 SUCCESS $fingerprint 200" "$site"/access.log
    refused grep -v "^TLSv1.$1 SUCCESS $fingerprint " "$site"/access.log
}
for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "TLS 1.$version" page_expect $version
    done
done

# As it comes: a person confirms the certificate that Firefox proposes, once.
user_create person
desktop_begin
for key in rsa p256; do
    token_use $key
    attempt $key "asks, TLS 1.3" window_confirmed firefox
done
world_end
