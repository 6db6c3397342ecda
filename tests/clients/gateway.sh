# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# A second machine for VPN and 802.1X: a network namespace "gateway" with a link to this one. Sourced after clients.sh.
#
#   this namespace  lan0 192.0.2.1  ----  192.0.2.2 lan0  gateway

gateway_begin() {
    mkdir -p /run/netns
    ip netns add gateway
    ip link add lan0 type veth peer name lan0 netns gateway
    ip addr add 192.0.2.1/24 dev lan0
    ip link set lan0 up
    ip -n gateway addr add 192.0.2.2/24 dev lan0
    ip -n gateway link set lan0 up
    ip -n gateway link set lo up
    # What must be reached through the tunnel: a page on an address that no other way leads to.
    ip -n gateway addr add 198.51.100.1/32 dev lo
    mkdir -p "$work"/inside
    echo "inside" >"$work"/inside/index.html
    ip netns exec gateway /usr/bin/python3 -m http.server --bind 198.51.100.1 --directory "$work"/inside 80 >"$work"/inside.log 2>&1 &
}

# gateway_start LOG COMMAND...: a server there, in the background; its process id is in `started`.
gateway_start() {
    local log=$1
    shift
    ip netns exec gateway "$@" >"$log" 2>&1 </dev/null &
    started=$!
}

# Without a tunnel nothing leads there.
inside_unreachable() {
    refused curl -sSf --noproxy '*' --max-time 1 -o /dev/null http://198.51.100.1/
}

# Data passes: the page that stands behind the tunnel, within 15 seconds.
inside_reached() {
    wait_for 15 curl -sSf --noproxy '*' --max-time 2 -o "$work"/inside.page http://198.51.100.1/
    grep -x inside "$work"/inside.page
}

# Ends a process that this script started, if it still runs, and waits for its end.
end_process() {
    if ! process_gone "$1"; then
        kill "$1"
        wait_for 10 process_gone "$1"
    fi
}

process_gone() {
    ! kill -0 "$1" 2>/dev/null || [ "$(cut -d' ' -f3 "/proc/$1/stat")" = Z ]
}
