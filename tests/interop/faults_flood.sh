# SPDX-License-Identifier: ISC
# More than a million garbage datagrams a minute at the listening port, some of 65,507 bytes: valid peers lose little, the
# daemon answers, its memory does not grow, and nothing of it is left afterwards.
. "$(dirname -- "$0")/lib.sh"

RATE=20000 # datagrams a second, and at least this many must leave:
LEAST=17000
SECONDS_OF_IT=8

start_test
tool interop_flood
pair
ns_new x
# The attacker has a cable of its own.
ip link add in netns "$(ns_name a)" type veth peer name in netns "$(ns_name x)"
in_ns a ip address add 10.97.0.1/24 dev in
in_ns x ip address add 10.97.0.2/24 dev in
in_ns a ip link set in up
in_ns x ip link set in up
check "the attacker reaches the host" wait_for 3 in_ns x ping -n -q -c 1 -W 1 10.97.0.1

received()
{
    in_ns a cat /proc/net/snmp | awk '/^Udp: [0-9]/ { print $2 }'
}

was=$(received)
endpoint=$(endpoint_of a)
resident=$(memory "$a_pid")
in_ns x "$tool_path" 10.97.0.1 51001 $SECONDS_OF_IT $RATE >"$scratch/sent" &
flood=$!
sleep 0.5
in_ns a ping -n -q -c 600 -i 0.01 -W 1 10.77.0.2 >"$scratch/out" &
ping=$!
timeout 20 ip netns exec "$(ns_name b)" ping -n -q -c 600 -i 0.01 -W 1 10.77.0.1 >"$scratch/in" &
ping_back=$!
slow=0
for i in 1 2 3 4 5; do
    timeout 2 wg show "$(if_name a)" >/dev/null || slow=$((slow + 1))
    sleep 0.5
done
# A peer that was never heard before: its handshake is one among the garbage.
wg set "$(if_name b)" peer "$(public a)" remove
pair_end b 2 a 1 2>/dev/null
check "a new session in the middle of it" in_ns b ping -n -q -c 1 -W 7 10.77.0.1
wait $ping
wait $ping_back
wait $flood
sent=$(cat "$scratch/sent")
grown=$(($(memory "$a_pid") - resident))

loss()
{
    loss_got=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$1")
    cat "$1"
    [ "${loss_got:-0}" -ge "$2" ]
}

arrived=$(($(received) - was))
check "$sent left in $SECONDS_OF_IT s: more than a million a minute" [ "$sent" -ge $((LEAST * SECONDS_OF_IT)) ]
check "$arrived arrived at the socket: most of them" [ "$arrived" -ge $((sent / 2)) ]
check "echo requests to the peer: at most 5 in 100 are lost" loss "$scratch/out" 570
check "echo requests from the peer, but for its new session: at most 10 in 100" loss "$scratch/in" 540
check "wg is answered within two seconds, each of $i times" [ $slow = 0 ]
check "memory grew by $grown KiB: at most the slots of a batch and the tables that are bounded" at_most "$grown" 12288
check "the endpoint did not move" endpoint_is a "$endpoint"
check "afterwards nothing is lost" pings a 10.77.0.2 50
from=$(cpu "$a_pid")
sleep 1
check "afterwards the daemon rests" at_most $(($(cpu "$a_pid") - from)) 5
check "the daemon is the same" running "$a_pid"
kill "$a_pid"
check "it ends" wait_for 3 not running "$a_pid"
check "and counted what it dropped" wait_for 3 contains "dropped" grep -E 'dropped [0-9]{5}' "$scratch/a.log"
finish
