/* SPDX-License-Identifier: ISC */
#include "policy/shell.h"

void vpn__shell_put(struct vpn__text *text, const char *string)
{
    vpn__text_string(text, string);
}

void vpn__shell_prefix(struct vpn__text *text, const vpn_prefix *prefix)
{
    vpn__shell_ip(text, prefix);
    vpn__shell_put(text, "/");
    vpn__text_decimal(text, prefix->bits);
}

void vpn__shell_ip(struct vpn__text *text, const vpn_prefix *prefix)
{
    vpn__text_ip(text, prefix->family, prefix->addr);
}

void vpn__shell_hook(struct vpn__text *text, const char *command, const char *name)
{
    if (!command)
        return;
    vpn__shell_put(text, "(");
    for (; *command; command++) {
        if (command[0] == '%' && command[1] == 'i') {
            vpn__shell_put(text, name);
            command++;
        } else {
            vpn__text_bytes(text, command, 1);
        }
    }
    vpn__shell_put(text, ")\n");
}
