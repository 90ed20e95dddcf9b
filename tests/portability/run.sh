#!/bin/sh
# SPDX-License-Identifier: ISC
# The tests on other processors and with another C library. The last line says how many passed, failed and were skipped.
set -u

usage()
{
    cat <<'TEXT'
usage: sh tests/portability/run.sh [--ci] [--help] [i386|arm64|s390x|musl ...]

For each target that is named, or all: builds the library, the examples and the tests with warnings as errors, and runs
the unit, scenario and pitfall tests. The three architectures have a cross compiler, a sysroot from a private apt root
(the machine gets no foreign architecture) and qemu-user; musl has libsodium, Check and cJSON from Debian's source
packages. As root it installs the tools that are missing. Sysroots and builds stay in build/portability; remove that to
start afresh. Ends with `N passed, N failed, N skipped` and status 1 if any failed.

  --ci      less: scenarios and pitfalls on i386 and s390x only; no tests that repeat much where an emulator is slow
  --help    this text
TEXT
}

cd "$(dirname "$0")/../.." || exit 1
here=$PWD/tests/portability
out=$PWD/build/portability
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
began=$(date +%s)
ci=
targets=
# shellcheck source=tests/portability/apt.sh
. "$here/apt.sh"

# Exhaustive loops that take an emulator a minute and more each. `--ci` leaves them to i386, which x86-64 runs by itself,
# and to musl.
slow='unit/(deadlines|replay|schedule|text|trie|wycheproof)|pitfall/(row_12|row_35_parts|rows_31_34)|memory/failures'
# What a sysroot is made of: the C library, and what the tests link.
wanted='libc6 libc6-dev libcrypt-dev linux-libc-dev libgcc-s1 libsodium23 libsodium-dev check libsubunit0 libsubunit-dev
    libcjson1 libcjson-dev'

say()
{
    printf '%4d s  %s\n' "$(($(date +%s) - began))" "$*"
}

# describe TARGET: its folder, and what compiler, libraries and emulator call it
describe()
{
    work=$out/$1
    case $1 in
    i386) gnu=i686-linux-gnu triplet=i386-linux-gnu cpu=i686 tools='gcc-i686-linux-gnu qemu-user' ;;
    arm64) gnu=aarch64-linux-gnu triplet=$gnu cpu=aarch64 tools='gcc-aarch64-linux-gnu qemu-user' ;;
    s390x) gnu=s390x-linux-gnu triplet=$gnu cpu=s390x tools='gcc-s390x-linux-gnu qemu-user' ;;
    musl) gnu='' triplet='' cpu='' tools='musl-tools dpkg-dev autoconf automake libtool make' ;;
    esac
}

# missing_tools TARGET: the packages that are not there
missing_tools()
{
    describe "$1"
    for package in $tools; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
    done
}

install_missing()
{
    packages=$(for target in $targets; do missing_tools "$target"; done | sort -u | tr '\n' ' ')
    if [ -z "$packages" ] || [ "$(id -u)" != 0 ]; then
        return
    fi
    say "installing $packages"
    # Each word is one package.
    # shellcheck disable=SC2086
    { apt-get -qq -o DPkg::Lock::Timeout=300 update &&
        DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
            $packages; } >"$out/install.log" 2>&1 || tail -n 5 "$out/install.log"
}

