/* SPDX-License-Identifier: ISC */
#ifndef VPNCTL_DEVICE_ASK_H
#define VPNCTL_DEVICE_ASK_H

#include "device.h"

/* Asks a daemon about its device, for `more` than wg(8) would where it knows more. 0 or a negative errno; -EPROTO with a line: it
 * answers something strange there, and *why tells. Either way device_free. */
int device_ask(device *out, const char *name, int more, size_t *line, const char **why);

#endif
