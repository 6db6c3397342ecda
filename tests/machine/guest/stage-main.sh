# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034,SC2086 # set by the agent and lib.sh, for each other; paths without blanks
# The machine as it is installed and used: package, upgrade, enrolment, users through the socket, removal.

# ---- installation --------------------------------------------------------------------------------------------------------

test_tpm_of_the_kernel() {
    [[ -c /dev/tpmrm0 ]]
    expect "owner of /dev/tpmrm0" tss "$(stat -c %G /dev/tpmrm0)"
    tpm2_getcap properties-fixed -T device:/dev/tpmrm0 >/dev/null
}

listing() {
    find /usr /etc /var/lib -xdev ! -type d ! -path '/var/lib/dpkg/*' ! -path '/etc/*-' ! -path '/var/lib/systemd/*' \
        ! -path '/usr/src/*' ! -path '/var/lib/machine-tests/*' ! -path '/etc/ssl/certs/*' ! -name '*.cache' | sort
}

# The package under a lower number: what an upgrade comes from.
test_package_install() {
    listing >$state/before
    dpkg-deb --raw-extract /usr/src/intune-tpm_*.deb /tmp/older
    sed -i 's/^Version: .*/Version: 0.0.1/' /tmp/older/DEBIAN/control
    dpkg-deb --build --root-owner-group /tmp/older /tmp/intune-tpm-older.deb
    dpkg --install /tmp/intune-tpm-older.deb
    systemctl is-active intune-tpm.socket
    systemctl is-active intune-enroll-renew.timer
    systemctl is-enabled intune-tpm.socket
    systemctl is-enabled intune-enroll-renew.timer
    expect "socket" "root:intune-tpm 660" "$(stat -c '%U:%G %a' /run/intune-tpm/pkcs11)"
    expect "token directory" "root:root 755" "$(stat -c '%U:%G %a' $token)"
}

# ---- enrolment through /dev/tpmrm0 -----------------------------------------------------------------------------------------

test_enrol_resident() {
    server_start --key rsa
    enrol
    expect "resident key" 1 "$(tpm2_getcap handles-persistent -T device:/dev/tpmrm0 | grep -ci 0x8101)"
    intune-enroll verify
    sign_once
    nothing_transient
}

nothing_transient() {
    expect "loaded objects" "" "$(tpm2_getcap handles-transient -T device:/dev/tpmrm0)"
    expect "loaded sessions" "" "$(tpm2_getcap handles-loaded-session -T device:/dev/tpmrm0)"
}

test_package_upgrade_keeps_enrolment() {
    local before
    before=$(sha256sum $token/current/device.key $token/enrollment.conf)
    dpkg --install /usr/src/intune-tpm_*.deb
    expect "the token" "$before" "$(sha256sum $token/current/device.key $token/enrollment.conf)"
    systemctl is-active intune-tpm.socket
    intune-enroll verify
    sign_once
}

# counted DIRECTORY PIN KEY: executed commands of a process that signs once, by the module itself.
count_signature() {
    local directory=$1 uri
    shift
    uri="$(INTUNE_TPM_TOKEN_DIR=$directory p11tool --provider "$(module_path)" --list-token-urls | head -n 1);object=device;type=private"
    commands_count_begin
    INTUNE_TPM_TOKEN_DIR=$directory "$@" p11tool --provider "$(module_path)" --test-sign "$uri" >/dev/null 2>&1
    commands_count
}

# What the kernel's own resource manager has the chip execute, told by a probe in its driver.
test_commands_executed() {
    local -A wanted=([resident]=1 [wrapped]=10)
    server_stop
    server_start --key ec
    enrol --token-dir /var/lib/machine-tests/wrapped --key p256 --no-persistent
    say "# executed, resident: $(count_signature $token env)"
    say "# executed, wrapped: $(count_signature /var/lib/machine-tests/wrapped env)"
    expect "resident" "${wanted[resident]}" "$(count_signature $token env)"
    (($(count_signature /var/lib/machine-tests/wrapped env) <= wanted[wrapped]))
    sign_once /var/lib/machine-tests/wrapped
    nothing_transient
}

key_signs() {
    intune-enroll verify --token-dir /var/lib/machine-tests/pin-token --pin-file "$1" 2>&1 || :
}

test_enrol_with_pin() {
    local failures
    (umask 077; echo 24681357 >/var/lib/machine-tests/pin; echo 11111111 >/var/lib/machine-tests/wrong-pin)
    enrol --token-dir /var/lib/machine-tests/pin-token --key p256 --pin-file /var/lib/machine-tests/pin
    key_signs /var/lib/machine-tests/pin | grep 'OK *key-signs'
    failures=$(lockout_counter)
    key_signs /var/lib/machine-tests/wrong-pin | grep 'FAILED *key-signs'
    expect "failures that the TPM counted" $((failures + 1)) "$(($(lockout_counter)))"
    tpm2_dictionarylockout --clear-lockout -T device:/dev/tpmrm0
    say "# executed, PIN: $(count_signature /var/lib/machine-tests/pin-token env GNUTLS_PIN=24681357)"
    nothing_transient
}

# ---- users --------------------------------------------------------------------------------------------------------------

as_user() {
    local name=$1
    shift
    # A login by PAM: pam_systemd makes the session, the groups are those of the login.
    su -l "$name" -c "$*"
}

page() {
    printf 'curl -sS --max-time 60 --cacert /var/lib/machine-tests/web/ca.crt --resolve www.%s:8443:127.0.0.1' $domain
    printf " --cert 'pkcs11:token=intune-tpm;object=device;type=cert' --key 'pkcs11:token=intune-tpm;object=device;type=private'"
    printf ' https://www.%s:8443/\n' $domain
}

