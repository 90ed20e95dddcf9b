/* SPDX-License-Identifier: ISC */
/* vpnctl up and down: carries out what vpnctl plan shows, and takes it back. */
#include <stdio.h>

#include <vpn/vpn.h>

#include "apply.h"
#include "load.h"
#include "op_text.h"
#include "out.h"

static void say(void *user, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "vpnctl: %s\n", line);
}

/* With --verbose, each operation once it is done. */
static int tell_step(void *user, int stage, const vpn_op *op)
{
    char detail[OP_TEXT_CHARS];

    (void)user;
    if (stage == APPLY_DONE) {
        op_text(detail, op);
        (void)fprintf(stderr, "%-6s  %-8s  %s\n", op_verb(op), op_type(op), detail);
    }
    return 0;
}

static apply_options how(const options *o)
{
    return (apply_options){.allow_hooks = o->value[OPTION_ALLOW_HOOKS] != NULL,
                           .keep_filter = o->value[OPTION_KEEP_FILTER] != NULL,
                           .tunnel_program = o->value[OPTION_TUNNEL],
                           .say = say,
                           .step = o->value[OPTION_VERBOSE] != NULL ? tell_step : NULL};
}

static int put_result(const options *o, const char *name, const char *state)
{
    if (o->value[OPTION_JSON] == NULL)
        return STATUS_FINE;
    json_open(NULL, '{');
    json_text("interface", name);
    json_text("state", state);
    json_close('}');
    return STATUS_FINE;
}

/* Asked before facts are gathered: a tunnel that is up would be taken for a part of the host. */
static int may_go_up(const char *name, const apply_options *a)
{
    int state = apply_state(name, a);

    if (state == APPLY_IS_UP)
        return out_error("%s is up already", name);
    if (state == APPLY_IS_CUT)
        return out_error("%s was left half done; 'vpnctl down %s' tidies up", name, name);
    return state < 0 ? -1 : 0;
}

enum { WARNINGS_MAX = 8 };

/* What the audit calls an error is said where nobody asked for an audit, too. The gravest findings come first. */
static void warn(const loaded *l)
{
    static vpn_finding found[WARNINGS_MAX];
    size_t count = 0;
    int error = vpn_plan_audit(l->plan, found, WARNINGS_MAX, &count);

    if (error == VPN_ENOMEM)
        return;
    for (size_t i = 0; i < count && i < WARNINGS_MAX && found[i].severity == VPN_SEVERITY_ERROR; i++)
        (void)fprintf(stderr, "vpnctl: warning: %s %s\n", found[i].evidence, found[i].remedy);
}

int command_up(const options *o)
{
    apply_options a = how(o);
    char name[VPN_IFNAME_CHARS];
    loaded l;
    int result;

    if (load_name(name, o, o->words[0]) != 0 || may_go_up(name, &a) != 0)
        return STATUS_FAILED;
    result = load(&l, o, o->words[0]);
    a.conf = l.conf;
    a.endpoints = l.endpoints;
    if (result == 0) {
        warn(&l);
        result = apply_up(l.plan, l.name, &a);
    }
    load_free(&l);
    return result == 0 ? put_result(o, name, "up") : STATUS_FAILED;
}

/* The file need not be there any more: the journal knows what to take back. */
int command_down(const options *o)
{
    apply_options a = how(o);
    char name[VPN_IFNAME_CHARS];

    if (load_name(name, o, o->words[0]) != 0 || apply_down(name, &a) != 0)
        return STATUS_FAILED;
    return put_result(o, name, "down");
}
