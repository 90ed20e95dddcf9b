# SPDX-License-Identifier: ISC
# vpnctl genkey, genpsk and pubkey beside those of wg(8); vpnctl mtu.
. "$(dirname -- "$0")/lib.sh"

start_vpnctl
need wg wireguard-tools
need python3 python3-minimal

umask 077
same_public()
{
    "$VPNCTL" genkey >"$scratch/key" || return 1
    equal "$("$VPNCTL" pubkey <"$scratch/key")" "$(wg pubkey <"$scratch/key")" || return 1
    wg genkey >"$scratch/key"
    equal "$("$VPNCTL" pubkey <"$scratch/key")" "$(wg pubkey <"$scratch/key")"
}

many()
{
    for many_round in 1 2 3 4 5 6 7 8; do
        same_public || return 1
    done
}

check "keys of each for the other" many
check "a key is clamped" python3 -c '
import base64, sys
key = base64.b64decode(open(sys.argv[1]).read())
sys.exit(not (len(key) == 32 and key[0] & 7 == 0 and key[31] & 0x80 == 0 and key[31] & 0x40))' "$scratch/key"
check "two keys differ" not equal "$("$VPNCTL" genkey)" "$("$VPNCTL" genkey)"
check "two preshared keys differ" not equal "$("$VPNCTL" genpsk)" "$("$VPNCTL" genpsk)"
check "a preshared key is a key" equal "$("$VPNCTL" genpsk | wc -c)" 45
check "blanks around a key" equal "$(printf ' \t%s\r\n\n' "$(cat "$scratch/key")" | "$VPNCTL" pubkey)" \
    "$(wg pubkey <"$scratch/key")"
check "JSON" is_json "$VPNCTL" genkey --json

pubkey_of()
{
    printf '%s' "$1" | "$VPNCTL" pubkey
}

check "no key" refused "base64" pubkey_of ""
check "a short key" refused "base64" pubkey_of "AAAA"
check "a bad key" refused "base64" pubkey_of "$(tr '=' '!' <"$scratch/key")"
check "spare bits" refused "base64" pubkey_of "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="
check "two keys" refused "base64" pubkey_of "$(cat "$scratch/key" "$scratch/key")"
check "a key with a NUL" refused "base64" sh -c "printf '%s\\000' \$(cat '$scratch/key') | '$VPNCTL' pubkey"
check "too long" refused "longer" sh -c "head -c 5000 /dev/zero | '$VPNCTL' pubkey"

"$VPNCTL" genkey >"$scratch/private" 2>"$scratch/private.err"
check "no warning for a private file" equal "$(cat "$scratch/private.err")" ""
(umask 022 && "$VPNCTL" genkey >"$scratch/public" 2>"$scratch/public.err")
check "a warning for a file that others can read" contains "others can read" cat "$scratch/public.err"
check "a full disk is an error" ends 2 sh -c "'$VPNCTL' genkey >/dev/full"
check "a closed standard output is an error" ends 2 sh -c "'$VPNCTL' genkey >&-"
check "no operand" refused "too many" "$VPNCTL" genkey word

check "the table of overheads" gives mtu.txt "$VPNCTL" mtu
check "inner MTU" contains 1412 "$VPNCTL" mtu --path 1492 --kind udp --family 6
check "path MTU" contains 1500 "$VPNCTL" mtu --inner=1420 --kind=udp --family=6
check "nothing fits" contains "does not fit" "$VPNCTL" mtu --path 60 --kind udp --family 4
check "IPv6 does not fit" contains "too small" "$VPNCTL" mtu --path 1300 --kind udp --family 4
check "mtu: JSON" is_json "$VPNCTL" mtu --json
check "mtu: kind" refused "--kind" "$VPNCTL" mtu --kind esp
check "mtu: family" refused "--family" "$VPNCTL" mtu --family 5
check "mtu: no number" refused "--path" "$VPNCTL" mtu --path 15x
check "mtu: too great" refused "--path" "$VPNCTL" mtu --path 65536
check "mtu: zero" refused "at least" "$VPNCTL" mtu --path 0
check "mtu: both" refused "contradict" "$VPNCTL" mtu --path 1500 --inner 1420
check "mtu: options of 3 bytes" ends 2 "$VPNCTL" mtu --extra 3
finish