# sysroot TARGET: fills $work/root from packages of that architecture
sysroot()
{
    rm -rf "$work/root" "$work/debs"
    mkdir -p "$work/root" "$work/debs" || return
    apt_root "$work/apt" "$1" deb || return
    # A mirror in the middle of an update lacks some list; what counts is that the packages are found.
    apt-get -qq update || say "$1: some package lists were not to be had"
    # shellcheck disable=SC2086
    (cd "$work/debs" && apt-get -qq download $wanted) || return
    for deb in "$work"/debs/*.deb; do
        dpkg -x "$deb" "$work/root" || return
    done
    rm -rf "$work/debs" "$work/apt"
}

# from_source NAME CONFIGURE...: builds one of Debian's source packages with CMake into $work/prefix
from_source()
{
    name=$1
    shift
    cmake -S "$work/src/$name" -B "$work/src/build-$name" -DCMAKE_C_COMPILER=musl-gcc -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_INSTALL_PREFIX="$work/prefix" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF "$@" &&
        cmake --build "$work/src/build-$name" -j "$jobs" && cmake --install "$work/src/build-$name"
}

# The libraries for musl, static, in $work/prefix
musl_prefix()
{
    rm -rf "$work/prefix" "$work/src"
    mkdir -p "$work/prefix/kernel" "$work/src" || return
    apt_root "$work/apt" "$(dpkg --print-architecture)" deb-src || return
    apt-get -qq update || say "musl: some package lists were not to be had"
    (cd "$work/src" && apt-get -qq source libsodium check cjson) || return
    for name in libsodium check cjson; do
        mv "$work/src/$name"-*[0-9] "$work/src/$name" || return
    done
    (cd "$work/src/libsodium" && autoreconf -fi &&
        CC=musl-gcc CFLAGS=-O1 ./configure -q --prefix="$work/prefix" --disable-shared --with-pic &&
        make -s -j "$jobs" -C src install && make -s install-pkgconfigDATA) || return
    from_source check -DCHECK_ENABLE_SUBUNIT=OFF -DBUILD_TESTING=OFF &&
        from_source cjson -DENABLE_CJSON_TEST=OFF || return
    ln -s libcheck.a "$work/prefix/lib/libcheck_pic.a" || return # as Debian's patch to check.pc has it
    # The kernel's headers know no C library, but the compiler for musl does not look where Debian has them.
    headers=/usr/include
    ln -s $headers/linux $headers/asm-generic "$headers/$(gcc -print-multiarch)/asm" "$work/prefix/kernel/" || return
    rm -rf "$work/src" "$work/apt"
}

# prepare TARGET: makes what its build needs, unless a former run did
prepare()
{
    describe "$1"
    mkdir -p "$work" || return
    [ ! -f "$work/ready" ] || return 0
    if [ "$1" = musl ]; then musl_prefix; else sysroot "$1"; fi >"$work/prepare.log" 2>&1 || return
    : >"$work/ready"
}

# The emulator, or the sysroot's own loader where this kernel runs such programs itself, as x86-64 does with i386.
emulator()
{
    loader=$(find "$work/root/lib" -maxdepth 1 -name 'ld*.so.*' | head -n 1)
    if "$loader" --version >/dev/null 2>&1; then
        echo "$loader;--library-path;$work/root/lib/$triplet:$work/root/usr/lib/$triplet"
    else
        echo "qemu-${gnu%%-*};-L;$work/root" | sed 's/qemu-i686/qemu-i386/'
    fi
}

# configure TARGET
configure()
{
    if [ "$1" = musl ]; then
        set -- -DCMAKE_C_COMPILER=musl-gcc "-DCMAKE_C_FLAGS=-isystem $work/prefix/kernel"
        root=
        config=$work/prefix/lib/pkgconfig
    else
        set -- "-DCMAKE_TOOLCHAIN_FILE=$here/cross.cmake" "-DVPN_PORT_GNU=$gnu" "-DVPN_PORT_CPU=$cpu" \
            "-DVPN_PORT_ROOT=$work/root" "-DVPN_PORT_EMULATOR=$(emulator)"
        root=$work/root
        config=$root/usr/lib/$triplet/pkgconfig:$root/usr/share/pkgconfig
    fi
    # The library is optimised as it is shipped; debugging information and quick tests would double the time of the build.
    PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$config cmake -S . -B "$work/build" -G Ninja "$@" -DVPN_IPSEC_MB=OFF -DVPN_LIBCRYPTO=OFF \
        -DCMAKE_BUILD_TYPE=Release '-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG' -DVPN_WERROR=ON \
        -DVPN_TEST_FLAGS=-O1 -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$work/configure.log" 2>&1
}

# compile NAMES: the library, the examples, and the test programs of these names
compile()
{
    programs=$(ninja -C "$work/build" -t targets all |
        sed -nE "s/^(($1)|loopback|vpn-tunnel): phony$/\1/p" | grep -vE '^memory_(ct|planted)$')
    # Each word is one target.
    # shellcheck disable=SC2086
    ninja -C "$work/build" --quiet -j "$jobs" $programs >"$work/build.log" 2>&1
}

passed=0
failed=0
skipped=0

# try TARGET LABELS [CTEST OPTIONS]: runs tests and adds up what ctest tells
try()
{
    target=$1
    labels=$2
    shift 2
    # One process for each program: emulators translate it once, and Check's clock does not judge their speed.
    CK_FORK=no ctest --test-dir "$work/build" -j "$jobs" --output-on-failure --no-tests=error -L "$labels" "$@" \
        >"$work/ctest.log" 2>&1
    status=$?
    all=$(grep -Ec '^ *[0-9]+/[0-9]+ +Test +#[0-9]+: ' "$work/ctest.log")
    ok=$(grep -Ec '^ *[0-9]+/[0-9]+ +Test +#[0-9]+: .* Passed ' "$work/ctest.log")
    over=$(grep -Ec '^ *[0-9]+/[0-9]+ +Test +#[0-9]+: .*\*\*\*Skipped' "$work/ctest.log")
    bad=$((all - ok - over))
    [ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$bad" = 0 ] || cat "$work/ctest.log"
    say "$target: $ok passed, $bad failed, $over skipped"
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + over))
}

broken()
{
    tail -n 30 "$2"
    say "$1: failed, see ${2#"$PWD/"}"
    failed=$((failed + 1))
}

# run_target TARGET
run_target()
{
    describe "$1"
    lacking=$(missing_tools "$1" | tr '\n' ' ')
    if [ "$lacking" ]; then
        say "$1: skipped, not installed: $lacking"
        skipped=$((skipped + 1))
        return
    fi
    [ -f "$work/ready" ] || { broken "$1" "$work/prepare.log"; return; }
    labels='unit|scenario|pitfall'
    names='(unit|tunnel|scenario|pitfall|memory)_[a-z0-9_]+|sim'
    without=
    if [ "$ci" ]; then
        case $1 in
        arm64) labels=unit names='(unit|tunnel)_[a-z0-9_]+' without=$slow ;;
        s390x) without=$slow ;;
        musl) labels=unit names='(unit|tunnel)_[a-z0-9_]+' ;;
        esac
    fi
    say "$1: building"
    configure "$1" || { broken "$1" "$work/configure.log"; return; }
    compile "$names" || { broken "$1" "$work/build.log"; return; }
    if python3 -B tests/checks/frames.py --build "$work/build" >"$work/frames.log"; then
        passed=$((passed + 1))
    else
        broken "$1" "$work/frames.log"
    fi
    say "$1: testing $labels${without:+ without $without}"
    try "$1" "^($labels)" ${without:+-E "^($without)\$"}
}

for argument in "$@"; do
    case $argument in
    --help) usage; exit 0 ;;
    --ci) ci=1 ;;
    i386 | arm64 | s390x | musl) targets="${targets:+$targets }$argument" ;;
    *) usage >&2; exit 2 ;;
    esac
done
targets=${targets:-i386 arm64 s390x musl}
if ! command -v dpkg-query >/dev/null; then
    printf 'skipped: compilers and libraries come from Debian packages, and this is no Debian\n'
    printf '0 passed, 0 failed, 1 skipped\n'
    exit 0
fi
mkdir -p "$out" || exit 1
install_missing
say "preparing $targets"
for target in $targets; do
    [ "$(missing_tools "$target")" ] || prepare "$target" &
done
wait
for target in $targets; do
    run_target "$target"
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
