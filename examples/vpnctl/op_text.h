/* SPDX-License-Identifier: ISC */
/* An operation of a plan in words. */
#ifndef VPNCTL_OP_TEXT_H
#define VPNCTL_OP_TEXT_H

#include <vpn/vpn.h>

#define OP_TEXT_CHARS 512

/* "add", "delete" or "set"; "route" and so on. */
const char *op_verb(const vpn_op *op);
const char *op_type(const vpn_op *op);
/* What it is about. Cut where it is too long; holds no control characters. */
void op_text(char text[OP_TEXT_CHARS], const vpn_op *op);

#endif
