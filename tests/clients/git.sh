#!/usr/bin/env bash
# git over https (libcurl with GnuTLS, through p11-kit).
set -eu
# shellcheck source=tests/clients/clients.sh
. "$(dirname "$0")/clients.sh"
# shellcheck source=tests/clients/site.sh
. "$clients/site.sh"
# shellcheck source=tests/clients/tokens.sh
. "$clients/tokens.sh"
need git nginx

world_begin git "$(git --version | sed 's/git version //')"
tokens_begin
site_begin

# A repository that a plain web server can serve.
git init -q --bare $site/www/project.git
git init -q $work/project
echo "of the site" >$work/project/file
git -C $work/project add file
git -C $work/project -c user.name=A -c user.email=a@example.com commit -qm first
git -C $work/project push -q $site/www/project.git HEAD:main
git -C $site/www/project.git symbolic-ref HEAD refs/heads/main
git -C $site/www/project.git update-server-info

clone() {
    rm -rf "$work"/clone
    mkdir "$work"/clone
    cd "$work"/clone
    recipe_run git
    grep -x "of the site" project/file
}

# git makes several requests; each of them must have come with the certificate.
clone_expect() {
    site_name intranet.example.com "127.0.0.1$1"
    : >"$site"/access.log
    clone
    cat "$site"/access.log
    grep -q "SUCCESS $fingerprint 200" "$site"/access.log
    refused grep -v "^TLSv1.$1 SUCCESS $fingerprint " "$site"/access.log
}
for key in rsa p256; do
    token_use $key
    for version in 3 2; do
        attempt $key "TLS 1.$version" clone_expect $version
    done
done
world_end
