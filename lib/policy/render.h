/* SPDX-License-Identifier: ISC */
/* One operation in each form, as lines that end with a line feed (JSON: as an object without one). */
#ifndef VPN_LIB_POLICY_RENDER_H
#define VPN_LIB_POLICY_RENDER_H

#include <vpn/policy.h>

#include "config/text.h"

void vpn__render_linux(struct vpn__text *text, const vpn_op *op);
void vpn__render_macos(struct vpn__text *text, const vpn_op *op);
void vpn__render_json(struct vpn__text *text, const vpn_op *op);

#endif
