# SPDX-License-Identifier: ISC
# Pitfall 38: an error of a system call that carries packets costs at most the packets that it was for. The rest of the batch
# goes, what can be sent in another way is, and when the errors stop everything flows at once.
. "$(dirname -- "$0")/lib.sh"

start_test
tool interop_inject.so
plan=$scratch/plan
head -c 8192 /dev/zero >"$plan"
serial=0

# inject CALL ERROR EVERY [RUN]: see inject.c. Written in place, since the daemon has the file in its memory.
inject()
{
    serial=$((serial + 1))
    printf '%-60s\n' "$serial $1 $2 $3 ${4:-1}" | dd of="$plan" conv=notrunc status=none
    printf '0\n%14s' '' | dd of="$plan" conv=notrunc bs=4096 seek=1 status=none
}

calm()
{
    inject none - 1
}

injected()
{
    tail -c +4097 "$plan" | head -n 1
}

# burst COUNT [WAIT]: so many echo requests, in batches of 20, from a; how many were answered, within 0.8 s or so many.
burst()
{
    in_ns a ping -n -q -c "$1" -l 20 -i 0.002 -W "${2:-0.8}" 10.77.0.2 | sed -n 's/.* \([0-9]*\) received.*/\1/p'
}

# loses_none CALL ERROR EVERY: the error is met, if need be in a later burst, and nothing is lost.
loses_none()
{
    inject "$@"
    for attempt in 1 2 3 4 5; do
        loses_got=$(burst 60 3)
        loses_faults=$(injected)
        [ "$loses_faults" = 0 ] && [ "$loses_got" = 60 ] || break
        echo "burst $attempt met no fault"
    done
    calm
    echo "$loses_got of 60 came back, $loses_faults faults"
    [ "$loses_faults" -gt 0 ] && [ "$loses_got" = 60 ]
}

# loses_its_own CALL ERROR EVERY [RUN]: each fault costs a packet at most, and some do.
loses_its_own()
{
    inject "$@"
    loses_got=$(burst 60)
    loses_faults=$(injected)
    calm
    echo "$loses_got of 60 came back, $loses_faults faults"
    [ "$loses_faults" -gt 0 ] && [ "$loses_got" -lt 60 ] && [ "$((loses_got + loses_faults))" -ge 60 ]
}

# stops CALL ERROR: while every call fails nothing passes, the daemon answers, and at the end of it data flows at once.
stops()
{
    inject "$1" "$2" 1
    stops_got=$(burst 20)
    timeout 2 wg show "$(if_name a)" >/dev/null || echo "wg is not answered"
    stops_faults=$(injected)
    calm
    echo "$stops_got of 20 came back, $stops_faults faults"
    [ "$stops_got" = 0 ] && [ "$stops_faults" -ge 20 ] && running "$a_pid" && pings a 10.77.0.2 2
}

export INJECT="$plan"
pair "$tool_path"
check "the bursts alone lose nothing" equal "$(burst 60 3)" 60

# What sendmmsg refuses goes alone, by sendmsg.
for error in EIO EINVAL EMSGSIZE EPERM ENETUNREACH EHOSTUNREACH ENOSYS ENOMEM EINTR; do
    check "sendmmsg: $error for every third datagram" loses_none sendmmsg $error 3
    check "sendmmsg: $error for every one" loses_none sendmmsg $error 1
done
inject sendmmsg short 1
check "sendmmsg: takes one at a time" equal "$(burst 60 3)" 60
for error in EIO EINVAL EMSGSIZE ENOBUFS EPERM ENETUNREACH EAGAIN; do
    check "both: $error twice in every ten" loses_its_own send $error 10 2
    check "both: $error for all" stops send $error
done

# A handshake that could not be sent is repeated.
inject send EIO 1
wg set "$(if_name a)" peer "$(public b)" remove
peer a b 2 endpoint 10.99.0.2:51002
burst 2 >/dev/null
check "an initiation is lost" [ "$(injected)" -gt 0 ]
calm
check "an initiation that was lost: the next one connects" in_ns a ping -n -q -c 1 -W 7 10.77.0.2

# Datagrams and packets that could not be read are still there.
for error in EIO EINTR ENOMEM ENOBUFS; do
    check "recvmmsg: $error every second time" loses_none recvmmsg $error 2
done
check "recvmmsg: ENOMEM for all" stops recvmmsg ENOMEM

# Many datagrams in one message, and super-packets: what refuses them gets the parts. Another port asks anew.
port=51001
for error in EIO EINVAL EMSGSIZE EOPNOTSUPP EPERM; do
    port=$((port + 10))
    wg set "$(if_name a)" listen-port "$port"
    pings a 10.77.0.2 2 >/dev/null
    check "runs of datagrams: $error for every one" loses_none runs $error 1
done

# whole_transfer CALL ERROR: TCP towards a goes on although the error is met.
whole_transfer()
{
    inject "$1" "$2" 1
    in_ns a iperf3 -c 10.77.0.2 -R -t 1 --connect-timeout 3000
    transfer_status=$?
    transfer_faults=$(injected)
    calm
    echo "$transfer_faults faults"
    [ "$transfer_faults" -gt 0 ] && [ "$transfer_status" = 0 ]
}

need iperf3 iperf3
iperf_server b
check "super-packets for the interface: EINVAL for every one" whole_transfer supers EINVAL
for error in EIO EINVAL EINTR; do
    check "reading from the interface: $error every second time" loses_none read $error 2
done
for error in EIO EINVAL ENOMEM EAGAIN; do
    check "writing to the interface: $error every third time" loses_its_own write $error 3
done
check "writing to the interface: EIO for all" stops write EIO
check "the daemon is the same" running "$a_pid"
check "nothing was lost before or after" equal "$(burst 60 3)" 60
finish
