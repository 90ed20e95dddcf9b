/* SPDX-License-Identifier: ISC */
/*
 * What is written is what would be read again, so every value is held against the reader's own rules first: a string that a
 * caller put there could otherwise end its line and become a key.
 */
#include <string.h>

#include <vpn/uapi.h>

#include "base/env.h"
#include "config/conf_rules.h"
#include "config/conf_value.h"
#include "config/text.h"

struct writer {
    struct vpn__text text;
    uint32_t target;
    int error; /* 0, or VPN_EINVAL once something cannot be written */
};

static void line(struct writer *w, enum vpn__conf_key key)
{
    vpn__text_string(&w->text, vpn__conf_key_name(key));
    vpn__text_string(&w->text, " = ");
}

static void end(struct writer *w)
{
    vpn__text_string(&w->text, "\n");
}

static void put(struct writer *w, enum vpn__conf_key key, const char *value)
{
    line(w, key);
    vpn__text_string(&w->text, value);
    end(w);
}

static void put_number(struct writer *w, enum vpn__conf_key key, uint32_t number)
{
    line(w, key);
    vpn__text_decimal(&w->text, number);
    end(w);
}

static void put_key(struct writer *w, enum vpn__conf_key key, const uint8_t value[VPN_KEY_BYTES])
{
    char base64[VPN_KEY_BASE64_CHARS + 1];
    vpn_key_to_base64(base64, value);
    put(w, key, base64);
    vpn_wipe(base64, sizeof(base64));
}

static void comma(struct writer *w, size_t at)
{
    if (at)
        vpn__text_string(&w->text, ", ");
}

static int is_prefix(const vpn_prefix *prefix)
{
    return (prefix->family == 4 && prefix->bits <= 32) || (prefix->family == 6 && prefix->bits <= 128);
}

/* The list itself, with commas; `bare`: addresses without a length */
static void put_prefixes(struct writer *w, const vpn_prefix *list, size_t count, int bare)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_prefix(&list[i]))
            w->error = VPN_EINVAL;
        comma(w, i);
        vpn__text_ip(&w->text, list[i].family, list[i].addr);
        if (bare)
            continue;
        vpn__text_string(&w->text, "/");
        vpn__text_decimal(&w->text, list[i].bits);
    }
}

/* Prefixes by their network: what the reader would zero is zero. */
static void put_networks(struct writer *w, const vpn_prefix *list, size_t count)
{
    char text[VPN_PREFIX_CHARS];
    for (size_t i = 0; i < count; i++) {
        if (!is_prefix(&list[i]))
            w->error = VPN_EINVAL;
        comma(w, i);
        vpn_prefix_format(text, &list[i]);
        vpn__text_string(&w->text, text);
    }
}

static void put_names(struct writer *w, const char *const *list, size_t count, size_t before)
{
    for (size_t i = 0; i < count; i++) {
        if (!vpn__conf_is_name(list[i], strlen(list[i])))
            w->error = VPN_EINVAL;
        comma(w, before + i);
        vpn__text_string(&w->text, list[i]);
    }
}

static void put_hooks(struct writer *w, enum vpn__conf_key key, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(list[i]);
        struct vpn__conf_span trimmed = vpn__conf_trim(list[i], length);
        if (length == 0 || trimmed.length != length || memchr(list[i], '#', length))
            w->error = VPN_EINVAL;
        for (size_t k = 0; k < length; k++) {
            if (((uint8_t)list[i][k] < ' ' && list[i][k] != '\t') || list[i][k] == 0x7f)
                w->error = VPN_EINVAL;
        }
        put(w, key, list[i]);
    }
}

static void put_app(struct writer *w, const vpn_conf_app *app)
{
    line(w, app->exclude ? VPN__CONF_EXCLUDE_APP : VPN__CONF_INCLUDE_APP);
    if (app->kind == VPN_APP_UID && app->first <= app->last && app->last < UINT32_MAX) {
        vpn__text_string(&w->text, "uid ");
        vpn__text_decimal(&w->text, app->first);
        if (app->last != app->first) {
            vpn__text_string(&w->text, "-");
            vpn__text_decimal(&w->text, app->last);
        }
    } else if (app->kind == VPN_APP_CGROUP && app->cgroup && vpn__conf_is_path(app->cgroup, strlen(app->cgroup))) {
        vpn__text_string(&w->text, "cgroup ");
        vpn__text_string(&w->text, app->cgroup);
    } else if (app->kind == VPN_APP_MARK && app->first && !(app->first & ~app->last)) {
        vpn__text_string(&w->text, "mark ");
        vpn__text_hex(&w->text, app->first);
        vpn__text_string(&w->text, "/");
        vpn__text_hex(&w->text, app->last);
    } else {
        w->error = VPN_EINVAL;
    }
    end(w);
}

