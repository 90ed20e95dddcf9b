#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds and runs everything that tests, on Debian 12. As root it installs what is missing; else it says what that is.
set -u

usage()
{
    cat <<'END'
usage: sh tests/run.sh [--quick] [--help]

The release build with gcc and all tests; the library with clang for its warnings; three analysers; the unit tests under
Valgrind; how much of lib/ the tests run; the unit, scenario and pitfall tests under AddressSanitizer and
UndefinedBehaviorSanitizer; those with threads under ThreadSanitizer; unit and other tests on i386, arm64, s390x and with
musl. Ends with status 0 only when tests ran and none failed.

  --quick   only the release build, and only its unit tests, scenario tests and checks
  --help    this text
END
}

quick=
for argument in "$@"; do
    case $argument in
    --quick) quick=1 ;;
    --help) usage; exit 0 ;;
    *) printf 'run.sh: unknown option %s\n' "$argument" >&2; usage >&2; exit 2 ;;
    esac
done

cd "$(dirname "$0")/.." || exit 1
packages='build-essential cmake ninja-build pkg-config libsodium-dev check libcjson-dev python3 clang clang-format doxygen'
analysers='clang-tidy cppcheck gcovr valgrind'
providers='libipsec-mb-dev libssl-dev'
network='wireguard-tools wireguard-go libseccomp-dev libmnl-dev libnftables-dev iproute2 iputils-ping iperf3 ethtool nftables tcpdump mandoc openresolv procps tshark conntrack bird2 dnsmasq-base dbus-daemon libsystemd-shared'
guest='qemu-system-x86 busybox-static cpio kmod'
[ "$quick" ] || packages="$packages $providers $network $guest $analysers"

say()
{
    printf '\n== %s\n' "$*"
}

die()
{
    printf 'run.sh: %s\n' "$*" >&2
    printf '0 passed, 1 failed, 0 skipped\n'
    exit 1
}

install_missing()
{
    command -v dpkg-query >/dev/null || { say "no Debian: the tools are taken as they are"; return; }
    missing=
    for package in $packages; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ "$missing" ] || return
    [ "$(id -u)" = 0 ] || die "please install as root: apt-get install$missing"
    say "installing$missing"
    # Each word is one package.
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
        >/dev/null || die "apt-get could not install$missing"
}

# build PRESET [CMAKE OPTIONS]: configures and builds with warnings as errors
build()
{
    preset=$1
    shift
    say "building $preset"
    cmake --preset "$preset" -G Ninja "$@" >build/configure.log || { cat build/configure.log; die "cmake failed for $preset"; }
    cmake --build --preset "$preset" -- --quiet || die "the build of $preset failed"
}

passed=0
failed=0
skipped=0

# run PRESET [CTEST OPTIONS]: runs tests and adds up what ctest tells
run()
{
    preset=$1
    shift
    say "testing $preset"
    log=build/$preset/ctest.log
    { ctest --preset "$preset" "$@"; echo "$?" >"build/$preset/ctest.status"; } 2>&1 | tee "$log"
    status=$(cat "build/$preset/ctest.status")
    ok=$(grep -Ec '^ *[0-9]+/[0-9]+ +Test +#[0-9]+: .* Passed ' "$log")
    pass_over=$(grep -Ec '^ *[0-9]+/[0-9]+ +Test +#[0-9]+: .*\*\*\*Skipped' "$log")
    all=$(grep -Ec '^ *[0-9]+/[0-9]+ +Test +#[0-9]+: ' "$log")
    bad=$((all - ok - pass_over))
    # ctest knows failures that have no line of their own, such as no test at all.
    [ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + pass_over))
}

# script FILE [ARGUMENTS]: runs a script whose last line says `N passed, N failed, N skipped`, and adds that up
script()
{
    say "$*"
    sh "$@" | tee build/script.log
    # shellcheck disable=SC2046
    set -- $(tail -n 1 build/script.log | tr -cd '0-9 ')
    if [ "$#" = 3 ]; then
        passed=$((passed + $1))
        failed=$((failed + $2))
        skipped=$((skipped + $3))
    else
        failed=$((failed + 1))
    fi
}

install_missing
mkdir -p build
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
export CTEST_PARALLEL_LEVEL="$jobs"

build release
if [ "$quick" ]; then
    run release -L 'unit|scenario|check'
else
    # Two of these tests wait rather than work.
    CTEST_PARALLEL_LEVEL=$((jobs + 2))
    run release
    CTEST_PARALLEL_LEVEL=$jobs
    say "building the library and the examples with clang"
    cmake -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER=clang -DVPN_WERROR=ON -DVPN_BUILD_TESTS=OFF \
        -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >build/configure.log ||
        { cat build/configure.log; die "cmake failed for clang"; }
    cmake --build build/clang -- --quiet || die "the build with clang failed"
    python3 -B tests/checks/frames.py --build build/clang || die "clang takes large frames"
    script tests/analysers/run.sh
    script tests/memory/valgrind.sh build/release
    script tests/coverage/run.sh
    build keylog
    run keylog
    build asan
    run asan
    say "building what has threads for tsan"
    cmake --preset tsan -G Ninja >build/configure.log || { cat build/configure.log; die "cmake failed for tsan"; }
    cmake --build --preset tsan --target pitfall_row_29 threads_flow -- --quiet || die "the build of tsan failed"
    run tsan -L threads
    script tests/portability/run.sh --ci
fi

[ "$passed" -gt 0 ] || failed=$((failed + 1))
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
