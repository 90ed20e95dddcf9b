/* SPDX-License-Identifier: ISC */
/*
 * Segmentation offload. Even inputs: a header of a TUN device and a packet, which are refused or cut into segments that hold
 * together and lose nothing. Odd inputs: packets, arbitrary ones and such as follow one another, which are joined only when
 * cutting gives them back, and never overtake one of their flow.
 */
#include "fuzz.h"

#include "../tests/common/flows.h"

#define LONGEST 4096u
#define PACKETS 24u
#define KEY     38u

/* Memory that ends where it ends. */
static uint8_t *exact(const uint8_t *data, size_t bytes)
{
    uint8_t *copy = malloc(bytes != 0 ? bytes : 1);

    FUZZ_CHECK(copy != NULL);
    if (data != NULL && bytes != 0)
        memcpy(copy, data, bytes);
    return copy;
}

/* Whether the checksum of the transport at `at` holds. */
static int transport_holds(const uint8_t *packet, uint32_t length, uint32_t at, uint8_t protocol)
{
    int four = packet[0] >> 4 == 4;
    struct flow flow = {.version = four ? 4 : 6, .protocol = protocol};

    memcpy(flow.src, packet + (four ? 12 : 8), four ? 4 : 16);
    memcpy(flow.dst, packet + (four ? 16 : 24), four ? 4 : 16);
    return flow_sum(flow_pseudo(&flow, length - at), packet + at, length - at) == 0xffff;
}

/* --- cutting --- */

/* The fields that a segment has of its own, and then those of the packet again: what is left must be the same. */
static void check_headers(const vpn_offload *how, const vpn_segments *plan, const uint8_t *packet, uint8_t *segment,
                          uint32_t index, uint32_t length)
{
    uint32_t at = how->csum_start, payload = plan->each - how->header;
    int four = packet[0] >> 4 == 4, last = index + 1 == plan->count;

    FUZZ_CHECK(flow_get(segment + (four ? 2 : 4), 2) == length - (four ? 0 : 40));
    memcpy(segment + (four ? 2 : 4), packet + (four ? 2 : 4), 2);
    if (four) {
        FUZZ_CHECK(flow_get(segment + 4, 2) == ((flow_get(packet + 4, 2) + index) & 0xffff));
        memcpy(segment + 4, packet + 4, 2);
        memcpy(segment + 10, packet + 10, 2);
    }
    if (how->gso == VPN_GSO_UDP) {
        FUZZ_CHECK(flow_get(segment + at + 4, 2) == length - at && flow_get(segment + at + 6, 2) != 0);
        memcpy(segment + at + 4, packet + at + 4, 4);
    } else {
        uint8_t gone = (uint8_t)((last ? 0 : FLOW_FIN | FLOW_PSH) | (index == 0 ? 0 : FLOW_CWR));

        FUZZ_CHECK(flow_get(segment + at + 4, 4) == flow_get(packet + at + 4, 4) + index * payload);
        FUZZ_CHECK(segment[at + 13] == (packet[at + 13] & ~gone));
        memcpy(segment + at + 4, packet + at + 4, 4);
        segment[at + 13] = packet[at + 13];
        memcpy(segment + at + 16, packet + at + 16, 2);
    }
    FUZZ_CHECK(memcmp(segment, packet, how->header) == 0);
}

static void check_segment(const vpn_offload *how, const vpn_segments *plan, const uint8_t *packet, uint32_t index)
{
    uint32_t length = index + 1 < plan->count ? plan->each : plan->last;
    uint8_t *segment = exact(NULL, length);

    FUZZ_CHECK(vpn_segment_write(plan, packet, index, segment) == length);
    if (how->gso != VPN_GSO_NONE) {
        FUZZ_CHECK(transport_holds(segment, length, how->csum_start, how->gso == VPN_GSO_UDP ? FLOW_UDP : FLOW_TCP));
        FUZZ_CHECK(packet[0] >> 4 == 6 || flow_sum(0, segment, (packet[0] & 15u) * 4) == 0xffff);
        FUZZ_CHECK(memcmp(segment + how->header, packet + how->header + index * (plan->each - how->header),
                          length - how->header) == 0);
        check_headers(how, plan, packet, segment, index, length);
    }
    free(segment);
}

