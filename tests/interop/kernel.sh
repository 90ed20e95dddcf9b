# SPDX-License-Identifier: ISC
# Tunnels between vpn-tunnel and the WireGuard of a Linux kernel that runs in a machine of its own. Three at a time: in p and
# q the sessions live until they are replaced, those that we began (p) and those that the kernel began (q). Meanwhile, in a,
# everything else is tried. Ours is port 51001, the kernel's 51002.
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/interop/guest/lib.sh
. "$(dirname -- "$0")/guest/lib.sh"

start_test
test_began=$(date +%s)
pings_long=${REKEY_PINGS:-640} # five a second
need tcpdump tcpdump
flood=$build/tests/interop_initiations
[ -x "$flood" ] || skip "$flood is not built"
guest_need

say()
{
    echo "[$(($(date +%s) - test_began)) s] $*"
}

# us_up NS, kernel_up NS: the two ends of a tunnel.
us_up()
{
    keys "$1" "k$1"
    daemon_up "$1" vpn
    addresses "$1" 1
    wg set "$(if_name "$1")" listen-port 51001 private-key "$scratch/$1.key"
}

kernel_up()
{
    guest "umask 077; echo $(cat "$scratch/k$1.key") >/run/key; ip -n $1 link add wg type wireguard &&
        ip -n $1 address add 10.77.0.2/24 dev wg && ip -n $1 address add fd77::2/64 dev wg nodad &&
        ip -n $1 link set wg up && ip netns exec $1 wg set wg listen-port 51002 private-key /run/key"
}

# us NS [WORDS], kernel NS [WORDS]: each learns of the other, with words for wg set.
us()
{
    us_ns=$1
    shift
    peer "$us_ns" "k$us_ns" 2 "$@"
}

kernel()
{
    kernel_ns=$1
    shift
    in_guest "$kernel_ns" wg set wg peer "$(public "$kernel_ns")" allowed-ips 10.77.0.1/32,fd77::1/128 "$@"
}

# Both forget the other in a, with its sessions.
forget()
{
    wg set "$(if_name a)" peer "$(public ka)" remove
    in_guest a wg set wg peer "$(public a)" remove
}

# preshare: a new preshared key, for us and for the kernel.
preshare()
{
    (umask 077 && wg genpsk >"$scratch/psk.key")
    guest "echo $(cat "$scratch/psk.key") >/run/psk"
}

kernel_pings()
{
    in_guest "$1" ping -c 3 -i 0.2 -W 5 "$2"
}

# capture NS: handshakes from now on; captured ends it; talk NS prints them.
capture()
{
    rm -f "$scratch/$1.pcap"
    ip netns exec "$(ns_name "$1")" tcpdump -n -i out --immediate-mode -U -w "$scratch/$1.pcap" \
        'udp and port 51001 and port 51002 and (udp[8] < 4 or ip6[48] < 4)' 2>"$scratch/$1.tcpdump" &
    capture_pid=$!
    wait_for 5 grep -q 'listening on' "$scratch/$1.tcpdump"
}

captured()
{
    kill -INT "$1"
    wait "$1"
}

talk()
{
    tcpdump -tt -n -x -r "$scratch/$1.pcap" 2>/dev/null | awk -f "$here/talk.awk"
}

# said NS PATTERN: lines of the handshakes that match; `51001 1` is an initiation of ours, `51002 3` a cookie of the kernel.
said()
{
    talk "$1" | grep -cE "^[0-9.]+ $2( |\$)"
}

# only NS PORT: there were initiations, and all came from this port.
only()
{
    talk "$1"
    [ "$(said "$1" "$2 1")" -gt 0 ] && [ "$(said "$1" ".* 1")" = "$(said "$1" "$2 1")" ]
}

# stream NS: pings in the background.
stream()
{
    in_ns "$1" ping -n -q -i 0.2 -W 10 -c "$pings_long" 10.77.0.2 >"$scratch/$1.ping" 2>&1 &
    stream_pid=$!
}

lossless()
{
    cat "$scratch/$1.ping"
    grep -q ' 0% packet loss' "$scratch/$1.ping"
}

ns_new p
ns_new q
ns_new a
guest_boot p q a
check "the kernel has its own WireGuard" contains "wireguard: WireGuard" guest "modprobe wireguard && dmesg"
guest "echo 'module wireguard +p' >/sys/kernel/debug/dynamic_debug/control"
for ns in p q a; do
    us_up $ns
    kernel_up $ns
done
check "wg shows the kernel's interface" contains "listening port: 51002" in_guest a wg show wg

# Sessions of 120 s, one that we began over IPv4 and one that the kernel began over IPv6.
capture p
capture_p=$capture_pid
capture q
capture_q=$capture_pid
us p endpoint 10.99.0.2:51002
kernel p
us q
kernel q endpoint '[fd99::1]:51001'
check "p: we begin: ping" pings p 10.77.0.2
check "q: the kernel begins: ping" kernel_pings q 10.77.0.1
stream p
stream_p=$stream_pid
stream q
stream_q=$stream_pid

