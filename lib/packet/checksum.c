/* SPDX-License-Identifier: ISC */
#include "packet/checksum.h"

#include <string.h>

#include "base/bytes.h"

static uint64_t load32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* Sums of 32-bit words in 64 bits: no carry is ever lost, and four independent sums keep a processor busy. */
uint64_t vpn__sum(const uint8_t *p, size_t bytes)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;
    uint8_t rest[4] = {0};

    for (; bytes >= 32; p += 32, bytes -= 32) {
        a += load32(p) + load32(p + 16);
        b += load32(p + 4) + load32(p + 20);
        c += load32(p + 8) + load32(p + 24);
        d += load32(p + 12) + load32(p + 28);
    }
    for (; bytes >= 4; p += 4, bytes -= 4)
        a += load32(p);
    memcpy(rest, p, bytes);
    return a + b + c + d + load32(rest);
}

uint64_t vpn__sum16(uint16_t value)
{
    uint8_t bytes[4] = {0};

    vpn__store16be(bytes, value);
    return load32(bytes);
}

uint16_t vpn__sum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    return (uint16_t)sum;
}

void vpn__sum_store(uint8_t out[2], uint64_t sum)
{
    uint16_t complement = (uint16_t)~vpn__sum_fold(sum);

    memcpy(out, &complement, sizeof complement);
}

uint64_t vpn__sum_pseudo(const uint8_t *addresses, size_t bytes, uint8_t protocol, uint32_t length)
{
    return vpn__sum(addresses, bytes) + vpn__sum16(protocol) + vpn__sum16((uint16_t)(length >> 16)) +
           vpn__sum16((uint16_t)length);
}
