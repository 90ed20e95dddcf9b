/* SPDX-License-Identifier: ISC */
/*
 * vpnctl convert. Whatever comes in is made a file of ours, read by vpn_conf_parse, and written from what that found; so no form
 * is less checked than another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpn/vpn.h>

#include "command.h"
#include "convert.h"
#include "file.h"
#include "load.h"
#include "out.h"
#include "uapi_more.h"

enum form { FORM_VPN, FORM_WG_QUICK, FORM_WG, FORM_JSON, FORM_UAPI, FORMS };

static const char *const forms[FORMS] = {"vpn", "wg-quick", "wg", "json", "uapi"};

static int read_form(const options *o, enum form *out)
{
    const char *word = o->value[OPTION_TO];

    *out = o->value[OPTION_JSON] != NULL ? FORM_JSON : FORM_VPN;
    if (word == NULL)
        return 0;
    for (int i = 0; i < FORMS; i++) {
        if (strcmp(forms[i], word) == 0) {
            if (o->value[OPTION_JSON] != NULL && i != FORM_JSON)
                return out_error("--to and --json contradict each other");
            *out = (enum form)i;
            return 0;
        }
    }
    return out_error("--to is vpn, wg-quick, wg, json or uapi, not '%s'", word);
}

/* A line of UAPI is a word in small letters and its value, with nothing between; a file begins with a section. */
static int is_uapi(const char *text)
{
    size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz_");

    return word > 0 && text[word] == '=';
}

static int read_other(vpn_conf **out, const char *path, const file *from, const char *start)
{
    vpn_conf_error why = {.error = 0};
    uapi_text text = {.text = NULL};
    int result;

    if (*start == '{')
        result = convert_from_json(&text, path, from->text, from->length);
    else
        result = convert_from_uapi(&text, path, from->text, from->length);
    if (result == 0 && text.failed)
        result = out_error("out of memory");
    if (result == 0 && vpn_conf_parse(out, text.text, text.length, NULL, &why) != 0)
        result = out_error("%s: %s%s%s", path, why.key, why.key[0] == '\0' ? "" : ": ", why.why);
    uapi_text_free(&text);
    return result;
}

static int read_conf(vpn_conf **out, const char *word)
{
    char path[FILE_PATH_MAX];
    const char *name = strcmp(word, "-") == 0 ? "standard input" : path;
    const char *start;
    file text;
    int result;

    *out = NULL;
    if (file_of_name(path, word) != 0 || file_read(&text, path, VPN_CONF_TEXT_MAX) != 0)
        return -1;
    start = text.text + strspn(text.text, " \t\r\n");
    if (*start == '{' || is_uapi(start))
        result = read_other(out, name, &text, start);
    else
        result = load_parse(out, path, &text);
    file_free(&text);
    return result;
}

/* Peers without their secrets; NULL: no memory. */
static vpn_conf_peer *bare_peers(const vpn_conf *conf, int *hidden)
{
    vpn_conf_peer *peers = calloc(conf->peer_count + 1, sizeof *peers);

    if (peers == NULL)
        return NULL;
    for (size_t i = 0; i < conf->peer_count; i++) {
        peers[i] = conf->peers[i];
        *hidden |= !vpn_key_is_zero(peers[i].preshared_key);
        vpn_wipe(peers[i].preshared_key, VPN_KEY_BYTES);
    }
    return peers;
}

/* What the target has no words for is said to be lost. */
static void warn_of_loss(const vpn_conf *c, enum form form)
{
    const uint32_t own = VPN_CONF_SET_LAN_ACCESS | VPN_CONF_SET_FAIL_MODE | VPN_CONF_SET_DNS_MODE | VPN_CONF_SET_METRIC;

    if (form == FORM_WG_QUICK && ((c->set & own) != 0 || c->exclude_count + c->app_count + c->match_count > 0))
        out_warn("wg-quick has no word for some of it: LanAccess, FailMode, Exclude and the like are left out");
    if ((form == FORM_WG_QUICK || form == FORM_WG) && uapi_more_wanted(c))
        out_warn("only vpn-tunnel knows Filter, Netmap, PathMTU and the like: they are left out");
}

static int put_text(const vpn_conf *conf, enum form form)
{
    uint32_t target = form == FORM_WG_QUICK ? VPN_CONF_FOR_WG_QUICK
                      : form == FORM_WG     ? VPN_CONF_FOR_WG
                                            : VPN_CONF_FOR_VPN;
    size_t length = 0;
    size_t room;
    char *text;
    int error = vpn_conf_write(conf, target, NULL, 0, &length);

    if (error != VPN_ESPACE)
        return out_error("cannot write this: %s", vpn_strerror(error));
    room = length;
    text = calloc(1, room + 1);
    if (text == NULL)
        return out_error("out of memory");
    error = vpn_conf_write(conf, target, text, room, &length);
    if (error == 0 && form == FORM_JSON)
        convert_to_json(text);
    else if (error == 0)
        (void)fwrite(text, 1, length, stdout);
    vpn_wipe(text, room);
    free(text);
    return error == 0 ? 0 : out_error("cannot write this: %s", vpn_strerror(error));
}

static int put(const vpn_conf *conf, enum form form)
{
    warn_of_loss(conf, form);
    return form == FORM_UAPI ? convert_to_uapi(conf) : put_text(conf, form);
}

static int put_bare(const vpn_conf *conf, enum form form)
{
    vpn_conf bare = *conf;
    int hidden = (conf->set & VPN_CONF_SET_PRIVATE_KEY) != 0;
    vpn_conf_peer *peers = bare_peers(conf, &hidden);
    int result;

    vpn_wipe(bare.private_key, sizeof bare.private_key);
    bare.set &= ~VPN_CONF_SET_PRIVATE_KEY;
    bare.peers = peers;
    if (hidden)
        out_warn("private and preshared keys are left out without --keys");
    result = peers == NULL ? out_error("out of memory") : put(&bare, form);
    free(peers);
    return result;
}

int command_convert(const options *o)
{
    vpn_conf *conf = NULL;
    enum form form;
    int result;

    if (read_form(o, &form) != 0)
        return STATUS_FAILED;
    result = read_conf(&conf, o->words[0]);
    if (result == 0)
        result = o->value[OPTION_KEYS] != NULL ? put(conf, form) : put_bare(conf, form);
    vpn_conf_free(conf);
    return result == 0 ? STATUS_FINE : STATUS_FAILED;
}
