/* SPDX-License-Identifier: ISC */
/* What the readers of rtnetlink share: attributes by type, and what a message becomes. */
#ifndef VPNCTL_FACTS_NETLINK_H
#define VPNCTL_FACTS_NETLINK_H

#include <libmnl/libmnl.h>

#include "facts.h"

typedef struct attributes {
    const struct nlattr *of[64]; /* by type; NULL: not there */
} attributes;

/* Reads those behind a header of `header` bytes, or those in a payload. */
void attributes_of(attributes *out, const struct nlmsghdr *message, size_t header);
void attributes_in(attributes *out, const uint8_t *payload, size_t length);
uint32_t attribute_number(const attributes *a, unsigned type, uint32_t otherwise);
/* 0, or -1: it is no address of that family. */
int attribute_address(uint8_t out[16], const struct nlattr *attribute, uint8_t family);
/* The family as the library has it; 0: none. */
uint8_t attribute_family(uint8_t family);

/* Callbacks of libmnl: each takes a message into the facts that `user` is. */
int facts_take_route(const struct nlmsghdr *message, void *user);
int facts_take_rule(const struct nlmsghdr *message, void *user);

#endif
