# SPDX-License-Identifier: ISC
# bash completion of vpnctl(8)

_vpnctl_tunnels()
{
    local file
    for file in /etc/wireguard/*.conf; do
        [ -r "$file" ] && basename "$file" .conf
    done
}

_vpnctl_running()
{
    vpnctl show interfaces 2>/dev/null
}

_vpnctl()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local commands="up down plan explain audit diagnose show convert mtu genkey genpsk pubkey"
    local about="--facts --no-lookup --link-exists --interface --json --help"
    local words=
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
        return
    fi
    case $before in
    --facts | --tunnel) compopt -o default; return ;;
    --shell) words="linux macos" ;;
    --to) words="vpn wg-quick wg json uapi" ;;
    --kind) words="udp tcp udp-tcp" ;;
    --family) words="4 6" ;;
    --interface | --extra | --path | --inner | --peer | --target | --timeout) return ;;
    esac
    if [ -z "$words" ]; then
        case $command in
        up) words="--allow-hooks --no-lookup --link-exists --interface --tunnel --verbose --json --help" ;;
        down) words="--allow-hooks --interface --keep-filter --verbose --json --help" ;;
        plan) words="$about --shell --undo --write-facts --allow-hooks" ;;
        explain) words="$about to port proto uid cgroup mark from tcp udp icmp" ;;
        audit) words=$about ;;
        diagnose) words="--peer --target --passive --all --timeout --no-lookup --interface --json --help" ;;
        show)
            words="--json --keys --help"
            if [ "$COMP_CWORD" = 2 ]; then
                words="$words all interfaces $(_vpnctl_running)"
            else
                words="$words public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips
                       latest-handshakes transfer persistent-keepalive dump version cipher threads offload load state
                       sessions path-mtu handshakes packets losses drops filter flows netmap roaming"
            fi
            ;;
        convert) words="--to --keys --json --help" ;;
        mtu) words="--kind --family --extra --path --inner --json --help" ;;
        *) words="--json --help" ;;
        esac
        case $command in
        up | down | plan | explain | audit | diagnose | convert)
            words="$words $(_vpnctl_tunnels)"
            compopt -o default
            ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _vpnctl vpnctl
