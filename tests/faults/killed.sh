# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the tests
# What the two tests of killed runs share: a TPM behind a resource manager, as the kernel has one, which flushes what a
# dead process left; and what must be true afterwards. Source it after fixture.sh.

# What else verify has to call well.
KILLED_CHECKS=chain

killed_begin() {
    fixture_swtpm_start
    fixture_resource_manager_start kernel
    fixture_mde_server_start --key ec --validity 60 --mode renew=any-time
    fixture_enroll >"$FIXTURE_DIRECTORY/first.log" 2>&1
    fixture_enroll_options
    ENROL=("$INTUNE_ENROLL" enroll user@contoso.test --replace "${FIXTURE_ENROLL_OPTIONS[@]}" --token-file "$MDE_TOKEN_FILE")
    RENEW=("$INTUNE_ENROLL" renew --force "${FIXTURE_ENROLL_OPTIONS[@]}")
    expect_tidy "at first"
}

# The token is one whole generation whose key signs and whose certificate is for that key.
expect_whole() {
    local output status=0
    output=$("$INTUNE_ENROLL" verify --token-dir "$INTUNE_TPM_TOKEN_DIR" 2>&1) || status=$?
    # Without registration p11-kit does not know the module: that is another test's concern.
    [[ $status == 0 || $status == 22 ]] || fail "$1: verify: $status: $output"
    for check in token certificate certificate-matches $KILLED_CHECKS tpm key-signs enrolment permissions; do
        expect_match "$1: $check" "^OK +$check: " "$output"
    done
}

# Nothing is left but the current generation, the one before, and one key in the TPM.
expect_tidy() {
    local handles
    handles=$(tpm2_getcap handles-persistent | grep -v 0x81000001)
    expect_equal "$1: keys in the TPM" 1 "$(wc -l <<<"$handles")"
    expect_equal "$1: it is the token's" "- $(sed -n 's/^persistent-handle = //p' "$INTUNE_TPM_TOKEN_DIR/current/token.conf")" "$handles"
    expect_match "$1: files" '^(\. )?(\.\. )?(check-in.conf )?current enrollment.conf generations( state.conf)? $' \
        "$(find "$INTUNE_TPM_TOKEN_DIR" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' ')"
    (($(find "$INTUNE_TPM_TOKEN_DIR/generations" -mindepth 1 -maxdepth 1 | wc -l) <= 2)) || fail "$1: too many generations"
}

# ---- each system call that writes ----

export ASAN_OPTIONS=detect_leaks=0 # a traced process cannot look for them
# Each call in a plain build, each seventh where a sanitizer makes everything slow.
step=1
[[ -z $(fixture_sanitizer_preload) ]] || step=7
calls=(write writev pwrite64 sendto sendmsg mkdir mkdirat symlinkat renameat renameat2 unlinkat fsync fdatasync fchmod ftruncate)
trace=$(IFS=,; printf '%s' "${calls[*]}")

# killed_at CALL N COMMAND...: dies as it enters the N-th such call. Its exit status.
killed_at() {
    local call=$1 n=$2 status=0
    shift 2
    strace -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" "$@" \
        >"$FIXTURE_DIRECTORY/victim.log" 2>&1 || status=$?
    return "$status"
}

each_write() {
    local what=$1 count call n status total=0
    shift
    strace -qq -o "$FIXTURE_DIRECTORY/calls" -e "trace=$trace" "$@" >"$FIXTURE_DIRECTORY/counted.log" 2>&1
    for call in "${calls[@]}"; do
        count=$(grep -c "^$call(" "$FIXTURE_DIRECTORY/calls" || :)
        for ((n = 1; n <= count; n += step)); do
            status=0
            killed_at "$call" "$n" "$@" || status=$?
            # A run may need fewer calls than the one that was counted; then it comes to its end.
            [[ $status == 137 || $status == 0 ]] || fail "$what, $call $n: $status: $(<"$FIXTURE_DIRECTORY/victim.log")"
            expect_whole "$what, killed at $call $n"
            total=$((total + 1))
            # Every so often the next run is looked at; in between the rubbish may pile up.
            ((total % 4 != 0)) || next "$what, after $call $n" "$@"
        done
    done
    next "$what, at the end" "$@"
    ((total * step > 40)) || fail "$what: only $total calls that write were found"
    say "$what: killed at $total calls"
}

next() {
    local what=$1
    shift
    "$@" >"$FIXTURE_DIRECTORY/next.log" 2>&1 || fail "$what: the next run: $(<"$FIXTURE_DIRECTORY/next.log")"
    expect_tidy "$what"
}
