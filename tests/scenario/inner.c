/* SPDX-License-Identifier: ISC */
#include "scenario/inner.h"

#include <string.h>

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint64_t sum(uint64_t start, const uint8_t *p, uint32_t bytes)
{
    for (uint32_t i = 0; i + 1 < bytes; i += 2)
        start += get16(p + i);
    if (bytes % 2 != 0)
        start += (uint64_t)p[bytes - 1] << 8;
    return start;
}

static uint32_t fold(uint64_t value)
{
    while (value >> 16 != 0)
        value = (value & 0xffff) + (value >> 16);
    return (uint32_t)value;
}

/* Over the pseudo-header and the whole datagram, so that a valid one gives 0xffff. */
static uint32_t udp_sum(const uint8_t *packet, uint32_t head, uint32_t length)
{
    uint32_t addresses = head == 20 ? 8 : 32;
    uint64_t total = sum(17 + (length - head), packet + (head == 20 ? 12 : 8), addresses);
    return fold(sum(total, packet + head, length - head));
}

static uint8_t payload_byte(uint64_t number, uint32_t i)
{
    uint64_t value = i < 8 ? number >> (8 * i) : number * 31 + i * 7 + (i >> 8);
    return (uint8_t)value;
}

void inner_build(uint8_t *out, uint8_t family, const uint8_t *from, const uint8_t *to, uint32_t length, uint8_t tos,
                 uint64_t number)
{
    uint32_t head = family == 4 ? 20 : 40;
    memset(out, 0, length);
    if (family == 4) {
        out[0] = 0x45;
        out[1] = tos;
        put16(out + 2, length);
        out[8] = 64;
        out[9] = 17;
        memcpy(out + 12, from, 4);
        memcpy(out + 16, to, 4);
        put16(out + 10, ~fold(sum(0, out, 20)));
    } else {
        out[0] = (uint8_t)(0x60 | tos >> 4);
        out[1] = (uint8_t)(tos << 4);
        put16(out + 4, length - 40);
        out[6] = 17;
        out[7] = 64;
        memcpy(out + 8, from, 16);
        memcpy(out + 24, to, 16);
    }
    put16(out + head, 4000);
    put16(out + head + 2, 4001);
    put16(out + head + 4, length - head);
    for (uint32_t i = 0; head + 8 + i < length; i++)
        out[head + 8 + i] = payload_byte(number, i);
    uint32_t check = ~udp_sum(out, head, length) & 0xffff;
    put16(out + head + 6, check == 0 ? 0xffff : check);
}

int inner_check(const uint8_t *packet, uint32_t length, uint64_t *number)
{
    uint32_t head = length > 0 && packet[0] >> 4 == 6 ? 40 : 20;
    if (length < head + 16)
        return 0;
    if (head == 20 && (packet[0] != 0x45 || get16(packet + 2) != length || fold(sum(0, packet, 20)) != 0xffff))
        return 0;
    if (head == 40 && get16(packet + 4) != length - 40)
        return 0;
    if (get16(packet + head + 4) != length - head || udp_sum(packet, head, length) != 0xffff)
        return 0;
    *number = 0;
    for (uint32_t i = 0; i < 8; i++)
        *number |= (uint64_t)packet[head + 8 + i] << (8 * i);
    for (uint32_t i = 0; head + 8 + i < length; i++)
        if (packet[head + 8 + i] != payload_byte(*number, i))
            return 0;
    return 1;
}

uint8_t inner_tos(const uint8_t *packet)
{
    uint8_t traffic_class = (uint8_t)(packet[0] << 4 | packet[1] >> 4);
    return packet[0] >> 4 == 4 ? packet[1] : traffic_class;
}
