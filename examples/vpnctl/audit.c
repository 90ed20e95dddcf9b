/* SPDX-License-Identifier: ISC */
/* vpnctl audit: what leaks or fails once the tunnel is up. */
#include <stdio.h>
#include <stdlib.h>

#include <vpn/vpn.h>

#include "load.h"
#include "out.h"

static const char *code_name(uint32_t code)
{
    static const char *const names[] = {"?",           "dns-leak",      "ipv6-leak",    "endpoint-loop",
                                        "lan-overlap", "foreign-route", "site-overlap", "mtu",
                                        "rp-filter",   "no-endpoint"};

    return code < sizeof names / sizeof names[0] ? names[code] : names[0];
}

static const char *severity_name(uint32_t severity)
{
    return severity == VPN_SEVERITY_ERROR ? "error" : severity == VPN_SEVERITY_WARNING ? "warning" : "note";
}

static int severity_colour(uint32_t severity)
{
    return severity == VPN_SEVERITY_ERROR ? COLOUR_RED : severity == VPN_SEVERITY_WARNING ? COLOUR_YELLOW : COLOUR_CYAN;
}

static void put_text(const vpn_finding *f)
{
    (void)printf("%s%-7s%s  %s\n         %s\n         remedy: %s\n", out_colour(severity_colour(f->severity)),
                 severity_name(f->severity), out_plain(), code_name(f->code), f->evidence, f->remedy);
}

static void put_json(const loaded *l, const vpn_finding *f)
{
    json_open(NULL, '{');
    json_text("severity", severity_name(f->severity));
    json_text("code", code_name(f->code));
    if (f->peer < l->conf->peer_count)
        json_key("peer", l->conf->peers[f->peer].public_key);
    if (f->link != 0)
        json_number("link", f->link);
    if (f->prefix.family != 0)
        json_prefix("prefix", &f->prefix);
    json_text("evidence", f->evidence);
    json_text("remedy", f->remedy);
    json_close('}');
}

static void put_all(const loaded *l, const vpn_finding *found, size_t count, int json)
{
    if (json)
        json_open(NULL, '[');
    for (size_t i = 0; i < count; i++) {
        if (json)
            put_json(l, &found[i]);
        else
            put_text(&found[i]);
    }
    if (json)
        json_close(']');
    else if (count == 0)
        (void)puts("Nothing was found.");
}

/* A status. The gravest finding is the first. */
static int audit(const loaded *l, int json)
{
    size_t count = 0;
    vpn_finding *found;
    int error = vpn_plan_audit(l->plan, NULL, 0, &count);
    int status;

    if (error == VPN_ENOMEM)
        return out_error("out of memory"), STATUS_FAILED;
    found = calloc(count + 1, sizeof *found);
    if (found == NULL || vpn_plan_audit(l->plan, found, count, &count) != 0) {
        free(found);
        return out_error("out of memory"), STATUS_FAILED;
    }
    put_all(l, found, count, json);
    status = count > 0 && found[0].severity == VPN_SEVERITY_ERROR ? STATUS_FOUND : STATUS_FINE;
    free(found);
    return status;
}

int command_audit(const options *o)
{
    int status = STATUS_FAILED;
    loaded l;

    if (load(&l, o, o->words[0]) == 0)
        status = audit(&l, o->value[OPTION_JSON] != NULL);
    load_free(&l);
    return status;
}
