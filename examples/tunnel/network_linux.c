/* SPDX-License-Identifier: ISC */
/*
 * The outer network, as far as it decides where our datagrams come from: addresses of interfaces that are up, and default
 * routes. Route messages say only that something may have changed; whether it did is read off a sum over what there is,
 * so that the tunnel's own address and routes, or a renewed lease, change nothing.
 */
#include "platform.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define ROUTES_MAX 8192 /* lines; a router with more is not one that moves about */

int watch_network(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                  .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                               RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* FNV-1a, closed by a mix so that sums of several prints do not cancel out. */
static uint64_t print_of(uint64_t seed, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    uint64_t h = seed ^ UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 29;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ (h >> 32);
}

static uint64_t address_print(const struct ifaddrs *entry, const char *own)
{
    uint64_t name = print_of(1, entry->ifa_name, strlen(entry->ifa_name));

    if (entry->ifa_addr == NULL || (entry->ifa_flags & IFF_LOOPBACK) != 0 || strcmp(entry->ifa_name, own) == 0 ||
        (entry->ifa_flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING))
        return 0;
    if (entry->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, entry->ifa_addr, sizeof in);
        return print_of(name, &in.sin_addr, sizeof in.sin_addr);
    }
    if (entry->ifa_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, entry->ifa_addr, sizeof in6);
        return IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ? 0 : print_of(name, &in6.sin6_addr, sizeof in6.sin6_addr);
    }
    return 0;
}

/* Lines of /proc/net/route: interface, destination, gateway, flags, three numbers, mask. */
static uint64_t ipv4_route_print(const char *line, const char *own)
{
    char name[IFNAMSIZ + 1];
    unsigned long destination;
    unsigned long gateway;
    unsigned long mask;
    struct {
        unsigned long gateway;
        char name[IFNAMSIZ + 1];
    } route;

    if (sscanf(line, "%16s %lx %lx %*s %*s %*s %*s %lx", name, &destination, &gateway, &mask) != 4)
        return 0;
    if (destination != 0 || mask != 0 || strcmp(name, own) == 0)
        return 0;
    memset(&route, 0, sizeof route);
    route.gateway = gateway;
    memcpy(route.name, name, strlen(name));
    return print_of(2, &route, sizeof route);
}

/* Lines of /proc/net/ipv6_route: destination, its length, source, its length, gateway, metric, two counts, flags, interface. */
static uint64_t ipv6_route_print(const char *line, const char *own)
{
    char gateway[33];
    char name[IFNAMSIZ + 1];
    unsigned length;
    unsigned long flags;
    uint64_t print;

    if (sscanf(line, "%*32s %x %*32s %*x %32s %*x %*x %*x %lx %16s", &length, gateway, &flags, name) != 4)
        return 0;
    if (length != 0 || (flags & RTF_REJECT) != 0 || strcmp(name, own) == 0 || strcmp(name, "lo") == 0)
        return 0;
    print = print_of(3, gateway, strlen(gateway));
    return print_of(print, name, strlen(name));
}

/* The file stays open: later no file can be opened any more. */
static uint64_t routes_print(FILE **file, const char *path, uint64_t (*line_print)(const char *, const char *),
                             const char *own)
{
    char line[256];
    uint64_t sum = 0;

    if (*file == NULL)
        *file = fopen(path, "re");
    if (*file == NULL)
        return 0;
    rewind(*file);
    for (int i = 0; i < ROUTES_MAX && fgets(line, sizeof line, *file) != NULL; i++)
        sum += line_print(line, own);
    return sum;
}

uint64_t network_print(const char *own)
{
    static FILE *files[2];
    struct ifaddrs *list;
    uint64_t sum = 0;

    if (getifaddrs(&list) == 0) {
        for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next)
            sum += address_print(entry, own);
        freeifaddrs(list);
    }
    return sum + routes_print(&files[0], "/proc/self/net/route", ipv4_route_print, own) +
           routes_print(&files[1], "/proc/self/net/ipv6_route", ipv6_route_print, own);
}

static void note_own(const struct ifaddrs *entry, uint8_t ip4[4], uint8_t ip6[16])
{
    static const uint8_t none[4];

    if (entry->ifa_addr->sa_family == AF_INET && memcmp(ip4, none, 4) == 0) {
        struct sockaddr_in in;

        memcpy(&in, entry->ifa_addr, sizeof in);
        memcpy(ip4, &in.sin_addr, 4);
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
        static const uint8_t none6[16];
        struct sockaddr_in6 in6;

        memcpy(&in6, entry->ifa_addr, sizeof in6);
        if (!IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) && memcmp(ip6, none6, 16) == 0)
            memcpy(ip6, &in6.sin6_addr, 16);
    }
}

void network_own(const char *own, uint8_t ip4[4], uint8_t ip6[16])
{
    struct ifaddrs *list;

    memset(ip4, 0, 4);
    memset(ip6, 0, 16);
    if (getifaddrs(&list) != 0)
        return;
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
        if (entry->ifa_addr != NULL && strcmp(entry->ifa_name, own) == 0)
            note_own(entry, ip4, ip6);
    }
    freeifaddrs(list);
}
