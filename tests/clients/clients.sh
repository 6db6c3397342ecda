# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# The world that a client script runs in: sourced first thing by every script of this folder.
#
# The script starts again inside namespaces of its own (mounts, network, processes), where /usr, /etc and /var are overlays and
# /run is empty. So the module stands where `meson install` puts it, the site's servers have their real names and ports,
# the site's CA is in the system's trust store, and the recipes of README.md run word for word. All of it vanishes with
# the script, whatever happens to it, and any number of scripts run at once.
#
# CLIENTS_WAY=socket: all of it through intune-tpm.socket, and what loads a module by its path takes p11-kit's proxy.
#
# A script then calls, in this order: world_begin, site_begin (if it needs the web server), tokens_begin, and `attempt`
# for each thing that must be true, and ends with world_end.
set -eu

if [ -z "${CLIENTS_WORLD-}" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "SKIP: needs root for its own mount and network namespaces"
        exit 77
    fi
    if ! unshare --mount --net --pid --fork true 2>/dev/null; then
        echo "SKIP: no mount, network and process namespaces may be made here"
        exit 77
    fi
    export CLIENTS_WORLD=1
    exec unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private -- "$0" "$@"
fi

clients=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_root=$(cd "$clients/../.." && pwd)
results=${BUILD_ROOT:-$source_root/build}/tests/clients/results
work=/run/clients

# Where Debian has things; the README's recipes name these paths.
p11_module_dir=$(pkg-config --variable=p11_module_path p11-kit-1)
p11_config_dir=$(pkg-config --variable=p11_module_configs p11-kit-1)
module=$p11_module_dir/intune-tpm-pkcs11.so
way=${CLIENTS_WAY:-direct}
if [ "$way" = socket ]; then library=$(pkg-config --variable=proxy_module p11-kit-1); else library=$module; fi

# What the README's recipes say where every token differs; the tests put their own in its place, and change nothing else.
readme_openvpn_id='IBM/SW\x20\x20\x20TPM/0123456789abcdef/intune\x2Dtpm/0123'
readme_id='handle = 0123'
openvpn_id='' id=''

# ---- the world ----

# world_begin NAME VERSION: NAME is the script's and the row's in the matrix; VERSION what was tried.
world_begin() {
    client_name=$1
    [ "$way" = direct ] || client_name=$1-$way
    client_version=$2
    failures=0
    passes=0
    mount -t tmpfs -o mode=0755 tmpfs /run
    mkdir -p $work/{overlay,home,token,site} "$results"
    chmod 0755 $work
    : >"$results/$client_name"
    local tree
    for tree in usr etc var; do
        mkdir $work/overlay/$tree $work/overlay/$tree.work
        if ! mount -t overlay overlay -o "lowerdir=/$tree,upperdir=$work/overlay/$tree,workdir=$work/overlay/$tree.work" "/$tree"; then
            echo "SKIP: no overlay over /$tree can be mounted here"
            exit 77
        fi
    done
    # The only modules that p11-kit knows: the system's trust store and ours.
    find "$p11_config_dir" -name '*.module' ! -name p11-kit-trust.module -delete
    cp "$source_root/conf/p11-kit/intune-tpm.module.$way" "$p11_config_dir/intune-tpm.module"
    export HOME=$work/home TMPDIR=$work LC_ALL=C.UTF-8
    unset SSL_CERT_FILE SSL_CERT_DIR XDG_CONFIG_HOME XDG_DATA_HOME
    ip link set lo up
    cd $work
    # shellcheck source=tests/fixture.sh
    . "$source_root/tests/fixture.sh"
    if ldd "$INTUNE_TPM_MODULE" 2>/dev/null | grep -qE 'lib(asan|tsan|ubsan)'; then
        skip "a module built with a sanitizer does not load into programs built without"
    fi
    echo "== $client_name ($client_version)"
}

# Says how it went: 0 all passed, 1 something failed, 77 there was nothing that could be tried.
world_end() {
    echo "$passes passed, $failures failed"
    [ "$failures" = 0 ] || exit 1
    [ "$passes" != 0 ] || exit 77
    exit 0
}

# need COMMAND...: without one of them the whole script is skipped.
need() {
    local command
    for command; do
        if ! command -v "$command" >/dev/null; then
            echo "SKIP: this Debian has no $command"
            exit 77
        fi
    done
}

# report PASS|FAIL|SKIP KEY WHAT [REASON]: a line here and in the matrix.
report() {
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$client_name" "$client_version" "$2" "$3" "$1" "${4-}" >>"$results/$client_name"
    printf '%-4s %-8s %-22s %s\n' "$1" "$2" "$3" "${4-}"
    case $1 in
        PASS) passes=$((passes + 1)) ;;
        FAIL) failures=$((failures + 1)) ;;
    esac
}

