#!/usr/bin/env bash
# intune-enroll register and show: what is written, merged, kept, taken back and refused.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need jq modutil certutil openvpn

world_begin register "$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$source_root/meson.build")"
rm -f "$results/register" # no application; not in the matrix
results=$work/results
mkdir $results
tokens_begin
firefox=/etc/firefox/policies/policies.json
chromium=/etc/chromium/policies/managed/intune-tpm.json
administrator=/etc/pkcs11/modules/intune-tpm.module
proxy=$(pkg-config --variable=proxy_module p11-kit-1)

same() {
    if [ "$1" != "$2" ]; then
        printf 'expected: %s\nhave:     %s\n' "$1" "$2"
        return 1
    fi
}
print_changes_nothing() {
    intune-enroll register --print --url https://a.example | tee "$work"/printed
    grep -q "Firefox: $firefox would be" "$work"/printed
    [ ! -e "$firefox" ]
    [ ! -e "$chromium" ]
    [ ! -e "$administrator" ]
}
attempt - "print" print_changes_nothing

# As the README says, from nothing and back to nothing.
from_nothing() {
    intune-enroll register
    same "$(recipe firefox | jq -S .)" "$(jq -S . "$firefox")"
    [ ! -e "$administrator" ] # the installed module file does
    intune-enroll register | grep -c 'already as it should be' | grep -qx 2
    intune-enroll register --undo
    [ ! -e "$firefox" ]
}
attempt - "policy" from_nothing

