# SPDX-License-Identifier: ISC
# With FailMode = closed, nothing for the tunnel is seen in the clear on the physical link: at no boundary of up and
# down, when either of them is killed, when the daemon is, when its link is deleted, and when its endpoint moves.
. "$(dirname -- "$0")/apply_lib.sh"
start_apply
in_ns b ip address add 10.99.0.3/24 dev out
dns="DNS = 10.77.0.53"

# What the capture is worth: a tunnel that fails open is seen to.
conf "0.0.0.0/0, ::/0" "FailMode = open"
watch
up >/dev/null 2>&1
pester
sleep 0.3
check "open: nothing leaks while it works" nothing_clear
daemon_kill
sleep 0.3
pester_stop
check "open: the capture sees it fail" test "$(clear_packets)" -gt 10
down >/dev/null 2>&1
watch_stop

conf "0.0.0.0/0, ::/0" "FailMode = closed
$dns"
count=$(operations)
watch

# blocked: one that is let is answered much sooner.
blocked()
{
    not in_ns a ping -n -q -c 2 -i 0.1 -W 0.5 10.66.0.1
}

# slow_up: pauses at each boundary, with somebody trying from the first moment at which it must not.
slow_up()
{
    rm -f "$scratch/gate"
    up --pause 50 --gate "$scratch/gate" &
    slow=$!
    wait_for 5 in_ns a nft list table inet "vpn-$interface"
    pester
    : >"$scratch/gate"
    wait $slow
}

# slow_down: likewise, up to the last moment.
slow_down()
{
    rm -f "$scratch/gate" "$scratch/steps"
    down --pause 50 --gate "$scratch/gate" --tell "$scratch/steps" &
    slow=$!
    wait_for 10 grep -qx "begin type 1 verb 2" "$scratch/steps"
    pester_stop
    : >"$scratch/gate"
    wait $slow
}

round()
{
    check "$1: up" slow_up
    check "$1: it works" internet
    $2
    sleep 0.2
    check "$1: down" slow_down
    check "$1: the filter goes last" equal "$(tail -n 2 "$scratch/steps" | tr '\n' ,)" "begin type 1 verb 2,done type 1 verb 2,"
    check "$1: nothing in the clear" nothing_clear
    : >"$scratch/clear"
}

link_deleted()
{
    in_ns a ip link delete "$interface"
    check "the link is deleted: nothing gets through" blocked
}

killed_daemon()
{
    daemon_kill
    check "the daemon is killed: nothing gets through" blocked
}

link_down()
{
    in_ns a ip link set "$interface" down
    check "the link is down: nothing gets through" blocked
}

# An answer that was on its way from the old address moves it back once.
move()
{
    wg set "$interface" peer "$(public b)" endpoint "$1"
    internet && endpoint_is a "$1"
}

moved()
{
    check "the endpoint moves: it still works" wait_for 5 move 10.99.0.3:51002
    check "the endpoint moves to IPv6: it still works" wait_for 5 move "[fd99::2]:51002"
}

round "up and down" true
round "the daemon is killed" killed_daemon
round "the link is deleted" link_deleted
round "the link is down" link_down
round "the endpoint moves" moved

# Down and up again behind the filter.
up >/dev/null 2>&1
pester
daemon_kill
check "again: down keeps the filter" down --keep-filter 1
check "again: it is known" is held
check "again: nothing gets through" blocked
check "again: an up that fails keeps it too" not up --fail 9
check "again: it is still known" is held
check "again: up" up --pause 20
check "again: it is up" is up
check "again: it works" internet
check "again: down" slow_down
check "again: nothing in the clear" nothing_clear
check "again: no filter stays" not in_ns a nft list table inet "vpn-$interface"
check "again: it is down" is down
: >"$scratch/clear"

# Killed behind the filter, an up leaves the door closed.
n=2
while [ "$n" -le "$count" ]; do
    up --kill "$n" >/dev/null 2>&1
    pester
    sleep 0.1
    pester_stop
    nothing_clear || break
    killed down --kill 2 || break
    pester
    sleep 0.1
    pester_stop
    nothing_clear && down >/dev/null 2>&1 || break
    n=$((n + 1))
done >"$scratch/killed" 2>&1
check "an up or a down that is killed: nothing in the clear" test "$n" -gt "$count"
[ "$n" -gt "$count" ] || cat "$scratch/killed"
finish
