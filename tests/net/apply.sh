# SPDX-License-Identifier: ISC
# Up and down of vpnctl's executor: a full tunnel for IPv4 and IPv6 that works and leaves nothing behind; two at once,
# twice, hooks, name servers.
. "$(dirname -- "$0")/apply_lib.sh"
start_apply

for mode in open closed; do
    conf "0.0.0.0/0, ::/0" "FailMode = $mode"
    remember
    check "$mode: up" up
    check "$mode: it is said to be up" is up
    check "$mode: IPv4 and IPv6 beyond the tunnel" internet
    check "$mode: they went through it" contains "10.66.0.1 dev $interface" in_ns a ip route get 10.66.0.1
    check "$mode: the file's peer is there" contains "$(public b)" wg show "$interface" peers
    check "$mode: the daemon hears all signals" not grep -q '^SigBlk:.*[1-9a-f]' "/proc/$(daemon_pids)/status"
    check "$mode: no key in the journal" not grep -rqF "$(cat "$scratch/a.key")" "$scratch/run"
    check "$mode: the journal is root's alone" equal "$(stat -c %a "$scratch/run/$interface.journal")" 600
    check "$mode: up again is refused, and says so" contains "is up" not up
    check "$mode: and changes nothing" internet
    check "$mode: down" down
    check "$mode: all is as before" as_before
    check "$mode: it is said to be down" is down
    check "$mode: down again is no error" down
    check "$mode: and changes nothing" as_before
done

# While one waits at its first operation, another is refused.
rm -f "$scratch/gate"
up --gate "$scratch/gate" >"$scratch/first.log" 2>&1 &
first=$!
wait_for 5 in_ns a nft list table inet "vpn-$interface"
check "two at once: the second is refused" contains "another vpnctl is at work" not down
: >"$scratch/gate"
check "two at once: the first is not disturbed" wait $first
down >/dev/null 2>&1
check "two at once: all is as before" as_before

# A request to end is a failure like any other.
rm -f "$scratch/gate"
in_ns a sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$scratch/pid" "$driver" --tunnel "$VPN_TUNNEL" --state "$scratch/run" \
    --gate "$scratch/gate" up "$file" "$interface" >"$scratch/first.log" 2>&1 &
first=$!
wait_for 5 in_ns a nft list table inet "vpn-$interface"
kill -TERM "$(cat "$scratch/pid")"
: >"$scratch/gate"
check "interrupted: it ends as asked" not wait $first
check "interrupted: all is as before" as_before

conf "0.0.0.0/0, ::/0" "PostUp = touch $scratch/hook-%i
PreDown = rm $scratch/hook-%i; touch $scratch/pre-down
PostDown = test -e $scratch/pre-down && touch $scratch/post-down"
up >/dev/null 2>&1
check "hooks: none runs unasked" not test -e "$scratch/hook-$interface"
down >/dev/null 2>&1
check "hooks: up" up --hooks
check "hooks: PostUp ran, with the name" test -e "$scratch/hook-$interface"
check "hooks: down" down --hooks
check "hooks: PreDown ran" not test -e "$scratch/hook-$interface"
check "hooks: PostDown ran after it" test -e "$scratch/post-down"
check "hooks: all is as before" as_before
conf "0.0.0.0/0, ::/0" "PostUp = false"
check "hooks: one that fails fails the up" not up --hooks
check "hooks: and all is as before" as_before

# Somebody else's link, with an address of its own, stays as it was.
daemon_up a vpn
in_ns a ip address add 10.78.0.1/24 dev "$interface"
conf "10.66.0.0/24, 10.77.0.0/24, fd66::/64" "MTU = 1300
DNS = 10.77.0.53"
remember
check "a link that is there: up" up --exists
check "a link that is there: IPv4" pings a 10.77.0.2
check "a link that is there: IPv6" pings a fd66::1
check "a link that is there: down" down
check "a link that is there: all is as before" as_before
check "a link that is there: no key stays" equal "$(wg show "$interface" private-key)" "(none)"
kill $daemon_pid
wait_for 3 not in_ns a ip link show "$interface"
wait $daemon_pid
remember

conf "0.0.0.0/0, ::/0" "DNS = 10.77.0.53, example.test"
check "a file of name servers: up" up
check "a file of name servers: ours are in it" grep -qx "nameserver 10.77.0.53" "$scratch/resolv.conf"
check "a file of name servers: and the domain" grep -qx "search example.test" "$scratch/resolv.conf"
check "a file of name servers: not the old ones" not grep -q 192.0.2.53 "$scratch/resolv.conf"
rm -rf "$scratch/run"
mkdir -m 700 "$scratch/run"
check "after a reboot: down without a journal" down
check "after a reboot: the old name servers are back" equal "$(cat "$scratch/resolv.conf")" "nameserver 192.0.2.53"
in_ns a ip link delete "$interface"
in_ns a nft flush ruleset
for family in 4 6; do
    in_ns a ip -$family rule show | grep -v -e '^0:' -e '^3276[67]:' | while IFS=: read -r priority rest; do
        in_ns a ip -$family rule delete priority "$priority"
    done
done
wait_for 3 not wg show "$interface"
in_ns a sysctl -q -w net.ipv4.conf.all.src_valid_mark=0
check "after a reboot: all is as before" as_before

up >/dev/null 2>&1
echo "nameserver 198.51.100.1" >"$scratch/resolv.conf"
down >/dev/null 2>&1
check "somebody else's name servers stay" equal "$(cat "$scratch/resolv.conf")" "nameserver 198.51.100.1"
echo "nameserver 192.0.2.53" >"$scratch/resolv.conf"

# A stand-in for the programs that look after name servers elsewhere.
mkdir "$scratch/bin"
cat >"$scratch/bin/resolvectl" <<END
#!/bin/sh
echo "\$(basename "\$0") \$*" >>"$scratch/told"
case \$1 in -a) cat >>"$scratch/told" ;; esac
END
chmod 755 "$scratch/bin/resolvectl"
cp "$scratch/bin/resolvectl" "$scratch/bin/resolvconf"
path=$PATH
PATH=$scratch/bin:$PATH
up --resolver 1 >/dev/null 2>&1
down >/dev/null 2>&1
check "systemd-resolved: what it is told" equal "$(cat "$scratch/told")" "resolvectl dns $interface 10.77.0.53
resolvectl domain $interface ~. example.test
resolvectl default-route $interface yes
resolvectl revert $interface"
rm -f "$scratch/told"
up --resolver 2 >/dev/null 2>&1
down >/dev/null 2>&1
check "resolvconf: what it is told" equal "$(cat "$scratch/told")" "resolvconf -a $interface -m 0 -x
nameserver 10.77.0.53
search example.test
resolvconf -d $interface -f"
printf '#!/bin/sh\ncase $1 in domain) exit 1 ;; esac\n' >"$scratch/bin/resolvectl"
check "systemd-resolved: when it fails, the up fails" not up --resolver 1
PATH=$path
check "systemd-resolved: and all is as before" as_before

chmod 777 "$scratch/run"
check "a directory that others can write to is refused" contains "only its user can write to" not up
chmod 700 "$scratch/run"
check "a name with a slash is refused" not drive down ../etc
finish
