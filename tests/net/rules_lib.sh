# SPDX-License-Identifier: ISC
# What the tests of filters and translations share: two ends that vpnctl up makes from files. Sourced with the build directory
# as $1, behind which --threads N may stand.
. "$(dirname -- "$0")/../interop/lib.sh"

start_rules()
{
    start_test
    need python3 python3-minimal
    case $build in /*) vpnctl=$build/examples/vpnctl ;; *) vpnctl=$PWD/$build/examples/vpnctl ;; esac
    [ -x "$vpnctl" ] || skip "$vpnctl is not built"
    program=$VPN_TUNNEL
}

# with_threads N: daemons that are started from now on have so many.
with_threads()
{
    program=$scratch/vpn-tunnel
    printf '#!/bin/sh\nexec "%s" --threads %s "$@"\n' "$VPN_TUNNEL" "$1" >"$program"
    chmod 755 "$program"
}

# talk NS WORDS...: see talk.py.
talk()
{
    talk_ns=$1
    shift
    in_ns "$talk_ns" python3 "$here/talk.py" "$@"
}

# says NUMBER NS WORDS...: talk ends with this status.
says()
{
    says_status=$1
    shift
    talk "$@"
    equal "$?" "$says_status"
}

echoes()
{
    says 0 "$@"
}

refused()
{
    says 1 "$@"
}

unanswered()
{
    unanswered_ns=$1
    shift
    in_ns "$unanswered_ns" env PATIENCE=0.5 python3 "$here/talk.py" "$@"
    equal "$?" 2
}

# serves NS PORT...: in the background, until the namespace ends.
serves()
{
    serves_ns=$1
    shift
    in_ns "$serves_ns" python3 "$here/talk.py" serve "$@" >>"$scratch/serve.log" 2>&1 &
    # shellcheck disable=SC2016
    wait_for 5 in_ns "$serves_ns" sh -c 'ss -lun | grep -q ":$1 "' sh "$1"
}

# file NS PEER NUMBER LINES PEER-LINES: the file of a tunnel to the peer, whose outer address ends in NUMBER.
file()
{
    (umask 077 && cat >"$scratch/$(if_name "$1").conf") <<END
[Interface]
PrivateKey = $(cat "$scratch/$1.key")
ListenPort = 51000
$4
[Peer]
PublicKey = $(public "$2")
Endpoint = 10.99.0.$3:51000
$5
END
}

up()
{
    in_ns "$1" "$vpnctl" up --tunnel "$program" "$scratch/$(if_name "$1").conf"
}

down()
{
    in_ns "$1" "$vpnctl" down "$scratch/$(if_name "$1").conf"
}

socket_of()
{
    echo "/var/run/wireguard/$(if_name "$1").sock"
}

# lines_of NS: what its daemon says.
lines_of()
{
    talk "$1" get "$(socket_of "$1")"
}

# changes NS PEER LINE...: of that peer, at run time.
changes()
{
    changes_ns=$1
    changes_key=$(base64 -d <"$scratch/$2.pub" | od -An -v -tx1 | tr -d ' \n')
    shift 2
    talk "$changes_ns" set "$(socket_of "$changes_ns")" "public_key=$changes_key" update_only=true "$@"
}
