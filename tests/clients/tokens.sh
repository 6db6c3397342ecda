# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# Two tokens in one software TPM, RSA-2048 and P-256, enrolled by intune-enroll with the test MDM server; one of them at a
# time is the machine's. Sourced after clients.sh and site.sh.
#
#   tokens_begin        installs module and helper where `meson install` does, enrols twice; the RSA token is in use then
#   tokens_enrol_both   the same with what is installed already
#   token_use rsa|p256  from now on /var/lib/intune-tpm is this token, and these are its facts:
#     certificate       file of the device certificate
#     fingerprint       SHA-1 in lower case, as nginx writes it
#     serial            of the certificate, hexadecimal in upper case
#     uri, openvpn_id, id   as the README's recipes name the token
#   tcti                the software TPM

tokens_begin() {
    install -m 644 "$BUILD_ROOT/module/intune-tpm-pkcs11.so" "$module"
    install -m 755 "$BUILD_ROOT/enroll/intune-enroll" /usr/sbin/intune-enroll
    if [ "$way" = socket ]; then
        # shellcheck source=tests/clients/socket-service.sh
        . "$clients/socket-service.sh"
        socket_service_users
        tokens_enrol_both
        socket_service_start
    else
        tokens_enrol_both
    fi
}

tokens_enrol_both() {
    fixture_swtpm_start
    site_ca
    token_enrol rsa rsa rsa2048
    token_enrol p256 ec p256
    # From here on the configuration file says which TPM, as on a real machine; nothing is left to the environment.
    mkdir -p /etc/intune-tpm
    tcti=$INTUNE_TPM_TCTI
    printf '[tpm]\ntcti = %s\n' "$tcti" >/etc/intune-tpm/intune-tpm.conf
    unset INTUNE_TPM_TCTI INTUNE_TPM_TOKEN_DIR
    token_use rsa
}

# token_enrol NAME DEMAND CHOICE [OPTION...]: enrols into $work/token/NAME with a server whose policy demands that kind of key.
token_enrol() {
    local name=$1 choice=$3
    fixture_mde_server_start --key "$2"
    shift 3
    FIXTURE_TOKEN_DIR=$work/token/$name
    # A device of its own: the subject, which is all that some servers write down, tells the two apart.
    printf '[device]\nDeviceID = %s\n' "$(openssl rand -hex 16 | tr '[:lower:]' '[:upper:]')" >"$work/profile-$name"
    fixture_enroll --key "$choice" --profile "$work/profile-$name" "$@" >"$work/enrol-$name.log" 2>&1 ||
        { cat "$work/enrol-$name.log"; fail "enrolment of the $name token"; }
    fixture_mde_server_stop
    # The next server continues in the same directory, with the same authority.
    cat "$MDE_CLIENT_CA" "$MDE_CLIENT_CHAIN" >"$site/clients.pem"
    MDE_SERVER_COUNT=$((MDE_SERVER_COUNT - 1))
}

token_use() {
    local directory=$work/token/$1
    rm -rf /var/lib/intune-tpm
    ln -s "$directory" /var/lib/intune-tpm
    certificate=$directory/current/device.crt
    fingerprint=$(openssl x509 -in "$certificate" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g' | tr '[:upper:]' '[:lower:]')
    serial=$(openssl x509 -in "$certificate" -noout -serial | sed 's/serial=//')
    uri='pkcs11:token=intune-tpm;object=device'
    openvpn_id=$(intune-enroll show openvpn | sed -n "s/^pkcs11-id '\(.*\)'/\1/p")
    id=$(intune-enroll show strongswan | sed -n 's/^ *handle = //p' | sort -u)
}
