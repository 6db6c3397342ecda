# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the tests
# What the test scripts share: one temporary directory for each test, real servers in it, and a trap that ends what the
# test started, by process id, and removes what it made. Source it first; it sets `-eu`. Meson sets BUILD_ROOT and SOURCE_ROOT.
#
# Each test has a loopback address of its own (FIXTURE_ADDRESS, 127.x.y.z), so that servers can stand on their usual ports
# beside those of other tests. Set FIXTURE_KEEP=1 to keep the directory.
#
#   fixture_swtpm_start [NAME]             a software TPM; sets and exports INTUNE_TPM_TCTI, TPM2TOOLS_TCTI
#   fixture_resource_manager_start [kernel|abrmd]   in front of that TPM; sets the two again
#   fixture_proxy_start [OPTION...]        the counting proxy in front of it; fixture_commands_mark, fixture_commands
#   fixture_mde_server_start [OPTION...]   the MDE2 test server; MDE_SERVER_*, MDE_CLIENT_CA
#   fixture_enroll [OPTION...]             intune-enroll enroll against that server; INTUNE_TPM_TOKEN_DIR
#   fixture_tls_server_start [nginx|openssl] [TLSv1.2|TLSv1.3]   demands a certificate of that server's CA; TLS_SERVER_*
#   fixture_p11kit COMMAND...              runs a client that finds the built module, and no other, through p11-kit

set -eu
shopt -s inherit_errexit

: "${SOURCE_ROOT:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${BUILD_ROOT:=$SOURCE_ROOT/build}"
export SOURCE_ROOT BUILD_ROOT LC_ALL=C.UTF-8
umask 022

INTUNE_ENROLL=${INTUNE_ENROLL:-$BUILD_ROOT/enroll/intune-enroll}
INTUNE_TPM_MODULE=${INTUNE_TPM_MODULE:-$BUILD_ROOT/module/intune-tpm-pkcs11.so}
MDE_SERVER=${MDE_SERVER:-$BUILD_ROOT/tests/mde-server/mde-server}
TPM_PROXY=${TPM_PROXY:-$BUILD_ROOT/tests/bench/tpm-proxy}
export INTUNE_TPM_MODULE