# The directories that were made go again; those of a package stay, and those that others have put something into.
directories() {
    local before
    rm -rf /etc/firefox /etc/pkcs11 /etc/chromium/policies
    mkdir -p /etc/chromium
    touch /usr/bin/chromium
    before=$(find /etc -type d | sort)
    intune-enroll register --socket --url https://a.example
    [ -e "$firefox" ]
    [ -e "$chromium" ]
    [ -e "$administrator" ]
    intune-enroll register --undo
    same "$before" "$(find /etc -type d | sort)"
    intune-enroll register --socket --url https://a.example
    touch "${chromium%/*}/other.json" /etc/pkcs11/pkcs11.conf
    intune-enroll register --undo
    [ ! -e /etc/firefox ]
    same other.json "$(ls "${chromium%/*}")"
    same pkcs11.conf "$(ls /etc/pkcs11)"
    rm -r /etc/chromium/policies /etc/pkcs11
    # Without Chromium its directory is ours as well.
    rm -r /etc/chromium /usr/bin/chromium
    intune-enroll register --url https://a.example
    intune-enroll register --undo
    [ ! -e /etc/chromium ]
}
attempt - "directories" directories

merged() {
    local before
    mkdir -p "${firefox%/*}"
    printf '{ "policies": {"DisableTelemetry": true, "Certificates": {"Install": ["/x.crt"]},\n"SecurityDevices": {"Delete": ["old"]}}}\n' >"$firefox"
    chmod 640 "$firefox"
    chgrp tty "$firefox"
    before=$(jq -S . "$firefox")
    intune-enroll register
    same "640 tty" "$(stat -c '%a %G' "$firefox")"
    same "$module" "$(jq -r '.policies.SecurityDevices.Add."intune-tpm"' "$firefox")"
    same '["old"]' "$(jq -c .policies.SecurityDevices.Delete "$firefox")"
    same true "$(jq .policies.DisableTelemetry "$firefox")"
    intune-enroll register --undo
    same "$before" "$(jq -S . "$firefox")"
    # The older form, without Add.
    echo '{"policies":{"SecurityDevices":{"x":"/y"}}}' >"$firefox"
    intune-enroll register
    same "{\"x\":\"/y\",\"intune-tpm\":\"$module\"}" "$(jq -c .policies.SecurityDevices "$firefox")"
    intune-enroll register --undo
    same '{"x":"/y"}' "$(jq -c .policies.SecurityDevices "$firefox")"
}
attempt - "merge" merged

# A symbolic link stays one, and its target is what changes.
linked() {
    mkdir -p "$work"/elsewhere
    echo '{"policies":{}}' >"$work"/elsewhere/policies.json
    ln -sf "$work"/elsewhere/policies.json "$firefox"
    intune-enroll register
    [ -L "$firefox" ]
    same "$module" "$(jq -r '.policies.SecurityDevices.Add."intune-tpm"' "$work"/elsewhere/policies.json)"
    rm "$firefox"
}
attempt - "symbolic link" linked

malformed_left_alone() {
    local text
    for text in '{' '[]' '{"policies":3}' '{"policies":{"SecurityDevices":[]}}' '{"policies":{"SecurityDevices":{"Add":3}}}' \
        $'// a comment\n{}' '{"a":1} x' '{"a":"'$'\xff''"}'; do
        mkdir -p "${firefox%/*}"
        printf '%s' "$text" >"$firefox"
        refused intune-enroll register
        same "$text" "$(cat "$firefox")"
    done
    rm "$firefox"
}
attempt - "malformed" malformed_left_alone

urls() {
    local issuer
    issuer=$(openssl x509 -in "$certificate" -noout -issuer -nameopt multiline | sed -n 's/ *commonName *= //p')
    intune-enroll register --url https://a.example
    intune-enroll register --url https://a.example --url '[*.]b.example'
    same "https://a.example $issuer" "$(jq -r '.AutoSelectCertificateForUrls[0] | fromjson | .pattern + " " + .filter.ISSUER.CN' "$chromium")"
    same '[*.]b.example' "$(jq -r '.AutoSelectCertificateForUrls[1] | fromjson | .pattern' "$chromium")"
    same 2 "$(jq '.AutoSelectCertificateForUrls | length' "$chromium")"
    intune-enroll register --undo
    [ ! -e "$chromium" ]
}
attempt - "Chromium's sites" urls

ways() {
    intune-enroll register --socket
    grep -qx 'remote: unix:path=/run/intune-tpm/pkcs11' "$administrator"
    same "$proxy" "$(jq -r '.policies.SecurityDevices.Add."intune-tpm"' "$firefox")"
    intune-enroll show ssh | grep -q "PKCS11Provider $proxy"
    intune-enroll register --direct
    grep -qxF "remote: |p11-kit remote $module" "$administrator"
    same "$module" "$(jq -r '.policies.SecurityDevices.Add."intune-tpm"' "$firefox")"
    intune-enroll register --undo
    [ ! -e "$administrator" ]
    # Somebody else's file is neither overwritten nor removed.
    mkdir -p "${administrator%/*}"
    echo 'module: /some/other.so' >"$administrator"
    refused intune-enroll register --socket
    intune-enroll register --undo
    same 'module: /some/other.so' "$(cat "$administrator")"
    rm "$administrator"
}
attempt - "socket or direct" ways

# What the manual page says of --direct: p11-kit runs the module in a child of the application, whichever file was installed,
# and its remoting hands on fewer mechanisms than the module in the application has.
mechanisms() {
    p11tool --list-mechanisms 'pkcs11:token=intune-tpm' >"$work"/mechanisms
    cat "$work"/mechanisms >&2
    grep -q -w CKM_ECDSA "$work"/mechanisms
    grep -cw CKM_ECDSA_SHA256 "$work"/mechanisms || [ $? = 1 ]
}
# The remoting of 0.24 hands on fewer mechanisms, that of 0.25 all.
direct() {
    local installed=$p11_config_dir/intune-tpm.module kind remoted=0
    if dpkg --compare-versions "$(package_version p11-kit)" ge 0.25; then
        remoted=1
    fi
    same 1 "$(mechanisms)"
    for kind in direct socket; do
        cp "$source_root/conf/p11-kit/intune-tpm.module.$kind" "$installed"
        intune-enroll register --direct
        same "$remoted" "$(mechanisms)"
        intune-enroll register --undo
    done
    cp "$source_root/conf/p11-kit/intune-tpm.module.$way" "$installed"
}
token_use p256
attempt p256 "direct" direct
token_use rsa

user_database() {
    user_create person
    as_user intune-enroll register --user --print | grep -q 'would get the module'
    [ ! -e "$user_home"/.pki ]
    as_user intune-enroll register --user
    same 700 "$(stat -c %a "$user_home"/.pki/nssdb)"
    as_user modutil -dbdir sql:"$user_home"/.pki/nssdb -list intune-tpm | grep -q "Library file: $module"
    as_user certutil -L -d sql:"$user_home"/.pki/nssdb -h intune-tpm | grep -q 'intune-tpm:device'
    as_user intune-enroll register --user | grep -q already
    as_user intune-enroll register --user --undo
    refused as_user modutil -dbdir sql:"$user_home"/.pki/nssdb -list intune-tpm
    as_user intune-enroll register --user --undo | grep -q already
    # Without root the system stays as it is.
    refused as_user intune-enroll register
    [ ! -e "$firefox" ]
}
attempt - "a user's database" user_database

# Another library in its place, in the database of whoever runs it.
database_changes() {
    intune-enroll register --user
    intune-enroll register --socket >"$work"/out
    intune-enroll register --user --print | grep -q "would get the module intune-tpm, $proxy"
    intune-enroll register --user
    modutil -dbdir "sql:$HOME/.pki/nssdb" -list intune-tpm | grep -q "Library file: $proxy"
    intune-enroll register --user --undo --print | grep -q 'would lose'
    intune-enroll register --undo --print | grep -q "$administrator would be removed"
    intune-enroll register --undo >"$work"/out
    intune-enroll register --user --undo | grep -q 'no longer knows'
}
attempt - "database changes" database_changes

# What `verify` says of it, to the user who runs it.
said() {
    local status=0
    as_user intune-enroll verify --json >"$work"/verified || status=$?
    case $status in 0 | 22) ;; *) return "$status" ;; esac
    jq -r --arg name "$1" '.checks[] | select(.name == $name) | .outcome + " " + .text' "$work"/verified
}
verified() {
    local places='firefox-policy chromium-database chromium-policy' place fake=$work/fake.so
    user_name=person user_home=$work/home/person
    usermod --append --groups tss person
    for place in $places; do said "$place" | grep -q '^skipped not registered in /'; done
    intune-enroll register --url https://a.example
    as_user intune-enroll register --user
    as_user intune-enroll verify
    for place in $places; do said "$place" | grep -q '^ok '; done
    # p11-kit the other way now, which the user's database does not follow.
    intune-enroll register --socket
    said firefox-policy | grep -q "^ok .* names $proxy"
    said chromium-database | grep -q "^warning .* names $module, and not $proxy"
    intune-enroll register --undo
    said firefox-policy | grep -q '^skipped'
    # The library has gone.
    cp "$module" "$fake"
    mkdir -p "${firefox%/*}"
    echo "{\"policies\":{\"SecurityDevices\":{\"Add\":{\"intune-tpm\":\"$fake\"}}}}" >"$firefox"
    as_user modutil -force -dbdir sql:"$user_home"/.pki/nssdb -delete intune-tpm
    as_user modutil -force -dbdir sql:"$user_home"/.pki/nssdb -add intune-tpm -libfile "$fake"
    for place in firefox-policy chromium-database; do said "$place" | grep -q "^warning .* names $fake, and not $module"; done
    rm "$fake"
    for place in firefox-policy chromium-database; do said "$place" | grep -q "^failed .* names $fake, which is not there"; done
    refused as_user intune-enroll verify
    echo '[]' >"$firefox"
    said firefox-policy | grep -q '^failed .* not what Firefox expects'
    intune-enroll register --url https://a.example 2>"$work"/out || rm "$firefox"
    intune-enroll register --url https://a.example --url https://b.example
    said chromium-policy | grep -q '^ok .* has 2 sites'
    token_use p256 # of the same authority
    said chromium-policy | grep -q '^ok '
    sed -i 's/\(CN[^:]*:[^A-Za-z]*\)[^"\\]*/\1Somebody else/' "$chromium"
    said chromium-policy | grep -q '^warning .* has 2 sites for the certificate of another issuer'
    token_use rsa
    echo '{"AutoSelectCertificateForUrls":3}' >"$chromium"
    said chromium-policy | grep -q '^failed'
    rm "$chromium"
    intune-enroll register --undo
    as_user intune-enroll register --user
    as_user intune-enroll register --user --undo
}
attempt rsa "verify" verified

# Each ends with a sentence that says what is wrong, and changes nothing.
complains() {
    local words=$1
    shift
    refused "$@" 2>"$work/complaint"
    cat "$work/complaint"
    grep -q -- "$words" "$work/complaint"
}
trouble() {
    local urls=() i
    mkdir -p "${firefox%/*}"
    truncate -s 2M "$firefox"
    complains 'too large' intune-enroll register
    printf '{}\0{}' >"$firefox"
    complains 'not a text file' intune-enroll register
    rm "$firefox"
    mkdir "$firefox"
    complains "$firefox cannot be read" intune-enroll register
    rmdir "$firefox"
    rm -rf /etc/firefox
    echo file >/etc/firefox
    complains 'cannot be written' intune-enroll register
    rm /etc/firefox
    mkdir -p /etc/firefox/policies
    mount -t tmpfs -o ro tmpfs /etc/firefox/policies
    complains 'Read-only' intune-enroll register
    umount /etc/firefox/policies
    intune-enroll register --undo >"$work/out"
    mkdir -p "${chromium%/*}"
    echo '[]' >"$chromium"
    complains "$chromium is not valid JSON" intune-enroll register --url https://a.example
    rm "$chromium"
    complains 'HOME is not set' env -u HOME intune-enroll register --user
    mkdir "$work/home/nobody"
    complains 'libnss3-tools' env PATH=/nowhere HOME="$work"/home/nobody /usr/sbin/intune-enroll register --user
    echo file >"$work/home/file"
    complains 'cannot be made' env HOME="$work/home/file" intune-enroll register --user
    complains usage intune-enroll register --undo --url https://a.example
    complains usage intune-enroll register --user --url https://a.example
    complains usage intune-enroll register everything
    for i in {1..65}; do urls+=(--url "https://$i.example"); done
    complains usage intune-enroll register "${urls[@]}"
    intune-enroll register --help | grep -q usage
    intune-enroll show --help | grep -q usage
}
attempt - "trouble" trouble

# What `show` prints is what the README's recipes say, with this token's names.
shown() {
    local application line
    for application in openvpn ssh java.cfg openssl.cnf wpa_supplicant strongswan.conf swanctl.conf; do
        intune-enroll show "$(case $application in swanctl.conf) echo strongswan ;; *) echo "${application%.*}" ;; esac)" | sed 's/^ *//' >"$work"/shown
        recipe "$(case $application in ssh) echo ssh_config ;; *) echo "$application" ;; esac)" | sed 's/^ *//' |
            grep -E 'pkcs11|PKCS11|intune-tpm' | while read -r line; do
            if ! grep -qF -- "$line" "$work"/shown; then
                echo "$application: not shown: $line"
                exit 1
            fi
        done
    done
    intune-enroll show curl | diff - <(recipe curl)
    (cd /var/lib && intune-enroll show wpa_supplicant --token-dir intune-tpm) |
        diff - <(intune-enroll show wpa_supplicant --token-dir "$(realpath /var/lib/intune-tpm)")
    # All that comes out is the file.
    intune-enroll show firefox >"$work"/shown
    same "$(recipe firefox | jq -S .)" "$(jq -S . "$work"/shown)"
    # OpenVPN's own name for the certificate.
    openvpn --show-pkcs11-ids "$module" | sed -n 's/.*Serialized id: *//p' | grep -qxF -- "$openvpn_id"
}
# The line for a server is the device's key alone: whoever has one of the issuers' keys must not log in.
shown_key() {
    intune-enroll show ssh | sed -n 's/^# the line for .*: \(ssh-keygen .*\)/\1/p' >"$work"/shown
    bash -eu "$work"/shown >"$work"/authorized_keys
    openssl x509 -in "$certificate" -noout -pubkey | ssh-keygen -i -m PKCS8 -f /dev/stdin >"$work"/of_the_certificate
    cut -d" " -f1,2 "$work"/authorized_keys | diff "$work"/of_the_certificate -
}
# A user's lines and root's, pasted where nothing is yet, come to the same as what `register` does.
shown_chromium() {
    local user=$work/show-user.sh root=$work/show-root.sh
    [ -d "$work"/home/paste ] || user_create paste
    user_name=paste user_home=$work/home/paste
    intune-enroll show chromium >"$work"/shown
    sed '/^# root/,$d' "$work"/shown >"$user"
    sed -n '/^# root/,$p' "$work"/shown >"$root"
    for _ in 1 2; do # also where there is a database
        as_user bash -eu "$user"
        same 700 "$(stat -c %a "$user_home"/.pki/nssdb)"
        as_user modutil -dbdir sql:"$user_home"/.pki/nssdb -list intune-tpm | grep -q "Library file: $module"
        as_user intune-enroll register --user | grep -q already
        as_user intune-enroll register --user --undo
    done
    bash -eu "$root"
    jq -S . "$chromium" >"$work"/pasted
    rm "$chromium"
    intune-enroll register --url https://intranet.example.com
    jq -S . "$chromium" | diff - "$work"/pasted
    intune-enroll register --undo
    rm -r "$user_home"/.pki
}
show_refuses() {
    local status=0
    intune-enroll show openvpn --token-dir "$work"/nowhere || status=$?
    same 7 "$status"
    status=0
    intune-enroll show emacs || status=$?
    same 2 "$status"
    status=0
    intune-enroll register --wrong || status=$?
    same 2 "$status"
}
for key in rsa p256; do
    token_use $key
    attempt $key "show" shown
    attempt $key "show ssh's key" shown_key
    attempt $key "show chromium" shown_chromium
done
attempt - "show refuses" show_refuses
world_end