static void put_mark(struct writer *w, uint32_t mark)
{
    line(w, VPN__CONF_FWMARK);
    if (mark)
        vpn__text_hex(&w->text, mark);
    else
        vpn__text_string(&w->text, "off");
    end(w);
}

static void put_device(struct writer *w, const vpn_conf *conf)
{
    vpn__text_string(&w->text, "[Interface]\n");
    if (conf->set & VPN_CONF_SET_PRIVATE_KEY)
        put_key(w, VPN__CONF_PRIVATE_KEY, conf->private_key);
    if (conf->set & VPN_CONF_SET_LISTEN_PORT)
        put_number(w, VPN__CONF_LISTEN_PORT, conf->listen_port);
    if (conf->set & VPN_CONF_SET_FWMARK)
        put_mark(w, conf->fwmark);
}

static void put_table(struct writer *w, uint32_t table)
{
    if (table == VPN_CONF_TABLE_OFF || table == VPN_CONF_TABLE_AUTO)
        put(w, VPN__CONF_TABLE, table ? "off" : "auto");
    else
        put_number(w, VPN__CONF_TABLE, table);
}

static void put_quick(struct writer *w, const vpn_conf *conf)
{
    int search = w->target == VPN_CONF_FOR_WG_QUICK && conf->search_count;
    if (conf->address_count) {
        line(w, VPN__CONF_ADDRESS);
        put_prefixes(w, conf->addresses, conf->address_count, 0);
        end(w);
    }
    if (conf->dns_count || search) {
        line(w, VPN__CONF_DNS);
        put_prefixes(w, conf->dns, conf->dns_count, 1);
        if (search)
            put_names(w, conf->search, conf->search_count, conf->dns_count);
        end(w);
    }
    if (conf->mtu)
        put_number(w, VPN__CONF_MTU, conf->mtu);
    if (conf->set & VPN_CONF_SET_TABLE)
        put_table(w, conf->table);
    if (conf->set & VPN_CONF_SET_SAVE)
        put(w, VPN__CONF_SAVE, conf->save_config ? "true" : "false");
    put_hooks(w, VPN__CONF_PRE_UP, conf->pre_up, conf->pre_up_count);
    put_hooks(w, VPN__CONF_POST_UP, conf->post_up, conf->post_up_count);
    put_hooks(w, VPN__CONF_PRE_DOWN, conf->pre_down, conf->pre_down_count);
    put_hooks(w, VPN__CONF_POST_DOWN, conf->post_down, conf->post_down_count);
}

static void put_domains(struct writer *w, enum vpn__conf_key key, const char *const *list, size_t count)
{
    if (!count)
        return;
    line(w, key);
    put_names(w, list, count, 0);
    end(w);
}

static void put_fail_mode(struct writer *w, const vpn_conf *conf)
{
    if (conf->fail_mode == VPN_FAIL_OPEN || !conf->fail_except_count) {
        put(w, VPN__CONF_FAIL_MODE, conf->fail_mode == VPN_FAIL_OPEN ? "open" : "closed");
        return;
    }
    line(w, VPN__CONF_FAIL_MODE);
    vpn__text_string(&w->text, "closed-except ");
    put_networks(w, conf->fail_except, conf->fail_except_count);
    end(w);
}

