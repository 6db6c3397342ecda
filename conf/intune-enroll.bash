# shellcheck shell=bash
# Completion of intune-enroll for bash-completion. Everything comes from the program's own table, as
# intune-enroll --list-options prints it: "COMMAND --OPTION", "COMMAND --OPTION= ARGUMENT [VALUE...]" or "COMMAND OPERAND".

_intune_enroll_list() {
    PATH=$PATH:/usr/local/sbin:/usr/sbin "${words[0]}" --list-options 2>/dev/null
}

# The value of an option, by what its line says.
_intune_enroll_value() {
    local line=() values
    read -ra line < <(_intune_enroll_list | grep "^${words[1]} $1= ")
    case ${line[2]-} in
    FILE*) _filedir ;;
    DIRECTORY) _filedir -d ;;
    COMMAND) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
    *)
        values=${line[*]:3}
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
        ;;
    esac
}

_intune_enroll() {
    local cur prev words cword split
    _init_completion -s || return
    if ((cword == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$(_intune_enroll_list | cut -d ' ' -f 1) --help --version" -- "$cur")
        return
    fi
    if [[ $prev == --* ]] && _intune_enroll_list | grep -q "^${words[1]} $prev= "; then
        _intune_enroll_value "$prev"
        return
    fi
    $split && return
    mapfile -t COMPREPLY < <(compgen -W "$(_intune_enroll_list | sed -n "s/^${words[1]} \\([^ ]*\\).*/\\1/p")" -- "$cur")
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
}

complete -F _intune_enroll intune-enroll
