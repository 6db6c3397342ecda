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

world_begin strongswan "$(package_version strongswan-charon)"
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

connect() {
    local server client status=0
    rm -f "$work"/{client,server}.{log,vici}
    recipe swanctl.conf >/etc/swanctl/conf.d/example.conf
    inside_unreachable
    STRONGSWAN_CONF=$work/server/strongswan.conf gateway_start "$work"/server.out charon-systemd
    server=$started
    charon-systemd >"$work"/client.out 2>&1 &
    client=$!
    wait_for 10 test -S "$work"/server.vici
    wait_for 10 test -S "$work"/client.vici
    SWANCTL_DIR=$work/server STRONGSWAN_CONF=$work/server/strongswan.conf swanctl --load-all --uri unix://"$work"/server.vici
    swanctl --load-all --noprompt --uri unix://"$work"/client.vici
    inside_reached || status=$?
    swanctl --list-sas --uri unix://"$work"/client.vici
    end_process "$client"
    end_process "$server"
    cat "$work"/client.out "$work"/client.log
    tail -n 40 "$work"/server.log
    [ "$status" = 0 ]
    grep -q "authentication of .* with $1 successful" "$work"/server.log
    grep -q "using certificate \"$(openssl x509 -in "$certificate" -noout -subject -nameopt sep_comma_plus_space | sed 's/^subject=//')\"" "$work"/server.log
}
token_use rsa
attempt rsa "IKEv2" connect 'RSA[A-Z0-9_]*'
token_use p256
attempt p256 "IKEv2" connect 'ECDSA[A-Z0-9_-]*'
world_end
