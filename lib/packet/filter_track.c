/* SPDX-License-Identifier: ISC */
/* Keys and states of flows. A key: the peer's number, what kind of key, the protocol, ports or an identifier, and the
 * addresses, the peer's end before the host's, whoever sent the packet. An echo's key also says who asks, since both ends may ask
 * with one identifier. TCP is followed just far enough to know when it is
 * over: nothing that someone can send who does not see the packets may end a flow early. */
#include "packet/filter_track.h"

#include <string.h>
#include <vpn/filter.h>

#include "base/bytes.h"

#define KIND_FLOW     0
#define KIND_FRAGMENT 1 /* plus the direction */

#define AT_KIND      8
#define AT_FAMILY    9
#define AT_PROTOCOL  10
#define AT_PORTS     12
#define AT_ADDRESSES 16

#define TCP_OPEN        (7440 * VPN_SECOND) /* RFC 5382 REQ-5: established, 2 hours 4 minutes */
#define TCP_TRANSITORY  (240 * VPN_SECOND)  /* RFC 5382 REQ-5: partially open or closing, 4 minutes */
#define UDP_OPENING     (30 * VPN_SECOND)
#define UDP_OPEN        (180 * VPN_SECOND) /* RFC 4787 REQ-5: not less than 2 minutes */
#define ICMP_ECHO       (30 * VPN_SECOND)
#define FRAGMENT_FOLLOW (30 * VPN_SECOND)

#define MARK_ACK(side)    (1u << (side))
#define MARK_FIN(side)    (4u << (side))
#define MARK_CLOSED(side) (16u << (side)) /* his FIN was acknowledged */

static int is_icmp(uint32_t protocol)
{
    return protocol == VPN__PROTO_ICMP || protocol == VPN__PROTO_ICMP6;
}

/* How long a flow may be silent. */
static vpn_time life_of(const struct vpn__flow *flow)
{
    uint8_t protocol = flow->key.bytes[AT_PROTOCOL];
    if (protocol == VPN__PROTO_TCP)
        return flow->state == VPN__FLOW_OPEN ? TCP_OPEN : TCP_TRANSITORY;
    if (is_icmp(protocol))
        return ICMP_ECHO;
    return flow->state == VPN__FLOW_OPEN ? UDP_OPEN : UDP_OPENING;
}

void vpn__flow_key_peer(uint8_t out[8], uint64_t peer)
{
    vpn__store64be(out, peer);
}

/* Everything but the ports. `peer_is_source`: the packet comes from the peer's end. */
static void key_begin(struct vpn__flow_key *key, const struct vpn__filter_view *v, int peer_is_source, uint64_t peer,
                      uint8_t kind)
{
    size_t bytes = v->family == 4 ? 4 : 16;
    memset(key, 0, sizeof(*key));
    vpn__flow_key_peer(key->bytes, peer);
    key->bytes[AT_KIND] = kind;
    key->bytes[AT_FAMILY] = v->family;
    key->bytes[AT_PROTOCOL] = v->protocol;
    memcpy(key->bytes + AT_ADDRESSES, peer_is_source ? v->src : v->dst, bytes);
    memcpy(key->bytes + AT_ADDRESSES + 16, peer_is_source ? v->dst : v->src, bytes);
}

void vpn__flow_key_of(struct vpn__flow_key *key, const struct vpn__filter_view *v, uint32_t direction, uint64_t peer)
{
    int in = direction == VPN_FILTER_IN;
    key_begin(key, v, in, peer, KIND_FLOW);
    if (v->icmp != VPN__ICMP_NONE) {
        vpn__store16be(key->bytes + AT_PORTS, v->id);
        key->bytes[AT_PORTS + 2] = (v->icmp == VPN__ICMP_REPLY) == in ? VPN_FILTER_OUT : VPN_FILTER_IN;
    } else if (v->ports[0] != VPN__NO_PORT) {
        vpn__store16be(key->bytes + AT_PORTS, (uint16_t)v->ports[!in]);
        vpn__store16be(key->bytes + AT_PORTS + 2, (uint16_t)v->ports[in]);
    }
}

void vpn__flow_key_fragment(struct vpn__flow_key *key, const struct vpn__filter_view *v, uint32_t direction,
                            uint64_t peer)
{
    key_begin(key, v, direction == VPN_FILTER_IN, peer, (uint8_t)(KIND_FRAGMENT + direction));
    vpn__store32be(key->bytes + AT_PORTS, v->fragment);
}

int vpn__flow_may_begin(const struct vpn__filter_view *v)
{
    uint32_t both = VPN__TCP_SYN | VPN__TCP_ACK;
    if (v->part == VPN__PART_LATER)
        return 0;
    if (v->icmp != VPN__ICMP_NONE)
        return v->icmp == VPN__ICMP_REQUEST && v->ports[1] == 0;
    return v->protocol != VPN__PROTO_TCP || ((v->flags & VPN__TCP_RST) == 0 && (v->flags & both) != both);
}

