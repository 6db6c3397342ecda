#!/usr/bin/env bash
# The token through intune-tpm.socket: a user without access to the TPM, systemd-socket-activate in the place of systemd.
set -eu
CLIENTS_WAY=socket
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/gateway.sh
. "$clients/gateway.sh"
# shellcheck source=tests/clients/openvpn-server.sh
. "$clients/openvpn-server.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need jq systemd-socket-activate systemd-sysusers systemd-tmpfiles systemd-analyze p11-kit curl nginx

world_begin p11-kit "$(package_version p11-kit)"
tokens_begin
site_begin

user_create member
usermod --append --groups "$group" member
user_create stranger
user_name=member user_home=$work/home/member

# ---- who may ----

no_tpm_of_their_own() {
    id
    refused as_user test -e "$FIXTURE_DIRECTORY/tpm/socket"
    refused grep -w tss <<<"$(id -nG member)"
}
attempt - "no access to the TPM" no_tpm_of_their_own

stranger_sees_nothing() {
    user_name=stranger user_home=$work/home/stranger
    as_user p11tool --list-tokens >"$work"/tokens 2>&1 || cat "$work"/tokens
    refused grep intune-tpm "$work"/tokens
}
attempt - "not in the group" stranger_sees_nothing

# ---- applications ----

page() {
    recipe curl >"$work"/recipe-curl.sh
    as_user timeout -k 5 30 bash -eu "$work"/recipe-curl.sh | grep -x welcome
}
for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "curl TLS 1.$version" site_expect $version page
    done
done

ten_at_once() {
    local pids=() pid i
    site_name intranet.example.com 127.0.0.13
    : >"$site"/access.log
    recipe curl >"$work"/recipe-curl.sh
    for i in 1 2 3 4 5 6 7 8 9 10; do
        as_user timeout -k 5 60 bash -eu "$work"/recipe-curl.sh >"$work"/page."$i" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid"
    done
    cat "$work"/page.{1,2,3,4,5,6,7,8,9,10} | grep -cx welcome | grep -qx 10
    grep -cx "TLSv1.3 SUCCESS $fingerprint 200" "$site"/access.log | grep -qx 10
}
for key in rsa p256; do
    token_use $key
    attempt $key "ten at once" ten_at_once
done

# The user's own look at it: the TPM is closed to them, and the key signs all the same.
outcome() {
    jq -r --arg name "$1" '.checks[] | select(.name == $name) | .outcome' "$work"/verify
}
expect_outcome() {
    cat "$work"/verify
    [ "$(outcome "$1")" = "$2" ]
}
verified() {
    as_user intune-enroll verify --json >"$work"/verify
    expect_outcome tpm skipped
    expect_outcome key-signs ok
    expect_outcome token-visible ok
    refused grep -w failed "$work"/verify
}
# Who is in neither group has something to mend.
stranger_verifies() {
    local status=0
    user_name=stranger user_home=$work/home/stranger
    as_user intune-enroll verify --json >"$work"/verify || status=$?
    [ "$status" = 22 ]
    expect_outcome tpm skipped
    expect_outcome key-signs skipped
}
pin_asked() {
    local status=0
    install -m 600 /dev/stdin "$work"/pin <<<2468
    install -m 600 -o member /dev/stdin "$user_home"/pin <<<2468
    install -m 600 -o member /dev/stdin "$user_home"/wrong-pin <<<1357
    fixture_mde_server_start --key ec
    INTUNE_TPM_TCTI=$tcti FIXTURE_TOKEN_DIR=$work/token/pin fixture_enroll --key p256 --pin-file "$work"/pin
    fixture_mde_server_stop
    unset INTUNE_TPM_TCTI INTUNE_TPM_TOKEN_DIR
    token_use pin
    as_user intune-enroll verify --json >"$work"/verify
    expect_outcome key-signs skipped
    as_user intune-enroll verify --pin-file "$user_home"/pin --json >"$work"/verify
    expect_outcome key-signs ok
    as_user intune-enroll verify --pin-file "$user_home"/wrong-pin --json >"$work"/verify || status=$?
    [ "$status" = 22 ]
    expect_outcome key-signs failed
}
for key in rsa p256; do
    token_use $key
    attempt $key "verify" verified
done
attempt p256 "verify, not in the group" stranger_verifies
attempt p256 "verify, with a PIN" pin_asked
token_use p256

# The processes behind the socket; each ends with its connection.
servers() {
    local process
    for process in /proc/[0-9]*; do
        if [ "$(stat -c %U "$process" 2>/dev/null)" = "$signer" ]; then
            echo "${process#/proc/}"
        fi
    done
}
servers_are() {
    [ "$(servers | wc -l)" = "$1" ]
}

silent_and_garbage() {
    wait_for 10 servers_are 0
    # Three who connect and say nothing, three who say anything.
    as_user /usr/bin/python3 - "$path" <<'PY' &
import os, socket, sys, time
held = []
for n in range(6):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    if n >= 3:
        s.send((b"\0" if n > 3 else b"") + os.urandom(70000))
    held.append(s)
time.sleep(8)
PY
    local rude=$!
    wait_for 5 servers_at_least 3
    site_expect 3 page
    site_expect 2 page
    kill "$rude"
    wait_for 10 servers_are 0
    site_expect 3 page
}
servers_at_least() {
    [ "$(servers | wc -l)" -ge "$1" ]
}
attempt rsa "silence and garbage" silent_and_garbage