static void put_own(struct writer *w, const vpn_conf *conf)
{
    static const char *const modes[] = {[VPN_DNS_OFF] = "off", [VPN_DNS_TUNNEL] = "tunnel", [VPN_DNS_SPLIT] = "split"};
    static const char *const paths[] = {
        [VPN_PATH_MTU_OFF] = "off", [VPN_PATH_MTU_ERRORS] = "errors", [VPN_PATH_MTU_PROBE] = "probe"};
    if (conf->exclude_count) {
        line(w, VPN__CONF_EXCLUDE);
        put_networks(w, conf->exclude, conf->exclude_count);
        end(w);
    }
    if (conf->set & VPN_CONF_SET_LAN_ACCESS)
        put(w, VPN__CONF_LAN_ACCESS, conf->lan_access ? "true" : "false");
    if (conf->set & VPN_CONF_SET_FAIL_MODE)
        put_fail_mode(w, conf);
    if (conf->set & VPN_CONF_SET_DNS_MODE)
        put(w, VPN__CONF_DNS_MODE, modes[conf->dns_mode]);
    put_domains(w, VPN__CONF_SEARCH, conf->search, conf->search_count);
    put_domains(w, VPN__CONF_MATCH, conf->match, conf->match_count);
    if (conf->set & VPN_CONF_SET_METRIC)
        put_number(w, VPN__CONF_METRIC, conf->metric);
    for (size_t i = 0; i < conf->app_count; i++)
        put_app(w, &conf->apps[i]);
    if (conf->set & VPN_CONF_SET_PATH_MTU)
        put(w, VPN__CONF_PATH_MTU, paths[conf->path_mtu]);
    if (conf->set & VPN_CONF_SET_CLAMP_MSS)
        put(w, VPN__CONF_CLAMP_MSS, conf->clamp_mss ? "true" : "false");
}

static void put_endpoint(struct writer *w, const char *host, uint16_t port)
{
    vpn_endpoint ignored;
    size_t length = strlen(host);
    int six = length && memchr(host, ':', length);
    if (vpn__conf_endpoint(&ignored, (struct vpn__conf_span){host, length}, port))
        w->error = VPN_EINVAL;
    line(w, VPN__CONF_ENDPOINT);
    vpn__text_string(&w->text, six ? "[" : "");
    vpn__text_string(&w->text, host);
    vpn__text_string(&w->text, six ? "]:" : ":");
    vpn__text_decimal(&w->text, port);
    end(w);
}

static void put_peer(struct writer *w, const vpn_conf_peer *peer)
{
    vpn__text_string(&w->text, "\n[Peer]\n");
    put_key(w, VPN__CONF_PUBLIC_KEY, peer->public_key);
    if (!vpn_key_is_zero(peer->preshared_key))
        put_key(w, VPN__CONF_PRESHARED_KEY, peer->preshared_key);
    if (peer->allowed_ip_count) {
        line(w, VPN__CONF_ALLOWED_IPS);
        put_networks(w, peer->allowed_ips, peer->allowed_ip_count);
        end(w);
    }
    if (peer->host)
        put_endpoint(w, peer->host, peer->endpoint.port);
    if (peer->keepalive)
        put_number(w, VPN__CONF_KEEPALIVE, peer->keepalive);
    if (w->target == VPN_CONF_FOR_VPN && vpn__conf_rules_write(&w->text, peer))
        w->error = VPN_EINVAL;
}

static int write_conf(struct writer *w, const vpn_conf *conf)
{
    if (conf->dns_mode > VPN_DNS_SPLIT || conf->fail_mode > VPN_FAIL_CLOSED || conf->path_mtu > VPN_PATH_MTU_PROBE ||
        (conf->mtu && conf->mtu < VPN__CONF_MTU_MIN))
        return VPN_EINVAL;
    put_device(w, conf);
    if (w->target != VPN_CONF_FOR_WG)
        put_quick(w, conf);
    if (w->target == VPN_CONF_FOR_VPN)
        put_own(w, conf);
    for (size_t i = 0; i < conf->peer_count; i++)
        put_peer(w, &conf->peers[i]);
    return w->error;
}

int vpn_conf_write(const vpn_conf *conf, uint32_t target, char *out, size_t capacity, size_t *length)
{
    struct writer w = {.text = {.out = out, .capacity = capacity}, .target = target};
    vpn_conf copy;
    *length = 0;
    if (!out && capacity)
        return VPN_EINVAL;
    int error = target > VPN_CONF_FOR_WG ? VPN_EINVAL : vpn__config_read(&copy, sizeof(copy), conf, sizeof(copy));
    if (!error)
        error = write_conf(&w, &copy);
    vpn_wipe(&copy, sizeof(copy));
    if (!error) {
        *length = w.text.length;
        error = w.text.length > capacity ? VPN_ESPACE : 0;
    }
    if (error && capacity)
        vpn_wipe(out, capacity);
    return error;
}
