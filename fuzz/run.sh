#!/bin/sh
# SPDX-License-Identifier: ISC
# Fuzzes every harness, or those that are named, for some minutes each, and says what came of it.
set -u

usage()
{
    cat <<'END'
usage: sh fuzz/run.sh [--afl] MINUTES [HARNESS ...]

Builds the harnesses with clang's libFuzzer, or with --afl for AFL++, both with AddressSanitizer and
UndefinedBehaviorSanitizer, and runs each for MINUTES. What is found new goes to build/fuzz/HARNESS/; an input that breaks a
rule stays there too, and the status is 1. Harnesses: aead allowedips conf device filter keys netmap offload packet pmtu policy
replay uapi vpnctl wire.
END
}

engine=libfuzzer
[ "${1-}" = --afl ] && { engine=afl; shift; }
case ${1-} in
--help) usage; exit 0 ;;
'' | *[!0-9]* | 0) usage >&2; exit 2 ;;
esac
minutes=$1
shift
cd "$(dirname "$0")/.." || exit 1
[ "$#" -gt 0 ] || set -- aead allowedips conf device filter keys netmap offload packet pmtu policy replay uapi vpnctl wire
out=build/fuzz
mkdir -p "$out"
flags="-std=gnu11 -g -O1 -Iinclude -Ilib -Itests -fsanitize=address,undefined -fno-sanitize-recover=all"

compile()
{
    libs=$(pkg-config --cflags --libs libsodium) || exit 1
    sources=$(find lib -name '*.c' ! -path 'lib/providers/*')
    # Only the harness of the providers takes those, where what they stand on is there.
    if [ "$1" = aead ]; then
        [ ! -f /usr/include/intel-ipsec-mb.h ] ||
            { sources="$sources lib/providers/ipsec_mb.c"; libs="$libs -DVPN_HAVE_IPSEC_MB -lIPSec_MB"; }
        ! pkg-config --atleast-version=3.0 libcrypto ||
            { sources="$sources lib/providers/libcrypto.c"; libs="$libs -DVPN_HAVE_LIBCRYPTO -lcrypto"; }
    fi
    # What vpnctl reads is no part of the library.
    if [ "$1" = vpnctl ]; then
        for part in convert_json device ear facts facts_read file json json_get more out_json uapi_client \
            uapi_more; do
            sources="$sources examples/vpnctl/$part.c"
        done
        libs="$libs -D_GNU_SOURCE -Iexamples/vpnctl"
    fi
    # The lists are words.
    # shellcheck disable=SC2086
    if [ "$engine" = afl ]; then
        AFL_QUIET=1 afl-clang-fast $flags "fuzz/$1.c" fuzz/main.c $sources $libs -o "$out/afl_$1"
    else
        clang $flags -fsanitize=fuzzer "fuzz/$1.c" $sources $libs -o "$out/fuzz_$1"
    fi
}

with_libfuzzer()
{
    mkdir -p "$out/$1"
    "$out/fuzz_$1" -max_total_time=$((minutes * 60)) -print_final_stats=1 -artifact_prefix="$out/$1-" \
        "$out/$1" "fuzz/corpus/$1" >"$out/$1.log" 2>&1
    status=$?
    awk -v name="$1" '/ cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1) } }
        /number_of_executed_units/ { runs = $2 }
        END { printf "%-12s %12d executions, %d edges, %d features\n", name, runs, cov, ft }' "$out/$1.log"
    [ "$status" = 0 ] || tail -n 25 "$out/$1.log"
    return "$status"
}

with_afl()
{
    AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_MAP_SIZE=65536 \
        afl-fuzz -i "fuzz/corpus/$1" -o "$out/afl-$1" -m none -t 2000+ -V $((minutes * 60)) -- "$out/afl_$1" @@ \
        >"$out/$1.log" 2>&1 || { tail -n 25 "$out/$1.log"; return 1; }
    stats=$out/afl-$1/default/fuzzer_stats
    awk -v name="$1" -F ' *: *' '{ v[$1] = $2 }
        END { printf "%-12s %12d executions, %d edges, %d crashes, %d hangs\n", name, v["execs_done"], v["edges_found"],
            v["saved_crashes"], v["saved_hangs"] }' "$stats"
    grep -Eq '^saved_crashes *: 0$' "$stats"
}

broken=0
for harness in "$@"; do
    [ -f "fuzz/$harness.c" ] || { echo "run.sh: no harness $harness" >&2; exit 2; }
    printf '%s: building and running for %s min\n' "$harness" "$minutes"
    compile "$harness" || exit 1
    "with_$engine" "$harness" || broken=1
done
exit "$broken"
