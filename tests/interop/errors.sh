# SPDX-License-Identifier: ISC
# What goes wrong at the start is said in words that a person can act on, and the status is not 0.
. "$(dirname -- "$0")/lib.sh"

start_test
need python3 python3-minimal
ns_new a
interface=$(if_name a)

# says STATUS TEXT COMMAND...: in the namespace; also that nothing stays behind.
says()
{
    says_status=$1
    says_text=$2
    shift 2
    in_ns a "$@" >"$scratch/said" 2>&1
    says_got=$?
    cat "$scratch/said"
    echo "status $says_got"
    [ "$says_got" = "$says_status" ] && grep -qF -- "$says_text" "$scratch/said"
}

clean()
{
    ! in_ns a ip link show "$interface" && [ ! -e "/var/run/wireguard/$interface.sock" ]
}

check "--help" says 0 "usage: vpn-tunnel" "$VPN_TUNNEL" --help
check "--version" says 0 "vpn-tunnel 0." "$VPN_TUNNEL" --version
check "an unknown option" says 2 "unknown option --frobnicate" "$VPN_TUNNEL" --frobnicate "$interface"
check "an unknown option: where to look" says 2 "Try 'vpn-tunnel --help'" "$VPN_TUNNEL" -x
check "a mode that is none" says 2 "--path-mtu is off, errors or probe; not sometimes" "$VPN_TUNNEL" --path-mtu sometimes "$interface"
check "no mode" says 2 "--path-mtu needs a word" "$VPN_TUNNEL" "$interface" --path-mtu
check "no interface" says 2 "which interface?" "$VPN_TUNNEL"
check "two interfaces" says 2 "one interface only" "$VPN_TUNNEL" "$interface" other
check "a long name" says 2 "longer than 15 characters" "$VPN_TUNNEL" sixteen-letters-
check "a name with a slash" says 2 "are not allowed in it" "$VPN_TUNNEL" ../x
check "an empty name" says 2 "the name is empty" "$VPN_TUNNEL" ""
check "LOG_LEVEL" says 2 "LOG_LEVEL is silent, error, verbose or debug, not loud" env LOG_LEVEL=loud "$VPN_TUNNEL" "$interface"
check "WG_TUN_FD that is not open" says 2 "WG_TUN_FD is no open descriptor: 77" env WG_TUN_FD=77 "$VPN_TUNNEL" "$interface"
check "WG_TUN_FD that is no TUN device" says 1 "WG_TUN_FD is no TUN device" \
    sh -c "WG_TUN_FD=9 exec '$VPN_TUNNEL' -f $interface 9</dev/null"
check "WG_UAPI_FD that is no socket" says 1 "WG_UAPI_FD is no listening unix socket" \
    sh -c "WG_UAPI_FD=9 exec '$VPN_TUNNEL' -f $interface 9</dev/null"

in_ns a ip link add "$interface" type veth peer name veth9
check "an interface of another kind" says 1 "the interface exists and is no TUN device" "$VPN_TUNNEL" "$interface"
in_ns a ip link del "$interface"

ip netns exec "$(ns_name a)" python3 -c 'import fcntl, os, struct, sys, time
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", sys.argv[1].encode(), 0x1001))
time.sleep(30)' "$interface" &
holder=$!
wait_for 3 in_ns a ip link show "$interface"
check "an interface in use" says 1 "the interface exists and another program uses it" "$VPN_TUNNEL" "$interface"
check "an interface in use, in the foreground" says 1 "another program uses it" "$VPN_TUNNEL" -f "$interface"
kill $holder
wait $holder 2>/dev/null
wait_for 3 clean

check "no privilege" says 1 "no permission to make an interface" setpriv --bounding-set=-net_admin --inh-caps=-net_admin \
    "$VPN_TUNNEL" "$interface"
check "no device" says 1 "/dev/net/tun is missing" sh -c "mount -t tmpfs none /dev/net && exec '$VPN_TUNNEL' $interface"
check "nothing stays behind" clean

check "in the background: ready when it returns" in_ns a "$VPN_TUNNEL" "$interface"
check "in the background: answers at once" wg show "$interface"
check "twice" says 1 "already running: /var/run/wireguard/$interface.sock answers" "$VPN_TUNNEL" "$interface"
ns_new b
check "twice, from another namespace" not in_ns b "$VPN_TUNNEL" "$interface"
check "the first one is unharmed" wg show "$interface"
in_ns a ip link del "$interface"
check "in the background: ends" wait_for 3 clean

# Whoever waits for the command's output to end does not wait for the daemon.
# shellcheck disable=SC2016
check "its output ends when it returns" timeout 5 sh -c 'out=$(ip netns exec "$1" "$2" "$3" 2>&1)' sh "$(ns_name a)" "$VPN_TUNNEL" \
    "$interface"
in_ns a ip link del "$interface"
wait_for 3 clean
check "with nothing open at all" in_ns a sh -c "exec '$VPN_TUNNEL' $interface <&- >&- 2>&-"
check "with nothing open at all: answers" wg show "$interface"
in_ns a ip link del "$interface"
wait_for 3 clean

# Descriptors from outside.
: >/var/run/wireguard/"$interface".sock
check "a file in the way of the socket is replaced" in_ns a "$VPN_TUNNEL" "$interface"
in_ns a ip link del "$interface"
wait_for 3 clean
in_ns a python3 -c 'import fcntl, os, struct, sys
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", sys.argv[2].encode(), 0x1001))
os.set_inheritable(fd, True)
os.environ["WG_TUN_FD"] = str(fd)
os.execv(sys.argv[1], sys.argv[1:])' "$VPN_TUNNEL" "$interface"
check "a TUN device handed over" wg show "$interface"
check "a TUN device handed over: there" in_ns a ip link show "$interface"
in_ns a ip link del "$interface"
check "a TUN device handed over: ends" wait_for 3 clean
in_ns a python3 -c 'import os, socket, sys
path = f"/var/run/wireguard/{sys.argv[2]}.sock"
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
os.umask(0o77)
listener.bind(path)
listener.listen(4)
os.set_inheritable(listener.fileno(), True)
os.environ["WG_UAPI_FD"] = str(listener.fileno())
os.execv(sys.argv[1], sys.argv[1:])' "$VPN_TUNNEL" "$interface"
check "a socket handed over" wg show "$interface"
in_ns a ip link del "$interface"
check "a socket handed over: it stays" test -S "/var/run/wireguard/$interface.sock"
finish
