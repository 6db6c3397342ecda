#!/usr/bin/env bash
# What curl, OpenVPN, Firefox and Chromium do and show when the token has a PIN: typed, wrong, not given, locked. Nothing may
# hang or crash, and what is shown is printed; README.md says it in words. The browsers stand in real windows, and the PIN is
# typed into their own dialogs.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/applications.sh
. "$clients/applications.sh"
# shellcheck source=tests/clients/desktop.sh
. "$clients/desktop.sh"
need tpm2_dictionarylockout tpm2_getcap
applications_begin bad-days-pin

# ---- the token ----

echo 482915 >"$work/pin"
chmod 600 "$work/pin"
export INTUNE_TPM_TCTI=$tcti
token_enrol pin ec p256 --pin-file "$work/pin"
unset INTUNE_TPM_TCTI INTUNE_TPM_TOKEN_DIR
token_use pin
pin_curl() {
    curl --silent --show-error --max-time 30 --cert 'pkcs11:token=intune-tpm;object=device' \
        --key "pkcs11:token=intune-tpm;object=device;pin-value=$1" https://intranet.example.com/ 2>&1 | tee "$work/page"
}
pin_right() {
    pin_curl 482915 | grep -x welcome
}
pin_wrong() {
    pin_curl 000000
    refused grep -x welcome "$work/page"
    show "$(tail -n 1 "$work/page")"
    site_expect 3 pin_right
}
pin_locked() {
    pin_lock
    pin_curl 482915
    refused grep -x welcome "$work/page"
    show "$(tail -n 1 "$work/page")"
    lock_clear
    site_expect 3 pin_right
}
# tunnel_typing PIN...: each time OpenVPN asks for the token's PIN, over its management interface, the next one is typed;
# ends when the tunnel stands, when OpenVPN ends or gives up a try, or when there are no more to type.
tunnel_typing() {
    local server client line management
    tunnel_begin 'management 127.0.0.1 7505' 'management-query-passwords' 'tls-timeout 1' 'hand-window 8' 'connect-retry-max 1'
    wait_for 10 port_listening 7505
    exec {management}<>/dev/tcp/127.0.0.1/7505
    echo 'state on' >&"$management"
    asked=0
    while read -r -t 20 line <&"$management"; do
        echo "management: $line"
        case $line in
            ">PASSWORD:Need '"*)
                asked=$((asked + 1))
                [ $# != 0 ] || break
                line=${line#*\'}
                printf 'password "%s" "%s"\n' "${line%%\'*}" "$1" >&"$management"
                shift
                ;;
            '>STATE:'*CONNECTED* | '>STATE:'*EXITING* | '>STATE:'*RECONNECTING*) break ;;
        esac
    done
    exec {management}>&-
    tunnel_stands=no
    [[ $line != *CONNECTED* ]] || tunnel_stands=yes
    [ "$tunnel_stands" = no ] || inside_reached
    tunnel_end
}
port_listening() {
    ss -Hltn "sport = :$1" | grep -q .
}
openvpn_says() {
    grep -E 'PKCS#11: Cannot|TLS Error|AUTH_FAILED' "$work/client.log" | head -n 1 | cut -d' ' -f3- | sed 's/^us=[0-9]* //'
}
pin_openvpn_typed() {
    tunnel_typing 482915
    [ "$tunnel_stands $asked" = "yes 1" ]
    openvpn_server_saw 3
    show "asks once, and connects"
}
pin_openvpn_wrong() {
    local status=0
    tunnel_typing 000000 482915 || status=$?
    lock_clear
    [ "$status" = 0 ]
    [ "$tunnel_stands $asked" = "yes 2" ]
    show "asks again, and connects with the right one"
}
lock_clear() {
    TPM2TOOLS_TCTI=$tcti tpm2_dictionarylockout --clear-lockout
}
# While it is locked every application is refused, whatever is typed; afterwards the right PIN works again.
pin_lock() {
    local try
    for try in 1 2 3 4 5 6; do
        pin_curl 00000"$try"
    done
    INTUNE_TPM_TCTI=$tcti intune-enroll status | grep LOCKED
}
pin_openvpn_locked() {
    local status=0
    pin_lock
    tunnel_typing 482915 482915 482915 || status=$?
    lock_clear
    show "asked $asked times; $(openvpn_says)"
    [ "$status" = 0 ]
    [ "$tunnel_stands" = no ]
    tunnel_typing 482915
    [ "$tunnel_stands" = yes ]
}

