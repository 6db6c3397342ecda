#!/usr/bin/env bash
# curl through OpenSSL's pkcs11 engine, which asks p11-kit for the modules.
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need curl nginx

world_begin curl "$(curl --version | sed -n '1s/^curl \([0-9.]*\).*/\1/p')"
tokens_begin
site_begin

page() {
    recipe_run curl | grep -x welcome
}
site_matrix page
world_end
