# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# The applications that the bad days happen to: curl, two browsers that are kept open, OpenVPN. Sourced after clients.sh; it
# sources what else it needs.
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/gateway.sh
. "$clients/gateway.sh"
# shellcheck source=tests/clients/openvpn-server.sh
. "$clients/openvpn-server.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"

# applications_begin NAME: the world of that script, the site, its tokens, a user with browsers, OpenVPN's server.
applications_begin() {
    need curl nginx firefox-esr chromium chromedriver openvpn certutil modutil
    world_begin "$1" "$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$source_root/meson.build")"
    [ -c /dev/net/tun ] || { echo "SKIP: no /dev/net/tun"; exit 77; }
    rm -f "$results/$1" # no application; not in the matrix
    results=$work/results
    mkdir "$results"
    tokens_begin
    gateway_begin
    token_use p256
    site_begin
    openvpn_server_prepare
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
}

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
    trap '' PIPE # one that never started is a failure with its reason, not a signal
    echo "https://intranet.example.com/" >&"$to_browser" || { tail -n 5 "$work/browser.err"; return 1; }
    shown=
    read -r -t 60 shown <&"$from_browser" || { tail -n 5 "$work/browser.err"; return 1; }
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

# tunnel_begin [OPTION-LINE...]: sets server and client; the client's log is client.log.
tunnel_begin() {
    openvpn_server_start 3
    server=$started
    { recipe openvpn; printf '%s\n' "$@"; } >"$work/openvpn.conf"
    openvpn --config "$work/openvpn.conf" >"$work/client.log" 2>&1 </dev/null &
    client=$!
}
tunnel_end() {
    end_process "$client"
    end_process "$server"
    cat "$work/server.log" "$work/client.log"
}

# tunnel_refused SAYS [SERVER-SAYS]: OpenVPN must not connect, and must go on or end in order; what it said is shown, and the
# server must have given this reason.
tunnel_refused() {
    local server client status=0
    tunnel_begin 'tls-timeout 1' 'hand-window 6' 'connect-retry-max 1'
    wait_for 25 grep -qE 'TLS handshake failed|Exiting|fatal|error' "$work/client.log" || status=$?
    refused inside_reached_now || status=1
    tunnel_end
    [ -z "${2-}" ] || grep -a "$2" "$work/server.log"
    show "$(grep -E "$1" "$work/client.log" | head -n 1 | cut -d' ' -f3-)"
    [ "$status" = 0 ]
}
inside_reached_now() {
    curl -sSf --noproxy '*' --max-time 1 -o /dev/null http://198.51.100.1/
}
