#!/usr/bin/env bash
# ssh, and ssh-agent, with the key on the token, against sshd.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need ssh sshd ssh-agent ssh-add

world_begin ssh "$(ssh -V 2>&1 | sed 's/^OpenSSH_\([^ ,]*\).*/\1/')"
tokens_begin

mkdir -p /run/sshd $work/sshd
ssh-keygen -q -t ed25519 -N "" -f $work/sshd/host
echo "server.example.com $(cut -d" " -f1,2 $work/sshd/host.pub)" >/etc/ssh/ssh_known_hosts
cat >$work/sshd/config <<EOF
ListenAddress 127.0.0.1:22
HostKey $work/sshd/host
PidFile none
AuthorizedKeysFile $work/sshd/authorized_keys
AuthenticationMethods publickey
PermitRootLogin yes
StrictModes no
UsePAM no
LogLevel VERBOSE
EOF
"$(command -v sshd)" -D -e -f $work/sshd/config 2>$work/sshd/log &
site_name server.example.com 127.0.0.1
wait_for 10 port_open 127.0.0.1 22

# The server accepts this key alone, the one of the certificate, and its log must name it.
expect_login() {
    local print
    recipe_run ssh-keygen >"$work"/sshd/authorized_keys
    openssl x509 -in "$certificate" -noout -pubkey | ssh-keygen -i -m PKCS8 -f /dev/stdin >"$work"/sshd/of_the_certificate
    cut -d" " -f1,2 "$work"/sshd/authorized_keys | diff - "$work"/sshd/of_the_certificate
    print=$(ssh-keygen -l -f "$work"/sshd/authorized_keys | cut -d" " -f2)
    : >"$work"/sshd/log
    "$@" | grep -x "signed in"
    cat "$work"/sshd/log
    grep -q "Accepted publickey for root .* $print" "$work"/sshd/log
}
login() {
    recipe ssh_config >/etc/ssh/ssh_config.d/intune-tpm.conf
    timeout -k 5 30 ssh -o BatchMode=yes server.example.com echo signed in
    rm /etc/ssh/ssh_config.d/intune-tpm.conf
}
login_agent() {
    local status=0
    eval "$(ssh-agent)" >/dev/null
    echo | recipe_run ssh-agent
    timeout -k 5 30 ssh -o BatchMode=yes server.example.com echo signed in || status=$?
    kill "$SSH_AGENT_PID"
    return "$status"
}
for key in rsa p256; do
    token_use $key
    attempt $key "ssh" expect_login login
    attempt $key "ssh-agent" expect_login login_agent
done
world_end
