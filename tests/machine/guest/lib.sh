# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034,SC2086 # set by the agent and lib.sh, for each other; paths without blanks
# What the stages share: expectations, the MDM server in a network namespace of its own, the system's enrolment.
build=/usr/src/intune-tpm/build
domain=contoso.example
server_name=enterpriseenrollment.$domain
server_address=192.0.2.1
server_directory=/var/lib/machine-tests/mdm
token=/var/lib/intune-tpm

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# expect WHAT EXPECTED ACTUAL
expect() {
    [[ $2 == "$3" ]] || fail "$1: expected '$2', have '$3'"
}

# wait_until SECONDS WHAT COMMAND...
wait_until() {
    local limit=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < limit)) || fail "waited too long for $what"
        sleep 0.2
    done
}

# A namespace with the MDM server in it, and a pair of interfaces between it and the machine.
server_network() {
    ip netns list | grep -qw mdm && return 0
    ip netns add mdm
    ip link add mdm0 type veth peer name eth0 netns mdm
    ip address add 192.0.2.2/24 dev mdm0
    ip link set mdm0 up
    ip -n mdm address add $server_address/24 dev eth0
    ip -n mdm link set eth0 up
    ip -n mdm link set lo up
    grep -q $server_name /etc/hosts || printf '%s %s\n' $server_address $server_name >>/etc/hosts
}

# server_start OPTION...: the MDM test server as a unit of its own; its authorities are kept over restarts.
server_start() {
    server_network
    mkdir -p $server_directory
    [[ -s $server_directory/token ]] || printf 'token-of-the-machine\n' >$server_directory/token
    chmod 600 $server_directory/token
    rm -f $server_directory/port
    systemd-run --quiet --collect --unit mdm-server --property NetworkNamespacePath=/run/netns/mdm \
        $build/tests/mde-server/mde-server --directory $server_directory --listen $server_address:443 --host $server_name \
        --policy Federated --token-file $server_directory/token "$@"
    wait_until 60 "the MDM server" test -s $server_directory/port
}

server_stop() {
    systemctl stop mdm-server
}

# enrol OPTION...
enrol() {
    intune-enroll enroll "user@$domain" --token-file $server_directory/token --ca-file $server_directory/tls-ca.crt "$@"
}

# sign_with TOKEN-DIRECTORY [OPENSSL-PROVIDER...]: a signature by the module itself, checked with the certificate.
sign_once() {
    local directory=${1:-$token} uri
    uri=$(INTUNE_TPM_TOKEN_DIR=$directory p11tool --provider "$(module_path)" --list-token-urls | head -n 1)
    INTUNE_TPM_TOKEN_DIR=$directory p11tool --provider "$(module_path)" --test-sign "$uri;object=device;type=private" 2>&1 | tee /dev/stderr |
        grep -q 'Verifying against public key in the token... ok'
}

module_path() {
    printf '%s/intune-tpm-pkcs11.so\n' "$(pkg-config --variable=p11_module_path p11-kit-1)"
}


lockout_counter() {
    tpm2_getcap properties-variable -T device:/dev/tpmrm0 | awk '/LOCKOUT_COUNTER/ { print $2 }'
}

# Executed TPM commands, those of the kernel's resource manager among them, counted by a probe in its driver.
commands_count_begin() {
    mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
    if [[ ! -d /sys/kernel/tracing/events/kprobes/tpm_executed ]]; then
        echo 'p:tpm_executed tpm_transmit' >/sys/kernel/tracing/kprobe_events
    fi
    echo 1 >/sys/kernel/tracing/events/kprobes/tpm_executed/enable
    echo >/sys/kernel/tracing/trace
}

commands_count() {
    grep -c tpm_executed: /sys/kernel/tracing/trace
}