# ---- typed into a browser's own dialog ----

welcome_came() {
    window_title '^welcome'
    wait_for 5 grep -qx "TLSv1.3 SUCCESS $fingerprint 200" "$site/access.log"
}
# How often a wrong PIN has come to the TPM since the lock-out was cleared.
wrong_tries() {
    TPM2TOOLS_TCTI=$tcti tpm2_getcap properties-variable | sed -n 's/^TPM2_PT_LOCKOUT_COUNTER: //p'
}
browser_visits() {
    site_name intranet.example.com 127.0.0.13
    : >"$site/access.log"
    window_open "$1"
    window_visit
    window_asks
}
pin_browser_typed() {
    browser_visits "$1"
    window_answer 482915
    welcome_came
    : >"$site/access.log"
    window_reload
    wait_for 10 grep -qx "TLSv1.3 SUCCESS $fingerprint 200" "$site/access.log"
    refused window_shown "$window_dialog"
    window_close
    show "asks once, and shows the page"
}
pin_browser_wrong() {
    browser_visits "$1"
    window_answer 000000
    window_asks
    echo "wrong tries: $(wrong_tries)"
    [ "$(wrong_tries)" = 0x1 ]
    window_answer 482915
    welcome_came
    window_close
    show "asks again, and shows the page after the right one"
}
pin_browser_cancelled() {
    browser_visits "$1"
    window_answer -
    window_title '^400 No required SSL certificate'
    refused grep SUCCESS "$site/access.log"
    window_close
    show "asks; cancelled, it sends no certificate"
}
# The page is loaded again, twice at most, and the right PIN is typed when it is asked for.
reloaded_to_welcome() {
    local try
    for try in 1 2; do
        echo "reload $try"
        window_reload
        if window_title "$window_dialog" 2; then
            window_answer 482915
        fi
        if window_title '^welcome' 3; then
            return 0
        fi
    done
    return 1
}
# The right PIN does not help before the TPM forgets; afterwards it does.
pin_browser_locked() {
    pin_lock
    browser_visits "$1"
    window_answer 482915
    window_title '^400 No required SSL certificate'
    while window_title "$window_dialog" 2; do # for the page's icon
        window_answer -
    done
    refused grep SUCCESS "$site/access.log"
    lock_clear
    if reloaded_to_welcome; then
        show "asks; the right PIN sends no certificate; asks again once the lock is gone, and shows the page"
    else
        window_title '^400 No required SSL certificate'
        window_close
        browser_visits "$1"
        window_answer 482915
        show "asks; the right PIN sends no certificate, until the lock is gone and it is started again"
    fi
    welcome_came
    window_close
}
attempt p256 "PIN, curl" site_expect 3 pin_right
attempt p256 "PIN wrong, curl" pin_wrong
attempt p256 "PIN locked, curl" pin_locked
attempt p256 "PIN, openvpn" tunnel_refused 'PKCS#11: .*fail|ERROR|Exiting|TLS Error|tty'
attempt p256 "PIN typed, openvpn" pin_openvpn_typed
attempt p256 "PIN wrong, openvpn" pin_openvpn_wrong
attempt p256 "PIN locked, openvpn" pin_openvpn_locked
desktop_begin
for browser in firefox chromium; do
    attempt p256 "PIN typed, $browser" pin_browser_typed $browser
    attempt p256 "PIN wrong, $browser" pin_browser_wrong $browser
    lock_clear
    attempt p256 "PIN cancelled, $browser" pin_browser_cancelled $browser
    attempt p256 "PIN locked, $browser" pin_browser_locked $browser
    lock_clear
done
world_end
