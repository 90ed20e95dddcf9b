# SPDX-License-Identifier: ISC
# fish completion of vpnctl(8)

function __vpnctl_tunnels
    for file in /etc/wireguard/*.conf
        basename $file .conf
    end
end

complete -c vpnctl -n __fish_use_subcommand -f -a up -d 'bring a tunnel up'
complete -c vpnctl -n __fish_use_subcommand -f -a down -d 'take back what up did'
complete -c vpnctl -n __fish_use_subcommand -f -a plan -d 'print what a tunnel would change'
complete -c vpnctl -n __fish_use_subcommand -f -a explain -d 'tell what becomes of a packet'
complete -c vpnctl -n __fish_use_subcommand -f -a audit -d 'look for what leaks or fails'
complete -c vpnctl -n __fish_use_subcommand -f -a diagnose -d 'tell why a tunnel does not work'
complete -c vpnctl -n __fish_use_subcommand -f -a show -d 'show running interfaces'
complete -c vpnctl -n __fish_use_subcommand -f -a convert -d 'write a file in another form'
complete -c vpnctl -n __fish_use_subcommand -f -a mtu -d 'calculate what fits a path'
complete -c vpnctl -n __fish_use_subcommand -f -a genkey -d 'make a private key'
complete -c vpnctl -n __fish_use_subcommand -f -a genpsk -d 'make a preshared key'
complete -c vpnctl -n __fish_use_subcommand -f -a pubkey -d 'print the public key of a private key'

set -l about __fish_seen_subcommand_from plan explain audit
set -l change __fish_seen_subcommand_from up down plan
set -l files __fish_seen_subcommand_from up down plan explain audit diagnose convert

complete -c vpnctl -n "$files" -a '(__vpnctl_tunnels)'
complete -c vpnctl -n "$about" -l facts -r -d 'facts about the host'
complete -c vpnctl -n "__fish_seen_subcommand_from up plan explain audit diagnose" -l no-lookup -d 'do not look up names'
complete -c vpnctl -n "__fish_seen_subcommand_from up plan explain audit" -l link-exists -d 'the interface is there already'
complete -c vpnctl -n "__fish_seen_subcommand_from up down plan explain audit diagnose" -l interface -x -d 'name of the interface'
complete -c vpnctl -n "$change" -l allow-hooks -d 'run the hooks of the file'
complete -c vpnctl -n "__fish_seen_subcommand_from up" -l tunnel -r -d daemon
complete -c vpnctl -n "__fish_seen_subcommand_from up down" -l verbose -d 'tell each operation'
complete -c vpnctl -n "__fish_seen_subcommand_from down" -l keep-filter -d 'leave the packet filter'
complete -c vpnctl -n "__fish_seen_subcommand_from plan" -l shell -x -a 'linux macos' -d 'print a script'
complete -c vpnctl -n "__fish_seen_subcommand_from plan" -l undo -d 'the way down'
complete -c vpnctl -n "__fish_seen_subcommand_from plan" -l write-facts -d 'print the facts about this host'
set -l why __fish_seen_subcommand_from diagnose
complete -c vpnctl -n "$why" -l peer -x -d 'public key of the peer'
complete -c vpnctl -n "$why" -l target -x -d 'somebody behind the peer'
complete -c vpnctl -n "$why" -l passive -d 'send nothing'
complete -c vpnctl -n "$why" -l all -d 'go on after the first that is broken'
complete -c vpnctl -n "$why" -l timeout -x -d 'how long to wait, in seconds'
complete -c vpnctl -n "__fish_seen_subcommand_from explain" -f -a 'to port proto uid cgroup mark from tcp udp icmp'
complete -c vpnctl -n "__fish_seen_subcommand_from show" -f -a 'all interfaces (vpnctl show interfaces 2>/dev/null | string split " ")'
complete -c vpnctl -n "__fish_seen_subcommand_from show convert" -l keys -d 'print secrets too'
complete -c vpnctl -n "__fish_seen_subcommand_from convert" -l to -x -a 'vpn wg-quick wg json uapi' -d form
complete -c vpnctl -n "__fish_seen_subcommand_from mtu" -f -l kind -x -a 'udp tcp udp-tcp' -d encapsulation
complete -c vpnctl -n "__fish_seen_subcommand_from mtu" -l family -x -a '4 6' -d 'outer family'
complete -c vpnctl -n "__fish_seen_subcommand_from mtu" -l extra -x -d 'outer options'
complete -c vpnctl -n "__fish_seen_subcommand_from mtu" -l path -x -d 'path MTU'
complete -c vpnctl -n "__fish_seen_subcommand_from mtu" -l inner -x -d 'inner MTU'
complete -c vpnctl -l json -d 'print JSON'
complete -c vpnctl -l help -d 'print help'
