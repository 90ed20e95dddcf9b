#!/bin/sh
# SPDX-License-Identifier: ISC
# How much of lib/ the tests run. The last line says how many tests and limits passed, failed and were skipped.
set -u

usage()
{
    cat <<'END'
usage: sh tests/coverage/run.sh [--html] [--lines PERCENT] [--branches PERCENT] [--list]

Builds the preset coverage, which takes gcc, runs its unit, scenario, pitfall, memory and fuzz tests, and that of the key
log in a build of its own, and prints which part of the lines and branches of each file of lib/ has run. Fails if a test
fails, or if all files together have less than 95 % of the lines or 85 % of the branches. Two minutes on two cores.

  --lines, --branches   other limits than these
  --list                also prints each line that did not run, and each that has a branch which was not taken
  --html                also writes build/coverage/report/index.html, where this can be seen in the sources
END
}

lines=95
branches=85
html=
list=
while [ $# -gt 0 ]; do
    case $1 in
    --html) html=1 ;;
    --list) list=1 ;;
    --lines | --branches)
        case ${2-} in '' | *[!0-9]*) usage >&2; exit 2 ;; esac
        [ "$1" = --lines ] && lines=$2
        [ "$1" = --branches ] && branches=$2
        shift ;;
    --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

cd "$(dirname "$0")/../.." || exit 1
build=build/coverage
keylog=$build/keylog
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
passed=0
failed=0
skipped=0

end()
{
    printf '%s\n%d passed, %d failed, %d skipped\n' "$1" "$passed" "$failed" "$skipped"
    [ "$failed" = 0 ]
    exit
}

die()
{
    failed=$((failed + 1))
    end "$1"
}

# run FOLDER CTEST-OPTIONS: adds up the last lines of ctest, which counts what was skipped among the passed
run()
{
    ctest --test-dir "$1" -j "$jobs" --output-on-failure --no-tests=error "$2" "$3" >"$1/coverage.log" 2>&1 ||
        cat "$1/coverage.log"
    # shellcheck disable=SC2046
    set -- "$1" $(sed -n 's/^.* tests passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\)$/\1 \2/p' "$1/coverage.log")
    [ "$#" = 3 ] || die "no test ran in $1"
    pass_over=$(grep -c '^ *[0-9]*/[0-9]* *Test .*\*\*\*Skipped' "$1/coverage.log")
    passed=$((passed + $3 - $2 - pass_over))
    failed=$((failed + $2))
    skipped=$((skipped + pass_over))
}

command -v gcovr >/dev/null || { skipped=2; end "skipped: gcovr is not installed"; }
mkdir -p "$build"
{ cmake --preset coverage -G Ninja && cmake --build --preset coverage -- --quiet &&
    cmake -S . -B "$keylog" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DVPN_COVERAGE=ON -DVPN_KEYLOG=ON &&
    cmake --build "$keylog" --target unit_keylog -- --quiet; } >"$build/build.log" 2>&1 ||
    { cat "$build/build.log"; die "the build failed"; }
# What earlier runs counted would be added to.
find "$build" -name '*.gcda' -exec rm -f {} +
run "$build" -L 'unit|scenario|pitfall|fuzz'
run "$keylog" -R '^unit/keylog$'

# report FOLDER FILES [GCOVR-OPTIONS]: what gcovr counted of the files whose names match, into report.json and report.csv
report()
{
    gcovr --root . --filter "$2" --exclude-directories '.*/keylog$' --json "$1/report.json" --csv "$1/report.csv" \
        ${3+"$3" "$4"} "$1" >"$1/report.log" 2>&1 || { cat "$1/report.log"; die "gcovr failed"; }
    [ ! "$list" ] || python3 -B tests/coverage/list.py "$1/report.json" || die "no list was written"
}
mkdir -p "$build/report"
report "$build" lib/ ${html:+--html-details "$build/report/index.html"}
report "$keylog" lib/wireguard/keylog

# Exact, not rounded: 94.96 % is less than 95 %. The last line: how many of the two limits hold.
awk -F, -v lines="$lines" -v branches="$branches" '
    function row(name, l, lc, b, bc) {
        printf "%-40s %6d %6d %9s %9d %6d %9s\n", name, l, lc, percent(lc, l), b, bc, percent(bc, b)
    }
    function percent(part, all) { return all ? sprintf("%.2f %%", 100 * part / all) : "-" }
    function limit(what, part, all, least) {
        if (all && 100 * part >= least * all) { held++; return }
        printf "failed: %s %s, and the limit is %d %%\n", what, percent(part, all), least
    }
    NR == 1 { printf "%-40s %6s %6s %9s %9s %6s %9s\n", "file", "lines", "run", "", "branches", "taken", "" }
    FNR == 1 { build++; next }
    { row($1 (build == 2 ? ", VPN_KEYLOG" : ""), $2, $3, $5, $6); l += $2; lc += $3; b += $5; bc += $6 }
    END {
        row("all of lib/", l, lc, b, bc)
        limit("lines", lc, l, lines)
        limit("branches", bc, b, branches)
        print held + 0
    }' "$build/report.csv" "$keylog/report.csv" >"$build/report.txt" || die "the report cannot be read"
sed '$d' "$build/report.txt"
held=$(tail -n 1 "$build/report.txt")
passed=$((passed + held))
failed=$((failed + 2 - held))
end "coverage of lib/"
