/* SPDX-License-Identifier: ISC */
/*
 * Facts from JSON. Tables say which keys the objects of each list have, and which of them must be there; a key that is in no
 * table is an error, since a misspelt one would silently be another host.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "facts.h"
#include "file.h"
#include "json.h"
#include "out.h"

#define FACTS_FILE_MAX (64u << 20)

enum kind { U32, U8, S32, FLAG, NAME, ADDRESS, PREFIX, GATEWAY, LINK_FLAGS };

typedef struct field {
    const char *key;
    enum kind kind;
    uint32_t at; /* offset in the structure */
    int must;
} field;

typedef struct list {
    const char *key;
    const field *fields;
    size_t field_count;
} list;

#define AT(type, member) ((uint32_t)offsetof(type, member))
#define FIELDS(f)        f, sizeof(f) / sizeof((f)[0])

static const field link_fields[] = {
    {"index", U32, AT(vpn_host_link, index), 1},
    {"name", NAME, AT(vpn_host_link, name), 1},
    {"mtu", U32, AT(vpn_host_link, mtu), 1},
    {"flags", LINK_FLAGS, AT(vpn_host_link, flags), 0},
    {"rp_filter", U32, AT(vpn_host_link, rp_filter), 0},
};

static const field address_fields[] = {
    {"link", U32, AT(vpn_host_address, link), 1},
    {"address", PREFIX, AT(vpn_host_address, prefix), 1},
};

static const field route_fields[] = {
    {"to", PREFIX, AT(vpn_host_route, to), 1},         {"link", U32, AT(vpn_host_route, link), 0},
    {"table", U32, AT(vpn_host_route, table), 1},      {"metric", U32, AT(vpn_host_route, metric), 0},
    {"protocol", U8, AT(vpn_host_route, protocol), 0}, {"gateway", GATEWAY, 0, 0},
    {"refuses", FLAG, AT(vpn_host_route, refuses), 0},
};

static const field rule_fields[] = {
    {"family", U8, AT(vpn_rule, family), 1},      {"priority", U32, AT(vpn_rule, priority), 1},
    {"table", U32, AT(vpn_rule, table), 0},       {"mark", U32, AT(vpn_rule, mark), 0},
    {"mask", U32, AT(vpn_rule, mask), 0},         {"uid_first", U32, AT(vpn_rule, uid_first), 0},
    {"uid_last", U32, AT(vpn_rule, uid_last), 0}, {"suppress", S32, AT(vpn_rule, suppress), 0},
    {"invert", FLAG, AT(vpn_rule, invert), 0},    {"has_uid", FLAG, AT(vpn_rule, has_uid), 0},
    {"refuses", FLAG, AT(vpn_rule, refuses), 0},
};

static const field resolver_fields[] = {
    {"link", U32, AT(vpn_host_resolver, link), 0},
    {"server", ADDRESS, AT(vpn_host_resolver, server), 1},
};

static const field host_fields[] = {
    {"rp_filter", U32, AT(vpn_host, rp_filter), 0},
    {"src_valid_mark", U32, AT(vpn_host, src_valid_mark), 0},
};

typedef struct reader {
    const char *path;
    json_document d;
    facts *f;
} reader;

static int wrong(const reader *r, const char *at, const char *why, const char *key)
{
    uint32_t line;
    uint32_t column;

    json_place(&r->d, at, &line, &column);
    return out_error("%s:%u:%u: %s%s%s", r->path, line, column, key == NULL ? "" : key, key == NULL ? "" : ": ", why);
}

static void put_u32(void *to, uint32_t number)
{
    memcpy(to, &number, sizeof number);
}

static int put_link_flags(const reader *r, uint32_t *to, const json_value *value)
{
    if (value->kind != JSON_ARRAY)
        return -1;
    for (const json_value *v = json_first(&r->d, value); v != NULL; v = json_after(&r->d, value, v)) {
        if (json_is(v, "up"))
            *to |= VPN_LINK_UP;
        else if (json_is(v, "loopback"))
            *to |= VPN_LINK_LOOPBACK;
        else if (json_is(v, "tunnel"))
            *to |= VPN_LINK_TUNNEL;
        else
            return -1;
    }
    return 0;
}

static int put_gateway(vpn_host_route *to, const json_value *value)
{
    vpn_prefix gateway;

    if (facts_prefix(&gateway, value->text, value->length) != 0)
        return -1;
    to->has_gateway = 1;
    memcpy(to->gateway, gateway.addr, sizeof to->gateway);
    return 0;
}

static int put_string(void *to, const field *f, const json_value *value)
{
    vpn_prefix prefix;

    if (value->kind != JSON_STRING)
        return -1;
    if (f->kind == GATEWAY)
        return put_gateway(to, value);
    if (f->kind == NAME) {
        if (value->length == 0 || value->length >= VPN_IFNAME_CHARS)
            return -1;
        memcpy((char *)to + f->at, value->text, value->length);
        return 0;
    }
    if (facts_prefix(&prefix, value->text, value->length) != 0)
        return -1;
    if (f->kind == ADDRESS && prefix.bits != (prefix.family == 4 ? 32 : 128))
        return -1;
    memcpy((char *)to + f->at, &prefix, sizeof prefix);
    return 0;
}