/* One that is not cut is as it was, but for the checksum, which then holds. */
static void check_whole(const vpn_offload *how, const vpn_segments *plan, uint8_t *packet, uint32_t length)
{
    uint32_t at = (uint32_t)how->csum_start + how->csum_offset;
    uint8_t *out = exact(NULL, length);

    FUZZ_CHECK(plan->count == 1 && plan->each == length && plan->last == length);
    FUZZ_CHECK(vpn_segment_write(plan, packet, 0, out) == length);
    if ((how->flags & VPN_OFFLOAD_CHECKSUM) != 0) {
        uint32_t sum = 0xffff - flow_sum(0, packet + how->csum_start, length - how->csum_start);

        FUZZ_CHECK(flow_get(out + at, 2) == (sum == 0 ? 0xffff : sum));
        FUZZ_CHECK(memcmp(out, packet, at) == 0 && memcmp(out + at + 2, packet + at + 2, length - at - 2) == 0);
    } else {
        FUZZ_CHECK(memcmp(out, packet, length) == 0);
    }
    FUZZ_CHECK(vpn_offload_complete(how, packet, length) == VPN_OK);
    FUZZ_CHECK(memcmp(out, packet, length) == 0);
    free(out);
}

/* Bytes of the headers as the packet has them, once the library took it for a super-packet. */
static uint16_t header_bytes(const vpn_offload *how, const uint8_t *packet)
{
    uint32_t at = how->csum_start;

    return (uint16_t)(at + (how->gso == VPN_GSO_UDP ? 8u : packet[at + 12] / 16u * 4));
}

static void cut(struct fuzz_input *in)
{
    uint8_t header[VPN_VNET_BYTES], again[VPN_VNET_BYTES], *packet, *before;
    uint32_t length;
    vpn_segments plan;
    vpn_offload how;

    fuzz_bytes(in, header, sizeof header);
    vpn_offload_read(&how, header);
    vpn_offload_write(again, &how);
    FUZZ_CHECK(memcmp(header, again, sizeof header) == 0);
    length = (uint32_t)in->left;
    packet = exact(in->data, length);
    before = exact(in->data, length);
    if (vpn_segment_plan(&plan, &how, packet, length) != VPN_OK) {
        FUZZ_CHECK(how.gso != VPN_GSO_NONE || length == 0 || (how.flags & VPN_OFFLOAD_CHECKSUM) != 0);
        FUZZ_CHECK(vpn_offload_complete(&how, packet, length) == VPN_EFORMAT);
    } else {
        FUZZ_CHECK(vpn_segment_write(&plan, packet, plan.count, header) == 0);
        if (how.gso == VPN_GSO_NONE) {
            check_whole(&how, &plan, packet, length);
            memcpy(before, packet, length);
        } else {
            how.gso &= (uint8_t)~VPN_GSO_ECN;
            how.header = header_bytes(&how, packet);
            FUZZ_CHECK((uint64_t)(plan.count - 1) * (plan.each - how.header) + plan.last - how.header ==
                       length - how.header);
            FUZZ_CHECK(plan.count == 1 || plan.each == (uint32_t)how.header + how.gso_size);
            for (uint32_t i = 0; i < plan.count; i++)
                check_segment(&how, &plan, packet, i);
        }
    }
    FUZZ_CHECK(memcmp(packet, before, length) == 0);
    free(packet);
    free(before);
}

/* --- joining --- */

struct batch {
    vpn_packet packets[PACKETS];
    uint8_t *came[PACKETS]; /* as they were */
    uint32_t lengths[PACKETS];
    uint16_t next[PACKETS];
    vpn_super supers[PACKETS];
    size_t used;
};

/* A description whose fields the input changes, seldom more than one. */
static void change(struct fuzz_input *in, struct flow *flow)
{
    uint8_t value = fuzz_byte(in);

    switch (fuzz_byte(in) % 24) {
    case 0:
        flow->flags = value;
        break;
    case 1:
        flow->tos = value;
        break;
    case 2:
        flow->ttl = value;
        break;
    case 3:
        flow->id += value;
        break;
    case 4:
        flow->sequence += value;
        break;
    case 5:
        flow->acknowledgement = value;
        break;
    case 6:
        flow->window = value;
        break;
    case 7:
        flow->stamp = value;
        break;
    case 8:
        flow->fragment = (uint16_t)(value << 8);
        break;
    case 9:
        flow->ip_extra = (uint8_t)(value % 6 * 8);
        break;
    case 10:
        flow->tcp_extra = (uint8_t)(value % 11 * 4);
        break;
    case 11:
        flow->from = value;
        break;
    case 12:
        flow->label = value;
        break;
    case 13:
        flow->urgent = value;
        break;
    case 14:
        flow->no_checksum = value & 1;
        break;
    default:
        break;
    }
}

