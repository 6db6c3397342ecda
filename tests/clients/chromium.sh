#!/usr/bin/env bash
# Chromium, headless, its sandbox on, as an unprivileged user; the module from the user's NSS database.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need chromium nginx certutil modutil

world_begin chromium "$(dpkg-query -W -f='${Version}' chromium | sed 's/-.*//')"
tokens_begin
site_begin
user_create browser
as_user mkdir -p "$user_home"/.pki/nssdb
as_user certutil -d sql:"$user_home"/.pki/nssdb -N --empty-password
as_user certutil -d sql:"$user_home"/.pki/nssdb -A -t C,, -n site -i $site/ca.crt

# Registered with the two recipes, one as the user, one as root.
recipe chromium >$work/recipe-chromium.sh
as_user bash -eu $work/recipe-chromium.sh
recipe_run chromium-url

page() {
    as_user timeout -k 5 60 chromium --headless=new --disable-gpu --disable-dev-shm-usage --user-data-dir="$user_home"/profile-"$RANDOM" \
        --dump-dom https://intranet.example.com/ >"$work"/page
    cat "$work"/page
    grep -q welcome "$work"/page
}
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
world_end
