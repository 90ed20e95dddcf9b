# SPDX-License-Identifier: ISC
# No descriptors left: at the start, that is said and nothing stays behind; later, packets go on, nothing spins, clients are
# served in turn, and all is well as soon as there are descriptors again.
. "$(dirname -- "$0")/lib.sh"

start_test
need python3 python3-minimal
need prlimit util-linux
pair
socket=/var/run/wireguard/$(if_name a).sock

# How many a process has, without what it inherited under high numbers.
count_of()
{
    find "/proc/$1/fd" -mindepth 1 \( -name '?' -o -name '??' \) | wc -l
}

count_is()
{
    [ "$(count_of "$a_pid")" = "$1" ]
}

# room NUMBER: for so many more descriptors of the daemon in a. The limit is on their numbers, which may have gaps.
room()
{
    wait_for 3 count_is "$full" # those who were served before may not have gone yet
    room_limit=0
    room_left=$1
    while [ -e "/proc/$a_pid/fd/$room_limit" ] || [ $((room_left -= 1)) -ge 0 ]; do
        room_limit=$((room_limit + 1))
    done
    prlimit --pid "$a_pid" --nofile="$room_limit:4096"
}

# starts_with NUMBER: with room for so many descriptors another daemon says what is wrong, or is ready, and then has all that
# it should have or says what is missing.
starts_with()
{
    starts_if=$(if_name c)
    : >"$scratch/few.log"
    LOG_LEVEL=verbose ip netns exec "$(ns_name a)" prlimit --nofile="$1" "$VPN_TUNNEL" -f "$starts_if" 2>"$scratch/few.log" &
    starts_pid=$!
    wait_for 5 sh -c "grep -q ready '$scratch/few.log' || ! kill -0 $starts_pid"
    starts_count=$(count_of $starts_pid 2>/dev/null)
    kill $starts_pid 2>/dev/null
    wait $starts_pid
    starts_status=$?
    cat "$scratch/few.log"
    echo "status $starts_status, $starts_count descriptors"
    [ ! -e "/var/run/wireguard/$starts_if.sock" ] && not in_ns a ip link show "$starts_if" || return 1
    if grep -q ready "$scratch/few.log"; then
        [ $starts_status = 0 ] || return 1
        [ "$starts_count" = "$full" ] && return 0
    else
        [ $starts_status = 1 ] || return 1
        refused=$((refused + 1))
    fi
    grep -q 'Too many open files' "$scratch/few.log"
}

sleep 0.3
full=$(count_of "$a_pid")
refused=0
few=4
# With fewer the program is not even loaded.
until prlimit --nofile="$few" "$VPN_TUNNEL" --version >/dev/null 2>&1 || [ "$few" = 16 ]; do
    few=$((few + 1))
done
while [ "$few" -le "$((full + 1))" ]; do
    check "a start with $few descriptors" starts_with "$few"
    few=$((few + 1))
done
check "some starts were refused" [ "$refused" -gt 5 ]

# crowd NUMBER: connections with half a request in each, for 3 s.
crowd()
{
    timeout 20 python3 "$here/uapi_client.py" crowd "$socket" "$1" &
    crowd_pid=$!
    sleep 0.7
}

# calm: over a second the daemon uses less than a fifth of a processor.
calm()
{
    calm_from=$(cpu "$a_pid")
    sleep 1
    at_most "$(($(cpu "$a_pid") - calm_from))" 20
}

room 3
crowd 60
check "room for three clients and a crowd of sixty: no spinning" calm
check "room for three clients and a crowd of sixty: data" pings a 10.77.0.2 10
check "room for three clients and a crowd of sixty: another one is served" timeout 3 wg show "$(if_name a)"
wait $crowd_pid

room 0
crowd 10
check "no room for a client: no spinning" calm
check "no room for a client: data" pings a 10.77.0.2 10
check "no room for a client: it is said" wait_for 2 contains "a client of the configuration socket has to wait: Too many open files" \
    cat "$scratch/a.log"
wait $crowd_pid
timeout 10 wg show "$(if_name a)" >"$scratch/shown" &
late=$!
sleep 0.3
room 1
wait $late
check "with room again the one that waited is served" grep -q peer "$scratch/shown"
check "no room, a crowd and room again in one log: said once" [ "$(grep -c 'has to wait' "$scratch/a.log")" -le 2 ]

port=$(wg show "$(if_name a)" listen-port)
room 2
check "no room for other sockets: another port is refused" not wg set "$(if_name a)" listen-port 51077
check "no room for other sockets: it is said" contains "cannot listen on port 51077: Too many open files" cat "$scratch/a.log"
check "no room for other sockets: the port stays" equal "$(wg show "$(if_name a)" listen-port)" "$port"
check "no room for other sockets: data" pings a 10.77.0.2
# An address that comes has the daemon look at the network, which takes descriptors.
room 0
in_ns a ip address add 10.99.0.9/24 dev out
sleep 0.8
check "no room to look at the network: data" pings a 10.77.0.2
prlimit --pid "$a_pid" --nofile=1024:4096
check "with room again: another port" wg set "$(if_name a)" listen-port 51077
check "with room again: data" pings a 10.77.0.2
check "nothing leaked" wait_for 2 count_is "$full"
check "the daemon is the same" running "$a_pid"
finish
