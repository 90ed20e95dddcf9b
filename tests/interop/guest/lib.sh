# SPDX-License-Identifier: ISC
# A Linux kernel in a machine of its own, as the other end of a test. Sourced after ../lib.sh, which it needs; POSIX sh.
#
# The kernel is Debian's cloud kernel, downloaded and unpacked, never installed. It boots in qemu with a small initramfs, by
# emulation where the processor cannot do better: a peer for correctness, not for speed. Each network card of the guest is in
# a namespace of the guest, at the other end of a tap in the namespace of the same name on this side.
#
# Before it is sourced, guest_more_programs and guest_more_modules may name what the test needs besides.

# shellcheck disable=SC2154
mkdir -p "$build/guest"
guest_cache=$(CDPATH='' cd -- "$build/guest" && pwd)
guest_programs="busybox dash wg ip iperf3 ${guest_more_programs:-}"
guest_modules="virtio_pci virtio_console virtio_rng virtio_net wireguard ${guest_more_modules:-}"

# The package with the kernel that the name without a version stands for.
guest_find()
{
    apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: //p' | head -n 1
}

# Downloads and unpacks the kernel, unless that was done before. Sets guest_version.
guest_kernel()
{
    if [ ! -s "$guest_cache/version" ]; then
        guest_package=$(guest_find)
        [ -n "$guest_package" ] || { apt-get update >/dev/null 2>&1 && guest_package=$(guest_find); }
        [ -n "$guest_package" ] || skip "apt-get knows no linux-image-cloud-amd64"
        rm -rf "$guest_cache"
        mkdir -p "$guest_cache/root"
        (cd "$guest_cache" && apt-get download -q "$guest_package" 2>"$scratch/download.txt") >/dev/null ||
            skip "$guest_package cannot be downloaded: $(grep -m 1 '^E' "$scratch/download.txt")"
        dpkg -x "$guest_cache/$guest_package"_*.deb "$guest_cache/root" || skip "$guest_package cannot be unpacked"
        rm -f "$guest_cache/$guest_package"_*.deb
        depmod -b "$guest_cache/root" "${guest_package#linux-image-}" || skip "depmod failed"
        echo "${guest_package#linux-image-}" >"$guest_cache/version"
    fi
    guest_version=$(cat "$guest_cache/version")
}