/* The checksums anew, where the packet is what it was made as. */
static void mend(uint8_t *packet, uint32_t length, const struct flow *flow)
{
    uint32_t ip = flow_ip_bytes(flow), at = flow_checksum_at(flow);

    flow_put(packet + at, 0, 2);
    flow_put(packet + at, 0xffff - flow_sum(flow_pseudo(flow, length - ip), packet + ip, length - ip), 2);
    if (flow->version == 4) {
        flow_put(packet + 10, 0, 2);
        flow_put(packet + 10, 0xffff - flow_sum(0, packet, ip), 2);
    }
}

/* A packet that follows the last one of its flow, changed in this or that. */
static uint32_t following(struct fuzz_input *in, struct flow *flow, uint8_t *out)
{
    struct flow one;
    uint32_t length, at;
    uint8_t how = fuzz_byte(in), bits = fuzz_byte(in);

    flow->length = fuzz_byte(in);
    if ((how & 1) != 0)
        change(in, flow);
    one = *flow;
    if ((how & 2) != 0)
        change(in, &one);
    length = flow_packet(out, &one);
    at = (uint32_t)fuzz_number(in, (how & 4) != 0 ? 2 : 0) % length;
    if ((how & 4) != 0)
        out[at] ^= bits;
    if ((how & 8) != 0)
        mend(out, length, &one);
    flow->sequence += one.length;
    flow->id++;
    return length + ((how & 16) != 0 ? bits % 32u : 0);
}

static void add(struct batch *batch, const uint8_t *packet, uint32_t length, uint8_t verdict)
{
    size_t i = batch->used++;

    memset(&batch->packets[i], 0, sizeof batch->packets[i]);
    batch->packets[i].data = exact(packet, length);
    batch->packets[i].capacity = batch->packets[i].length = batch->lengths[i] = length;
    batch->packets[i].verdict = verdict;
    batch->came[i] = exact(packet, length);
}

static void read_batch(struct fuzz_input *in, struct batch *batch)
{
    static const uint8_t payload[256] = {1, 2, 3};
    static uint8_t out[LONGEST];
    struct flow flows[4];

    for (uint32_t f = 0; f < 4; f++)
        flows[f] = (struct flow){.version = f % 2 ? 6 : 4,
                                 .protocol = f / 2 ? FLOW_UDP : FLOW_TCP,
                                 .flags = FLOW_ACK,
                                 .ttl = 64,
                                 .from = 1,
                                 .to = 2,
                                 .sequence = UINT32_MAX - 300,
                                 .payload = payload};
    while (batch->used < PACKETS && fuzz_more(in)) {
        uint8_t what = fuzz_byte(in), verdict = what >= 240 ? what % VPN_VERDICTS : VPN_TO_TUN;
        uint32_t length;

        memset(out, 0, sizeof out);
        if (what % 8 < 7) {
            length = following(in, &flows[what % 4], out);
        } else {
            length = (uint32_t)fuzz_number(in, 1);
            fuzz_bytes(in, out, length);
        }
        add(batch, out, length, verdict);
    }
}

/* Addresses, protocol and ports of a packet that has them at the usual places; zeros for others. */
static void read_key(uint8_t key[KEY], const uint8_t *packet, uint32_t length)
{
    uint32_t at, total;
    uint8_t protocol;
    int four = length >= 20 && packet[0] == 0x45 && (flow_get(packet + 6, 2) & 0x3fff) == 0;

    memset(key, 0, KEY);
    if (!four && (length < 40 || packet[0] >> 4 != 6))
        return;
    at = four ? 20 : 40;
    total = flow_get(packet + (four ? 2 : 4), 2) + (four ? 0 : 40);
    protocol = packet[four ? 9 : 6];
    if ((protocol != FLOW_TCP && protocol != FLOW_UDP) || total > length ||
        total < at + (protocol == FLOW_TCP ? 20 : 8))
        return;
    key[0] = packet[0] >> 4;
    key[1] = protocol;
    memcpy(key + 2, packet + at, 4);
    memcpy(key + 6, packet + (four ? 12 : 8), four ? 8 : 32);
}