# Short, because the path of a Unix socket has 107 bytes at most.
FIXTURE_DIRECTORY=$(mktemp -d "${TMPDIR:-/tmp}/itp.XXXXXX")
chmod 755 "$FIXTURE_DIRECTORY"
FIXTURE_ADDRESS=127.$((RANDOM % 200 + 20)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1))
# A tree under /root is closed to other users; what tests run as one of them is then used from a copy.
if ((EUID == 0)) && [[ -x $INTUNE_ENROLL && -f $INTUNE_TPM_MODULE ]] &&
    ! setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$INTUNE_ENROLL" 2>/dev/null; then
    mkdir "$FIXTURE_DIRECTORY/programs"
    install -m 755 "$INTUNE_ENROLL" "$INTUNE_TPM_MODULE" "$FIXTURE_DIRECTORY/programs"
    INTUNE_ENROLL=$FIXTURE_DIRECTORY/programs/${INTUNE_ENROLL##*/}
    INTUNE_TPM_MODULE=$FIXTURE_DIRECTORY/programs/${INTUNE_TPM_MODULE##*/}
fi
FIXTURE_USER=${FIXTURE_USER:-user}
FIXTURE_DOMAIN=${FIXTURE_DOMAIN:-contoso.test}
FIXTURE_PID=
fixture_processes=()
fixture_cleanups=()

# ---- what a test says -------------------------------------------------------------------------------------------------

fail() {
    printf 'FAIL: %s\n' "$*" >&2
    exit 1
}

skip() {
    printf 'SKIP: %s\n' "$*"
    exit 77
}

say() {
    printf '# %s\n' "$*"
}

# expect_equal WHAT EXPECTED ACTUAL
expect_equal() {
    [[ $2 == "$3" ]] || fail "$1: expected '$2', have '$3'"
}

# expect_match WHAT EXTENDED-REGULAR-EXPRESSION TEXT
expect_match() {
    grep -Eq -- "$2" <<<"$3" || fail "$1: nothing matches '$2' in: $3"
}

# expect_no_match WHAT EXTENDED-REGULAR-EXPRESSION TEXT
expect_no_match() {
    if grep -Eq -- "$2" <<<"$3"; then
        fail "$1: '$2' must not be in: $3"
    fi
}

# expect_status WHAT STATUS COMMAND...; the command's two outputs are left in EXPECT_OUTPUT.
expect_status() {
    local what=$1 wanted=$2 status=0
    shift 2
    EXPECT_OUTPUT=$("$@" 2>&1) || status=$?
    [[ $status == "$wanted" ]] || fail "$what: expected exit status $wanted, have $status: $EXPECT_OUTPUT"
}

# fixture_require PROGRAM...: skips the test where one is missing.
fixture_require() {
    local program
    for program; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

# fixture_wait_until SECONDS WHAT COMMAND...: polls until the command succeeds.
fixture_wait_until() {
    local limit=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < limit)) || fail "waited too long for $what"
        sleep 0.05
    done
}

# ---- processes and clean-up -------------------------------------------------------------------------------------------

# fixture_start NAME COMMAND...: in the background, both outputs in NAME.log; FIXTURE_PID is its process id.
fixture_start() {
    local name=$1
    shift
    "$@" >"$FIXTURE_DIRECTORY/$name.log" 2>&1 </dev/null &
    FIXTURE_PID=$!
    fixture_processes+=("$FIXTURE_PID")
}

# fixture_stop PID: ends a process of fixture_start, by force after three seconds.
fixture_stop() {
    local pid=$1 tries=60 one
    local -a others=()
    for one in "${fixture_processes[@]}"; do
        [[ $one == "$pid" ]] || others+=("$one")
    done
    fixture_processes=("${others[@]}") # its id may soon be somebody else's
    if ! kill -TERM "$pid" 2>/dev/null; then
        return 0
    fi
    while ((tries-- > 0)) && kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
    done
    if kill -0 "$pid" 2>/dev/null; then
        kill -KILL "$pid"
    fi
    wait "$pid" 2>/dev/null || return 0
}

# fixture_on_exit COMMAND...: run at the end, last one first.
fixture_on_exit() {
    fixture_cleanups+=("$(printf '%q ' "$@")")
}

fixture_end() {
    local status=$? i log
    trap - EXIT
    set +e
    if ((status != 0 && status != 77)); then
        for log in "$FIXTURE_DIRECTORY"/*.log; do
            [[ -s $log ]] && printf -- '---- %s\n' "${log##*/}" && tail -n 25 "$log"
        done >&2
    fi
    for ((i = ${#fixture_cleanups[@]} - 1; i >= 0; i--)); do
        eval "${fixture_cleanups[i]}"
    done
    while ((${#fixture_processes[@]} > 0)); do
        fixture_stop "${fixture_processes[-1]}"
    done
    if [[ ${FIXTURE_KEEP:-} == 1 ]]; then
        printf 'kept: %s\n' "$FIXTURE_DIRECTORY"
    else
        rm -rf "$FIXTURE_DIRECTORY"
    fi
    exit "$status"
}
trap fixture_end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- the TPM ----------------------------------------------------------------------------------------------------------

fixture_use_tcti() {
    export INTUNE_TPM_TCTI=$1 TPM2TOOLS_TCTI=$1 TPM2OPENSSL_TCTI=$1 TPM2_PKCS11_TCTI=$1
}

fixture_swtpm_run() {
    fixture_start "$1" swtpm socket --tpm2 --tpmstate "dir=$FIXTURE_DIRECTORY/$1" \
        --server "type=unixio,path=$FIXTURE_DIRECTORY/$1/socket,mode=0666" \
        --ctrl "type=unixio,path=$FIXTURE_DIRECTORY/$1/socket.ctrl,mode=0666" \
        --flags not-need-init,startup-clear
    SWTPM_PID=$FIXTURE_PID
    fixture_wait_until 10 "swtpm $1" test -S "$FIXTURE_DIRECTORY/$1/socket" -a -S "$FIXTURE_DIRECTORY/$1/socket.ctrl"
}

# Sets SWTPM_PID and SWTPM_SOCKET (the control channel is SWTPM_SOCKET.ctrl).
fixture_swtpm_start() {
    local name=${1:-tpm}
    mkdir -p "$FIXTURE_DIRECTORY/$name"
    SWTPM_NAME=$name
    SWTPM_SOCKET=$FIXTURE_DIRECTORY/$name/socket
    fixture_swtpm_run "$name"
    fixture_use_tcti "swtpm:path=$SWTPM_SOCKET"
}

fixture_swtpm_stop() {
    fixture_stop "$SWTPM_PID"
    rm -f "$SWTPM_SOCKET" "$SWTPM_SOCKET.ctrl"
}

# The same TPM again, after a power cycle: its persistent state is kept.
fixture_swtpm_restart() {
    fixture_swtpm_stop
    fixture_swtpm_run "$SWTPM_NAME"
}

# The proxy stands between the clients and the software TPM; each command is a line in PROXY_RECORD:
# "PID PROGRAM sent|manager COMMAND RESPONSE-CODE". Options as tpm-proxy(tests/bench) has them.
fixture_proxy_start() {
    [[ -x $TPM_PROXY ]] || fail "$TPM_PROXY is not built"
    mkdir -p "$FIXTURE_DIRECTORY/proxy"
    PROXY_RECORD=$FIXTURE_DIRECTORY/proxy/record
    : >"$PROXY_RECORD"
    fixture_start proxy "$TPM_PROXY" --listen "$FIXTURE_DIRECTORY/proxy/socket" --tpm "$SWTPM_SOCKET" \
        --record "$PROXY_RECORD" "$@"
    PROXY_PID=$FIXTURE_PID
    fixture_wait_until 10 "the TPM proxy" test -S "$FIXTURE_DIRECTORY/proxy/socket" -a -S "$FIXTURE_DIRECTORY/proxy/socket.ctrl"
    fixture_use_tcti "swtpm:path=$FIXTURE_DIRECTORY/proxy/socket"
    fixture_commands_mark
}

# Counting starts here.
fixture_commands_mark() {
    PROXY_MARK=$(wc -l <"$PROXY_RECORD")
}

# fixture_commands [sent|manager|all]: the commands since the mark, one name a line.
fixture_commands() {
    tail -n "+$((PROXY_MARK + 1))" "$PROXY_RECORD" | awk -v origin="${1:-sent}" 'origin == "all" || $3 == origin { print $4 }'
}

fixture_resource_manager_start() {
    local address=$FIXTURE_DIRECTORY/bus
    case ${1:-kernel} in
    kernel)
        fixture_proxy_start --resource-manager
        ;;
    abrmd)
        fixture_require dbus-daemon tpm2-abrmd
        fixture_start bus dbus-daemon --session --nofork --nopidfile "--address=unix:path=$address"
        fixture_wait_until 10 "the D-Bus" test -S "$address"
        export DBUS_SESSION_BUS_ADDRESS=unix:path=$address
        fixture_start abrmd tpm2-abrmd --session --allow-root "--tcti=swtpm:path=$SWTPM_SOCKET"
        fixture_use_tcti tabrmd:bus_type=session
        fixture_wait_until 10 "tpm2-abrmd" dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
            org.freedesktop.DBus.GetNameOwner string:com.intel.tss2.Tabrmd
        ;;
    *)
        fail "no resource manager is called $1"
        ;;
    esac
}

# Fails when something is left in the TPM's volatile memory; asks the software TPM itself, below any resource manager.
expect_nothing_in_tpm() {
    local kind left
    for kind in handles-transient handles-loaded-session handles-saved-session; do
        left=$(TPM2TOOLS_TCTI=swtpm:path=$SWTPM_SOCKET tpm2_getcap "$kind")
        expect_equal "${1:-left in the TPM} ($kind)" "" "$left"
    done
}

# ---- the MDE2 server and the enrolment ----------------------------------------------------------------------------------

# Options as mde-server has them; without --policy it is Federated and expects the token in MDE_TOKEN_FILE.
fixture_mde_server_start() {
    local option policy=Federated port=443
    [[ -x $MDE_SERVER ]] || fail "$MDE_SERVER is not built"
    ((EUID == 0)) || port=8442
    MDE_SERVER_HOST=EnterpriseEnrollment.$FIXTURE_DOMAIN
    MDE_SERVER_ADDRESS=$FIXTURE_ADDRESS
    MDE_SERVER_COUNT=$((${MDE_SERVER_COUNT:-0} + 1))
    MDE_SERVER_DIRECTORY=$FIXTURE_DIRECTORY/mde-$MDE_SERVER_COUNT
    MDE_TOKEN_FILE=$FIXTURE_DIRECTORY/enrolment-token
    MDE_PASSWORD_FILE=$FIXTURE_DIRECTORY/password
    mkdir -p "$MDE_SERVER_DIRECTORY"
    printf 'token-of-the-test-%s\n' "$$" >"$MDE_TOKEN_FILE"
    printf 'correct horse %s\n' "$$" >"$MDE_PASSWORD_FILE"
    chmod 600 "$MDE_TOKEN_FILE" "$MDE_PASSWORD_FILE"
    for option; do
        [[ $option != OnPremise ]] || policy=OnPremise
    done
    if [[ $policy == OnPremise ]]; then
        set -- --user "$FIXTURE_USER@$FIXTURE_DOMAIN" --password-file "$MDE_PASSWORD_FILE" "$@"
    else
        set -- --policy Federated --token-file "$MDE_TOKEN_FILE" "$@"
    fi
    fixture_start "mde-server-$MDE_SERVER_COUNT" "$MDE_SERVER" --directory "$MDE_SERVER_DIRECTORY" --listen "$FIXTURE_ADDRESS:$port" \
        --host "$MDE_SERVER_HOST" "$@"
    MDE_SERVER_PID=$FIXTURE_PID
    fixture_wait_until 20 "the MDE2 server" test -s "$MDE_SERVER_DIRECTORY/port"
    MDE_SERVER_PORT=$(<"$MDE_SERVER_DIRECTORY/port")
    MDE_SERVER_CA=$MDE_SERVER_DIRECTORY/tls-ca.crt
    MDE_SERVER_POLICY=$policy
    MDE_CLIENT_CA=$MDE_SERVER_DIRECTORY/client-ca.crt
    MDE_CLIENT_CHAIN=$MDE_SERVER_DIRECTORY/chain.crt
    MDE_DISCOVERY_URL=https://$MDE_SERVER_HOST:$MDE_SERVER_PORT/EnrollmentServer/Discovery.svc
}

fixture_mde_server_stop() {
    fixture_stop "$MDE_SERVER_PID"
}

# The options that every run of intune-enroll against the fixture's server needs, in FIXTURE_ENROLL_OPTIONS.
fixture_enroll_options() {
    export INTUNE_TPM_TOKEN_DIR=${FIXTURE_TOKEN_DIR:-$FIXTURE_DIRECTORY/token}
    FIXTURE_ENROLL_OPTIONS=(--resolve "$MDE_SERVER_HOST:$MDE_SERVER_PORT:$MDE_SERVER_ADDRESS" --ca-file "$MDE_SERVER_CA"
        --token-dir "$INTUNE_TPM_TOKEN_DIR" --tcti "$INTUNE_TPM_TCTI")
    # A container often has no machine-id; the device has to have an id all the same.
    if [[ ! -s /etc/machine-id ]]; then
        {
            echo '[device]'
            echo 'DeviceID = 0123456789ABCDEF0123456789ABCDEF'
            echo 'HWDevID = 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF'
        } >"$FIXTURE_DIRECTORY/device-profile.conf"
        FIXTURE_ENROLL_OPTIONS+=(--profile "$FIXTURE_DIRECTORY/device-profile.conf")
    fi
}

# Enrols FIXTURE_USER@FIXTURE_DOMAIN (user@contoso.test) into FIXTURE_TOKEN_DIR (default: token in the test's
# directory). Without an option that names a way to authenticate, the token or the user and password that the server
# expects are given.
fixture_enroll() {
    local option authenticated=no
    fixture_enroll_options
    for option; do
        case $option in
        --token-file* | --token-fd* | --token-command* | --username* | --auth* | --client-id* | --certificate*) authenticated=yes ;;
        esac
    done
    if [[ $authenticated == no && $MDE_SERVER_POLICY == OnPremise ]]; then
        set -- --username "$FIXTURE_USER@$FIXTURE_DOMAIN" --password-file "$MDE_PASSWORD_FILE" "$@"
    elif [[ $authenticated == no ]]; then
        set -- --token-file "$MDE_TOKEN_FILE" "$@"
    fi
    if [[ $MDE_SERVER_PORT != 443 ]]; then
        set -- --discovery-url "$MDE_DISCOVERY_URL" "$@"
    fi
    "$INTUNE_ENROLL" enroll "$FIXTURE_USER@$FIXTURE_DOMAIN" "${FIXTURE_ENROLL_OPTIONS[@]}" "$@"
}

# ---- a server that demands the certificate --------------------------------------------------------------------------------

# A TLS server certificate for server.contoso.test and FIXTURE_ADDRESS: tls/ca.crt, tls/server.crt, tls/server.key.
fixture_server_certificate() {
    local directory=$FIXTURE_DIRECTORY/tls
    [[ ! -f $directory/server.crt ]] || return 0
    mkdir -p "$directory"
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=Test server CA" \
            -keyout "$directory/ca.key" -out "$directory/ca.crt"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=server.contoso.test" \
            -keyout "$directory/server.key" -out "$directory/server.csr"
        printf 'subjectAltName=DNS:server.contoso.test,IP:%s\nextendedKeyUsage=serverAuth\n' "$FIXTURE_ADDRESS" \
            >"$directory/extensions"
        openssl x509 -req -in "$directory/server.csr" -CA "$directory/ca.crt" -CAkey "$directory/ca.key" -CAcreateserial \
            -days 2 -extfile "$directory/extensions" -out "$directory/server.crt"
    } >"$FIXTURE_DIRECTORY/server-certificate.log" 2>&1
}

fixture_port_open() {
    (exec 3<>"/dev/tcp/$1/$2")
}

fixture_nginx_configuration() {
    cat <<END
daemon off;
master_process off;
worker_processes 1;
pid $1/nginx.pid;
error_log $1/error.log info;
events { worker_connections 128; }
http {
    log_format client '\$ssl_protocol \$ssl_client_verify \$ssl_client_serial \$ssl_client_fingerprint \$ssl_client_s_dn';
    access_log $1/access.log client;
    client_body_temp_path $1/body; proxy_temp_path $1/proxy; fastcgi_temp_path $1/fastcgi; uwsgi_temp_path $1/uwsgi;
    scgi_temp_path $1/scgi;
    server {
        listen $FIXTURE_ADDRESS:$TLS_SERVER_PORT ssl;
        server_name server.contoso.test;
        ssl_protocols $2;
        ssl_certificate $FIXTURE_DIRECTORY/tls/server.crt;
        ssl_certificate_key $FIXTURE_DIRECTORY/tls/server.key;
        ssl_client_certificate $TLS_SERVER_TRUST;
        ssl_verify_client on;
        ssl_verify_depth 5;
        location / { default_type text/plain;
            return 200 "protocol=\$ssl_protocol verify=\$ssl_client_verify serial=\$ssl_client_serial fingerprint=\$ssl_client_fingerprint subject=\$ssl_client_s_dn\n"; }
    }
}
END
}

# fixture_tls_server_start [nginx|openssl] [TLSv1.2|TLSv1.3]: sets TLS_SERVER_PORT, TLS_SERVER_URL, TLS_SERVER_CA,
# TLS_SERVER_PID and TLS_SERVER_LOG, where each accepted client certificate shows. With nginx a line of the log is
# "PROTOCOL SUCCESS SERIAL SHA1-FINGERPRINT SUBJECT" and the page says the same.
fixture_tls_server_start() {
    local kind=${1:-nginx} protocol=${2:-TLSv1.3} directory
    TLS_SERVER_COUNT=$((${TLS_SERVER_COUNT:-0} + 1))
    TLS_SERVER_PORT=$((8443 + TLS_SERVER_COUNT))
    TLS_SERVER_HOST=server.contoso.test
    TLS_SERVER_URL=https://$TLS_SERVER_HOST:$TLS_SERVER_PORT/
    TLS_SERVER_CA=$FIXTURE_DIRECTORY/tls/ca.crt
    TLS_SERVER_TRUST=$FIXTURE_DIRECTORY/tls/clients-$TLS_SERVER_COUNT.crt
    fixture_server_certificate
    # Not every client sends the issuing certificates with its own.
    cat "$MDE_CLIENT_CA" "${MDE_CLIENT_CHAIN:-/dev/null}" >"$TLS_SERVER_TRUST"
    case $kind in
    nginx)
        directory=$FIXTURE_DIRECTORY/nginx-$TLS_SERVER_COUNT
        mkdir -p "$directory"
        TLS_SERVER_LOG=$directory/access.log
        fixture_nginx_configuration "$directory" "$protocol" >"$directory/nginx.conf"
        fixture_start "nginx-$TLS_SERVER_COUNT" nginx -p "$directory" -e "$directory/error.log" -c "$directory/nginx.conf"
        ;;
    openssl)
        TLS_SERVER_LOG=$FIXTURE_DIRECTORY/s_server-$TLS_SERVER_COUNT.log
        local version=-tls1_3
        [[ $protocol == TLSv1.3 ]] || version=-tls1_2
        fixture_start "s_server-$TLS_SERVER_COUNT" openssl s_server -accept "$FIXTURE_ADDRESS:$TLS_SERVER_PORT" \
            -cert "$FIXTURE_DIRECTORY/tls/server.crt" -key "$FIXTURE_DIRECTORY/tls/server.key" "$version" \
            -CAfile "$TLS_SERVER_TRUST" -Verify 5 -verify_return_error -www
        ;;
    *)
        fail "no TLS server is called $kind"
        ;;
    esac
    TLS_SERVER_PID=$FIXTURE_PID
    fixture_wait_until 10 "$kind" fixture_port_open "$FIXTURE_ADDRESS" "$TLS_SERVER_PORT"
}