# round FIRST FAMILY PSK: a new tunnel in a, whose first handshake FIRST (us or kernel) begins.
round()
{
    what="$1 first, IPv$2, preshared key: $3"
    forget
    [ "$2" = 4 ] && round_us=10.99.0.1 round_kernel=10.99.0.2 || round_us='[fd99::1]' round_kernel='[fd99::2]'
    round_psk_us=
    round_psk_kernel=
    if [ "$3" = yes ]; then
        round_psk_us="preshared-key $scratch/psk.key"
        round_psk_kernel='preshared-key /run/psk'
    fi
    capture a
    # Words on purpose.
    # shellcheck disable=SC2086
    if [ "$1" = us ]; then
        round_first=51001
        kernel a $round_psk_kernel
        us a endpoint "$round_kernel:51002" $round_psk_us
        check "$what: ping" pings a 10.77.0.2
        check "$what: ping from the kernel" kernel_pings a 10.77.0.1
    else
        round_first=51002
        us a $round_psk_us
        kernel a endpoint "$round_us:51001" $round_psk_kernel
        check "$what: ping from the kernel" kernel_pings a 10.77.0.1
        check "$what: ping" pings a 10.77.0.2
    fi
    check "$what: ping over IPv6" pings a fd77::2
    check "$what: ping over IPv6 from the kernel" kernel_pings a fd77::1
    check "$what: ping, full size" pings a 10.77.0.2 3 1392
    captured "$capture_pid"
    check "$what: nobody else began" only a "$round_first"
    check "$what: our endpoint of the kernel" endpoint_is a "$round_kernel:51002"
    check "$what: the kernel's endpoint of us" contains "$round_us:51001" in_guest a wg show wg endpoints
}

preshare
round us 4 no
round kernel 6 no
round us 6 yes
round kernel 4 yes
ping_line=$(in_ns a ping -n -q -c 20 -i 0.05 10.77.0.2 | tail -n 1)
say "ping through the tunnel: $ping_line"

# speed WHAT [OPTIONS FOR iperf3]: TCP for three seconds, more than a trickle. The server is away between two runs.
speed()
{
    speed_what=$1
    shift
    wait_for 10 contains ":::5201" in_guest a netstat -ltn >/dev/null
    check "iperf3, $speed_what" in_ns a iperf3 -c 10.77.0.2 -t 3 -f m --connect-timeout 5000 "$@"
    speed_figure=$(awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i ~ /bits/) print $(i - 1) }' "$scratch/check.out")
    say "iperf3, $speed_what: $speed_figure Mbit/s"
    check "iperf3, $speed_what: bytes arrived" awk -v figure="$speed_figure" 'BEGIN { exit !(figure > 0.1) }'
}

in_guest a iperf3 -s -D
speed "to the kernel"
speed "from the kernel" -R

# The key counts from the next handshake on. With a wrong one there is no tunnel, in neither role.
preshare
forget
kernel a
us a endpoint 10.99.0.2:51002 preshared-key "$scratch/psk.key"
check "only we have a preshared key: no data" not in_ns a ping -n -q -c 1 -W 2 10.77.0.2
forget
us a preshared-key "$scratch/psk.key"
(umask 077 && wg genpsk >"$scratch/psk.key")
kernel a endpoint 10.99.0.1:51001 preshared-key /run/psk
check "both have the key: ping" kernel_pings a 10.77.0.1
forget
us a preshared-key "$scratch/psk.key"
kernel a endpoint 10.99.0.1:51001 preshared-key /run/psk
check "we have another key: no data" not in_guest a ping -c 1 -W 2 10.77.0.1
guest "echo $(cat "$scratch/psk.key") >/run/psk"
kernel a preshared-key /run/psk
check "the kernel learns it: ping" wait_for 12 in_ns a ping -n -q -c 1 -W 1 10.77.0.2

# Each moves, and the other follows what is authentic.
guest "ip -n a address del 10.99.0.2/24 dev out; ip -n a address add 10.99.0.32/24 dev out"
check "the kernel moved and spoke: ping" kernel_pings a 10.77.0.1
check "the kernel moved: our endpoint follows" endpoint_is a 10.99.0.32:51002
check "the kernel moved: ping from us" pings a 10.77.0.2
in_guest a wg set wg listen-port 51012
check "the kernel's port changed: ping" kernel_pings a 10.77.0.1
check "the kernel's port changed: our endpoint follows" endpoint_is a 10.99.0.32:51012
in_ns a ip address del 10.99.0.1/24 dev out
in_ns a ip address add 10.99.0.31/24 dev out
check "we moved, and the kernel heard of it without traffic" \
    wait_for 8 contains 10.99.0.31:51001 in_guest a wg show wg endpoints
