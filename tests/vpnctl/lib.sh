# SPDX-License-Identifier: ISC
# What the tests of vpnctl share. Sourced with the build directory as $1. Only show, more, facts and updown need root.
. "$(dirname -- "$0")/../interop/lib.sh"

case $build in /*) VPNCTL=$build/examples/vpnctl ;; *) VPNCTL=$PWD/$build/examples/vpnctl ;; esac
data=$here/data
NO_COLOR=1
export NO_COLOR

start_vpnctl()
{
    [ -x "$VPNCTL" ] || skip "$VPNCTL is not built"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' INT TERM HUP
    cd "$data" || exit 1
    # A checkout may be readable for all, and vpnctl would warn of keys.
    cp "$data"/*.conf "$data"/*.json "$scratch"
    cd "$scratch" || exit 1
    chmod 600 ./*.conf
}

# gives FILE COMMAND...: standard output and standard error are what the file in data/ holds.
gives()
{
    gives_file=$data/$1
    shift
    "$@" >"$scratch/gives.out" 2>&1
    diff "$gives_file" "$scratch/gives.out"
}

# ends STATUS COMMAND...
ends()
{
    ends_wanted=$1
    shift
    "$@" >"$scratch/ends.out" 2>"$scratch/ends.err"
    equal "$?" "$ends_wanted"
}

# refused TEXT COMMAND...: status 2, the text in a message, nothing on standard output.
refused()
{
    refused_text=$1
    shift
    ends 2 "$@" || return 1
    cat "$scratch/ends.err"
    [ ! -s "$scratch/ends.out" ] && grep -qF -- "$refused_text" "$scratch/ends.err"
}

is_json()
{
    "$@" >"$scratch/is.json" && python3 -m json.tool "$scratch/is.json" >/dev/null
}
