#!/usr/bin/env bash
# Chromium, headless, its sandbox on, as an unprivileged user; the module from the user's NSS database.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
# shellcheck source=tests/clients/desktop.sh
. "$clients/desktop.sh"
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

# What draws pages is in the sandbox: process and network namespaces of its own, and a filter of system calls.
renderer_sandboxed() {
    local process
    for process in /proc/[0-9]*; do
        if tr '\0' ' ' <"$process"/cmdline | grep -q -e '--type=renderer' && grep -q '^Seccomp:.*2$' "$process"/status &&
            [ "$(readlink "$process"/ns/pid)" != "$(readlink /proc/self/ns/pid)" ] &&
            [ "$(readlink "$process"/ns/net)" != "$(readlink /proc/self/ns/net)" ]; then
            echo "sandboxed: $process"
            return 0
        fi
    done
    return 1
}
sandbox() {
    local browser status=0
    as_user chromium --headless=new --disable-gpu --disable-dev-shm-usage --remote-debugging-port=0 \
        --user-data-dir="$user_home"/profile-sandbox about:blank 2>"$work"/sandbox.log &
    browser=$!
    wait_for 20 renderer_sandboxed || status=$?
    kill "$(readlink "$user_home"/profile-sandbox/SingletonLock | sed 's/.*-//')"
    wait "$browser"
    return "$status"
}
attempt - "sandbox" sandbox
for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "TLS 1.$version" page_expect $version
    done
done

# Without the policy for the site: a person confirms the certificate that Chromium proposes, once.
desktop_begin
rm -r /etc/chromium/policies
for key in rsa p256; do
    token_use $key
    attempt $key "asks, TLS 1.3" window_confirmed chromium
done
world_end