static int put_number(void *to, const field *f, const json_value *value)
{
    int64_t number;
    int64_t most = f->kind == U8 ? UINT8_MAX : f->kind == S32 ? INT32_MAX : UINT32_MAX;

    if (json_integer(value, f->kind == S32 ? -1 : 0, most, &number) != 0)
        return -1;
    if (f->kind == U8)
        *((uint8_t *)to + f->at) = (uint8_t)number;
    else
        put_u32((uint8_t *)to + f->at, (uint32_t)number);
    return 0;
}

static int put_field(const reader *r, void *to, const field *f, const json_value *value)
{
    uint32_t flags = 0;

    switch (f->kind) {
    case U32:
    case U8:
    case S32:
        return put_number(to, f, value);
    case FLAG:
        *((uint8_t *)to + f->at) = value->kind == JSON_TRUE;
        return value->kind == JSON_TRUE || value->kind == JSON_FALSE ? 0 : -1;
    case LINK_FLAGS:
        if (put_link_flags(r, &flags, value) != 0)
            return -1;
        put_u32((uint8_t *)to + f->at, flags);
        return 0;
    case NAME:
    case ADDRESS:
    case PREFIX:
    case GATEWAY:
        return put_string(to, f, value);
    }
    return -1;
}

static const field *field_of(const field *fields, size_t count, const json_value *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(fields[i].key) == value->key_length && memcmp(fields[i].key, value->key, value->key_length) == 0)
            return &fields[i];
    }
    return NULL;
}

/* Reads an object into a structure. */
static int read_object(const reader *r, void *to, const list *l, const json_value *object)
{
    if (object->kind != JSON_OBJECT)
        return wrong(r, object->text, "an object is expected", l->key);
    for (const json_value *v = json_first(&r->d, object); v != NULL; v = json_after(&r->d, object, v)) {
        const field *f = field_of(l->fields, l->field_count, v);

        if (f == NULL)
            return wrong(r, v->key, "there is no such key here", l->key);
        if (put_field(r, to, f, v) != 0)
            return wrong(r, v->text, "not a value of this kind", f->key);
    }
    for (size_t i = 0; i < l->field_count; i++) {
        if (l->fields[i].must && json_find(&r->d, object, l->fields[i].key) == NULL)
            return wrong(r, object->text, "this key is missing", l->fields[i].key);
    }
    return 0;
}

static void *fresh(facts *f, const field *fields)
{
    if (fields == link_fields)
        return facts_link(f);
    if (fields == address_fields)
        return facts_address(f);
    if (fields == route_fields)
        return facts_route(f);
    if (fields == rule_fields)
        return facts_rule(f);
    return facts_resolver(f);
}

static int read_list(const reader *r, const list *l, const json_value *array)
{
    if (array->kind != JSON_ARRAY)
        return wrong(r, array->text, "an array is expected", l->key);
    for (const json_value *v = json_first(&r->d, array); v != NULL; v = json_after(&r->d, array, v)) {
        void *to = fresh(r->f, l->fields);

        if (to == NULL)
            return out_error("out of memory");
        if (read_object(r, to, l, v) != 0)
            return -1;
    }
    return 0;
}

static int read_system(const reader *r, const json_value *value)
{
    static const char *const names[] = {"file", "resolved", "resolvconf"};

    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (json_is(value, names[i])) {
            r->f->host.resolver_system = i;
            return 0;
        }
    }
    return wrong(r, value->text, "file, resolved or resolvconf is expected", "resolver_system");
}

/* One key of the host. */
static int read_member(const reader *r, const json_value *value)
{
    static const list lists[] = {{"links", FIELDS(link_fields)},
                                 {"addresses", FIELDS(address_fields)},
                                 {"routes", FIELDS(route_fields)},
                                 {"rules", FIELDS(rule_fields)},
                                 {"resolvers", FIELDS(resolver_fields)}};
    const field *f = field_of(FIELDS(host_fields), value);

    if (f != NULL)
        return put_field(r, &r->f->host, f, value) == 0 ? 0 : wrong(r, value->text, "a number is expected", f->key);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strlen(lists[i].key) == value->key_length && memcmp(lists[i].key, value->key, value->key_length) == 0)
            return read_list(r, &lists[i], value);
    }
    if (value->key_length == 15 && memcmp(value->key, "resolver_system", 15) == 0)
        return read_system(r, value);
    return wrong(r, value->key, "there is no such fact", NULL);
}

static int read_host(const reader *r)
{
    const json_value *host = &r->d.values[0];

    if (host->kind != JSON_OBJECT)
        return wrong(r, host->text, "facts are an object", NULL);
    for (const json_value *v = json_first(&r->d, host); v != NULL; v = json_after(&r->d, host, v)) {
        if (read_member(r, v) != 0)
            return -1;
    }
    return 0;
}

int facts_parse(facts *f, const char *name, const char *text, size_t length)
{
    reader r = {.path = name, .f = f};
    int result;

    if (json_parse(&r.d, text, length) != 0)
        result = wrong(&r, text + r.d.at, r.d.why, NULL);
    else
        result = read_host(&r);
    json_free(&r.d);
    return result;
}

int facts_read(facts *f, const char *path)
{
    file text;
    int result;

    if (file_read(&text, path, FACTS_FILE_MAX) != 0)
        return -1;
    result = facts_parse(f, strcmp(path, "-") == 0 ? "standard input" : path, text.text, text.length);
    file_free(&text);
    return result;
}
