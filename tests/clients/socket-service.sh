# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# intune-tpm.socket with systemd-socket-activate in the place of systemd. What runs for each connection is read from the
# units as they are installed: command, user, groups, environment. Sourced after clients.sh; tokens_begin calls it.
service=$BUILD_ROOT/conf/intune-tpm@.service
socket=$source_root/conf/systemd/intune-tpm.socket

unit_value() {
    sed -n "s/^$2=//p" "$1"
}

# Users, groups and directories as the package makes them.
socket_service_users() {
    systemd-sysusers "$source_root/conf/systemd/intune-tpm.sysusers" 2>/dev/null
    systemd-tmpfiles --create "$source_root/conf/systemd/intune-tpm.tmpfiles"
}

# Sets signer, path, group, mode: what the units say.
socket_service_start() {
    local command
    # The TPM is for group tss alone, as /dev/tpmrm0 is.
    chgrp tss "$FIXTURE_DIRECTORY/tpm"
    chmod 0750 "$FIXTURE_DIRECTORY/tpm"
    signer=$(unit_value "$service" User)
    path=$(unit_value "$socket" ListenStream)
    group=$(unit_value "$socket" SocketGroup)
    mode=$(unit_value "$socket" SocketMode)
    read -ra command < <(unit_value "$service" ExecStart)
    env -i PATH="$PATH" "$(unit_value "$service" Environment)" \
        systemd-socket-activate --accept --inetd -l "$path" -E INTUNE_TPM_TOKEN_DIR \
        setpriv --reuid "$signer" --regid "$signer" --groups "$(unit_value "$service" SupplementaryGroups)" --no-new-privs \
        --inh-caps=-all --bounding-set=-all "${command[@]}" >"$work"/activate.log 2>&1 &
    wait_for 10 test -S "$path"
    chgrp "$group" "$path"
    chmod "$mode" "$path"
}
