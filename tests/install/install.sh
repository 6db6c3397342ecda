#!/usr/bin/env bash
# meson install into a staging tree, then the installed files used where they belong: p11-kit finds the module under its own
# name, units verify and are sandboxed, manual pages render, the completion loads, and uninstall leaves nothing.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/../clients/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need meson ninja systemd-analyze mandoc p11tool p11-kit jq

world_begin install "$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$source_root/meson.build")"
rm -f "$results/install" # no application; not in the matrix
results=$work/results
mkdir $results
stage=$work/stage

staged() {
    DESTDIR=$stage meson install -C "$BUILD_ROOT" --no-rebuild --quiet
    find "$stage" -type f | sort | sed "s,^$stage,," >"$work"/installed
    cat "$work"/installed
    local file
    for file in "$module" /usr/sbin/intune-enroll "$p11_config_dir/intune-tpm.module" \
        /lib/systemd/system/intune-tpm.socket "/lib/systemd/system/intune-tpm@.service" \
        /lib/systemd/system/intune-enroll-renew.timer /lib/systemd/system/intune-enroll-renew.service \
        /lib/systemd/system/intune-enroll-check-in.timer /lib/systemd/system/intune-enroll-check-in.service \
        /usr/lib/sysusers.d/intune-tpm.conf /usr/lib/tmpfiles.d/intune-tpm.conf \
        /usr/share/intune-tpm/intune-tpm.module.direct /usr/share/intune-tpm/intune-tpm.module.socket; do
        grep -qxF "$file" "$work"/installed
    done
    # Nothing of the build tree's path is left in what was installed.
    refused grep -rlF "$BUILD_ROOT" "$stage" --include='*.service' --include='*.module' --include='*.conf' --include='*.timer'
}
attempt - "staging" staged

# The option chooses what p11-kit reads; without a word it is the socket.
registration_option() {
    local way
    [ "$(meson introspect --buildoptions "$source_root/meson.build" | jq -r '.[] | select(.name == "registration") | .value')" = socket ]
    for way in socket direct; do
        meson setup "$work/$way" "$source_root" -Dtests=false "-Dregistration=$way"
        cp "$BUILD_ROOT/module/intune-tpm-pkcs11.so" "$work/$way/module/"
        cp "$BUILD_ROOT/enroll/intune-enroll" "$work/$way/enroll/"
        DESTDIR=$work/$way.stage meson install -C "$work/$way" --no-rebuild --quiet
        cmp "$work/$way.stage$p11_config_dir/intune-tpm.module" "$source_root/conf/p11-kit/intune-tpm.module.$way"
    done
}
attempt - "socket or direct" registration_option

# From here on the staged files stand where they belong.
# /lib is a link to /usr/lib here.
if [ -d "$stage/lib" ]; then cp -a "$stage/lib/." /usr/lib/; fi
cp -a "$stage/usr/." /usr/
cp -a "$stage/etc/." /etc/
tokens_installed() {
    p11-kit list-modules | tee "$work"/modules
    grep -qE '^(module: )?intune-tpm(: |$)' "$work"/modules
    p11tool --list-tokens | grep 'URL: .*token=intune-tpm'
    p11tool --test-sign "$uri;type=private"
}
verified() {
    cmp "$module" "$stage$module"
    cmp "$INTUNE_ENROLL" "$stage$INTUNE_ENROLL"
    intune-enroll verify
}

units() {
    local unit
    for unit in intune-tpm.socket intune-tpm@x.service intune-enroll-renew.timer intune-enroll-renew.service \
        intune-enroll-check-in.timer intune-enroll-check-in.service; do
        systemd-analyze verify --man=yes "/lib/systemd/system/$unit" >"$work"/verify 2>&1 || { cat "$work"/verify; return 1; }
        refused grep -E 'intune-(tpm|enroll)' "$work"/verify
    done
}
attempt - "units verify" units

sandboxed() {
    local status=0
    systemd-analyze security --offline=true --threshold="${2:-20}" "/lib/systemd/system/$1" >"$work/security" 2>&1 || status=$?
    tail -n 2 "$work/security"
    [ "$status" = 0 ]
}
attempt - "sandbox, socket" sandboxed intune-tpm@.service
# These may become the signed-in user, for his identity broker.
attempt - "sandbox, renewal" sandboxed intune-enroll-renew.service 22
attempt - "sandbox, check-in" sandboxed intune-enroll-check-in.service 22

sysusers() {
    systemd-sysusers
    id intune-tpm-signer
    id -nG intune-tpm-signer | grep -w tss
    getent group intune-tpm
    systemd-tmpfiles --create /usr/lib/tmpfiles.d/intune-tpm.conf
    [ "$(stat -c '%a %U' /var/lib/intune-tpm)" = "755 root" ]
}
attempt - "users, directories" sysusers

pages() {
    local page
    grep '/man/' "$work"/installed >"$work"/pages
    grep -q 'intune-enroll\.8' "$work"/pages
    grep -q 'intune-tpm-pkcs11\.' "$work"/pages
    while read -r page; do
        mandoc -T lint -W warning "$page"
        mandoc -T utf8 "$page" | sed 's/.\x08//g' | grep -qx NAME
    done <"$work"/pages
}
attempt - "manual pages" pages

completion() {
    # shellcheck disable=SC2016
    bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader intune-enroll
        complete -p intune-enroll
        COMP_WORDS=(intune-enroll re) COMP_CWORD=1 COMP_LINE="intune-enroll re" COMP_POINT=16
        $(complete -p intune-enroll | sed "s/.*-F \([^ ]*\).*/\1/") intune-enroll re intune-enroll
        printf "%s\n" "${COMPREPLY[@]}"' >"$work"/completed
    cat "$work"/completed
    grep -q 'register' "$work"/completed
    grep -q 'renew' "$work"/completed
}
attempt - "completion" completion

# The token, enrolled with the installed helper, which signs its request with the installed module; shown by p11-kit.
INTUNE_ENROLL=/usr/sbin/intune-enroll
unset INTUNE_TPM_MODULE
tokens_enrol_both
cp /usr/share/intune-tpm/intune-tpm.module.direct "$p11_config_dir/intune-tpm.module"
attempt rsa "p11-kit" tokens_installed
attempt rsa "verify" verified

uninstalled() {
    # meson's uninstall goes by the log of the last installation, which was the staged one.
    ninja -C "$BUILD_ROOT" uninstall >"$work"/uninstall.log
    [ ! -e "$stage" ]
}
attempt - "uninstall" uninstalled
world_end
