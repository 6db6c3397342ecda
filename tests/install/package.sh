#!/usr/bin/env bash
# The Debian package: built from the tree with the README's command, installed, enrolled with, removed, purged; then nothing
# of it is left on the system. All of it happens in overlays of this system that vanish with the script.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/../clients/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need dpkg-buildpackage dh dpkg curl nginx

world_begin package "$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$source_root/meson.build")"
rm -f "$results/package" # no application; not in the matrix
results=$work/results
mkdir $results $work/output

built() {
    timeout -k 5 300 "$source_root/conf/debian/build" "$work"/output
    dpkg-deb --info "$work"/output/intune-tpm_*.deb
    dpkg-deb --contents "$work"/output/intune-tpm_*.deb
}
attempt - "build" built

listing() {
    find /usr /etc /var/lib -xdev ! -type d ! -path '/var/lib/dpkg/*' ! -path '/etc/*-' ! -path '/var/lib/systemd/*' \
        ! -path '/etc/ssl/certs/*' | sort
    # What `register` makes.
    find /etc -xdev -type d \( -path '/etc/firefox*' -o -path '/etc/chromium*' -o -path '/etc/pkcs11*' \) | sort
}
rm "$p11_config_dir/intune-tpm.module"
listing >$work/before

installed() {
    dpkg --install "$work"/output/intune-tpm_*.deb
    getent passwd intune-tpm-signer
    [ -d /var/lib/intune-tpm ]
    intune-enroll --version
    intune-enroll register
}
attempt - "install" installed

# The system token, as the README's command makes it, then used by curl. The package's p11-kit file names the socket, and
# this namespace has no systemd: the direct way, as an administrator asks for it.
enrolled() {
    fixture_mde_server_start --key ec
    FIXTURE_TOKEN_DIR=/var/lib/intune-tpm INTUNE_ENROLL=/usr/sbin/intune-enroll fixture_enroll
    mkdir -p /etc/intune-tpm
    printf '[tpm]\ntcti = %s\n' "$INTUNE_TPM_TCTI" >/etc/intune-tpm/intune-tpm.conf
    cat "$MDE_CLIENT_CA" "$MDE_CLIENT_CHAIN" >"$site"/clients.pem
    intune-enroll register --direct
    certificate=/var/lib/intune-tpm/current/device.crt
    fingerprint=$(fixture_token_fingerprint /var/lib/intune-tpm)
    unset INTUNE_TPM_TCTI INTUNE_TPM_TOKEN_DIR
    site_begin
    site_expect 3 page
}
page() {
    recipe_run curl | grep -x welcome
}
fixture_swtpm_start
site_ca
unset INTUNE_TPM_MODULE # the package's own signs the request
attempt p256 "enrol and use" enrolled

removed() {
    dpkg --remove intune-tpm
    [ -e /var/lib/intune-tpm/current/device.crt ] # the enrolment stays
    [ ! -e /etc/firefox/policies/policies.json ]
    [ -e /etc/intune-tpm/intune-tpm.conf ]
    dpkg --purge intune-tpm
    listing >"$work"/after
    diff "$work"/before "$work"/after
}
attempt - "remove and purge" removed
world_end
