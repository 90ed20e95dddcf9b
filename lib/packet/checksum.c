/* SPDX-License-Identifier: ISC */
#include "packet/checksum.h"

#include <string.h>

#include <vpn/checksum.h>

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

/* --- as numbers --- */

#define UDP 17

static uint16_t number(uint64_t sum)
{
    uint16_t memory = vpn__sum_fold(sum);
    uint8_t bytes[2];

    memcpy(bytes, &memory, sizeof memory);
    return vpn__load16be(bytes);
}

uint16_t vpn_checksum(const uint8_t *data, size_t bytes)
{
    return (uint16_t)~number(bytes != 0 ? vpn__sum(data, bytes) : 0);
}

uint16_t vpn_checksum_transport(uint8_t version, uint8_t protocol, const uint8_t *src, const uint8_t *dst,
                                const uint8_t *data, size_t bytes)
{
    size_t address = version == 4 ? 4 : 16;
    uint64_t sum = vpn__sum_pseudo(src, address, protocol, (uint32_t)bytes) + vpn__sum(dst, address);
    uint32_t checksum = 0xffffu ^ number(bytes != 0 ? sum + vpn__sum(data, bytes) : sum);

    return (uint16_t)(checksum == 0 && protocol == UDP ? 0xffffu : checksum);
}

/* Ones' complement has two zeros. +0 is kept for "nothing changed": any other change that comes to zero is written as -0, which
   makes 0x0000 of a checksum that an odd sender wrote as 0xffff, as a new calculation would. */
static uint16_t fold_change(uint32_t sum)
{
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    return (uint16_t)(sum != 0 ? sum : 0xffffu);
}

uint16_t vpn_checksum_change16(uint16_t change, uint16_t from, uint16_t to)
{
    return fold_change((uint32_t)change + (from ^ 0xffffu) + to);
}

uint16_t vpn_checksum_change32(uint16_t change, uint32_t from, uint32_t to)
{
    from = ~from;
    return fold_change((uint32_t)change + (from >> 16) + (from & 0xffffu) + (to >> 16) + (to & 0xffffu));
}

/* At an odd place high and low bytes have changed roles, and so they have in the sum (RFC 1071 section 2 B). */
uint16_t vpn_checksum_change(uint16_t change, const uint8_t *from, const uint8_t *to, size_t bytes, size_t offset)
{
    uint32_t sum;

    if (bytes == 0)
        return change;
    sum = fold_change((number(vpn__sum(from, bytes)) ^ 0xffffu) + (uint32_t)number(vpn__sum(to, bytes)));
    if (offset % 2 != 0)
        sum = (sum & 0xffu) << 8 | sum >> 8;
    return fold_change(change + sum);
}

static uint16_t updated(const uint8_t at[2], uint16_t change)
{
    uint32_t sum = (vpn__load16be(at) ^ 0xffffu) + (uint32_t)change;

    return (uint16_t) ~((sum & 0xffffu) + (sum >> 16));
}

void vpn_checksum_apply(uint8_t at[2], uint16_t change)
{
    vpn__store16be(at, updated(at, change));
}

void vpn_checksum_apply_udp(uint8_t at[2], uint16_t change)
{
    uint16_t checksum = updated(at, change);

    if (vpn__load16be(at) != 0)
        vpn__store16be(at, checksum != 0 ? checksum : 0xffff);
}
