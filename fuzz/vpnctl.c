/* SPDX-License-Identifier: ISC */
/*
 * What vpnctl reads beside files of wg-quick: JSON, facts, tunnels as JSON, answers of daemons, packets from the wire. The first
 * byte chooses. Whatever is in them, lists stay inside each other, names end, no value becomes a second line of a file, and a
 * packet is counted once.
 */
#include "fuzz.h"

#include "convert.h"
#include "device.h"
#include "ear.h"
#include "facts.h"
#include "json.h"
#include "out.h"

/* What is wrong with a text is of no interest here. */
int out_error(const char *format, ...)
{
    (void)format;
    return -1;
}

void out_prefix(char text[VPN_PREFIX_CHARS], const vpn_prefix *prefix)
{
    vpn_prefix_format(text, prefix);
}

static void check_value(const json_document *d, size_t i, const char *end)
{
    const json_value *v = &d->values[i];
    char text[256];
    uint32_t line, column;
    int64_t number;

    FUZZ_CHECK(v->next > i && v->next <= d->count);
    FUZZ_CHECK(v->text >= d->text && v->text + v->length <= end);
    FUZZ_CHECK(v->key == NULL || (v->key >= d->text && v->key + v->key_length <= end));
    json_place(d, v->text, &line, &column);
    FUZZ_CHECK(line >= 1 && column >= 1);
    if (json_integer(v, -5, 70000, &number) == 0)
        FUZZ_CHECK(v->kind == JSON_NUMBER && number >= -5 && number <= 70000);
    if (v->kind != JSON_STRING || json_string(v, text, sizeof text) != 0)
        return;
    FUZZ_CHECK(strlen(text) < sizeof text);
    for (const char *c = text; *c != '\0'; c++)
        FUZZ_CHECK((unsigned char)*c >= ' ' || *c == '\t');
}

/* Counts what is inside a value, by its own way through the list. */
static size_t walk(const json_document *d, const json_value *v, int depth)
{
    size_t count = 1;

    FUZZ_CHECK(depth <= 32);
    for (const json_value *in = json_first(d, v); in != NULL; in = json_after(d, v, in))
        count += walk(d, in, depth + 1);
    return count;
}

static void try_json(const char *text, size_t length)
{
    json_document d;

    if (json_parse(&d, text, length) == 0) {
        FUZZ_CHECK(d.count > 0 && d.values[0].next == d.count && d.at == length);
        FUZZ_CHECK(walk(&d, &d.values[0], 0) == d.count);
        for (size_t i = 0; i < d.count; i++)
            check_value(&d, i, text + length);
    } else {
        FUZZ_CHECK(d.why != NULL && d.at <= length);
    }
    json_free(&d);
}

static void check_prefix(const vpn_prefix *prefix)
{
    FUZZ_CHECK(prefix->family == 4 || prefix->family == 6);
    FUZZ_CHECK(prefix->bits <= (prefix->family == 4 ? 32 : 128));
}

static void try_facts(const char *text, size_t length)
{
    facts f;

    facts_init(&f);
    if (facts_parse(&f, "facts", text, length) == 0) {
        for (size_t i = 0; i < f.host.link_count; i++)
            FUZZ_CHECK(memchr(f.links[i].name, '\0', sizeof f.links[i].name) != NULL && f.links[i].name[0] != '\0');
        for (size_t i = 0; i < f.host.address_count; i++)
            check_prefix(&f.addresses[i].prefix);
        for (size_t i = 0; i < f.host.route_count; i++)
            check_prefix(&f.routes[i].to);
        for (size_t i = 0; i < f.host.resolver_count; i++)
            check_prefix(&f.resolvers[i].server);
    }
    facts_free(&f);
}

/* Facts that libvpn tells are as the table says, and each is found again; `p` NULL: the device's. */
static void check_more(const device *d, const device_peer *p)
{
    size_t told = 0, count = p == NULL ? d->more_count : p->more_count;
    unsigned place = p == NULL ? MORE_DEVICE : MORE_PEER;

    FUZZ_CHECK((p == NULL ? 0 : p->first_more) + count <= d->more_all);
    for (size_t i = 0; more_at(i) != NULL; i++) {
        const more_key *key = more_at(i);
        const char *value;

        for (size_t at = 0, times = 0; (value = device_told(d, p, key->name, &at)) != NULL; told++) {
            FUZZ_CHECK((key->flags & place) != 0 && (++times == 1 || (key->flags & MORE_MANY) != 0));
            FUZZ_CHECK(value[0] != '\0' && more_check(key->kind, value, strlen(value)) == NULL);
            for (const char *c = value; *c != '\0'; c++)
                FUZZ_CHECK(*c >= ' ' && *c < 127);
            if (key->kind == MORE_MOVE || key->kind == MORE_LOADED)
                FUZZ_CHECK(more_number(value) <= UINT64_MAX && *more_word(value, 2) != '\0');
            if (key->kind == MORE_DROP)
                FUZZ_CHECK(*more_word(value, 1) != '\0');
        }
    }
    FUZZ_CHECK(told == count);
}

