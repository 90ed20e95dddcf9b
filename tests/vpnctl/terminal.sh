# SPDX-License-Identifier: ISC
# What surrounds the commands: colours, completion in three shells, the manual page.
. "$(dirname -- "$0")/lib.sh"

source=$(dirname "$(dirname "$here")")
start_vpnctl
need python3 python3-minimal
commands="up down plan explain audit diagnose show convert mtu genkey genpsk pubkey"
escape=$(printf '\033')

# on_terminal COMMAND...: its output, where that is a terminal
on_terminal()
{
    TERM=xterm python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@"
}

unset NO_COLOR
check "colours on a terminal" contains "$escape[1;32m" on_terminal "$VPNCTL" plan --facts laptop.json ./site.conf
check "none elsewhere" not contains "$escape" "$VPNCTL" plan --facts laptop.json ./site.conf
NO_COLOR=1
export NO_COLOR
check "none with NO_COLOR" not contains "$escape" on_terminal "$VPNCTL" plan --facts laptop.json ./site.conf
NO_COLOR=
check "an empty NO_COLOR counts for nothing" contains "$escape" on_terminal "$VPNCTL" audit --facts laptop.json ./full.conf

# options_of COMMAND: what its help lists
options_of()
{
    "$VPNCTL" "$1" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'
}

check "vpnctl --help names every command" equal "$("$VPNCTL" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | tr '\n' ' ')" "$commands "
for command in $commands; do
    for option in $(options_of "$command"); do
        check "manual: $command $option" grep -q -- "${option#-}" "$source/docs/man/vpnctl.8"
        check "zsh: $command $option" sh -c "[ $option = --help ] || grep -q -- '$option\\[' '$source/examples/vpnctl/completion/_vpnctl'"
        check "fish: $command $option" grep -q -- "-l ${option#--}" "$source/examples/vpnctl/completion/vpnctl.fish"
    done
done
fields=$("$VPNCTL" show --help | sed -n '/^FIELD:/,/^Secrets/p' | tr -d ',.;:' | sed 's/^FIELD//; s/and of daemons with libvpn//; s/ or / /; /^Secrets/d')
check "fields" contains roaming echo "$fields"
for field in $fields; do
    check "bash and zsh: show $field" sh -c "cd '$source/examples/vpnctl/completion' && grep -qw -- '$field' vpnctl.bash && grep -qw -- '$field' _vpnctl"
done

if command -v bash >/dev/null; then
    # completed WORDS: what bash would offer for the last of them
    completed()
    {
        PATH=$(dirname "$VPNCTL"):$PATH bash -c '
            compopt() { :; }
            . "$1"
            shift
            COMP_WORDS=("$@")
            COMP_CWORD=$(($# - 1))
            _vpnctl
            printf "%s\n" "${COMPREPLY[@]}"' bash "$source/examples/vpnctl/completion/vpnctl.bash" vpnctl "$@"
    }
    check "bash: commands" equal "$(completed p | tr '\n' ' ')" "plan pubkey "
    check "bash: values" equal "$(completed plan --shell '' | tr '\n' ' ')" "linux macos "
    check "bash: fields" equal "$(completed show all tr)" "transfer"
    for command in $commands; do
        for option in $(options_of "$command"); do
            check "bash: $command $option" equal "$(completed "$command" "$option" | grep -x -- "$option")" "$option"
        done
    done
fi
for shell in zsh fish; do
    file=vpnctl.fish
    [ "$shell" = fish ] || file=_vpnctl
    if command -v "$shell" >/dev/null; then
        check "$shell takes the file" "$shell" -n "$source/examples/vpnctl/completion/$file"
    fi
done

need mandoc mandoc
mandoc -Tlint -Wwarning "$source/docs/man/vpnctl.8" >lint 2>&1
check "manual: nothing to complain about" equal "$(cat lint)" ""
finish
