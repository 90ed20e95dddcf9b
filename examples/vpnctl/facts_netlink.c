/* SPDX-License-Identifier: ISC */
#include "facts_netlink.h"

#include <string.h>
#include <sys/socket.h>

static int keep_attribute(const struct nlattr *attribute, void *user)
{
    attributes *a = user;

    if (mnl_attr_get_type(attribute) < sizeof a->of / sizeof a->of[0])
        a->of[mnl_attr_get_type(attribute)] = attribute;
    return MNL_CB_OK;
}

void attributes_of(attributes *out, const struct nlmsghdr *message, size_t header)
{
    *out = (attributes){.of = {NULL}};
    (void)mnl_attr_parse(message, (unsigned)header, keep_attribute, out);
}

void attributes_in(attributes *out, const uint8_t *payload, size_t length)
{
    *out = (attributes){.of = {NULL}};
    (void)mnl_attr_parse_payload(payload, length, keep_attribute, out);
}

uint32_t attribute_number(const attributes *a, unsigned type, uint32_t otherwise)
{
    if (a->of[type] == NULL || mnl_attr_get_payload_len(a->of[type]) < sizeof(uint32_t))
        return otherwise;
    return mnl_attr_get_u32(a->of[type]);
}

int attribute_address(uint8_t out[16], const struct nlattr *attribute, uint8_t family)
{
    size_t length = family == 4 ? 4 : 16;

    if (mnl_attr_get_payload_len(attribute) != length)
        return -1;
    memcpy(out, mnl_attr_get_payload(attribute), length);
    return 0;
}

uint8_t attribute_family(uint8_t family)
{
    return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}