static void try_device(const char *text, size_t length)
{
    const char *why;
    device d;
    size_t line = device_parse(&d, text, length, &why);

    FUZZ_CHECK((line == 0) == (why == NULL));
    FUZZ_CHECK(line != 0 || strlen(text) == length);
    for (size_t i = 0; i < d.peer_count; i++) {
        const device_peer *p = &d.peers[i];

        FUZZ_CHECK(p->first_prefix <= d.prefix_count && p->prefix_count <= d.prefix_count - p->first_prefix);
        for (const char *c = p->endpoint; *c != '\0'; c++)
            FUZZ_CHECK(*c > ' ' && *c < 127);
        check_more(&d, p);
    }
    check_more(&d, NULL);
    for (size_t i = 0; i < d.prefix_count; i++)
        check_prefix(&d.prefixes[i]);
    device_free(&d);
}

/* How many lines the members of an object are worth. */
static size_t lines_of(const json_document *d, const json_value *object)
{
    size_t count = 0;

    for (const json_value *v = json_first(d, object); v != NULL; v = json_after(d, object, v)) {
        if (v->kind != JSON_ARRAY)
            count++;
        for (const json_value *e = v->kind == JSON_ARRAY ? json_first(d, v) : NULL; e != NULL; e = json_after(d, v, e))
            count++;
    }
    return count;
}

static void try_convert(const char *text, size_t length)
{
    uapi_text out = {.text = NULL};
    vpn_conf *conf;

    if (convert_from_json(&out, "json", text, length) == 0) {
        json_document d;
        size_t lines = 0;
        size_t wanted = 1;

        FUZZ_CHECK(json_parse(&d, text, length) == 0);
        wanted += lines_of(&d, json_find(&d, &d.values[0], "Interface"));
        const json_value *peers = json_find(&d, &d.values[0], "Peers");
        for (const json_value *p = peers == NULL ? NULL : json_first(&d, peers); p != NULL;
             p = json_after(&d, peers, p))
            wanted += 1 + lines_of(&d, p);
        for (size_t i = 0; i < out.length; i++)
            lines += out.text[i] == '\n';
        FUZZ_CHECK(lines == wanted);
        json_free(&d);
        if (vpn_conf_parse(&conf, out.text, out.length, NULL, NULL) == 0)
            vpn_conf_free(conf);
    }
    uapi_text_free(&out);
}

/* A packet to a device that knows one peer, with a true mac1 where the text asks for it: whatever it is, it is one thing only. */
static void try_ear(char *text, size_t length)
{
    device_peer peer = {.public_key = {9}};
    device d = {.private_key = {1}, .port = 51820, .peers = &peer, .peer_count = 1};
    vpn_endpoint from = {.family = (text[0] & 4) != 0 ? 4 : 0, .addr = {192, 0, 2, 1}};
    static const facts anywhere; /* no address of ours is known */
    uint8_t *packet = (uint8_t *)text + 1;
    vpn_cookie_maker maker;
    ear e;

    length--;
    vpn_key_public(d.public_key, d.private_key);
    vpn_cookie_maker_init(&maker);
    if ((text[0] & 1) != 0 && length >= 28 + VPN_WG_INITIATION_BYTES)
        FUZZ_CHECK(vpn_mac_add(&maker, packet + 28, VPN_WG_INITIATION_BYTES, d.public_key, 0) == 0);
    ear_init(&e, &d, peer.public_key, &from, &anywhere);
    ear_take(&e, packet, length, (text[0] & 2) != 0, 1800000000);
    FUZZ_CHECK(e.heard.all <= 1 && e.heard.answers == 0 && e.heard.seconds == 0);
    FUZZ_CHECK(e.heard.wrong_mac1 + e.heard.unreadable + e.heard.strangers + e.heard.initiations + e.heard.responses <=
               (from.family == 0 ? e.heard.all : 1));
    FUZZ_CHECK(ear_knows(&e) || e.heard.wrong_mac1 + e.heard.unreadable + e.heard.strangers == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0)
        return 0;
    text = calloc(1, size);
    FUZZ_CHECK(text != NULL);
    memcpy(text, data + 1, size - 1);
    switch (data[0] & 7) {
    case 0:
        try_json(text, size - 1);
        break;
    case 1:
        try_facts(text, size - 1);
        break;
    case 2:
        try_device(text, size - 1);
        break;
    case 4:
        if (size > 1)
            try_ear(text, size - 1);
        break;
    default:
        try_convert(text, size - 1);
        break;
    }
    free(text);
    return 0;
}
