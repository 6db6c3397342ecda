#!/usr/bin/env bash
# conf/rpm/intune-tpm.spec: it parses, rpmlint has no error, and its files are those that meson installs.
# shellcheck source=tests/fixture.sh
. "$(dirname "$0")/../fixture.sh"
fixture_require rpmspec rpmlint meson
spec=$SOURCE_ROOT/conf/rpm/intune-tpm.spec

# Fedora's macros that Debian's rpm does not have; what they do at installation is left out here.
macros=(--define '_libdir LIB' --define '_unitdir UNIT' --define '_sysusersdir /usr/lib/sysusers.d' --define '_tmpfilesdir /usr/lib/tmpfiles.d'
    --define '_sharedstatedir /var/lib' --define '_sysconfdir /etc' --define '_mandir /usr/share/man' --define '_sbindir /usr/sbin'
    --define '_datadir /usr/share')
for macro in meson meson_build meson_install autosetup systemd_post systemd_preun systemd_postun_with_restart sysusers_create_compat \
    tmpfiles_create; do
    macros+=(--define "$macro true")
done
rpmspec --parse "${macros[@]}" "$spec" >"$FIXTURE_DIRECTORY/parsed"
expect_equal "version" "$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$SOURCE_ROOT/meson.build")" \
    "$(sed -n 's/^Version: *//p' "$FIXTURE_DIRECTORY/parsed")"

# A directory stands for what is below it; manual pages may be compressed.
sed -n '/^%files/,/^%changelog/p' "$FIXTURE_DIRECTORY/parsed" | sed -n 's/^%config(noreplace) //; s/^\(LIB\|UNIT\|\/\)/\1/p' | sed 's/\*$//' |
    sort >"$FIXTURE_DIRECTORY/listed"
DESTDIR=$FIXTURE_DIRECTORY/stage meson install -C "$BUILD_ROOT" --no-rebuild >"$FIXTURE_DIRECTORY/install.log" 2>&1
(cd "$FIXTURE_DIRECTORY/stage" && find . -type f) |
    sed 's|^\.||; s|^/usr/lib/[^/]*/pkcs11/|LIB/pkcs11/|; s|^\(/usr\)*/lib/systemd/system/|UNIT/|' |
    sed 's|^\(/usr/share/intune-tpm/\).*|\1|' | sort -u >"$FIXTURE_DIRECTORY/installed"
diff "$FIXTURE_DIRECTORY/installed" "$FIXTURE_DIRECTORY/listed" || fail "the package's files are not what meson installs"

shown=$(rpmlint "$spec" 2>&1) || fail "rpmlint: $shown"
expect_match "rpmlint" ' 0 errors' "$shown"
