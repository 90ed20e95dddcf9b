#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs a build to a scratch prefix, moves the prefix, and builds and runs a C and a C++ program against it, through
# pkg-config (shared and static) and through find_package.
#
# usage: package.sh BUILD_DIRECTORY
set -eu

build=$1
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-cc}
cxx=${CXX:-c++}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

say()
{
    printf 'package: %s\n' "$*"
}

cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.log" || { cat "$scratch/install.log"; exit 1; }
# What was installed must not know where that was.
mv "$scratch/first" "$scratch/moved"
prefix=$scratch/moved

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name vpn.pc)")
libdir=$(dirname "$(find "$prefix" -name libvpn.a)")
export PKG_CONFIG_PATH
[ -n "$(find "$prefix" -name LICENSE)" ] || { say "the licence was not installed"; exit 1; }
if grep -rIl "$scratch/first" "$prefix"; then
    say "these files name the prefix that they were installed to"
    exit 1
fi

# build_and_run NAME COMPILER STANDARD SOURCE FLAGS...
build_and_run()
{
    name=$1 compiler=$2 standard=$3 source=$4
    shift 4
    # The flags of pkg-config stand behind the source, as a linker wants them.
    "$compiler" "-std=$standard" -Wall -Wextra -Wpedantic -Werror "$here/$source" -o "$scratch/$name" "$@"
    LD_LIBRARY_PATH=$libdir "$scratch/$name" >"$scratch/out" || { say "$name ended with $?"; exit 1; }
    say "$name: $(cat "$scratch/out")"
}

shared=$(pkg-config --cflags --libs vpn)
static=$(pkg-config --cflags --libs --static vpn | sed "s| -lvpn| $libdir/libvpn.a|")
# Each word of what pkg-config says is one argument.
# shellcheck disable=SC2086
{
    build_and_run pkg-config-shared-c "$cc" c11 consumer.c $shared
    build_and_run pkg-config-shared-cpp "$cxx" c++11 consumer.cpp $shared
    build_and_run pkg-config-static-c "$cc" c11 consumer.c $static
    build_and_run pkg-config-static-cpp "$cxx" c++11 consumer.cpp $static
}
# The providers that were built: each brings libvpn along.
for provider in ipsec-mb libcrypto; do
    pkg-config --exists "vpn-$provider" || { say "no provider vpn-$provider was built"; continue; }
    # shellcheck disable=SC2046
    build_and_run "provider-$provider" "$cc" c11 provider.c $(pkg-config --cflags --libs "vpn-$provider") \
        -DPROVIDER="vpn_provider_$(echo "$provider" | tr - _)"
done
case $shared in
*sodium*) say "who links the shared library should not need libsodium: $shared"; exit 1 ;;
esac
if ! readelf -d "$scratch/pkg-config-shared-c" | grep -q 'libvpn\.so\.0'; then
    say "the shared program does not ask for libvpn.so.0"
    exit 1
fi
if readelf -d "$scratch/pkg-config-static-c" | grep -q 'libvpn'; then
    say "the static program asks for libvpn.so"
    exit 1
fi

mkdir "$scratch/consumer"
cp "$here/consumer.c" "$here/consumer.cpp" "$scratch/consumer"
cp "$here/consumer.cmake" "$scratch/consumer/CMakeLists.txt"
{
    cmake -S "$scratch/consumer" -B "$scratch/consumer/build" -DCMAKE_PREFIX_PATH="$prefix" &&
        cmake --build "$scratch/consumer/build" &&
        ctest --test-dir "$scratch/consumer/build" --output-on-failure --no-tests=error
} >"$scratch/cmake.log" 2>&1 || { cat "$scratch/cmake.log"; exit 1; }
say "find_package: $(grep 'tests passed' "$scratch/cmake.log")"
