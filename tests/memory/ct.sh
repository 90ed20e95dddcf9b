#!/bin/sh
# SPDX-License-Identifier: ISC
# Secrets decide no branch and no address: runs ct under Valgrind, and shows first that Valgrind catches code that leaks.
set -u
program=${1:?usage: ct.sh BUILD/tests/memory_ct}
caught=99

skip()
{
    printf 'skipped: %s\n' "$*"
    exit 77
}

command -v valgrind >/dev/null || skip "valgrind is not installed"
[ -x "$program" ] || skip "not built: valgrind/memcheck.h was missing, or the build has a sanitizer"
export CK_FORK=no

under_valgrind()
{
    valgrind --quiet --error-exitcode=$caught --leak-check=no --track-origins="${CT_ORIGINS:-no}" "$program" "$@"
}

for leak in branch index compare decode; do
    under_valgrind "$leak" >/dev/null 2>&1
    status=$?
    [ "$status" = "$caught" ] || { printf 'ct.sh: the leak "%s" was not caught (status %s)\n' "$leak" "$status"; exit 1; }
    printf 'caught, as it must be: %s\n' "$leak"
done
under_valgrind
