# SPDX-License-Identifier: ISC
# Nothing can be written: to the directory of the socket, to the log, to the key log. A start says so and leaves nothing
# behind; a tunnel that runs goes on without its log.
. "$(dirname -- "$0")/lib.sh"

start_test
need python3 python3-minimal
pair
interface=$(if_name c)
LOG_LEVEL=error
export LOG_LEVEL

# full DIRECTORY OPTIONS COMMAND...: in namespace a, with a file system on the directory that takes nothing.
full()
{
    # shellcheck disable=SC2016
    in_ns a timeout 10 sh -c 'mount -t tmpfs -o "$2" none "$1" || exit 99; shift 2; exec "$@"' sh "$@"
}

# refuses TEXT COMMAND...: status 1, the text, and nothing stays behind.
refuses()
{
    refuses_text=$1
    shift
    "$@" >"$scratch/said" 2>&1
    refuses_status=$?
    cat "$scratch/said"
    echo "status $refuses_status"
    [ "$refuses_status" = 1 ] && { [ -z "$refuses_text" ] || grep -qF -- "$refuses_text" "$scratch/said"; } && not in_ns a ip link show "$interface" &&
        [ ! -e "/var/run/wireguard/$interface.sock" ]
}

# complain PATH COUNT: has the daemon log so many lines, by requests that it must refuse.
complain()
{
    timeout 20 python3 -c 'import socket, sys
client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
client.connect(sys.argv[1])
client.settimeout(5)
for _ in range(int(sys.argv[2])):
    client.sendall(b"set=1\nno_such_key=" + b"x" * 400 + b"\n\n")
    answer = b""
    while not answer.endswith(b"\n\n"):
        more = client.recv(4096)
        if not more:
            sys.exit(1)
        answer += more' "$@"
}

# As the other end of b's tunnel.
moves()
{
    wg set "$interface" private-key "$scratch/c.key" listen-port 51003 peer "$(public b)" allowed-ips 10.77.0.2/32 \
        endpoint 10.99.0.2:51002
    wg set "$(if_name b)" peer "$(public c)" allowed-ips 10.77.0.3/32
    in_ns a ip address add 10.77.0.3/32 dev "$interface"
    in_ns a ip link set "$interface" up
    in_ns a ip route add 10.77.0.2/32 dev "$interface" src 10.77.0.3 metric 1
    timeout 10 ip netns exec "$(ns_name a)" ping -n -q -c 3 -i 0.05 -W 3 -I 10.77.0.3 10.77.0.2
}

# serves NAME PID: the daemon in namespace a that is called c complains a lot, answers, and ends when it is told to.
serves()
{
    check "$1: the daemon is there" wait_for 5 timeout 2 wg show "$interface"
    check "$1: it goes on, whatever it has to say" complain "/var/run/wireguard/$interface.sock" 1000
    check "$1: it answers" timeout 2 wg show "$interface"
    check "$1: it carries" moves
    kill "$2"
    check "$1: it ends" wait_for 3 not running "$2"
}

keys c
for background in "" -f; do
    check "no inode for the socket${background:+, in the foreground}" refuses \
        "cannot make the socket /var/run/wireguard/$interface.sock: No space left on device" \
        full /var/run/wireguard nr_inodes=1 "$VPN_TUNNEL" $background "$interface"
    check "no inode for its directory${background:+, in the foreground}" refuses \
        "cannot make the directory /var/run/wireguard: No space left on device" \
        full /var/run/ nr_inodes=1 "$VPN_TUNNEL" $background "$interface"
    check "read only${background:+, in the foreground}" refuses \
        "cannot make the socket /var/run/wireguard/$interface.sock: Read-only file system" \
        full /var/run/wireguard ro "$VPN_TUNNEL" $background "$interface"
done
check "the message cannot be written either: status 1" refuses "" \
    full /var/run/wireguard nr_inodes=1 sh -c "exec '$VPN_TUNNEL' $interface 2>/dev/full"
check "help that cannot be written: status 1" refuses "" sh -c "exec '$VPN_TUNNEL' --help >/dev/full"

# The log.
ip netns exec "$(ns_name a)" "$VPN_TUNNEL" -f "$interface" 2>/dev/full &
serves "the log is full" $!
mkfifo "$scratch/fifo"
sleep 60 <>"$scratch/fifo" &
holder=$!
ip netns exec "$(ns_name a)" "$VPN_TUNNEL" -f "$interface" 2>"$scratch/fifo" &
serves "nobody reads the log" $!
kill $holder
wait $holder 2>/dev/null
# shellcheck disable=SC2094
{ ip netns exec "$(ns_name a)" "$VPN_TUNNEL" -f "$interface" 2>&1 & echo $! >"$scratch/pid"; } | head -c 1 >/dev/null &
wait_for 3 test -s "$scratch/pid"
serves "the reader of the log has gone" "$(cat "$scratch/pid")"