test_web_server() {
    local web=/var/lib/machine-tests/web
    mkdir -p $web
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Web CA" -keyout $web/ca.key -out $web/ca.crt
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=www.$domain" -keyout $web/server.key -out $web/server.csr
    printf 'subjectAltName=DNS:www.%s\n' $domain >$web/extensions
    openssl x509 -req -in $web/server.csr -CA $web/ca.crt -CAkey $web/ca.key -CAcreateserial -days 3650 -extfile $web/extensions -out $web/server.crt
    cat $server_directory/client-ca.crt $server_directory/chain.crt >$web/clients.crt
    cat >$web/nginx.conf <<END
daemon off;
pid $web/nginx.pid;
error_log $web/error.log info;
events { worker_connections 128; }
http {
    access_log $web/access.log;
    server {
        listen 127.0.0.1:8443 ssl;
        ssl_protocols TLSv1.3;
        ssl_certificate $web/server.crt;
        ssl_certificate_key $web/server.key;
        ssl_client_certificate $web/clients.crt;
        ssl_verify_client on;
        ssl_verify_depth 5;
        location / { default_type text/plain; return 200 "\$ssl_client_verify \$ssl_client_fingerprint\n"; }
    }
}
END
    chmod 755 $web
    chmod 644 $web/ca.crt
    systemd-run --quiet --unit web-server nginx -c $web/nginx.conf
    wait_until 20 "nginx" curl -sk https://127.0.0.1:8443/
}

fingerprint() {
    openssl x509 -in $token/current/device.crt -noout -fingerprint -sha1 | sed 's/.*=//; s/://g' | tr '[:upper:]' '[:lower:]'
}

test_desktop_user_through_socket() {
    useradd --create-home --shell /bin/bash alice
    useradd --create-home --shell /bin/bash mallory
    usermod --append --groups intune-tpm alice
    as_user alice id
    if as_user alice "test -r /dev/tpmrm0"; then fail "alice may use the TPM herself"; fi
    expect "page" "SUCCESS $(fingerprint)" "$(as_user alice "$(page)")"
    as_user alice "/usr/sbin/intune-enroll verify"
}

test_user_outside_the_group() {
    if as_user mallory "p11tool --list-tokens" | grep intune-tpm; then fail "mallory sees the token"; fi
    if as_user mallory "$(page)"; then fail "mallory was let in"; fi
}

test_session_of_a_login() {
    # The session that pam_systemd made has the group; logind knows it.
    as_user alice "id -nG" | grep -w intune-tpm
    as_user alice "loginctl show-session \$XDG_SESSION_ID -p Name" | grep -x Name=alice
}

test_ten_users_at_once() {
    local i pids=() pid
    for i in 1 2 3 4 5 6 7 8 9 10; do
        useradd --create-home --shell /bin/bash --groups intune-tpm "user$i"
    done
    for i in 1 2 3 4 5 6 7 8 9 10; do
        as_user "user$i" "$(page)" >"$state/page.$i" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    expect "pages" 10 "$(cat $state/page.{1,2,3,4,5,6,7,8,9,10} | grep -cx "SUCCESS $(fingerprint)")"
}

test_socket_restart_under_load() {
    local i pids=() pid
    for i in 1 2 3 4; do
        su -l "user$i" -c "n=0; while [ \$n -lt 6 ]; do $(page) || echo failed; n=\$((n+1)); done" >"$state/load.$i" 2>&1 &
        pids+=($!)
    done
    sleep 2
    systemctl stop intune-tpm.socket
    if [[ -e /run/intune-tpm/pkcs11 ]]; then fail "the socket is still there"; fi
    sleep 1
    systemctl start intune-tpm.socket
    for pid in "${pids[@]}"; do wait "$pid" || :; done
    # Each either got its page or said that it failed; none hung, and the last ones worked again.
    grep -hcx "SUCCESS $(fingerprint)" $state/load.* || :
    expect "page afterwards" "SUCCESS $(fingerprint)" "$(as_user user1 "$(page)")"
    expect "units left in failure" "" "$(systemctl list-units --failed --no-legend 'intune-tpm@*')"
}

test_journal_of_the_socket() {
    journalctl --no-pager -u intune-tpm.socket | grep -i listen
    # Nothing but what systemd itself notes: the module prints nothing.
    if journalctl --no-pager -o cat -t p11-kit | grep .; then fail "the service printed something"; fi
}

# ---- removal ---------------------------------------------------------------------------------------------------------------

test_remove_and_purge() {
    intune-enroll remove --yes --token-dir /var/lib/machine-tests/wrapped
    intune-enroll remove --yes --token-dir /var/lib/machine-tests/pin-token
    intune-enroll remove --yes
    expect "persistent, ours" "" "$(tpm2_getcap handles-persistent -T device:/dev/tpmrm0 | grep -i 0x8101 || :)"
    dpkg --purge intune-tpm
    if systemctl is-active intune-tpm.socket; then fail "the socket is still active"; fi
    [[ ! -e /var/lib/intune-tpm ]] || fail "/var/lib/intune-tpm is still there"
    listing >$state/after
    diff $state/before $state/after
}

for name in tpm-of-the-kernel package-install enrol-resident package-upgrade-keeps-enrolment commands-executed enrol-with-pin \
    web-server desktop-user-through-socket user-outside-the-group session-of-a-login ten-users-at-once \
    socket-restart-under-load journal-of-the-socket remove-and-purge; do
    check $name
done
