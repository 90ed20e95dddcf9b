/* SPDX-License-Identifier: ISC */
#include "config/uapi_line.h"

#include <string.h>

#include "config/text.h"

/* wg(8) hands the number to its own strerror, so it has to be the one of the machine both run on. These are the same on
   Linux, the BSDs, macOS and Windows, and <errno.h> is not for lib/, where it would bring a thread-local variable. */
#define WIRE_EIO    (-5)
#define WIRE_ENOMEM (-12)
#define WIRE_EINVAL (-22)
#define WIRE_ENOSPC (-28)

/* A word longer than any key may be a secret that slipped before the "=": so much of it is shown. */
#define SHOWN_OF_LONG 8

/* The beginning of keys that are the host's. */
static const char more_prefix[] = "libvpn_";

/* Reads a value into the line; NULL, or what the value should have been. */
typedef const char *(*reader)(struct vpn__uapi_line *line, const char *value, size_t length);

static const char *read_one(struct vpn__uapi_line *line, const char *value, size_t length)
{
    (void)line;
    return length == 1 && value[0] == '1' ? NULL : "only 1 is known";
}

static const char *read_true(struct vpn__uapi_line *line, const char *value, size_t length)
{
    (void)line;
    return length == 4 && memcmp(value, "true", 4) == 0 ? NULL : "not \"true\"";
}

static const char *read_key(struct vpn__uapi_line *line, const char *value, size_t length)
{
    return vpn_key_from_hex(line->secret, value, length) ? "not a base-16 key of 64 digits" : NULL;
}

static const char *read_port(struct vpn__uapi_line *line, const char *value, size_t length)
{
    return vpn__read_decimal(&line->integer, value, length, UINT16_MAX) ? "not a port, 0 to 65535" : NULL;
}

static const char *read_mark(struct vpn__uapi_line *line, const char *value, size_t length)
{
    if (length && vpn__read_number(&line->integer, value, length, UINT32_MAX))
        return "not a mark of 32 bits, decimal or 0x and hexadecimal";
    return NULL;
}

static const char *read_keepalive(struct vpn__uapi_line *line, const char *value, size_t length)
{
    if (length == 3 && memcmp(value, "off", 3) == 0)
        return NULL;
    return vpn__read_decimal(&line->integer, value, length, UINT16_MAX) ? "not seconds, 0 to 65535" : NULL;
}

/* "[fe80::1%eth0]:51820", as wg(8) writes it: only the host knows its interfaces. */
static int read_named_scope(struct vpn__uapi_line *line, const char *value, size_t length)
{
    const char *percent = memchr(value, '%', length);
    const char *end = percent ? memchr(percent, ']', length - (size_t)(percent - value)) : NULL;
    char plain[VPN_ENDPOINT_CHARS];
    size_t before, after;
    uint32_t scope;
    if (!end || !line->host || !line->host->scope_of)
        return VPN_EFORMAT;
    before = (size_t)(percent - value);
    after = length - (size_t)(end - value);
    if (before + after > sizeof(plain))
        return VPN_EFORMAT;
    memcpy(plain, value, before);
    memcpy(plain + before, end, after);
    scope = line->host->scope_of(line->host->user, percent + 1, (size_t)(end - percent) - 1);
    if (!scope || vpn_endpoint_parse(&line->endpoint, plain, before + after))
        return VPN_EFORMAT;
    line->endpoint.scope = scope;
    return 0;
}

static const char *read_endpoint(struct vpn__uapi_line *line, const char *value, size_t length)
{
    if (vpn_endpoint_parse(&line->endpoint, value, length) && read_named_scope(line, value, length))
        return "not ADDRESS:PORT or [ADDRESS]:PORT";
    return line->endpoint.port ? NULL : "port 0 cannot be reached";
}

static const char *read_prefix(struct vpn__uapi_line *line, const char *value, size_t length)
{
    size_t sign = length && (value[0] == '-' || value[0] == '+');
    line->minus = sign && value[0] == '-';
    return vpn_prefix_parse(&line->prefix, value + sign, length - sign) ? "not ADDRESS/BITS" : NULL;
}

static const char *read_more(struct vpn__uapi_line *line, const char *value, size_t length)
{
    line->value = value;
    line->value_length = length;
    return length < VPN_UAPI_MORE_VALUE_CHARS ? NULL : "too long";
}

