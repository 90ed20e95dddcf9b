/* SPDX-License-Identifier: ISC */
#include "config/text.h"

#include <string.h>

#include <vpn/uapi.h>

#include "base/bytes.h"

#define IP6_GROUPS 8

static const char digits[] = "0123456789abcdef";

void vpn__text_bytes(struct vpn__text *text, const char *bytes, size_t length)
{
    if (text->length <= text->capacity && length <= text->capacity - text->length && length)
        memcpy(text->out + text->length, bytes, length);
    text->length += length;
}

void vpn__text_string(struct vpn__text *text, const char *string)
{
    vpn__text_bytes(text, string, strlen(string));
}

void vpn__text_decimal(struct vpn__text *text, uint64_t number)
{
    char buffer[20];
    size_t at = sizeof(buffer);
    do {
        buffer[--at] = digits[number % 10];
        number /= 10;
    } while (number);
    vpn__text_bytes(text, buffer + at, sizeof(buffer) - at);
}

/* 0..15, or 16 for what is no digit */
static uint32_t digit(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (uint32_t)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (uint32_t)(c - 'A') + 10;
    return 16;
}

static int read_digits(uint32_t *out, const char *text, size_t length, uint32_t base, uint32_t max)
{
    uint64_t value = 0;
    if (length == 0)
        return VPN_EFORMAT;
    for (size_t i = 0; i < length; i++) {
        uint32_t d = digit(text[i]);
        if (d >= base)
            return VPN_EFORMAT;
        value = value * base + d;
        if (value > max)
            return VPN_EFORMAT;
    }
    *out = (uint32_t)value;
    return 0;
}

int vpn__read_decimal(uint32_t *out, const char *text, size_t length, uint32_t max)
{
    return read_digits(out, text, length, 10, max);
}

