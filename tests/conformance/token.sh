# shellcheck shell=bash
# A software TPM and a token in it made by make-token, for the scripts of this folder. Source it after the fixture.

# token_make OPTION...: sets INTUNE_TPM_TOKEN_DIR to a new token.
token_make() {
    TOKEN_COUNT=$((${TOKEN_COUNT:-0} + 1))
    export INTUNE_TPM_TOKEN_DIR=$FIXTURE_DIRECTORY/token-$TOKEN_COUNT
    "$MAKE_TOKEN" --directory "$INTUNE_TPM_TOKEN_DIR" "$@" >"$FIXTURE_DIRECTORY/make-token.log"
}

# The module may be a sanitizer's build: then foreign programs need its run-time library.
token_run() {
    local preload
    preload=$(fixture_sanitizer_preload)
    if [[ -n $preload ]]; then
        set -- env "LD_PRELOAD=$preload" ASAN_OPTIONS=detect_leaks=0 "$@"
    fi
    "$@"
}