# ---- the sandbox ----

# systemd is not here to enforce SystemCallFilter=; but what the process calls can be held against the unit's list.
calls_of() {
    systemd-analyze syscall-filter "$1" | sed -n 's/^ *\([@a-z_][a-z0-9_-]*\)$/\1/p' | grep -vxF -- "$1" | while read -r call; do
        case $call in
            @*) calls_of "$call" ;;
            *) echo "$call" ;;
        esac
    done
}
system_calls_allowed() {
    local allow deny
    read -r allow < <(unit_value "$service" SystemCallFilter | grep -v '^~')
    deny=$(unit_value "$service" SystemCallFilter | sed -n 's/^~//p')
    [ -n "$allow" ]
    [ -n "$deny" ]
    calls_of "$allow" | sort -u >"$work/allowed"
    for group in $deny; do calls_of "$group"; done | sort -u >"$work/denied"
    [ "$(wc -l <"$work/allowed")" -gt 100 ]
    # A whole conversation, with a signature, through p11-kit's remoting on a pipe, as the service has it.
    printf 'remote: |strace -f -qq -o %s p11-kit remote --provider %s pkcs11:\n' "$work/calls" "$module" >"$p11_config_dir/intune-tpm.module"
    p11tool --test-sign "$uri;type=private"
    cp "$source_root/conf/p11-kit/intune-tpm.module.socket" "$p11_config_dir/intune-tpm.module"
    sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$work/calls" | sort -u >"$work/called"
    cat "$work/called"
    grep -qx connect "$work/called" # to the software TPM; a device is opened
    refused grep -vxF -f "$work/allowed" "$work/called"
    refused grep -xF -f "$work/denied" "$work/called"
    # MemoryDenyWriteExecute=, ProtectSystem=, and no socket but the software TPM's.
    refused grep -E 'PROT_WRITE\|PROT_EXEC|mprotect\(.*PROT_EXEC' "$work/calls"
    refused grep -vF "$FIXTURE_DIRECTORY/tpm/socket" <<<"$(grep ' connect(' "$work/calls")"
    refused grep -E ' open(at)?\(.*(O_WRONLY|O_RDWR|O_CREAT)' "$work/calls"
}
if command -v strace >/dev/null; then
    attempt rsa "system calls" system_calls_allowed
else
    report SKIP rsa "system calls" "no strace"
fi

# ---- browsers ----

as_user mkdir -p $user_home/.pki/nssdb
as_user certutil -d sql:$user_home/.pki/nssdb -N --empty-password
as_user certutil -d sql:$user_home/.pki/nssdb -A -t C,, -n site -i $site/ca.crt
mkdir -p /etc/firefox/policies
printf '{"policies": {"Certificates": {"Install": ["%s"]}, "Preferences": {"security.default_personal_cert": {"Value": "Select Automatically"}}}}\n' \
    $site/ca.crt >/etc/firefox/policies/policies.json
intune-enroll register --url https://intranet.example.com
as_user intune-enroll register --user

browser_expect() {
    site_name intranet.example.com "127.0.0.1$1"
    : >"$site"/access.log
    "$2"
    cat "$site"/access.log
    grep -qx "TLSv1.$1 SUCCESS $fingerprint 200" "$site"/access.log
    refused grep -v "^TLSv1.$1 SUCCESS $fingerprint " "$site"/access.log
}
firefox_page() {
    local profile=$user_home/firefox-$RANDOM$RANDOM
    as_user mkdir "$profile"
    as_user timeout -k 5 60 firefox-esr --headless --no-remote --profile "$profile" --screenshot "$user_home"/page.png https://intranet.example.com/
}
chromium_page() {
    as_user timeout -k 5 60 chromium --headless=new --disable-gpu --disable-dev-shm-usage \
        --user-data-dir="$user_home"/chromium-"$RANDOM""$RANDOM" --dump-dom https://intranet.example.com/ | grep welcome
}
for key in rsa p256; do
    token_use $key
    for browser in firefox chromium; do
        attempt $key "$browser TLS 1.3" browser_expect 3 ${browser}_page
    done
done

# ---- OpenVPN, as an unprivileged user who may make a network device ----

if [ -c /dev/net/tun ]; then
    gateway_begin
    openvpn_server_prepare
    tunnel() {
        local server client status=0
        inside_unreachable
        openvpn_server_start 3
        server=$started
        { recipe openvpn | grep -v ^pkcs11; intune-enroll show openvpn; } >"$work"/openvpn.conf
        grep -q p11-kit-proxy "$work"/openvpn.conf
        TMPDIR=/tmp setpriv --reuid member --regid member --init-groups --inh-caps=-all,+net_admin --ambient-caps=+net_admin \
            openvpn --config "$work"/openvpn.conf >"$work"/client.log 2>&1 </dev/null &
        client=$!
        inside_reached || status=$?
        end_process "$client"
        end_process "$server"
        cat "$work"/client.log "$work"/server.log
        [ "$status" = 0 ]
        openvpn_server_saw 3
    }
    for key in rsa p256; do
        token_use $key
        attempt $key "openvpn TLS 1.3" tunnel
    done
else
    report SKIP - openvpn "no /dev/net/tun"
fi
world_end
