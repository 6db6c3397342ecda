# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the scripts, and by them
# A desktop of its own, with a person at it: browsers in real windows on a virtual X server with a window manager, keys
# typed into whatever window has the focus, and titles of windows read. Sourced after clients.sh and site.sh.
#
#   desktop_begin                        the screen, the keyboard; needs user_create before
#   window_open firefox|chromium         a new browser with an empty page; window_close ends it, and fails if it had crashed
#   window_visit                         types the site's address
#   window_reload                        F5
#   window_title REGEX [SECONDS]         waits until a window has such a title
#   window_answer TEXT                   types TEXT and Return into the dialog that asks for a PIN, and waits until that dialog is
#                                        gone; `-` cancels it
#   window_asks                          waits until there is such a dialog
#   window_confirmed firefox|chromium    a visit from its start to its end, in which the certificate is confirmed

# What the two browsers call the dialog that wants a token's PIN.
window_dialog='^(Password Required|Unlock Security Device)'

desktop_begin() {
    need Xvfb openbox xdotool
    # X servers of other tests are not seen, nor are their sockets left behind.
    mkdir -p /tmp/.X11-unix
    mount -t tmpfs -o mode=1777 tmpfs /tmp/.X11-unix
    mkfifo -m 666 "$work/display"
    as_user Xvfb -displayfd 7 -screen 0 1280x900x24 -nolisten tcp 7>"$work/display" 2>"$work/xvfb.log" &
    read -r -t 20 DISPLAY <"$work/display" || { cat "$work/xvfb.log"; fail "no X server"; }
    export DISPLAY=:$DISPLAY
    as_user openbox >"$work/openbox.log" 2>&1 &
    wait_for 10 as_user xdotool get_num_desktops
    # The page says in its title that it is the right one: titles are what a program can read off a window.
    printf '<!DOCTYPE html>\n<title>welcome</title>\n<link rel="icon" href="data:,">\nwelcome\n' >"$site/www/welcome.html"
    cat >"$work/user.js" <<'PREFERENCES'
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
PREFERENCES
}

window_open() {
    local profile=$user_home/window-$RANDOM$RANDOM
    # shellcheck disable=SC2016 # for that shell, which becomes the browser
    local started_as=(sh -c 'echo $$ >"$0"; exec "$@"' "$profile/process")
    window_end
    as_user mkdir "$profile"
    case $1 in
    firefox)
        install -m 644 "$work/user.js" "$profile/user.js"
        as_user "${started_as[@]}" firefox-esr --no-remote --profile "$profile" about:blank >"$work/window.log" 2>&1 </dev/null &
        ;;
    chromium)
        as_user "${started_as[@]}" chromium --ozone-platform=x11 --no-first-run --disable-gpu --disable-dev-shm-usage --user-data-dir="$profile" \
            about:blank >"$work/window.log" 2>&1 </dev/null &
        ;;
    esac
    window_shell=$!
    window_title 'Mozilla Firefox$|Chromium$' 30
    window_process=$(tee "$work/window.process" <"$profile/process")
    window_focus 'Mozilla Firefox$|Chromium$'
}
window_close() {
    local status=0
    if ! kill "$window_process"; then
        wait "$window_shell" || status=$?
        echo "the browser had ended, status $status"
        return 1
    fi
    wait "$window_shell" || status=$?
    echo "closed, status $status"
    [ "$status" = 0 ] || [ "$status" = 143 ]
    wait_for 10 refused window_shown .
}

# The browser of an attempt that failed is not left open in the next one.
window_end() {
    if [ -s "$work/window.process" ] && kill "$(cat "$work/window.process")" 2>/dev/null; then
        wait_for 10 refused window_shown .
    fi
}

# window_keyboard WORD...: xdotool, once more when a window went away beneath it (an error of X ends it).
window_keyboard() {
    local try
    for try in 1 2 3 4 5; do
        if as_user xdotool "$@" 2>"$work/xdotool.err"; then
            return 0
        fi
        grep -q '^X Error' "$work/xdotool.err" || break
        sleep 0.1
    done
    echo "xdotool $1, try $try: $(tail -n 1 "$work/xdotool.err")" >&2
    return 1
}

# window_shown REGEX: the ids of the windows with such a title; fails when there are none.
window_shown() {
    window_keyboard search --onlyvisible --name "$1"
}
window_title() {
    wait_for "${2-20}" window_shown "$1" || { window_titles; return 1; }
}
window_titles() {
    echo "windows: $(window_keyboard search --onlyvisible --name . getwindowname %@ | paste -sd'|')"
}
window_focus() {
    local id
    id=$(window_shown "$1" | tail -n 1)
    window_keyboard windowactivate --sync "$id"
    sleep 0.7 # a browser takes no keys within the first half second of a dialog, lest somebody typing confirms it unseen
}
window_keys() {
    printf '%s' "$1" | as_user xdotool type --file -
    window_keyboard key Return
}
window_visit() {
    window_keyboard key ctrl+l
    window_keys "https://intranet.example.com/welcome.html"
}
window_reload() {
    window_keyboard key F5
}
window_asks() {
    window_title "$window_dialog"
}
window_answer() {
    local id
    id=$(window_shown "$window_dialog" | tail -n 1)
    window_focus "$window_dialog"
    if [ "$1" = - ]; then
        window_keyboard key Escape
    else
        window_keys "$1"
    fi
    wait_for 20 refused window_dialog_shown "$id"
}
window_dialog_shown() {
    window_shown "$window_dialog" | grep -qx "$1"
}

# window_confirmed BROWSER: the site's page comes when the certificate that the browser proposes has been confirmed, once for
# all pages; only this token's came.
window_confirmed() {
    local try
    site_name intranet.example.com 127.0.0.13
    : >"$site/access.log"
    window_open "$1"
    window_visit
    sleep 2
    refused test -s "$site/access.log"
    # The question is no window of its own, so when it has come cannot be read off a title.
    for try in 1 2 3 4 5; do
        echo "Return, try $try"
        window_keyboard key Return
        if window_title '^welcome' 3; then
            break
        fi
    done
    window_title '^welcome' 1
    refused grep -v "^TLSv1.3 SUCCESS $fingerprint 200$" "$site/access.log"
    : >"$site/access.log"
    window_reload
    wait_for 10 window_came
    cat "$site/access.log"
    refused grep -v "^TLSv1.3 SUCCESS $fingerprint 200$" "$site/access.log"
    window_close
}
window_came() {
    grep -q "^TLSv1.3 SUCCESS $fingerprint 200$" "$site/access.log"
}
