#!/usr/bin/env bash
# gnutls-cli, through p11-kit.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need gnutls-cli nginx

world_begin gnutls-cli "$(gnutls-cli --version | sed -n '1s/^gnutls-cli //p')"
tokens_begin
site_begin

page() {
    recipe_run gnutls-cli >"$work"/page
    cat "$work"/page
    grep -x welcome "$work"/page
}
site_matrix page
world_end