/* What is joined is what cutting makes of the whole, but for an identification that means nothing. */
static void check_super(const struct batch *batch, const vpn_super *super)
{
    uint8_t *whole = exact(NULL, super->length), one[LONGEST];
    uint32_t length = 0, index = 0;
    vpn_segments plan;

    for (uint16_t i = super->first; i != VPN_COALESCE_END; i = batch->next[i]) {
        const vpn_packet *packet = &batch->packets[i];

        FUZZ_CHECK(length + packet->length <= super->length && packet->offset + packet->length <= packet->capacity);
        memcpy(whole + length, packet->data + packet->offset, packet->length);
        length += packet->length;
    }
    FUZZ_CHECK(length == super->length && length <= 65535);
    FUZZ_CHECK(vpn_segment_plan(&plan, &super->offload, whole, length) == VPN_OK && plan.count == super->count);
    for (uint16_t i = super->first; i != VPN_COALESCE_END; i = batch->next[i]) {
        FUZZ_CHECK(vpn_segment_write(&plan, whole, index++, one) == batch->lengths[i]);
        if (one[0] == 0x45 && (one[6] & 0x40) != 0) {
            FUZZ_CHECK(flow_sum(0, batch->came[i], 20) == 0xffff);
            memcpy(one + 4, batch->came[i] + 4, 2);
            memcpy(one + 10, batch->came[i] + 10, 2);
        }
        FUZZ_CHECK(memcmp(one, batch->came[i], batch->lengths[i]) == 0);
    }
    free(whole);
}

static void check_alone(const struct batch *batch, const vpn_super *super)
{
    static const vpn_offload none;
    const vpn_packet *packet = &batch->packets[super->first];

    FUZZ_CHECK(memcmp(&super->offload, &none, sizeof none) == 0 && super->length == packet->length);
    FUZZ_CHECK(packet->offset == 0 && packet->length == batch->lengths[super->first]);
    FUZZ_CHECK(memcmp(packet->data, batch->came[super->first], packet->length) == 0);
}

/* `order`: the packets as a host gets them. */
static void check_order(const struct batch *batch, const uint16_t *order, size_t count)
{
    uint8_t keys[PACKETS][KEY];
    static const uint8_t none[KEY];

    for (size_t i = 0; i < count; i++)
        read_key(keys[i], batch->came[order[i]], batch->lengths[order[i]]);
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            FUZZ_CHECK(order[i] < order[k] || memcmp(keys[i], none, sizeof none) == 0 ||
                       memcmp(keys[i], keys[k], sizeof none) != 0);
}

static void join(struct fuzz_input *in)
{
    static struct batch batch;
    uint32_t kinds = fuzz_byte(in) | VPN_COALESCE_TCP4, wanted = 0;
    uint16_t order[PACKETS];
    size_t count, seen = 0;

    batch.used = 0;
    read_batch(in, &batch);
    count = vpn_coalesce(batch.packets, batch.used, kinds, batch.next, batch.supers);
    for (size_t k = 0; k < count; k++) {
        for (uint16_t i = batch.supers[k].first; i != VPN_COALESCE_END; i = batch.next[i]) {
            FUZZ_CHECK(seen < batch.used && i < batch.used && batch.packets[i].verdict == VPN_TO_TUN);
            order[seen++] = i;
        }
        if (batch.supers[k].count > 1)
            check_super(&batch, &batch.supers[k]);
        else
            check_alone(&batch, &batch.supers[k]);
    }
    check_order(&batch, order, seen);
    for (size_t i = 0; i < batch.used; i++) {
        wanted += batch.packets[i].verdict == VPN_TO_TUN;
        free(batch.packets[i].data);
        free(batch.came[i]);
    }
    FUZZ_CHECK(seen == wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    if (fuzz_byte(&in) % 2 == 0)
        cut(&in);
    else
        join(&in);
    return 0;
}
