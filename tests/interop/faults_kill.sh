# SPDX-License-Identifier: ISC
# kill -9 at any time: the next daemon takes over what was left behind, peers go on with it, and whoever waited is told. What
# restart.sh measures, the time that the other side takes by itself, is not repeated here.
. "$(dirname -- "$0")/lib.sh"

start_test
need python3 python3-minimal
tool interop_inject.so
pair
socket=/var/run/wireguard/$(if_name a).sock

# dies PID: at once, as if the power had gone.
dies()
{
    kill -9 "$1"
    wait "$1" 2>/dev/null
    wait_for 3 not running "$1"
}

has_clients()
{
    [ "$(find "/proc/$a_pid/fd" -mindepth 1 | wc -l)" -ge $((descriptors + $1)) ]
}

# The daemon in the background, and its process in $a_pid.
background()
{
    timeout 10 ip netns exec "$(ns_name a)" "$VPN_TUNNEL" "$(if_name a)" >"$scratch/said" 2>&1 || return 1
    for background_pid in $(ip netns pids "$(ns_name a)"); do
        [ "$(cat "/proc/$background_pid/comm")" != vpn-tunnel ] || a_pid=$background_pid
    done
}

rounds=0
for round in 1 2 3 4 5 6; do
    dies "$a_pid"
    [ -S "$socket" ] && background && pair_end a 1 b 2 && pings a 10.77.0.2 2 >/dev/null && pings b 10.77.0.1 2 >/dev/null &&
        rounds=$((rounds + 1))
done
check "killed and restarted at once, the socket left behind: $rounds of $round times both sides carry" [ $rounds = 6 ]

dies "$a_pid"
dies "$b_pid"
daemon_up b vpn
b_pid=$daemon_pid
pair_end b 2 a 1
check "both killed: the restart" background
pair_end a 1 b 2
check "both killed and restarted: data" pings b 10.77.0.1

# In the middle of a request, of an answer, and of traffic.
descriptors=$(find "/proc/$a_pid/fd" -mindepth 1 | wc -l)
timeout 20 python3 "$here/uapi_client.py" half "$socket" 15 &
half=$!
timeout 20 python3 "$here/uapi_client.py" slow "$socket" 20000 0 &
slow=$!
ip netns exec "$(ns_name a)" ping -n -q -i 0.002 -w 20 10.77.0.2 >/dev/null 2>&1 &
ping=$!
check "with clients and traffic: they are there" wait_for 10 has_clients 2
dies "$a_pid"
from=$(date +%s)
wait $half
check "with clients and traffic: a client in the middle of a request is let go" [ $? = 0 ]
wait $slow
check "with clients and traffic: a client in the middle of an answer is let go" [ $? = 0 ]
check "with clients and traffic: at once" at_most $(($(date +%s) - from)) 5
check "with clients and traffic: wg is not kept waiting" not timeout 2 wg show "$(if_name a)"
check "with clients and traffic: the restart" background
pair_end a 1 b 2
check "with clients and traffic: data" pings a 10.77.0.2
kill $ping

# An interface that outlives its daemon is taken over as it is.
kill "$a_pid"
wait_for 3 not test -e "$socket"
in_ns a ip tuntap add mode tun name "$(if_name a)"
check "an interface that stays: the start" background
pair_end a 1 b 2
check "an interface that stays: data" pings a 10.77.0.2
dies "$a_pid"
check "an interface that stays: it is there after kill -9" in_ns a ip link show "$(if_name a)"
check "an interface that stays: the restart" background
peer a b 2 endpoint 10.99.0.2:51002 # its addresses are still there
check "an interface that stays: data again" pings a 10.77.0.2
check "an interface that stays: packets are not doubled" not contains DUP! in_ns a ping -n -c 3 -i 0.05 10.77.0.2
kill "$a_pid"
wait_for 3 not test -e "$socket"
in_ns a ip link del "$(if_name a)"

# During the start: the command ends too, and says so.
head -c 8192 /dev/zero >"$scratch/plan"
printf '1 listen kill 1 1\n' | dd of="$scratch/plan" conv=notrunc status=none
INJECT=$scratch/plan LD_PRELOAD=$tool_path timeout 10 ip netns exec "$(ns_name a)" "$VPN_TUNNEL" "$(if_name a)" \
    >"$scratch/said" 2>&1
check "killed during the start: the status of the command is 1" [ $? = 1 ]
check "killed during the start: it is said" contains "was killed by signal 9 before it was ready" cat "$scratch/said"
check "killed during the start: the interface is gone" wait_for 3 not in_ns a ip link show "$(if_name a)"
check "killed during the start: the restart" background
pair_end a 1 b 2
check "killed during the start: data" pings a 10.77.0.2

# wg removes the file of a socket at which nobody listens; the one of a daemon that is slow to start must not be such.
kill "$a_pid"
wait_for 3 not test -e "$socket"
printf '2 listen late 1 1\n' | dd of="$scratch/plan" conv=notrunc status=none
preload=$tool_path
export INJECT="$scratch/plan"
daemon_up a vpn
unset INJECT
preload=
a_pid=$daemon_pid
check "asked before it listens: it answers afterwards" timeout 2 wg show "$(if_name a)"
pair_end a 1 b 2
check "asked before it listens: data" pings a 10.77.0.2

# Stopped for a while is not dead: nothing else may take its place, and it goes on.
kill -STOP "$a_pid"
check "stopped: a second daemon is refused" not timeout 5 ip netns exec "$(ns_name a)" "$VPN_TUNNEL" "$(if_name a)"
kill -CONT "$a_pid"
check "continued: data" pings a 10.77.0.2
check "continued: wg" timeout 2 wg show "$(if_name a)"
finish