check "we moved: ping from the kernel" kernel_pings a 10.77.0.1
check "we moved: ping" pings a 10.77.0.2
kernel a endpoint '[fd99::1]:51001'
check "the kernel went over to IPv6: ping" kernel_pings a 10.77.0.1
check "the kernel went over to IPv6: our endpoint follows" endpoint_is a '[fd99::2]:51012'
in_ns a ip address del 10.99.0.31/24 dev out
in_ns a ip address add 10.99.0.1/24 dev out
guest "ip -n a address del 10.99.0.32/24 dev out; ip -n a address add 10.99.0.2/24 dev out"
in_guest a wg set wg listen-port 51002

# flood_on WHOM ADDRESS:PORT BURST PAUSE: from a third address, until flood_off, which sets flood_drew and flood_opened.
flood_on()
{
    ip netns exec "$(ns_name a)" "$flood" "$(public "$1")" "${2%:*}" "${2#*:}" 10.99.0.9 "$3" "$4" >"$scratch/flood.out" 2>&1 &
    flood_pid=$!
    sleep 1
}

flood_off()
{
    kill "$flood_pid"
    wait "$flood_pid"
    flood_drew=$(sed -n 's/.*replies \([0-9]*\).*/\1/p' "$scratch/flood.out")
    flood_opened=$(sed -n 's/.*opened \([0-9]*\).*/\1/p' "$scratch/flood.out")
}

# cookies NS FIRST OTHER: port FIRST began without mac2, OTHER sent a cookie, then FIRST used it and was answered.
cookies()
{
    talk "$1"
    talk "$1" | awk -v first="$2" -v other="$3" '
        step == 0 && $2 == first && $3 == 1 && $4 == "" { step = 1 }
        step == 1 && $2 == other && $3 == 3 { step = 2 }
        step == 2 && $2 == first && $3 == 1 && $4 == "mac2" { step = 3 }
        step == 3 && $2 == other && $3 == 2 { step = 4 }
        END { exit step != 4 }'
}

# A queue of thousands is what puts the kernel under load; more than a thousand in a second, what puts us there.
in_ns a ip address add 10.99.0.9/24 dev out
in_ns a ip link set out txqueuelen 10000
sleep 1
forget
kernel a
capture a
flood_on ka 10.99.0.2:51002 3000 700
us a endpoint 10.99.0.2:51002
check "the kernel is flooded, and we come through" wait_for 25 in_ns a ping -n -q -c 1 -W 1 10.77.0.2
check "the flood goes on" running "$flood_pid"
flood_off
captured "$capture_pid"
say "flooding the kernel: $(cat "$scratch/flood.out")"
check "the kernel sent cookies" [ "$flood_drew" -ge 100 ]
check "all of them open" [ "$flood_drew" = "$flood_opened" ]
check "we used the kernel's cookie" cookies a 51001 51002

forget
us a
capture a
# Without the limit on messages, which the flood before has used up.
guest "sysctl -q -w net.core.message_cost=0 && dmesg -c" >/dev/null
flood_on a 10.99.0.1:51001 200 50
kernel a endpoint 10.99.0.1:51001
check "we are flooded, and the kernel comes through" wait_for 25 in_guest a ping -c 1 -W 1 10.77.0.1
check "the flood goes on" running "$flood_pid"
flood_off
captured "$capture_pid"
say "flooding us: $(cat "$scratch/flood.out")"
check "we say that we are under load" grep -q load-on "$scratch/a.log"
check "we sent cookies" [ "$flood_drew" -ge 100 ]
check "all of them open" [ "$flood_drew" = "$flood_opened" ]
check "the kernel says that it got one" contains "Receiving cookie response" guest dmesg
check "the kernel says of none that it does not open" not contains "invalid cookie response" guest dmesg
check "the kernel used our cookie" cookies a 51002 51001

say "waiting for the long sessions"
wait "$stream_p" "$stream_q"
captured "$capture_p"
captured "$capture_q"

# rekeyed NS FIRST OTHER: port FIRST began, and again after 120 s, with a few seconds for what is repeated; OTHER never did.
rekeyed()
{
    talk "$1"
    talk "$1" | awk -v first="$2" -v other="$3" '
        $3 != 1 { next }
        begun == "" { begun = $1 }
        $2 == other || ($1 > begun + 15 && $1 < begun + 119.5) { wrong = 1 }
        $2 == first && $1 >= begun + 119.5 { again = 1 }
        END { exit wrong || !again }'
}

check "p: nothing was lost" lossless p
check "q: nothing was lost" lossless q
check "p: we made the new session" rekeyed p 51001 51002
check "q: the kernel made the new session" rekeyed q 51002 51001
check "the machine is still up" running "$guest_pid"
say "done"
finish
