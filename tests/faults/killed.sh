# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the tests
# What the two tests of killed runs share: a TPM behind a resource manager, as the kernel has one, which flushes what a
# dead process left; and what must be true afterwards. Source it after fixture.sh.

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
    for check in token certificate certificate-matches chain tpm key-signs enrolment permissions; do
        expect_match "$1: $check" "^OK +$check: " "$output"
    done
}

# Nothing is left but the current generation, the one before, and one key in the TPM.
expect_tidy() {
    local handles
    handles=$(tpm2_getcap handles-persistent | grep -v 0x81000001)
    expect_equal "$1: keys in the TPM" 1 "$(wc -l <<<"$handles")"
    expect_equal "$1: it is the token's" "- $(sed -n 's/^persistent-handle = //p' "$INTUNE_TPM_TOKEN_DIR/current/token.conf")" "$handles"
    expect_match "$1: files" '^(\. )?(\.\. )?current enrollment.conf generations( state.conf)? $' \
        "$(find "$INTUNE_TPM_TOKEN_DIR" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' ')"
    (($(find "$INTUNE_TPM_TOKEN_DIR/generations" -mindepth 1 -maxdepth 1 | wc -l) <= 2)) || fail "$1: too many generations"
}