static const struct {
    const char *name;
    reader read;
} keys[] = {
    [VPN__UAPI_SET] = {"set", read_one},
    [VPN__UAPI_PRIVATE_KEY] = {"private_key", read_key},
    [VPN__UAPI_LISTEN_PORT] = {"listen_port", read_port},
    [VPN__UAPI_FWMARK] = {"fwmark", read_mark},
    [VPN__UAPI_REPLACE_PEERS] = {"replace_peers", read_true},
    [VPN__UAPI_PUBLIC_KEY] = {"public_key", read_key},
    [VPN__UAPI_REMOVE] = {"remove", read_true},
    [VPN__UAPI_UPDATE_ONLY] = {"update_only", read_true},
    [VPN__UAPI_PRESHARED_KEY] = {"preshared_key", read_key},
    [VPN__UAPI_ENDPOINT] = {"endpoint", read_endpoint},
    [VPN__UAPI_KEEPALIVE] = {"persistent_keepalive_interval", read_keepalive},
    [VPN__UAPI_REPLACE_ALLOWED_IPS] = {"replace_allowed_ips", read_true},
    [VPN__UAPI_ALLOWED_IP] = {"allowed_ip", read_prefix},
    [VPN__UAPI_PROTOCOL_VERSION] = {"protocol_version", read_one},
    [VPN__UAPI_MORE] = {NULL, read_more},
};

static int fault(struct vpn__uapi_line *line, int code, const char *why)
{
    line->why = why;
    return code;
}

int vpn__uapi_is_more(const char *name, size_t length)
{
    const size_t prefix = sizeof(more_prefix) - 1;
    if (length <= prefix || length >= VPN_UAPI_MORE_KEY_CHARS || memcmp(name, more_prefix, prefix) != 0)
        return 0;
    for (size_t i = prefix; i < length; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
            return 0;
    return 1;
}

static enum vpn__uapi_key find_key(const char *name, size_t length)
{
    for (size_t i = VPN__UAPI_NONE + 1; i < VPN__UAPI_MORE; i++)
        if (strlen(keys[i].name) == length && memcmp(keys[i].name, name, length) == 0)
            return (enum vpn__uapi_key)i;
    return vpn__uapi_is_more(name, length) ? VPN__UAPI_MORE : VPN__UAPI_NONE;
}

int vpn__uapi_has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return 1;
    return 0;
}

/* The key of a line, also of one that is faulty. Returns its value or NULL. */
static const char *read_name(struct vpn__uapi_line *line, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    if (!equals)
        return NULL;
    line->name = text;
    line->name_length = (size_t)(equals - text);
    return equals + 1;
}

static int read_line(struct vpn__uapi_line *line, const char *text, size_t length)
{
    const char *value = read_name(line, text, length);
    if (vpn__uapi_has_control(text, length))
        return fault(line, VPN_EFORMAT, "a control character; lines end with a line feed alone");
    if (!value)
        return fault(line, VPN_EFORMAT, "not KEY=VALUE");
    line->key = find_key(text, line->name_length);
    if (line->key == VPN__UAPI_NONE)
        return fault(line, VPN_EINVAL, "unknown key");
    const char *why = keys[line->key].read(line, value, length - line->name_length - 1);
    if (why)
        return fault(line, keys[line->key].read == read_one ? VPN_EINVAL : VPN_EFORMAT, why);
    return 1;
}

int vpn__uapi_next(struct vpn__uapi_cursor *cursor, struct vpn__uapi_line *line)
{
    vpn_wipe(line, sizeof(*line));
    line->host = cursor->host;
    if (cursor->at >= cursor->length)
        return 0;
    const char *text = cursor->text + cursor->at;
    size_t left = cursor->length - cursor->at;
    line->number = ++cursor->number;
    const char *end = memchr(text, '\n', left);
    if (!end) {
        (void)read_name(line, text, left);
        return fault(line, VPN_EFORMAT, "the line is not ended, so it may be cut short");
    }
    size_t length = (size_t)(end - text);
    cursor->at += length + 1;
    if (length)
        return read_line(line, text, length);
    return left == 1 ? 0 : fault(line, VPN_EFORMAT, "text after the empty line");
}

/* The word before "=" for a message, if it looks like the name of something. */
static void copy_name(char out[40], const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return;
    }
    memcpy(out, name, length < 40 ? length : SHOWN_OF_LONG);
}

int vpn__uapi_blame(vpn_uapi_error *error, const struct vpn__uapi_line *line, int code, int32_t number, const char *why)
{
    if (!error)
        return code;
    memset(error, 0, sizeof(*error));
    error->error = code;
    error->number = number;
    error->why = why;
    if (line) {
        error->line = line->number;
        if (line->name)
            copy_name(error->key, line->name, line->name_length);
    }
    return code;
}

int32_t vpn__uapi_errno(int code)
{
    switch (code) {
    case VPN_OK:
        return 0;
    case VPN_EINVAL:
    case VPN_EFORMAT:
        return WIRE_EINVAL;
    case VPN_ENOMEM:
        return WIRE_ENOMEM;
    case VPN_ELIMIT:
        return WIRE_ENOSPC;
    default:
        return WIRE_EIO;
    }
}
