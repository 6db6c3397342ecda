# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# The site that the applications talk to: a CA for its servers, names, and a web server that demands the certificate
# issued by the MDM server. Sourced after clients.sh.

site=$work/site

# The CA of the site's servers goes where the administrator of a real site puts it: into the system's trust store.
site_ca() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$site"/ca.key -out "$site"/ca.crt \
        -subj '/CN=Example Site CA' -days 30 -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
    cat "$site"/ca.crt >>/etc/ssl/certs/ca-certificates.crt
    ln -sf "$site"/ca.crt "/etc/ssl/certs/$(openssl x509 -in "$site"/ca.crt -noout -hash).0"
}

# site_certificate NAME: $site/NAME.key and .crt for NAME, as servers of every kind want it.
site_certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$site/$1.key" -out "$site/$1.csr" \
        -subj "/CN=$1" 2>/dev/null
    printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,1.3.6.1.5.5.8.2.2\nkeyUsage=digitalSignature\n' "$1" >"$site/$1.ext"
    openssl x509 -req -in "$site/$1.csr" -CA "$site"/ca.crt -CAkey "$site"/ca.key -CAcreateserial -days 30 \
        -extfile "$site/$1.ext" -out "$site/$1.crt" 2>/dev/null
}

# site_name NAME ADDRESS: what NAME resolves to from now on.
site_name() {
    local hosts
    hosts=$(grep -v " $1\$" /etc/hosts)
    printf '%s\n%s %s\n' "$hosts" "$2" "$1" >/etc/hosts
}

# The web server: TLS 1.3 alone on 127.0.0.13, TLS 1.2 alone on 127.0.0.12, both on port 443. Its log says who came.
# $site/clients.pem (made by tokens_begin) has the MDM server's CA and issuing certificates.
site_begin() {
    site_certificate intranet.example.com
    mkdir -p "$site"/www
    echo 'welcome' >"$site"/www/index.html
    local version
    {
        printf 'daemon off; master_process off; error_log %s/error.log info; pid %s/nginx.pid;\n' "$site" "$site"
        printf 'events { worker_connections 256; }\nhttp {\n'
        # shellcheck disable=SC2016 # nginx's variables
        printf 'log_format who "$ssl_protocol $ssl_client_verify $ssl_client_fingerprint $status";\n'
        printf 'access_log %s/access.log who; root %s/www; keepalive_timeout 0; add_header Cache-Control no-store; client_body_temp_path %s/body;\n' "$site" "$site" "$site"
        printf 'proxy_temp_path %s/t1; fastcgi_temp_path %s/t2; uwsgi_temp_path %s/t3; scgi_temp_path %s/t4;\n' \
            "$site" "$site" "$site" "$site"
        for version in 2 3; do
            printf 'server { listen 127.0.0.1%s:443 ssl; ssl_protocols TLSv1.%s; ssl_session_cache off;\n' $version $version
            printf 'ssl_session_tickets off; ssl_certificate %s/intranet.example.com.crt;\n' "$site"
            printf 'ssl_certificate_key %s/intranet.example.com.key; ssl_client_certificate %s/clients.pem;\n' "$site" "$site"
            printf 'ssl_verify_client on; ssl_verify_depth 4; }\n'
        done
        printf '}\n'
    } >"$site"/nginx.conf
    : >"$site"/access.log
    nginx -c "$site"/nginx.conf -e "$site"/error.log 2>"$site"/nginx.err &
    wait_for 10 port_open 127.0.0.12 443
}

# site_expect VERSION COMMAND...: runs it against a web server that speaks TLS 1.VERSION alone; the server must then have
# written that this token's certificate came, over that version.
site_expect() {
    local version=$1
    shift
    site_name intranet.example.com "127.0.0.1$version"
    : >"$site"/access.log
    "$@"
    wait_for 5 test -s "$site"/access.log
    echo "server's log: $(cat "$site"/access.log)"
    grep -qx "TLSv1.$version SUCCESS $fingerprint 200" "$site"/access.log
}

# Each key and each version of TLS: COMMAND against the web server.
site_matrix() {
    local key version
    for key in rsa p256; do
        token_use $key
        for version in 3 2; do
            attempt $key "TLS 1.$version" site_expect $version "$@"
        done
    done
}
