/* SPDX-License-Identifier: ISC */
/* Interfaces in other network namespaces, asked about from the own one: without entering those, which only root may. */
#ifndef TUNNEL_PLACE_H
#define TUNNEL_PLACE_H

#include <stdint.h>

/* A socket that is readable when an interface changes here or in a namespace that was asked about; -1 with errno. */
int place_watch(void);
/* The MTU of the interface in the namespace `there`, whose changes are watched from now on. 0, or -1 with errno. */
int place_mtu(int there, const char *name, uint32_t *mtu);

#endif
