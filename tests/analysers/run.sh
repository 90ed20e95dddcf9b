#!/bin/sh
# SPDX-License-Identifier: ISC
# Reads the library and the examples with three analysers. What any of them says is an error.
set -u

usage()
{
    cat <<'END'
usage: sh tests/analysers/run.sh [cppcheck|gcc|clang-tidy ...]

Runs the analysers that are named, or all, over lib/ and examples/, after it has shown each the defect in planted.c. One that
is not installed is skipped, with a line that says so. Ends with `N passed, N failed, N skipped` and status 1 if any failed.
What is suppressed, and why: cppcheck.txt, gcc.txt, and .clang-tidy at the top of the tree.
END
}

cd "$(dirname "$0")/../.." || exit 1
here=tests/analysers
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
flags="-std=c11 -D_GNU_SOURCE -Iinclude -Ilib -Iexamples/tunnel -Iexamples/vpnctl $(pkg-config --cflags libsodium)"
# What is behind libseccomp is read where that is there.
pkg-config --exists libseccomp 2>/dev/null && flags="$flags -DTUNNEL_SECCOMP"

sources()
{
    printf '%s\n' lib/*/*.c examples/*.c examples/common/*.c examples/tunnel/*.c examples/vpnctl/*.c
}

# Each prints what it finds in the files whose names it reads, and nothing else.
find_cppcheck()
{
    cppcheck --quiet -j "$jobs" --enable=warning,style,performance,portability --std=c11 --inline-suppr \
        --suppressions-list="$here/cppcheck.txt" --template='{file}:{line}: {severity}: {message} [{id}]' \
        -Iinclude -Ilib -Iexamples/tunnel -Iexamples/vpnctl --file-list=- 2>&1
}

find_gcc()
{
    # The options for one file stand in gcc.txt, after its name. The lists are words.
    # shellcheck disable=SC2016
    xargs -P "$jobs" -I '{}' sh -c \
        'gcc $1 -O1 -fanalyzer $(sed -n "s,^$2 ,,p" "$3") -c "$2" -o /dev/null 2>&1' sh "$flags" '{}' "$here/gcc.txt"
}

find_clang_tidy()
{
    # shellcheck disable=SC2086
    xargs -P "$jobs" -n 4 sh -c 'clang-tidy --quiet "$@" -- '"$flags" sh 2>/dev/null || echo 'clang-tidy ended with an error'
}

passed=0
failed=0
skipped=0

# analyse NAME: what its finder says about the planted defect and then about the sources
analyse()
{
    command -v "$1" >/dev/null || { printf '%s: skipped, it is not installed\n' "$1"; skipped=$((skipped + 1)); return; }
    finder=find_$(printf '%s' "$1" | tr - _)
    echo "$here/planted.c" | "$finder" >"$out/planted"
    sources | "$finder" >"$out/found"
    if ! grep -q 'planted.c:14' "$out/planted"; then
        printf '%s: failed, it does not see the defect in planted.c\n' "$1"
    elif [ -s "$out/found" ]; then
        cat "$out/found"
        printf '%s: failed\n' "$1"
    else
        printf '%s: passed, %d files\n' "$1" "$(sources | wc -l)"
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
}

case ${1-} in
--help) usage; exit 0 ;;
-*) usage >&2; exit 2 ;;
esac
[ "$#" -gt 0 ] || set -- cppcheck gcc clang-tidy
for tool in "$@"; do
    case $tool in
    cppcheck | gcc | clang-tidy) analyse "$tool" ;;
    *) usage >&2; exit 2 ;;
    esac
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
