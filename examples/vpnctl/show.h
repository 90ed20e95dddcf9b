/* SPDX-License-Identifier: ISC */
/* The forms in which vpnctl show prints a device. */
#ifndef VPNCTL_SHOW_H
#define VPNCTL_SHOW_H

#include "device.h"

/* For people. `now` is the wall clock in seconds. */
void show_text(const char *name, const device *d, uint64_t now, int keys);
/* An object in an array. */
void show_json(const char *name, const device *d);

/* 1 when `word` is a field that show_field knows. */
int show_is_field(const char *word);
/* One field of the device or of each peer, between tabs; `named`: each line begins with the name of the interface. */
void show_field(const char *name, const device *d, const char *word, int named, int keys);

#endif
