#!/bin/sh
# SPDX-License-Identifier: ISC
# The unit tests under Valgrind: errors and definite leaks fail. The last line says how many passed, failed and were skipped.
set -u

usage()
{
    cat <<'END'
usage: sh tests/memory/valgrind.sh [--all] [BUILD]

Runs the unit tests of a build without sanitizers (default build/release), two or more at a time; about three minutes on
two cores. --all takes those too that are left out because they repeat much; about ten minutes.
END
}

# Exhaustive loops, which take Valgrind more than a minute each and reach no code that other unit tests do not.
slow=' deadlines text wycheproof '
caught=99
all=
build=build/release
cd "$(dirname "$0")/../.." || exit 1

# What xargs starts: one program. Fresh processes are Check's way; one process is quicker and lets leaks be counted once.
one()
{
    name=${1##*/unit_}
    log=$(mktemp) || exit 1
    CK_FORK=no CK_DEFAULT_TIMEOUT=900 timeout 900 valgrind --quiet --error-exitcode=$caught --leak-check=full \
        --errors-for-leak-kinds=definite --show-leak-kinds=definite "$1" >"$log" 2>&1
    case $? in
    0) printf 'passed %s\n' "$name" ;;
    77) printf 'skipped %s\n' "$name" ;;
    *) printf 'failed %s\n' "$name"; sed 's/^/    /' "$log" ;;
    esac
    rm -f "$log"
}

end()
{
    printf '%s\n%d passed, %d failed, %d skipped\n' "$1" "$2" "$3" "$4"
    [ "$3" = 0 ]
    exit
}

while [ $# -gt 0 ]; do
    case $1 in
    --one) one "$2"; exit ;;
    --all) all=1 ;;
    --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) build=$1 ;;
    esac
    shift
done

command -v valgrind >/dev/null || end "skipped: valgrind is not installed" 0 0 1
[ -x "$build/tests/memory_planted" ] || end "$build is not built, or with a sanitizer" 0 1 0
for planted in leak overrun undefined; do
    valgrind --quiet --error-exitcode=$caught --leak-check=full --errors-for-leak-kinds=definite \
        "$build/tests/memory_planted" $planted >/dev/null 2>&1
    [ $? = $caught ] || end "the planted defect was not caught: $planted" 0 1 0
done

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
VPN_VECTORS=${VPN_VECTORS:-$(sed -n 's/^VPN_VECTORS:PATH=//p' "$build/CMakeCache.txt")}
export VPN_VECTORS
for program in "$build"/tests/unit_*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    case "$all$slow" in
    *" ${program##*/unit_} "*) [ "$all" ] || { printf 'left out: %s\n' "${program##*/unit_}" >&2; continue; } ;;
    esac
    printf '%s\n' "$program"
done | xargs -n 1 -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" sh tests/memory/valgrind.sh --one | tee "$log"
passed=$(grep -c '^passed ' "$log")
[ "$passed" -gt 0 ] || end "no unit test was found" 0 1 0
end "unit tests under Valgrind" "$passed" "$(grep -c '^failed ' "$log")" "$(grep -c '^skipped ' "$log")"
