#!/usr/bin/env bash
# strongSwan: IKEv2 between two network namespaces, ESP in user space (kernel-libipsec), data through the tunnel. The
# client's charon loads the module itself.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/gateway.sh
. "$clients/gateway.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need charon-systemd swanctl ip curl

world_begin strongswan "$(package_version charon-systemd)"
[ -c /dev/net/tun ] || { echo "SKIP: no /dev/net/tun"; exit 77; }
tokens_begin
gateway_begin
site_certificate vpn.example.com
site_name vpn.example.com 192.0.2.2

# Where both daemons write, and which plugins carry the traffic; the rest is the system's configuration.
daemon_settings() {
    cat <<EOF
charon-systemd {
    filelog {
        out {
            path = $1
            flush_line = yes
            default = 1
            cfg = 2
        }
    }
    journal {
        default = -1
    }
    plugins {
        vici {
            socket = unix://$2
        }
        kernel-libipsec {
            load = yes
            allow_peer_ts = yes
        }
    }
}
EOF
}

# The gateway, from a configuration of its own.
mkdir -p $work/server/{x509,x509ca,x509ocsp,x509aa,x509ac,x509crl,pubkey,private,rsa,ecdsa,bliss,pkcs8,pkcs12}
cp $site/vpn.example.com.crt $work/server/x509/
cp $site/vpn.example.com.key $work/server/private/
csplit -sz -f $work/server/x509ca/ -b '%d.crt' $site/clients.pem '/-----BEGIN CERTIFICATE-----/' '{*}'
{
    echo 'charon-systemd { load = random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey hmac kdf gcm kernel-libipsec kernel-netlink socket-default vici updown }'
    daemon_settings $work/server.log $work/server.vici
} >$work/server/strongswan.conf
cat >$work/server/swanctl.conf <<EOF
connections {
    inside {
        version = 2
        pools = clients
        local {
            auth = pubkey
            certs = vpn.example.com.crt
            id = vpn.example.com
        }
        remote {
            auth = pubkey
        }
        children {
            inside {
                local_ts = 198.51.100.0/24
            }
        }
    }
}
pools {
    clients {
        addrs = 10.8.0.0/24
    }
}
EOF

# The client, as Debian configures it, with the two recipes.
daemon_settings $work/client.log $work/client.vici >/etc/strongswan.d/test.conf
cp $site/ca.crt /etc/swanctl/x509ca/
recipe strongswan.conf >/etc/strongswan.d/intune-tpm.conf

client_swanctl() {
    swanctl "$@" --uri unix://"$work"/client.vici
}
server_swanctl() {
    SWANCTL_DIR=$work/server STRONGSWAN_CONF=$work/server/strongswan.conf swanctl "$@" --uri unix://"$work"/server.vici
}
client_start() {
    rm -f "$work"/client.{log,vici}
    charon-systemd >"$work"/client.out 2>&1 &
    client=$!
    wait_for 10 test -S "$work"/client.vici
    client_swanctl --load-all --noprompt
}
daemons_start() {
    rm -f "$work"/server.{log,vici}
    recipe swanctl.conf >/etc/swanctl/conf.d/example.conf
    inside_unreachable
    STRONGSWAN_CONF=$work/server/strongswan.conf gateway_start "$work"/server.out charon-systemd
    server=$started
    wait_for 10 test -S "$work"/server.vici
    server_swanctl --load-all
    client_start
}
daemons_end() {
    end_process "$client"
    end_process "$server"
    cat "$work"/client.out "$work"/client.log
    tail -n 40 "$work"/server.log
}

connect() {
    local server client status=0
    daemons_start
    inside_reached || status=$?
    client_swanctl --list-sas
    daemons_end
    [ "$status" = 0 ]
    grep -q "authentication of .* with $1 successful" "$work"/server.log
    grep -q "using certificate \"$(openssl x509 -in "$certificate" -noout -subject -nameopt sep_comma_plus_space | sed 's/^subject=//')\"" "$work"/server.log
}
token_use rsa
attempt rsa "IKEv2" connect 'RSA[A-Z0-9_]*'
token_use p256
attempt p256 "IKEv2" connect 'ECDSA[A-Z0-9_-]*'

# ---- renewed while it runs ----

# Whether the gateway has seen this certificate since it last forgot all that it saw. The subject is the same before and after.
gateway_saw() {
    server_swanctl --list-certs | sed -n 's/^ *serial: *//p' | tr -d : | tr '[:lower:]' '[:upper:]' | grep -qx "$1"
}
gateway_forgets() {
    server_swanctl --flush-certs
    refused gateway_saw "$serial"
}
renew() {
    old=$serial
    INTUNE_TPM_TCTI=$tcti intune-enroll renew --force --token-dir "$work/token/p256" \
        --resolve "$MDE_SERVER_HOST:$MDE_SERVER_PORT:$MDE_SERVER_ADDRESS" --ca-file "$MDE_SERVER_CA"
    token_use p256
    [ "$old" != "$serial" ]
}
sent_only() {
    gateway_saw "$1"
    refused gateway_saw "$2"
}
renewed() {
    local server client old
    daemons_start
    inside_reached
    gateway_saw "$serial"
    # It goes on with the certificate, and the key, that it loaded, also for a new connection.
    renew
    client_swanctl --terminate --ike example
    inside_unreachable
    gateway_forgets
    client_swanctl --initiate --child inside --timeout 15
    inside_reached
    sent_only "$old" "$serial"
    # Told to load everything again, it connects anew with the new one by itself.
    gateway_forgets
    client_swanctl --load-all --noprompt
    wait_for 15 gateway_saw "$serial"
    inside_reached
    sent_only "$serial" "$old"
    # The credentials alone are not enough: the connection goes on with the old certificate, whose key is not there any more.
    renew
    client_swanctl --load-creds --noprompt
    client_swanctl --terminate --ike example
    refused client_swanctl --initiate --child inside --timeout 15
    grep -q 'no private key found' "$work"/client.log
    # Started again it sends the new one.
    end_process "$client"
    gateway_forgets
    client_start
    inside_reached
    sent_only "$serial" "$old"
    daemons_end
}
fixture_mde_server_start --key ec --renew-period 366
attempt p256 "renewed" renewed
world_end
