# SPDX-License-Identifier: ISC
# vpnctl plan, explain and audit on the facts of a laptop: what they print, and their statuses.
. "$(dirname -- "$0")/lib.sh"

start_vpnctl
need python3 python3-minimal

# on COMMAND FILE WORDS
on()
{
    on_command=$1
    on_file=$2
    shift 2
    "$VPNCTL" "$on_command" --facts laptop.json "./$on_file.conf" "$@"
}

for name in full site leaky; do
    check "$name: plan" gives "$name.plan" on plan "$name"
    check "$name: audit" gives "$name.audit" on audit "$name"
    check "$name: plan as JSON" is_json on plan "$name" --json
    check "$name: the way down as JSON" is_json on plan "$name" --json --undo
    on audit "$name" --json >audit.json
    check "$name: audit as JSON" is_json cat audit.json
    on plan "$name" --shell linux >"$scratch/script"
    check "$name: the script is one" sh -n "$scratch/script"
    check "$name: no key in the script" not grep -q "yAnz5TF" "$scratch/script"
done
check "site: the way down" gives site.undo on plan site --undo
check "site: script" gives site.linux on plan site --shell linux
check "site: script for macOS" contains ifconfig on plan site --shell macos
check "hooks are left out" not contains "is up" on plan full
check "and that is said" contains "allow-hooks" on plan full
check "hooks run when allowed" contains 'echo "%i is up" \o/' on plan full --allow-hooks
check "another name" contains "dev wg7" on plan site --interface wg7
check "the table has no colours" not contains "$(printf '\033')" on plan full

check "nothing found" ends 0 on audit site
check "something grave found" ends 1 on audit leaky
check "nothing grave found" ends 0 on audit full
check "an error" ends 2 on audit none

check "explain: tunnel" gives tunnel.explain on explain full to 1.2.3.4 port 443 tcp from uid 1000
check "explain: in one word" gives tunnel.explain on explain full "to 1.2.3.4 port 443 tcp from uid 1000"
check "explain: around" gives local.explain on explain leaky to 2001:db8:2::1 udp
check "explain: excluded" contains "path     local, by eth0" on explain full to 192.168.7.1
check "explain: the endpoint" contains "path     local, by eth0" on explain full to 198.51.100.1 mark 0xca6c
check "explain: DNS elsewhere is blocked" contains "path     blocked" on explain full to 192.168.1.1 port 53 udp
check "explain: JSON" is_json on explain full to fd00::1 --json
check "explain: no address" refused "to" on explain full port 443 tcp
check "explain: no prefix" refused "address" on explain full to 1.2.3.0/24
check "explain: no name" refused "address" on explain full to example.org
check "explain: port" refused "port" on explain full to 1.2.3.4 port 70000
check "explain: user" refused "no user" on explain full to 1.2.3.4 uid nobody-of-that-name
check "explain: half a pair" refused "missing" on explain full to
check "explain: another word" refused "no word" on explain full to 1.2.3.4 by eth0
check "explain: root by name" contains "uid 0" on explain full to 1.2.3.4 uid root

check "facts, read and written" sh -c "'$VPNCTL' plan --write-facts --facts laptop.json >once &&
    '$VPNCTL' plan --write-facts --facts once >twice && cmp once twice"
check "facts from standard input" contains "6 operations" sh -c "'$VPNCTL' plan --facts - ./site.conf <laptop.json"
sed 's/"eth0"/"site"/' laptop.json >taken.json
check "the interface exists" refused "there already" "$VPNCTL" plan --facts taken.json ./site.conf
check "around one that exists" contains "site" "$VPNCTL" plan --facts taken.json --link-exists ./site.conf
check "around one that does not" refused "no interface" on plan site --link-exists
finish