static void numbers(struct vpn__flow *flow, const struct vpn__filter_view *v, uint32_t side)
{
    uint32_t other = !side;
    if (v->flags & VPN__TCP_ACK) {
        flow->ack[side] = v->ack;
        flow->marks |= (uint8_t)MARK_ACK(side);
        if ((flow->marks & MARK_FIN(other)) != 0 && v->ack == flow->fin[other])
            flow->marks |= (uint8_t)MARK_CLOSED(other);
    }
    if (v->flags & VPN__TCP_FIN) {
        flow->fin[side] = v->end;
        flow->marks |= (uint8_t)MARK_FIN(side);
    }
}

void vpn__flow_begin(struct vpn__flow *flow, const struct vpn__filter_view *v, uint32_t direction)
{
    flow->state = VPN__FLOW_OPENING;
    flow->direction = (uint8_t)direction;
    flow->flags = v->flags;
    flow->marks = 0;
    if (v->protocol == VPN__PROTO_TCP)
        numbers(flow, v, 0);
    flow->life = life_of(flow);
}

void vpn__flow_begin_fragment(struct vpn__flow *flow, vpn_time now)
{
    flow->state = VPN__FLOW_FRAGMENT;
    flow->life = FRAGMENT_FOLLOW;
    if (now > flow->seen)
        flow->seen = now;
}

static int is_pure_syn(const struct vpn__filter_view *v)
{
    return (v->flags & (VPN__TCP_SYN | VPN__TCP_ACK)) == VPN__TCP_SYN;
}

/* Side 0 made the flow. A RST counts only where the other side awaits it (RFC 5961 section 3.2), a FIN only when it was
   acknowledged: whoever cannot see the packets would have to guess 32 bits. */
static int pass_tcp(struct vpn__flow *flow, const struct vpn__filter_view *v, uint32_t side)
{
    uint32_t other = !side;

    if (is_pure_syn(v)) {
        if (side == 1)
            return 0;
        if (flow->state == VPN__FLOW_CLOSING)
            vpn__flow_begin(flow, v, flow->direction);
        return 1;
    }
    if (v->flags & VPN__TCP_RST) {
        if ((flow->marks & MARK_ACK(other)) != 0 && v->seq == flow->ack[other])
            flow->state = VPN__FLOW_CLOSING;
        return 1;
    }
    numbers(flow, v, side);
    if (side == 1 && flow->state == VPN__FLOW_OPENING)
        flow->state = VPN__FLOW_OPEN;
    if ((flow->marks & MARK_CLOSED(0)) != 0 && (flow->marks & MARK_CLOSED(1)) != 0)
        flow->state = VPN__FLOW_CLOSING;
    return 1;
}

static int pass_echo(const struct vpn__filter_view *v, uint32_t side)
{
    return v->icmp == (side == 0 ? VPN__ICMP_REQUEST : VPN__ICMP_REPLY) && v->ports[1] == 0;
}

int vpn__flow_pass(struct vpn__flow *flow, const struct vpn__filter_view *v, uint32_t direction, vpn_time now)
{
    uint32_t side = direction != flow->direction;
    int passes = 1;

    if (v->protocol == VPN__PROTO_TCP)
        passes = pass_tcp(flow, v, side);
    else if (v->icmp != VPN__ICMP_NONE)
        passes = pass_echo(v, side);
    if (!passes)
        return 0;
    if (side == 1 && flow->state == VPN__FLOW_OPENING && v->protocol != VPN__PROTO_TCP)
        flow->state = VPN__FLOW_OPEN;
    flow->life = life_of(flow);
    if (now > flow->seen)
        flow->seen = now;
    return 1;
}

void vpn__flow_first(struct vpn__filter_view *v, const struct vpn__flow *flow)
{
    const uint8_t *key = flow->key.bytes;
    int in = flow->direction == VPN_FILTER_IN;

    memset(v, 0, sizeof(*v));
    v->family = key[AT_FAMILY];
    v->protocol = key[AT_PROTOCOL];
    v->flags = flow->flags;
    v->src = key + AT_ADDRESSES + (in ? 0 : 16);
    v->dst = key + AT_ADDRESSES + (in ? 16 : 0);
    v->ports[0] = v->ports[1] = VPN__NO_PORT;
    if (v->protocol == (v->family == 4 ? VPN__PROTO_ICMP : VPN__PROTO_ICMP6)) {
        v->ports[0] = v->family == 4 ? 8 : 128; /* an echo request */
        v->ports[1] = 0;
    } else if (vpn__filter_has_ports(v->protocol)) {
        v->ports[!in] = vpn__load16be(key + AT_PORTS);
        v->ports[in] = vpn__load16be(key + AT_PORTS + 2);
    }
}
