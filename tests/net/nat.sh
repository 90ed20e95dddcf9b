# SPDX-License-Identifier: ISC
# NAT between the peers: a phone behind its provider's, which forgets UDP after three seconds, and a nas at home behind
# a port forward. Mappings expire, are kept alive, and move; the phone comes home, where it asks for the nas by its
# public address (hairpin), and leaves again. Each time the endpoint follows, also in the middle of a transfer.
#
#   nas -- home -- isp -- mobile -- phone
#            '------------ wifi ------'
. "$(dirname -- "$0")/net_lib.sh"
start_net
need nft nftables
need conntrack conntrack
need wireguard-go wireguard-go
ns_new nas
ns_new phone
router home isp mobile
wire nas home 10.0.5
wire home isp 192.0.2
wire mobile isp 198.51.100
wire phone mobile 100.64.1
wire phone home 10.0.1
via nas 10.0.5.2 default
via home 192.0.2.2 default
via mobile 198.51.100.2 default
keys nas phone
echo_server nas

# Nobody but who was asked gets in, and what is dropped is not answered.
in_ns home nft -f - <<END
table inet nat {
    chain in {
        type nat hook prerouting priority -100
        ip daddr 192.0.2.1 udp dport 51820 dnat ip to 10.0.5.1
    }
    chain out {
        type nat hook postrouting priority 100
        oifname isp masquerade
        ip saddr 10.0.1.0/24 oifname nas masquerade
    }
}
END
in_ns mobile nft -f - <<END
table inet nat {
    chain out {
        type nat hook postrouting priority 100
    }
    chain in {
        type filter hook input priority 0
        iifname isp meta l4proto udp drop
    }
}
END
# Not before rules made it track.
in_ns mobile sysctl -q -w net.netfilter.nf_conntrack_udp_timeout=3 net.netfilter.nf_conntrack_udp_timeout_stream=3

# mappings FIRST-LAST: those that are made from now on have a port of this range; those that exist are gone.
mappings()
{
    in_ns mobile nft -f - <<END
flush chain inet nat out
add rule inet nat out oifname isp meta l4proto udp masquerade to :$1 random
END
    in_ns mobile conntrack -F
}

mapped()
{
    contains dport=51820 in_ns mobile conntrack -L -p udp
}

# go_by LINK: the phone's default route is there, and the other link is down.
go_by()
{
    case $1 in
    mobile) in_ns phone ip link set home down ;;
    home) in_ns phone ip link set mobile down ;;
    esac
    in_ns phone ip link set "$1" up
    case $1 in
    mobile) in_ns phone ip route replace default via 100.64.1.2 ;;
    home) in_ns phone ip route replace default via 10.0.1.2 ;;
    esac
}

# phone_at ADDRESS PORT: where the nas has it, as patterns of the shell.
phone_at()
{
    # shellcheck disable=SC2254
    case $(endpoint_of nas) in $1:$2) ;; *) endpoint_of nas; return 1 ;; esac
}

# during WHAT COMMAND...: a transfer for two seconds, in the middle of which the command runs, arrives.
during()
{
    during_what=$1
    shift
    echo_tcp phone 10.77.0.1 600000 2 >"$scratch/transfer.log" 2>&1 &
    transfer=$!
    wait_for 5 test -s "$scratch/transfer.log"
    sleep 0.3
    check "$round: $during_what: in the middle of a transfer" "$@"
    check "$round: $during_what: the transfer arrives" wait $transfer
}

nas_up()
{
    tunnel_file nas <<END
[Interface]
PrivateKey = $(cat "$scratch/nas.key")
ListenPort = 51820
Address = 10.77.0.1/24

[Peer]
PublicKey = $(public phone)
AllowedIPs = 10.77.0.2/32
END
    tunnel_up nas "$1"
}

phone_up()
{
    tunnel_file phone <<END
[Interface]
PrivateKey = $(cat "$scratch/phone.key")
Address = 10.77.0.2/32

[Peer]
PublicKey = $(public nas)
AllowedIPs = 0.0.0.0/0
Endpoint = 192.0.2.1:51820
END
    tunnel_up phone "$1"
}

# begin PHONE NAS: the daemons of a round; the phone is out.
begin()
{
    go_by mobile
    mappings 41000-41999 2>"$scratch/mappings.log"
    check "$round: the nas goes up" nas_up "$2"
    check "$round: the phone goes up" phone_up "$1"
    check "$round: the phone reaches the nas" pings phone 10.77.0.1
    check "$round: the nas has it behind its provider's address" phone_at 198.51.100.1 '41???'
    check "$round: the nas reaches the phone" pings nas 10.77.0.2
}

end()
{
    check "$round: the phone goes down" tunnel_down phone
    check "$round: the nas goes down" tunnel_down nas
}

expires()
{
    check "$round: the mapping expires" wait_for 8 not mapped
    check "$round: the nas does not reach the phone any more" silent nas 10.77.0.2
    check "$round: another port is next" mappings 42000-42999
    check "$round: the phone speaks" pings phone 10.77.0.1
    check "$round: the endpoint follows to another port" phone_at 198.51.100.1 '42???'
    check "$round: the nas reaches the phone again" pings nas 10.77.0.2
}

# From now on the phone speaks each second, also when it waits for an answer that goes to a mapping which is gone.
keepalive()
{
    wg set "$(if_name phone)" peer "$(public nas)" persistent-keepalive 1
}

stays()
{
    kept=$(endpoint_of nas)
    sleep 4
    check "$round: kept alive, the nas reaches the phone" pings nas 10.77.0.2
    check "$round: kept alive, at the same port" endpoint_is nas "$kept"
}

# moved RANGE PATTERN: the mapping does, and the endpoint of the phone follows.
moved()
{
    mappings "$1" && wait_for 6 phone_at 198.51.100.1 "$2"
}

roams()
{
    go_by "$1" && wait_for 6 phone_at "$2" "$3"
}

round="vpn-tunnel to vpn-tunnel"
begin "$VPN_TUNNEL" "$VPN_TUNNEL"
expires
keepalive
stays
during "the mapping moves" moved 43000-43999 '43???'
during "the phone comes home" roams home 10.0.5.2 '*'
check "$round: at home: the nas reaches the phone" pings nas 10.77.0.2
during "the phone leaves" roams mobile 198.51.100.1 '43???'
end

round="vpn-tunnel to wireguard-go"
begin "$VPN_TUNNEL" wireguard-go
keepalive
during "the mapping moves" moved 44000-44999 '44???'
during "the phone comes home" roams home 10.0.5.2 '*'
end

round="wireguard-go to vpn-tunnel"
begin wireguard-go "$VPN_TUNNEL"
keepalive
during "the mapping moves" moved 45000-45999 '45???'
end
finish
