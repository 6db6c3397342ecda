#!/usr/bin/env bash
# wget (GnuTLS, through p11-kit).
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need wget nginx

world_begin wget "$(wget --version | sed -n '1s/^GNU Wget \([0-9.]*\).*/\1/p')"
tokens_begin
site_begin

page() {
    recipe_run wget | grep -x welcome
}
site_matrix page
world_end
