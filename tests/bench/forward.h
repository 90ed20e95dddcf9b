/* SPDX-License-Identifier: ISC */
/* The forwarder's way between interface and sockets, for what replaces the calls below it. */
#ifndef BENCH_FORWARD_H
#define BENCH_FORWARD_H

#include "tunnel/flow.h"

extern flow forward_flow;

#endif
