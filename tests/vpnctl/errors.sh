# SPDX-License-Identifier: ISC
# The command line of vpnctl, and facts that are none.
. "$(dirname -- "$0")/lib.sh"

start_vpnctl

check "no command" ends 2 "$VPNCTL"
check "another command" refused "no command" "$VPNCTL" dance
check "help" contains "explain" "$VPNCTL" --help
check "version" contains "vpnctl " "$VPNCTL" --version
for command in up down plan explain audit show convert mtu genkey genpsk pubkey; do
    check "$command: help" contains "usage: vpnctl $command" "$VPNCTL" "$command" --help
    check "$command: help is fine" ends 0 "$VPNCTL" "$command" --help
    check "$command: an option that is none" refused "unknown option" "$VPNCTL" "$command" --colour
done
check "an option of another command" refused "unknown option" "$VPNCTL" plan --keys ./full.conf
check "a value that is missing" refused "missing" "$VPNCTL" plan ./full.conf --facts
check "a value that is too much" refused "no value" "$VPNCTL" plan ./full.conf --json=yes
check "which file" refused "which file" "$VPNCTL" plan
check "two files" refused "too many" "$VPNCTL" plan a b
check "a word behind --" refused "No such file" "$VPNCTL" plan -- --json
check "a script and JSON" refused "contradict" "$VPNCTL" plan --json --shell linux ./full.conf
check "a system" refused "linux or macos" "$VPNCTL" plan --facts laptop.json --shell plan9 ./full.conf
check "a name that is none" refused "interface" "$VPNCTL" plan --facts laptop.json --interface "a b" ./full.conf
check "a name that is too long" refused "interface" "$VPNCTL" plan --facts laptop.json --interface abcdefghijklmnop ./full.conf
check "a field" refused "no field" "$VPNCTL" show all colour
check "an interface that is a path" refused "cannot be" "$VPNCTL" show ../x
check "an interface that is not there" refused "cannot ask" "$VPNCTL" show no-such-if
check "secrets and JSON" refused "secrets" "$VPNCTL" show --json --keys

# facts TEXT: plans with it
facts()
{
    printf '%s' "$1" >facts.json
    "$VPNCTL" plan --facts facts.json ./site.conf
}

check "facts: empty" refused "facts.json:1:1" facts ''
check "facts: a list" refused "object" facts '[]'
check "facts: no fact" refused "facts.json:2:2: there is no such fact" facts '{
"colour": 1}'
check "facts: a key of a link" refused "no such key" facts '{"links": [{"index": 1, "name": "a", "mtu": 1, "colour": 1}]}'
check "facts: a key is missing" refused "mtu: this key is missing" facts '{"links": [{"index": 1, "name": "a"}]}'
check "facts: a number" refused "index" facts '{"links": [{"index": -1, "name": "a", "mtu": 1}]}'
check "facts: a half" refused "index" facts '{"links": [{"index": 1.5, "name": "a", "mtu": 1}]}'
check "facts: a great number" refused "mtu" facts '{"links": [{"index": 1, "name": "a", "mtu": 4294967296}]}'
check "facts: a name" refused "name" facts '{"links": [{"index": 1, "name": "abcdefghijklmnop", "mtu": 1}]}'
check "facts: a flag" refused "flags" facts '{"links": [{"index": 1, "name": "a", "mtu": 1, "flags": ["big"]}]}'
check "facts: an address" refused "address" facts '{"addresses": [{"link": 1, "address": "10.0.0.300/8"}]}'
check "facts: a server" refused "server" facts '{"resolvers": [{"server": "10.0.0.0/8"}]}'
check "facts: a gateway" refused "gateway" facts '{"routes": [{"to": "10.0.0.0/8", "table": 254, "gateway": true}]}'
check "facts: a resolver" refused "resolver_system" facts '{"resolver_system": "none"}'
check "facts: a protocol" refused "protocol" facts '{"routes": [{"to": "10.0.0.0/8", "table": 254, "protocol": 256}]}'
check "facts: a comma" refused "','" facts '{"links": [] "rules": []}'
check "facts: a comma too many" refused "facts.json:1:14" facts '{"links": [],}'
check "facts: an end too many" refused "follows" facts '{}}'
check "facts: no end" refused "expected" facts '{"links": ['
check "facts: a zero in front" refused "number" facts '{"rp_filter": 01}'
check "facts: an escape" refused "escape" facts '{"resolver_system": "\x"}'
check "facts: deep" refused "deeply" facts "$(printf '[%.0s' $(seq 40))"
check "facts: nothing known" ends 0 facts '{}'
finish
