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

/* What libvpn tells beyond wg(8): of a peer, or of the device when `p` is NULL. The fields are others than those above. */
void show_more_text(const device *d, const device_peer *p, uint64_t now);
void show_more_json(const device *d, const device_peer *p);
int show_more_is_field(const char *word);
void show_more_field(const char *name, const device *d, const char *word, int named);

/* "1 hour, 2 minutes, 3 seconds", nothing for 0; "1.50 KiB". */
void show_span(uint64_t seconds);
void show_bytes(uint64_t bytes);

#endif
