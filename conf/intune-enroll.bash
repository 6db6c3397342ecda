# shellcheck shell=bash
# Completion of intune-enroll for bash-completion. tests/faults/command-line compares it with the program's own table.

_intune_enroll_options() {
    case $1 in
    enroll)
        echo --token-file= --token-fd= --token-command= --token-command-timeout= --token-type= --username= --password-file= \
            --auth= --client-id= --scope= --resource= --tenant= --authority= --certificate= --certificate-key= --discovery-url= \
            --accept-redirect= --request-version= --ca-file= --resolve= --timeout= --profile= --key= --csr-ext --label= \
            --pin-file= --persistent --no-persistent --replace --resume --wait= --trace= --token-dir= --tcti= --json \
            --verbose --help
        ;;
    policy)
        echo --token-file= --token-fd= --token-command= --token-command-timeout= --token-type= --username= --password-file= \
            --auth= --client-id= --scope= --resource= --tenant= --authority= --certificate= --certificate-key= --discovery-url= \
            --accept-redirect= --request-version= --ca-file= --resolve= --timeout= --profile= --trace= --token-dir= --tcti= \
            --json --verbose --help
        ;;
    renew)
        echo --ca-file= --resolve= --timeout= --profile= --key= --csr-ext --pin-file= --persistent --no-persistent --if-due \
            --force --wait= --trace= --token-dir= --tcti= --json --verbose --help
        ;;
    status) echo --token-dir= --tcti= --json --verbose --help ;;
    verify) echo --pin-file= --token-dir= --tcti= --json --verbose --help ;;
    remove) echo --force --yes --wait= --token-dir= --tcti= --json --verbose --help ;;
    pin) echo --pin-file= --new-pin-file= --no-pin --wait= --token-dir= --tcti= --json --verbose --help ;;
    export) echo --output= --no-chain --token-dir= --json --verbose --help ;;
    register) echo --user --undo --print --url= --direct --socket --wait= --help ;;
    show) echo --token-dir= --help ;;
    esac
}

_intune_enroll() {
    local cur prev words cword split
    _init_completion -s || return
    local commands='enroll status verify renew remove pin export policy register show'

    if ((cword == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
        return
    fi
    case $prev in
    --token-file | --password-file | --certificate | --certificate-key | --ca-file | --profile | --pin-file | --new-pin-file | --output)
        _filedir
        return
        ;;
    --token-dir | --trace)
        _filedir -d
        return
        ;;
    --token-command)
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
        return
        ;;
    --auth)
        mapfile -t COMPREPLY < <(compgen -W 'auto file fd command device-code broker browser password certificate' -- "$cur")
        return
        ;;
    --key)
        mapfile -t COMPREPLY < <(compgen -W 'rsa2048 rsa3072 rsa4096 p256 p384 p521' -- "$cur")
        return
        ;;
    --token-type)
        mapfile -t COMPREPLY < <(compgen -W 'user jwt' -- "$cur")
        return
        ;;
    --tcti)
        mapfile -t COMPREPLY < <(compgen -W 'device:/dev/tpmrm0 tabrmd: swtpm:path=' -- "$cur")
        return
        ;;
    esac
    $split && return
    if [[ ${words[1]} == show && $cur != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'openvpn strongswan wpa_supplicant ssh java curl firefox chromium' -- "$cur")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$(_intune_enroll_options "${words[1]}")" -- "$cur")
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
}

complete -F _intune_enroll intune-enroll
