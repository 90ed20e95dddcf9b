/* SPDX-License-Identifier: ISC */
/* Names are part of the contract: programs match on them, so a name that shipped stays. */
#include <vpn/packet.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const verdicts[] = {
    [VPN_DROP] = "drop", [VPN_PENDING] = "pending", [VPN_TO_NET] = "to-net",   [VPN_TO_TUN] = "to-tun",
    [VPN_DONE] = "done", [VPN_WAIT] = "wait",       [VPN_UNKNOWN] = "unknown",
};
_Static_assert(COUNT(verdicts) == VPN_VERDICTS, "every verdict has a name");

struct reason {
    const char *name;
    const char *text;
};

static const struct reason reasons[] = {
    [VPN_REASON_NONE] = {"none", "nothing was dropped"},
    [VPN_REASON_ARGUMENT] = {"argument", "the packet descriptor contradicts itself"},
    [VPN_REASON_SPACE] = {"space", "the buffer has too little room around the packet"},
    [VPN_REASON_TYPE] = {"type", "the datagram is no message of this protocol"},
    [VPN_REASON_LENGTH] = {"length", "the message has a length that its type cannot have"},
    [VPN_REASON_MAC1] = {"mac1", "the message was not made for our public key"},
    [VPN_REASON_RATE] = {"rate", "the source sent more handshakes than its budget allows"},
    [VPN_REASON_INDEX] = {"index", "no session or handshake has this receiver index"},
    [VPN_REASON_HANDSHAKE] = {"handshake", "the initiation does not decrypt or has a bad key"},
    [VPN_REASON_NO_ROUTE] = {"no-route", "no peer is allowed to receive packets for this destination"},
    [VPN_REASON_INNER] = {"inner", "the packet to send is not IPv4 or IPv6"},
    [VPN_REASON_NO_IDENTITY] = {"no-identity", "the device has no private key"},
    [VPN_REASON_MEMORY] = {"memory", "there was no memory"},
    [VPN_REASON_RANDOM] = {"random", "the source of randomness failed"},
    [VPN_REASON_NO_PEER] = {"no-peer", "the peer does not exist or was removed"},
    [VPN_REASON_NO_CRYPT] = {"no-crypt", "the packet was not encrypted or decrypted before it was ended"},
    [VPN_REASON_SUSPENDED] = {"suspended", "the device is suspended"},
    [VPN_REASON_AUTH] = {"auth", "the packet is not authentic"},
    [VPN_REASON_REPLAY] = {"replay", "the counter was received before or is too old"},
    [VPN_REASON_EXPIRED] = {"expired", "the session is too old"},
    [VPN_REASON_COUNTER] = {"counter", "the session has carried as many packets as it may"},
    [VPN_REASON_TIMESTAMP] = {"timestamp", "the initiation is not newer than the last one"},
    [VPN_REASON_SKEW] = {"skew", "the initiation is dated too far in the future"},
    [VPN_REASON_FLOOD] = {"flood", "the initiation came too soon after the last one"},
    [VPN_REASON_RESPONSE] = {"response", "the response does not decrypt"},
    [VPN_REASON_STATE] = {"state", "the message answers nothing that is under way"},
    [VPN_REASON_COOKIE] = {"cookie", "the cookie reply does not decrypt"},
    [VPN_REASON_SOURCE] = {"source", "the peer is not allowed to send from this inner address"},
    [VPN_REASON_BAD_INNER] = {"bad-inner", "the peer sent something that is not IPv4 or IPv6"},
    [VPN_REASON_NO_ENDPOINT] = {"no-endpoint", "the peer's address is not known"},
    [VPN_REASON_LOW_ORDER] = {"low-order", "the peer's public key allows no handshake"},
    [VPN_REASON_NO_SESSION] = {"no-session", "there is no session and packets are not parked for this peer"},
    [VPN_REASON_WIPED] = {"wiped", "the key was wiped while the packet was in flight"},
};
_Static_assert(COUNT(reasons) == VPN_REASONS, "every reason has a name");

const char *vpn_verdict_name(uint32_t verdict)
{
    return verdict < VPN_VERDICTS ? verdicts[verdict] : "unknown verdict";
}

const char *vpn_reason_name(uint32_t reason)
{
    return reason < VPN_REASONS ? reasons[reason].name : "unknown";
}

const char *vpn_reason_text(uint32_t reason)
{
    return reason < VPN_REASONS ? reasons[reason].text : "unknown reason";
}
