/* SPDX-License-Identifier: ISC */
#include "diagnose_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "out.h"

enum { LEFT = 41 };

static int colour_of(uint32_t result)
{
    switch (result) {
    case VPN_RESULT_FINE:
        return COLOUR_GREEN;
    case VPN_RESULT_BROKEN:
        return COLOUR_RED;
    case VPN_RESULT_UNKNOWN:
        return COLOUR_YELLOW;
    default:
        return COLOUR_NONE;
    }
}

void diagnose_begin(const loaded *l, uint32_t peer, int json)
{
    const uint8_t *key = l->conf->peers[peer].public_key;
    char text[VPN_KEY_BASE64_CHARS + 1];

    if (json) {
        json_open(NULL, '{');
        json_text("interface", l->name);
        json_key("peer", key);
        json_open("checks", '[');
        return;
    }
    vpn_key_to_base64(text, key);
    (void)printf("%s%s%s, peer %s\n", out_colour(COLOUR_BOLD), l->name, out_plain(), text);
    (void)fflush(stdout);
}

static void put_text(const vpn_check *c)
{
    int broken = c->result == VPN_RESULT_BROKEN;

    (void)printf("%-13s  %-12s  %s%-10s%s  ", vpn_layer_name(c->layer), vpn_check_name(c->code),
                 out_colour(colour_of(c->result)), vpn_result_name(c->result), out_plain());
    if (broken)
        (void)printf("(%s) ", vpn_cause_name(c->cause));
    (void)printf("%s\n", c->evidence);
    if (c->remedy[0] != '\0')
        (void)printf("%*s%s%s\n", LEFT, "", broken ? "remedy: " : "", c->remedy);
    (void)fflush(stdout);
}

static void put_json(const vpn_check *c)
{
    json_open(NULL, '{');
    json_text("layer", vpn_layer_name(c->layer));
    json_text("check", vpn_check_name(c->code));
    json_text("result", vpn_result_name(c->result));
    if (c->result == VPN_RESULT_BROKEN)
        json_text("cause", vpn_cause_name(c->cause));
    json_text("evidence", c->evidence);
    if (c->remedy[0] != '\0')
        json_text("remedy", c->remedy);
    json_close('}');
}

void diagnose_put_layer(const vpn_check *checks, size_t count, int all, int json)
{
    for (size_t i = 0; i < count; i++) {
        if (json)
            put_json(&checks[i]);
        else
            put_text(&checks[i]);
        if (checks[i].result == VPN_RESULT_BROKEN && !all)
            return;
    }
}

static void put_advice(const vpn_finding *f, int json)
{
    if (json) {
        json_open(NULL, '{');
        json_text("evidence", f->evidence);
        json_text("remedy", f->remedy);
        json_close('}');
    } else {
        (void)printf("%sadvice%s         %s %s\n", out_colour(COLOUR_CYAN), out_plain(), f->evidence, f->remedy);
    }
}

/* Findings that are worth more than a note. */
static void advise(const loaded *l, int json)
{
    size_t count = 0;
    vpn_finding *found;

    if (vpn_plan_audit(l->plan, NULL, 0, &count) == VPN_ENOMEM)
        return;
    found = calloc(count + 1, sizeof *found);
    if (found != NULL && vpn_plan_audit(l->plan, found, count, &count) == 0) {
        for (size_t i = 0; i < count; i++) {
            if (found[i].severity > VPN_SEVERITY_NOTE)
                put_advice(&found[i], json);
        }
    }
    free(found);
}

void diagnose_end(const loaded *l, int broken, int all, int json)
{
    if (json) {
        json_close(']');
        json_flag("broken", broken);
        json_open("advice", '[');
    }
    if (!broken || all)
        advise(l, json);
    if (json) {
        json_close(']');
        json_close('}');
    } else if (!broken) {
        (void)puts("Nothing is broken, as far as can be seen from here.");
    }
}
