# SPDX-License-Identifier: ISC
# vpnctl convert: round trips between the forms, and what is kept from the curious.
. "$(dirname -- "$0")/lib.sh"

start_vpnctl
need wg wireguard-tools
need python3 python3-minimal

convert()
{
    "$VPNCTL" convert --keys "$@"
}

# round FORM FILE: to the form and back to what wg takes.
round()
{
    convert --to "$1" "./$2.conf" >"$scratch/there" || return 1
    convert --to wg "$scratch/there" >"$scratch/back" || return 1
    convert --to wg "./$2.conf" | diff - "$scratch/back"
}

for name in full site leaky every; do
    for form in vpn wg-quick wg json uapi; do
        check "$name: $form and back" round "$form" "$name"
    done
    check "$name: JSON is JSON" is_json convert --json "./$name.conf"
    check "$name: nothing is lost in JSON" sh -c "'$VPNCTL' convert --keys --json ./$name.conf |
        '$VPNCTL' convert --keys - >json.conf && '$VPNCTL' convert --keys ./$name.conf | diff - json.conf"
    convert --to wg "./$name.conf" >"$scratch/stripped"
    check "$name: hidden keys" sh -c "! '$VPNCTL' convert ./$name.conf 2>/dev/null |
        grep -qE 'yAnz5TF|FpCyhws|c809f3e5|1690b287'"
    check "$name: and that is said" contains "left out" "$VPNCTL" convert "./$name.conf"
done
check "wg-quick has no word for some of it" contains "left out" convert --to wg-quick ./full.conf
check "uapi: what it looks like" gives full.uapi convert --to uapi ./full.conf
check "json: what it looks like" gives every.json convert --to json ./every.conf

from()
{
    printf '%s' "$1" | "$VPNCTL" convert -
}

check "a line of JSON cannot become two" refused "cannot hold" from '{"Interface": {"Address": "10.0.0.1\nPostUp = x"}}'
check "nor by its key" refused "no such key" from '{"Interface": {"Address = 10.0.0.1\nPostUp": "x"}}'
check "nor a comment" refused "cannot hold" from '{"Interface": {"PostUp": "a # b"}}'
check "JSON: a bad value" refused "Address" from '{"Interface": {"Address": ["10.0.0.1/33"]}}'
check "JSON: the end is missing" refused "1:17" from '{"Interface":{"A'
check "JSON: no Interface" refused "Interface" from '{"Peers": []}'
check "JSON: another key" refused "only Interface" from '{"Interface": {}, "Peer": []}'
check "JSON: deep" refused "deeply" from "{\"Interface\": $(printf '[%.0s' $(seq 100))"
check "JSON: peers" refused "array" from '{"Interface": {}, "Peers": {}}'
check "UAPI: a line without value" refused "standard input:2" from 'set=1
private_key
'
check "UAPI: a bad key" refused "hexadecimal" from 'private_key=00
'
check "UAPI: a NUL" refused "NUL" sh -c "printf 'listen_port=1\nfwmark=2\000\nfwmark=3\n' | '$VPNCTL' convert -"
check "a file: a NUL" ends 2 sh -c "printf '[Interface]\nMTU = 1400\000\n' | '$VPNCTL' convert -"
check "file: line and column" refused "standard input:3:10" from '[Interface]
# no address
DNS  = x,10.0.0.1/99
'
check "file: a word about a misspelt key" refused "nearest one is Address" from '[Interface]
Adress = 10.0.0.1
'
check "empty" ends 0 from ''
check "no such form" refused "--to" "$VPNCTL" convert --to xml ./full.conf
check "no such file" refused "No such file" "$VPNCTL" convert ./none.conf
check "no such tunnel" refused "/etc/wireguard/no-such-tunnel.conf" "$VPNCTL" convert no-such-tunnel
check "a name that is too long for one is a file" refused "a-name-of-twenty-chr: No such" "$VPNCTL" convert a-name-of-twenty-chr
check "what ends in .conf is a file" contains "Peer" "$VPNCTL" convert site.conf
check "a folder" refused "directory" "$VPNCTL" convert ./
finish
