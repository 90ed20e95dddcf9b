/* SPDX-License-Identifier: ISC */
#include "policy/render.h"

#include "policy/choose.h"

typedef void (*renderer)(struct vpn__text *text, const vpn_op *op);

/* NULL for what is no form */
static renderer form_of(uint32_t form)
{
    switch (form) {
    case VPN_RENDER_LINUX:
        return vpn__render_linux;
    case VPN_RENDER_MACOS:
        return vpn__render_macos;
    case VPN_RENDER_JSON:
        return vpn__render_json;
    }
    return NULL;
}

static int finish(const struct vpn__text *text, size_t *length)
{
    *length = text->length;
    return text->length > text->capacity ? VPN_ESPACE : 0;
}

/* A script stops at the first command that fails on the way up, and goes on to the end on the way down. */
static void put_head(struct vpn__text *text, uint32_t form, uint32_t undo)
{
    vpn__text_string(text, form == VPN_RENDER_JSON ? "[" : undo ? "#!/bin/sh\n" : "#!/bin/sh\nset -e\n");
}

int vpn_plan_render(const vpn_plan *plan, uint32_t form, uint32_t undo, char *out, size_t capacity, size_t *length)
{
    struct vpn__text text = {.capacity = capacity};
    renderer render = form_of(form);
    *length = 0;
    if (!render || undo > 1 || (!out && capacity))
        return VPN_EINVAL;
    text.out = out;
    put_head(&text, form, undo);
    for (size_t i = 0; i < plan->op_count; i++) {
        vpn_op op = plan->ops[undo ? plan->op_count - 1 - i : i];
        if (undo)
            vpn_op_inverse(&op, &plan->ops[plan->op_count - 1 - i]);
        if (form == VPN_RENDER_JSON)
            vpn__text_string(&text, i ? ",\n " : "\n ");
        render(&text, &op);
    }
    if (form == VPN_RENDER_JSON)
        vpn__text_string(&text, "\n]\n");
    return finish(&text, length);
}

int vpn_op_render(const vpn_op *op, uint32_t form, char *out, size_t capacity, size_t *length)
{
    struct vpn__text text = {.capacity = capacity};
    renderer render = form_of(form);
    *length = 0;
    if (!render || (!out && capacity))
        return VPN_EINVAL;
    text.out = out;
    render(&text, op);
    return finish(&text, length);
}