int vpn__read_number(uint32_t *out, const char *text, size_t length, uint32_t max)
{
    if (length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return read_digits(out, text + 2, length - 2, 16, max);
    return read_digits(out, text, length, 10, max);
}

/* As above, but in the one way that it is written: a leading zero reads as octal elsewhere, so it is refused. */
static int read_canonical(uint32_t *out, const char *text, size_t length, uint32_t max)
{
    if (length > 1 && text[0] == '0')
        return VPN_EFORMAT;
    return read_digits(out, text, length, 10, max);
}

static int read_ip4(uint8_t out[4], const char *text, size_t length)
{
    for (size_t i = 0; i < 4; i++) {
        uint32_t octet;
        const char *dot = i < 3 && length ? memchr(text, '.', length) : NULL;
        if (i < 3 && !dot)
            return VPN_EFORMAT;
        size_t part = dot ? (size_t)(dot - text) : length;
        if (read_canonical(&octet, text, part, 255))
            return VPN_EFORMAT;
        out[i] = (uint8_t)octet;
        if (dot) {
            text += part + 1;
            length -= part + 1;
        }
    }
    return 0;
}

/* An IPv6 address while it is read: groups so far, and before which of them "::" stood. */
struct ip6 {
    uint8_t bytes[16];
    size_t groups;
    size_t gap;
    int has_gap;
};

/* One group, or the IPv4 address that may end the text. The characters it took, or 0 for a fault. */
static size_t read_group(struct ip6 *ip, const char *text, size_t length)
{
    uint32_t group;
    const char *colon = memchr(text, ':', length);
    size_t part = colon ? (size_t)(colon - text) : length;
    uint8_t *to = ip->bytes + 2 * ip->groups;
    if (!colon && memchr(text, '.', length)) {
        if (ip->groups > IP6_GROUPS - 2 || read_ip4(to, text, length))
            return 0;
        ip->groups += 2;
        return length;
    }
    if (ip->groups == IP6_GROUPS || part > 4 || read_digits(&group, text, part, 16, UINT16_MAX))
        return 0;
    vpn__store16be(to, (uint16_t)group);
    ip->groups++;
    return part;
}

/* Moves the groups behind the gap to the end. 0, or VPN_EFORMAT when there is no room for a gap or no gap for the room. */
static int close_gap(uint8_t out[16], const struct ip6 *ip)
{
    if (ip->has_gap ? ip->groups == IP6_GROUPS : ip->groups != IP6_GROUPS)
        return VPN_EFORMAT;
    size_t front = ip->has_gap ? 2 * ip->gap : 16;
    size_t back = 2 * ip->groups - front;
    memset(out, 0, 16);
    memcpy(out, ip->bytes, front);
    memcpy(out + 16 - back, ip->bytes + front, back);
    return 0;
}

static int read_ip6(uint8_t out[16], const char *text, size_t length)
{
    struct ip6 ip = {.groups = 0};
    size_t at = 0;
    if (length >= 2 && text[0] == ':' && text[1] == ':') {
        ip.has_gap = 1;
        at = 2;
    }
    while (at < length) {
        size_t part = read_group(&ip, text + at, length - at);
        if (!part)
            return VPN_EFORMAT;
        at += part;
        if (at == length)
            break;
        if (++at == length)
            return VPN_EFORMAT;
        if (text[at] != ':')
            continue;
        if (ip.has_gap)
            return VPN_EFORMAT;
        ip.has_gap = 1;
        ip.gap = ip.groups;
        at++;
    }
    return close_gap(out, &ip);
}

/* "2001:db8::1%3" between the brackets of an endpoint */
static int read_scoped(vpn_endpoint *out, const char *text, size_t length)
{
    const char *percent = memchr(text, '%', length);
    if (percent) {
        size_t part = (size_t)(percent - text);
        if (read_canonical(&out->scope, percent + 1, length - part - 1, UINT32_MAX))
            return VPN_EFORMAT;
        length = part;
    }
    out->family = 6;
    return read_ip6(out->addr, text, length);
}

int vpn_endpoint_parse(vpn_endpoint *out, const char *text, size_t length)
{
    vpn_endpoint endpoint = {.family = 4};
    uint32_t port;
    size_t colon = length;
    while (colon > 0 && text[colon - 1] != ':')
        colon--;
    if (colon < 2 || vpn__read_decimal(&port, text + colon, length - colon, UINT16_MAX))
        return VPN_EFORMAT;
    endpoint.port = (uint16_t)port;
    size_t address = colon - 1;
    int error;
    if (text[0] != '[')
        error = read_ip4(endpoint.addr, text, address);
    else if (address < 2 || text[address - 1] != ']')
        error = VPN_EFORMAT;
    else
        error = read_scoped(&endpoint, text + 1, address - 2);
    if (!error)
        *out = endpoint;
    return error;
}

static void mask(uint8_t addr[16], size_t bits)
{
    size_t whole = bits / 8;
    if (whole >= 16)
        return;
    addr[whole] = (uint8_t)(addr[whole] & (0xff00u >> (bits % 8)));
    memset(addr + whole + 1, 0, 15 - whole);
}

int vpn__read_address(vpn_prefix *out, const char *text, size_t length)
{
    vpn_prefix prefix = {.family = 4};
    const char *slash = length ? memchr(text, '/', length) : NULL;
    size_t part = slash ? (size_t)(slash - text) : length;
    if (part && memchr(text, ':', part))
        prefix.family = 6;
    uint32_t most = prefix.family == 6 ? 128 : 32, bits = most;
    if (slash && read_canonical(&bits, slash + 1, length - part - 1, most))
        return VPN_EFORMAT;
    if (prefix.family == 6 ? read_ip6(prefix.addr, text, part) : read_ip4(prefix.addr, text, part))
        return VPN_EFORMAT;
    prefix.bits = (uint8_t)bits;
    *out = prefix;
    return 0;
}

int vpn_prefix_parse(vpn_prefix *out, const char *text, size_t length)
{
    int error = vpn__read_address(out, text, length);
    if (!error)
        mask(out->addr, out->bits);
    return error;
}

static void write_ip4(struct vpn__text *text, const uint8_t addr[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (i)
            vpn__text_string(text, ".");
        vpn__text_decimal(text, addr[i]);
    }
}

static void write_group(struct vpn__text *text, uint32_t group)
{
    char buffer[4];
    size_t length = group > 0xfff ? 4 : group > 0xff ? 3 : group > 0xf ? 2 : 1;
    for (size_t i = 0; i < length; i++)
        buffer[i] = digits[(group >> 4 * (length - 1 - i)) & 15];
    vpn__text_bytes(text, buffer, length);
}

/* RFC 5952 section 4.2: "::" stands for the longest run of zero groups, the first of equals, never for a single group. The
   length of that run, which may be 0. */
static size_t longest_run(const uint8_t addr[16], size_t *first)
{
    size_t best = 1, run = 0;
    *first = 0;
    for (size_t i = 0; i < IP6_GROUPS; i++) {
        run = vpn__load16be(addr + 2 * i) ? 0 : run + 1;
        if (run > best) {
            best = run;
            *first = i + 1 - run;
        }
    }
    return best > 1 ? best : 0;
}

static void write_ip6(struct vpn__text *text, const uint8_t addr[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    size_t first, run = longest_run(addr, &first);
    /* RFC 5952 section 5: an IPv4 address inside a prefix that is known to hold one */
    if (memcmp(addr, mapped, sizeof(mapped)) == 0) {
        vpn__text_string(text, "::ffff:");
        write_ip4(text, addr + 12);
        return;
    }
    for (size_t i = 0; i < IP6_GROUPS; i++) {
        if (run && i == first) {
            vpn__text_string(text, "::");
            i += run - 1;
            continue;
        }
        if (i && !(run && i == first + run))
            vpn__text_string(text, ":");
        write_group(text, vpn__load16be(addr + 2 * i));
    }
}

void vpn__text_ip(struct vpn__text *text, uint8_t family, const uint8_t *addr)
{
    if (family == 4)
        write_ip4(text, addr);
    else if (family == 6)
        write_ip6(text, addr);
}

void vpn__text_hex(struct vpn__text *text, uint32_t number)
{
    char buffer[8];
    size_t at = sizeof(buffer);
    do {
        buffer[--at] = digits[number & 15];
        number >>= 4;
    } while (number);
    vpn__text_string(text, "0x");
    vpn__text_bytes(text, buffer + at, sizeof(buffer) - at);
}

void vpn_endpoint_format(char out[VPN_ENDPOINT_CHARS], const vpn_endpoint *endpoint)
{
    struct vpn__text text = {.out = out, .capacity = VPN_ENDPOINT_CHARS};
    if (endpoint->family == 4) {
        write_ip4(&text, endpoint->addr);
        vpn__text_string(&text, ":");
    } else if (endpoint->family == 6) {
        vpn__text_string(&text, "[");
        write_ip6(&text, endpoint->addr);
        if (endpoint->scope) {
            vpn__text_string(&text, "%");
            vpn__text_decimal(&text, endpoint->scope);
        }
        vpn__text_string(&text, "]:");
    }
    if (text.length)
        vpn__text_decimal(&text, endpoint->port);
    else
        vpn__text_string(&text, "(none)");
    out[text.length] = '\0';
}

void vpn_prefix_format(char out[VPN_PREFIX_CHARS], const vpn_prefix *prefix)
{
    struct vpn__text text = {.out = out, .capacity = VPN_PREFIX_CHARS};
    uint8_t addr[16];
    uint32_t most = prefix->family == 6 ? 128 : 32, bits = prefix->bits < most ? prefix->bits : most;
    memcpy(addr, prefix->addr, sizeof(addr));
    mask(addr, bits);
    vpn__text_ip(&text, prefix->family, addr);
    if (text.length) {
        vpn__text_string(&text, "/");
        vpn__text_decimal(&text, bits);
    } else {
        vpn__text_string(&text, "(none)");
    }
    out[text.length] = '\0';
}