# The SHA-1 fingerprint of the token's certificate, as nginx writes it: what the server's log has to show.
fixture_token_fingerprint() {
    openssl x509 -in "${1:-$INTUNE_TPM_TOKEN_DIR}/current/device.crt" -noout -fingerprint -sha1 |
        sed 's/.*=//; s/://g' | tr '[:upper:]' '[:lower:]'
}

# fixture_curl ARGUMENT...: curl to the TLS server; --cert and --key are the caller's.
fixture_curl() {
    curl --silent --show-error --max-time 30 --noproxy '*' --resolve "$TLS_SERVER_HOST:$TLS_SERVER_PORT:$FIXTURE_ADDRESS" \
        --cacert "$TLS_SERVER_CA" "$@" "$TLS_SERVER_URL"
}

# ---- p11-kit --------------------------------------------------------------------------------------------------------------

# p11-kit reads a user's modules from XDG_CONFIG_HOME, but not root's. For root the command runs in a mount namespace of its
# own where p11-kit's module directories show the test's directory alone; where none may be made, as nobody. Nothing of the
# system is touched.
fixture_p11kit_way() {
    if ((EUID != 0)); then
        echo user
    elif unshare --mount true 2>/dev/null; then
        echo namespace
    else
        echo nobody
    fi
}