# attempt KEY WHAT COMMAND...: runs it to its end or its first failure, at most a minute a command; shows what it said if
# it fails. COMMAND is a function or program; what fails inside it fails it.
attempt() {
    local key=$1 what=$2 status
    shift 2
    rm -f "$work/shows"
    set +e
    (
        set -eEu
        trap 'echo "failed: $BASH_COMMAND (${FUNCNAME[0]:-}, line $LINENO)"' ERR
        "$@"
    ) >$work/attempt.out 2>&1
    status=$?
    set -e
    if [ $status = 0 ]; then
        report PASS "$key" "$what" "$(cat "$work/shows" 2>/dev/null)"
    else
        report FAIL "$key" "$what" "status $status"
        tail -n "${CLIENTS_LINES:-15}" $work/attempt.out | sed 's/^/     | /'
    fi
}

# wait_for SECONDS COMMAND...: until it succeeds; fails when it does not in time.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            echo "gave up waiting for: $*"
            return 1
        fi
        sleep 0.05
    done
}

# refused COMMAND...: true when it fails. (`! command` alone never ends a script under set -e.)
refused() {
    if "$@"; then
        echo "succeeded, and must not: $*"
        return 1
    fi
}

port_open() {
    (exec 3<>"/dev/tcp/$1/$2")
}

# ---- recipes ----

# recipe NAME: the first code block after "<!-- recipe: NAME -->" in README.md, with this token's identifiers in it,
# and the library of this way.
recipe() {
    awk -v mark="<!-- recipe: $1 -->" '
        $0 == mark { wanted = 1; next }
        wanted && /^```/ { if (inside) exit; inside = 1; next }
        inside { print }' "$source_root/README.md" >$work/recipe
    [ -s $work/recipe ] || { echo "README.md has no recipe $1" >&2; return 1; }
    local text
    text=$(cat $work/recipe)
    text=${text//"$readme_openvpn_id"/$openvpn_id}
    text=${text//"$module"/$library}
    printf '%s\n' "${text//"$readme_id"/handle = $id}"
}

# recipe_run NAME: runs it as a person would paste it.
recipe_run() {
    recipe "$1" >"$work/recipe-$1.sh"
    timeout -k 5 60 bash -eu "$work/recipe-$1.sh"
}

# package_version PACKAGE: of Debian, without epoch and revision; for what does not say its own.
package_version() {
    dpkg-query -W -f='${Version}' "$1" | sed 's/^[0-9]*://; s/[-+].*//'
}

# ---- an unprivileged user ----

# user_create NAME: an ordinary user, in no group but its own; its home is in user_home. as_user runs what it runs.
user_create() {
    user_name=$1
    user_home=$work/home/$1
    chmod 0755 $work/home
    useradd --home-dir "$user_home" --create-home --shell /bin/bash "$user_name"
}

as_user() {
    setpriv --reuid "$user_name" --regid "$user_name" --init-groups --inh-caps=-all \
        env HOME="$user_home" USER="$user_name" TMPDIR=/tmp "$@"
}
