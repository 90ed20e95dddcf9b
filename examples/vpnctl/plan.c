/* SPDX-License-Identifier: ISC */
/* vpnctl plan: what a tunnel would change, as a table, a script or JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpn/vpn.h>

#include "load.h"
#include "op_text.h"
#include "out.h"

/* The plan in a form of the library; the caller frees it. NULL after a message. */
static char *render(const vpn_plan *plan, uint32_t form, int undo, size_t *length)
{
    char *text;

    *length = 0;
    if (vpn_plan_render(plan, form, (uint32_t)undo, NULL, 0, length) == VPN_EINVAL) {
        (void)out_error("cannot write the plan");
        return NULL;
    }
    text = malloc(*length + 1);
    if (text == NULL || vpn_plan_render(plan, form, (uint32_t)undo, text, *length, length) != 0) {
        (void)out_error("out of memory");
        free(text);
        return NULL;
    }
    return text;
}

static int put_script(const loaded *l, const char *system, int undo)
{
    uint32_t form = strcmp(system, "linux") == 0 ? VPN_RENDER_LINUX : VPN_RENDER_MACOS;
    size_t length;
    char *text;

    if (form == VPN_RENDER_MACOS && strcmp(system, "macos") != 0)
        return out_error("--shell is linux or macos, not '%s'", system);
    text = render(l->plan, form, undo, &length);
    if (text == NULL)
        return -1;
    (void)fwrite(text, 1, length, stdout);
    free(text);
    return 0;
}

static int put_json(const loaded *l, int undo)
{
    size_t length;
    char *text = render(l->plan, VPN_RENDER_JSON, undo, &length);

    if (text == NULL)
        return -1;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    json_open(NULL, '{');
    json_text("interface", l->name);
    json_text("file", l->path);
    json_flag("undo", undo);
    json_number("mark", vpn_plan_mark(l->plan));
    json_number("table", vpn_plan_table(l->plan));
    json_raw("operations", text, length);
    json_close('}');
    free(text);
    return 0;
}

static void put_row(size_t number, const vpn_op *op)
{
    int colour = op->verb == VPN_VERB_ADD ? COLOUR_GREEN : op->verb == VPN_VERB_DEL ? COLOUR_RED : COLOUR_YELLOW;
    char detail[OP_TEXT_CHARS];

    op_text(detail, op);
    (void)printf("%3zu  %s%-6s%s  %-8s  %s\n", number, out_colour(colour), op_verb(op), out_plain(), op_type(op),
                 detail);
}

static void put_table(const loaded *l, int undo)
{
    size_t count = vpn_plan_count(l->plan);

    (void)printf("%s%s%s (%s), %s: %zu operations", out_colour(COLOUR_BOLD), l->name, out_plain(), l->path,
                 undo ? "down" : "up", count);
    if (vpn_plan_mark(l->plan) != 0)
        (void)printf(", outer mark 0x%x", vpn_plan_mark(l->plan));
    if (vpn_plan_table(l->plan) != 0)
        (void)printf(", table %u", vpn_plan_table(l->plan));
    (void)putchar('\n');
    for (size_t i = 0; i < count; i++) {
        const vpn_op *op = vpn_plan_op(l->plan, undo ? count - 1 - i : i);
        vpn_op shown = *op;

        if (undo)
            vpn_op_inverse(&shown, op);
        put_row(i + 1, &shown);
    }
}

static int put(const loaded *l, const options *o)
{
    int undo = o->value[OPTION_UNDO] != NULL;

    if (o->value[OPTION_SHELL] != NULL)
        return put_script(l, o->value[OPTION_SHELL], undo);
    if (o->value[OPTION_JSON] != NULL)
        return put_json(l, undo);
    put_table(l, undo);
    return 0;
}

/* The facts of this host; with --facts, those of the file as they were understood. */
static int put_facts(const options *o)
{
    const char *path = o->value[OPTION_FACTS];
    facts f;
    int result;

    facts_init(&f);
    result = path == NULL ? facts_gather(&f) : facts_read(&f, path);
    if (result == 0)
        facts_write(&f);
    facts_free(&f);
    return result == 0 ? STATUS_FINE : STATUS_FAILED;
}

int command_plan(const options *o)
{
    loaded l;
    int result;

    if (o->value[OPTION_WRITE_FACTS] != NULL)
        return put_facts(o);
    if (o->word_count == 0)
        return out_error("which file? 'vpnctl plan --help' tells more"), STATUS_FAILED;
    if (o->value[OPTION_SHELL] != NULL && o->value[OPTION_JSON] != NULL)
        return out_error("--shell and --json contradict each other"), STATUS_FAILED;
    result = load(&l, o, o->words[0]);
    if (result == 0)
        result = put(&l, o);
    load_free(&l);
    return result == 0 ? STATUS_FINE : STATUS_FAILED;
}
