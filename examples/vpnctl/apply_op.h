/* SPDX-License-Identifier: ISC */
/* One operation of a plan, or its inverse, on this host. */
#ifndef VPNCTL_APPLY_OP_H
#define VPNCTL_APPLY_OP_H

#include "apply.h"

/* How it is done. */
typedef struct apply_mode {
    const apply_options *options;
    int undo; /* 1: on the way down, so what is gone is no error */
    int lock; /* of the tunnel's name; whoever starts on our behalf holds it, too, until he is there */
} apply_mode;

/* 0, or -1 and `why` tells. What is done is all or nothing. */
int apply_op(const vpn_op *op, const apply_mode *mode, char *why, size_t capacity);

/* What an operation does, in a few words such as "delete route 10.0.0.0/8". */
void apply_op_words(const vpn_op *op, char *out, size_t capacity);

#endif
