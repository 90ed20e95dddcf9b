/* SPDX-License-Identifier: ISC */
/* One operation of a plan, or its inverse, on this host. */
#ifndef VPNCTL_APPLY_OP_H
#define VPNCTL_APPLY_OP_H

#include "apply.h"

/* 0, or -1 and `why` tells. What is done is all or nothing. On the way down, `undo` is 1, and what is gone is no error. */
int apply_op(const vpn_op *op, int undo, const apply_options *how, char *why, size_t capacity);

/* What an operation does, in a few words such as "delete route 10.0.0.0/8". */
void apply_op_words(const vpn_op *op, char *out, size_t capacity);

#endif