# A system log in a directory of devices of its own; `system_log read` writes down what comes, `system_log stuck` does not.
mkdir -p "$scratch/dev/net"
: >"$scratch/dev/null"
: >"$scratch/dev/net/tun"
system_log()
{
    rm -f "$scratch/dev/log"
    timeout 60 python3 -c 'import socket, sys, time
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
while sys.argv[2] == "stuck":
    time.sleep(1)
with open(sys.argv[3], "ab", 0) as out:
    while True:
        out.write(log.recv(4096) + b"\n")' "$scratch/dev/log" "$1" "$scratch/system.log" &
    holder=$!
    wait_for 3 test -S "$scratch/dev/log"
}

system_log_ends()
{
    kill $holder
    wait $holder 2>/dev/null
}

system_log stuck
# shellcheck disable=SC2016
check "nobody reads the system log: the start" in_ns a sh -c 'mount --bind /dev/null "$1/null" &&
    mount --bind /dev/net/tun "$1/net/tun" && mount --rbind "$1" /dev && exec "$2" "$3"' sh "$scratch/dev" "$VPN_TUNNEL" "$interface"
for pid in $(ip netns pids "$(ns_name a)"); do
    [ "$pid" = "$a_pid" ] || c_pid=$pid
done
check "nobody reads the system log: the daemon goes on" complain "/var/run/wireguard/$interface.sock" 1000
system_log_ends
system_log read
complain "/var/run/wireguard/$interface.sock" 1
check "a new system log: it says how much was lost" wait_for 3 grep -q \
    "^<27>[A-Z][a-z][a-z] [ 123][0-9] ..:..:.. vpn-tunnel\[$c_pid\]: $interface: [0-9]* lines of the log were lost here" "$scratch/system.log"
check "a new system log: it has the line" wait_for 3 grep -q "$interface: configuration refused: line 2" "$scratch/system.log"
system_log_ends
serves "no system log" "$c_pid"

# The key log, in builds that have it.
if ! in_ns a timeout 5 "$VPN_TUNNEL" -f --keylog "$scratch/none/none" "$interface" 2>&1 | grep -q 'reveals no keys'; then
    check "no inode for the key log" refuses "--keylog: cannot write $scratch/log: No space left on device" \
        full "$scratch" nr_inodes=1 sh -c "exec '$VPN_TUNNEL' -f --keylog '$scratch/log' $interface"
    if mknod -m 666 "$scratch/device" c 1 7; then
        check "a key log that is a device" refuses "--keylog: $scratch/device is no regular file" \
            in_ns a timeout 5 "$VPN_TUNNEL" -f --keylog "$scratch/device" "$interface"
        check "a key log that is a device: its mode stays" equal "$(stat -c %a "$scratch/device")" 666
    fi
    mkfifo "$scratch/fifo2"
    check "a key log that nobody reads" refuses "is no regular file" \
        in_ns a timeout 5 "$VPN_TUNNEL" -f --keylog "$scratch/fifo2" "$interface"
    : >"$scratch/c.log"
    mkdir "$scratch/small"
    # Room for 200 bytes: a line or two, and a part of the next one.
    # shellcheck disable=SC2016
    ip netns exec "$(ns_name a)" sh -c 'mount -t tmpfs -o size=4096 none "$1" && head -c 3896 /dev/zero >"$1/keys" &&
        exec "$2" -f --keylog "$1/keys" "$3"' sh "$scratch/small" "$VPN_TUNNEL" "$interface" 2>"$scratch/c.log" &
    c_pid=$!
    wait_for 5 timeout 2 wg show "$interface"
    check "the key log is full: data" moves
    check "the key log is full: it is said" grep -q 'the key log ends here: No space left on device' "$scratch/c.log"
    cp "/proc/$c_pid/root/$scratch/small/keys" "$scratch/keys"
    check "the key log is full: it ends with a whole line" equal "$(tail -c 1 "$scratch/keys" | od -An -tx1 | tr -d ' ')" 0a
    serves "the key log is full" "$c_pid"
fi
check "the other daemon never noticed" pings a 10.77.0.2
finish