# guest_copy ROOT FILE...: into the initramfs, under the name that the file has below ROOT.
guest_copy()
{
    guest_below=$1
    shift
    for guest_file in "$@"; do
        guest_name=$guest_root${guest_file#"$guest_below"}
        mkdir -p "${guest_name%/*}"
        cp -L "$guest_file" "$guest_name"
    done
}

# Writes $scratch/initramfs. Programs are copied with the libraries they are linked to, modules with those they need.
guest_initramfs()
{
    guest_root=$scratch/root
    mkdir -p "$guest_root/bin" "$guest_root/proc" "$guest_root/sys" "$guest_root/dev" "$guest_root/run" "$guest_root/tmp"
    cp "$here/guest/init.sh" "$guest_root/init"
    chmod 755 "$guest_root/init"
    for guest_program in $guest_programs; do
        guest_file=$(command -v "$guest_program") || skip "$guest_program is missing"
        guest_libraries=$(ldd "$guest_file" 2>/dev/null | grep -o '/[^ ]*')
        cp -L "$guest_file" "$guest_root/bin/$guest_program"
        # shellcheck disable=SC2086
        guest_copy "" $guest_libraries
    done
    # Busybox's shell takes its own ip and others before those of the path.
    mv "$guest_root/bin/dash" "$guest_root/bin/sh"
    for guest_applet in $(busybox --list); do
        [ -e "$guest_root/bin/$guest_applet" ] || ln -s busybox "$guest_root/bin/$guest_applet"
    done
    for guest_module in $guest_modules; do
        guest_needed=$(modprobe -d "$guest_cache/root" -S "$guest_version" -D "$guest_module") ||
            skip "$guest_version has no module $guest_module"
        # shellcheck disable=SC2046
        guest_copy "$guest_cache/root" $(echo "$guest_needed" | sed -n 's/^insmod //p')
    done
    cp "$guest_cache/root/lib/modules/$guest_version"/modules.builtin* "$guest_cache/root/lib/modules/$guest_version/modules.order" \
        "$guest_root/lib/modules/$guest_version"
    depmod -b "$guest_root" "$guest_version"
    (cd "$guest_root" && find . | cpio --quiet -o -H newc -R 0:0) >"$scratch/initramfs"
    rm -rf "$guest_root"
}

# A /dev/kvm on a processor without the instructions for it hangs. Emulated, the kernel may measure its time stamp counter
# wrongly by a factor when the machine is busy, and what it is protected against costs much.
guest_accelerate()
{
    guest_accelerator='-accel tcg -cpu qemu64'
    guest_options='mitigations=off tsc=unstable'
    if grep -qwE 'svm|vmx' /proc/cpuinfo && [ -w /dev/kvm ]; then
        guest_accelerator='-accel kvm -cpu host'
        guest_options=
    fi
}

# guest_boot NS...: namespaces that exist; returns when the guest answers. In each, `out` is the cable: 10.99.0.1 and fd99::1
# here, .2 and ::2 in the guest. Says how long that took.
guest_boot()
{
    ns_new machine
    mkfifo "$scratch/port.in" "$scratch/port.out"
    exec 8<>"$scratch/port.in" 9<>"$scratch/port.out"
    guest_cards=
    guest_names=
    for guest_ns in "$@"; do
        guest_cards="$guest_cards -netdev tap,id=n$guest_ns,ifname=t$guest_ns,script=no,downscript=no"
        guest_cards="$guest_cards -device virtio-net-pci,netdev=n$guest_ns,romfile="
        guest_names="$guest_names${guest_names:+,}$guest_ns"
    done
    guest_began=$(date +%s%N)
    # Words on purpose.
    # shellcheck disable=SC2086
    ip netns exec "$(ns_name machine)" qemu-system-x86_64 -M q35 $guest_accelerator -m 256 -smp 1 -nodefaults -no-user-config \
        -display none -no-reboot -kernel "$guest_cache/root/boot/vmlinuz-$guest_version" -initrd "$scratch/initramfs" \
        -append "console=ttyS0 quiet panic=-1 $guest_options netns=$guest_names" -serial "file:$scratch/console.log" \
        -device virtio-rng-pci -device virtio-serial-pci -chardev "pipe,id=port,path=$scratch/port" \
        -device virtserialport,chardev=port $guest_cards >"$scratch/qemu.log" 2>&1 </dev/null 8>&- 9>&- &
    guest_pid=$!
    for guest_ns in "$@"; do
        wait_for 10 in_ns machine ip link show "t$guest_ns" || skip "qemu made no tap: $(tail -n 1 "$scratch/qemu.log")"
        ip -n "$(ns_name machine)" link set "t$guest_ns" netns "$(ns_name "$guest_ns")" name out
        cable_end "$guest_ns" 1
    done
    guest_answer 150 || {
        fail "the guest did not boot"
        exit 1
    }
    echo "$guest_version answers after $((($(date +%s%N) - guest_began) / 1000000)) ms ($guest_accelerator)"
}

# guest_answer SECONDS: the answer to one request, which must have come by then.
guest_answer()
{
    # shellcheck disable=SC2016
    timeout "$1" sh -c 'while IFS= read -r line; do
        case $line in
        "|"*) printf "%s\n" "${line#|}" ;;
        =*) exit "${line#=}" ;;
        esac
    done' <&9
    guest_status=$?
    if [ "$guest_status" = 124 ]; then
        echo "the guest does not answer"
        kill "$guest_pid"
    fi
    return "$guest_status"
}

# guest COMMAND...: shell for the guest; its output and its status. Newlines become blanks.
guest()
{
    running "$guest_pid" || {
        echo "the guest is down"
        return 1
    }
    echo "$*" | tr '\n' ' ' >&8
    echo >&8
    guest_answer 70 # 10 more than the guest gives any command
}

# in_guest NS LINE...: in a namespace of the guest.
in_guest()
{
    in_guest_ns=$1
    shift
    guest ip netns exec "$in_guest_ns" "$@"
}

# Installs what all this takes, or skips the test. After start_test.
guest_need()
{
    [ "$(uname -m)" = x86_64 ] || skip "the guest is for x86_64 only"
    need qemu-system-x86_64 qemu-system-x86
    need busybox busybox-static
    need cpio cpio
    need depmod kmod
    need iperf3 iperf3
    need dpkg dpkg
    guest_kernel
    guest_initramfs
    guest_accelerate
}