# fixture_sanitizer_preload: the run-time library that a foreign program must load first for a module built with a sanitizer.
fixture_sanitizer_preload() {
    local library
    for library in libasan libtsan; do
        if ldd "$INTUNE_TPM_MODULE" 2>/dev/null | grep -q "$library\.so"; then
            gcc "-print-file-name=$library.so"
        fi
    done
}

# Writes the module file once. Nobody cannot read a build tree under /root, so the module is copied for him.
fixture_p11kit_prepare() {
    local directory=$FIXTURE_DIRECTORY/p11-kit/pkcs11/modules module=$INTUNE_TPM_MODULE
    : "${FIXTURE_P11KIT_WAY:=$(fixture_p11kit_way)}"
    [[ ! -f $directory/intune-tpm.module ]] || return 0
    mkdir -p "$directory"
    if [[ $FIXTURE_P11KIT_WAY == nobody ]]; then
        install -m 755 "$module" "$FIXTURE_DIRECTORY/p11-kit/"
        module=$FIXTURE_DIRECTORY/p11-kit/${module##*/}
    fi
    printf 'module: %s\n' "$module" >"$directory/intune-tpm.module"
    printf 'user-config: only\n' >"$FIXTURE_DIRECTORY/p11-kit/pkcs11/pkcs11.conf"
}

# A program for root: runs its arguments where p11-kit sees the modules of the directory in the first one.
# shellcheck disable=SC2016
FIXTURE_P11KIT_NAMESPACE='
    mount --bind "$1" /usr/share/p11-kit/modules || exit 125
    if [ -d /etc/pkcs11 ]; then mount -t tmpfs none /etc/pkcs11 || exit 125; fi
    shift
    exec "$@"'

fixture_p11kit() {
    local preload
    fixture_p11kit_prepare
    preload=$(fixture_sanitizer_preload)
    if [[ -n $preload ]]; then
        set -- env "LD_PRELOAD=$preload" ASAN_OPTIONS=detect_leaks=0 "$@"
    fi
    case $FIXTURE_P11KIT_WAY in
    user)
        env XDG_CONFIG_HOME="$FIXTURE_DIRECTORY/p11-kit" "$@"
        ;;
    namespace)
        unshare --mount sh -c "$FIXTURE_P11KIT_NAMESPACE" p11kit "$FIXTURE_DIRECTORY/p11-kit/pkcs11/modules" "$@"
        ;;
    nobody)
        setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ XDG_CONFIG_HOME="$FIXTURE_DIRECTORY/p11-kit" "$@"
        ;;
    esac
}
