/* SPDX-License-Identifier: ISC */
/*
 * Drives the executor of examples/vpnctl: makes a plan from a file and the few facts that the tests need, and carries
 * it out, while it fails, dies or waits where it is told to.
 *
 *     apply_driver [OPTIONS] up FILE NAME | down NAME | state NAME
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <vpn/vpn.h>

#include "apply.h"

enum { LINKS_MAX = 16, ADDRESSES_MAX = 64, TEXT_MAX = 1 << 16 };

static const char help[] = "usage: apply_driver [OPTIONS] up FILE NAME | down NAME | state NAME\n"
                           "  --tunnel PROGRAM, --state DIRECTORY, --resolv-conf FILE, --hooks\n"
                           "  --exists           the link is there already\n"
                           "  --keep-filter 0|1  a down leaves the packet filter\n"
                           "  --resolver 0|1|2   a VPN_RESOLVER_*\n"
                           "  --fail N           the Nth operation (1 is the first) fails\n"
                           "  --kill N           kill -9 of this process before the Nth operation, behind its record\n"
                           "  --kill-done N      kill -9 after the Nth operation\n"
                           "  --pause MS         so long before and after each operation\n"
                           "  --tell FILE        append a line for each step\n"
                           "  --gate FILE        wait for this file after the filter was made, and before it goes\n";

typedef struct driver {
    const char *tell;
    const char *gate;
    long fail;
    long kill;
    long kill_done;
    long pause;
    long begun; /* operations so far */
} driver;

static void rest(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    (void)nanosleep(&time, NULL);
}

static void tell(const driver *d, int stage, const vpn_op *op)
{
    FILE *file = d->tell == NULL ? NULL : fopen(d->tell, "ae");

    if (file == NULL)
        return;
    (void)fprintf(file, "%s type %d verb %d\n", stage == APPLY_BEGIN ? "begin" : "done", op->type, op->verb);
    (void)fclose(file);
}

static void say(void *user, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "apply_driver: %s\n", line);
}

static int step(void *user, int stage, const vpn_op *op)
{
    driver *d = user;
    int filter = op->type == VPN_OP_FILTER;

    if (stage == APPLY_BEGIN)
        d->begun++;
    tell(d, stage, op);
    while (filter && (stage == APPLY_DONE) == (op->verb == VPN_VERB_ADD) && d->gate != NULL &&
           access(d->gate, F_OK) != 0)
        rest(10);
    rest(d->pause);
    if (d->begun == (stage == APPLY_BEGIN ? d->kill : d->kill_done))
        (void)kill(getpid(), SIGKILL);
    return stage == APPLY_BEGIN && d->begun == d->fail;
}

typedef struct facts {
    vpn_host host;
    vpn_host_link links[LINKS_MAX];
    vpn_host_address addresses[ADDRESSES_MAX];
} facts;

static void add_link(facts *f, int fd, const struct if_nameindex *found)
{
    vpn_host_link *link = &f->links[f->host.link_count++];
    struct ifreq request = {.ifr_flags = 0};

    link->index = found->if_index;
    (void)snprintf(link->name, sizeof link->name, "%s", found->if_name);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", found->if_name);
    if (ioctl(fd, SIOCGIFMTU, &request) == 0)
        link->mtu = (uint32_t)request.ifr_mtu;
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0)
        link->flags =
            (request.ifr_flags & IFF_UP ? VPN_LINK_UP : 0) | (request.ifr_flags & IFF_LOOPBACK ? VPN_LINK_LOOPBACK : 0);
}

static uint8_t bits_of(const uint8_t *mask, size_t bytes)
{
    uint8_t bits = 0;

    for (size_t i = 0; i < bytes * 8 && (mask[i / 8] & (0x80 >> i % 8)); i++)
        bits++;
    return bits;
}

static void add_address(facts *f, const struct ifaddrs *found)
{
    vpn_host_address *address = &f->addresses[f->host.address_count];
    int four = found->ifa_addr != NULL && found->ifa_addr->sa_family == AF_INET;
    size_t at = four ? offsetof(struct sockaddr_in, sin_addr) : offsetof(struct sockaddr_in6, sin6_addr);
    size_t bytes = four ? 4 : 16;

    if (found->ifa_addr == NULL || found->ifa_netmask == NULL || (!four && found->ifa_addr->sa_family != AF_INET6))
        return;
    address->link = if_nametoindex(found->ifa_name);
    address->prefix.family = four ? 4 : 6;
    memcpy(address->prefix.addr, (const uint8_t *)found->ifa_addr + at, bytes);
    address->prefix.bits = bits_of((const uint8_t *)found->ifa_netmask + at, bytes);
    f->host.address_count++;
}

static void gather(facts *f, uint32_t resolver)
{
    struct if_nameindex *names = if_nameindex();
    struct ifaddrs *addresses = NULL;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memset(f, 0, sizeof *f);
    f->host.size = sizeof f->host;
    f->host.resolver_system = resolver;
    f->host.links = f->links;
    f->host.addresses = f->addresses;
    for (size_t i = 0; names != NULL && names[i].if_index != 0 && i < LINKS_MAX; i++)
        add_link(f, fd, &names[i]);
    (void)getifaddrs(&addresses);
    for (const struct ifaddrs *a = addresses; a != NULL && f->host.address_count < ADDRESSES_MAX; a = a->ifa_next)
        add_address(f, a);
    freeifaddrs(addresses);
    if_freenameindex(names);
    (void)close(fd);
}

static vpn_conf *read_conf(const char *path)
{
    static char text[TEXT_MAX];
    FILE *file = fopen(path, "re");
    size_t length = file == NULL ? 0 : fread(text, 1, sizeof text, file);
    vpn_conf_error error = {.error = 0};
    vpn_conf *conf = NULL;

    if (file != NULL)
        (void)fclose(file);
    if (vpn_conf_parse(&conf, text, length, NULL, &error) != 0)
        (void)fprintf(stderr, "apply_driver: %s:%u: %s\n", path, error.line, error.why);
    vpn_wipe(text, sizeof text);
    return conf;
}

static int up(const char *path, const char *name, apply_options *how, uint32_t resolver, int exists)
{
    static facts f;
    vpn_policy policy = {.size = sizeof policy, .host = &f.host};
    vpn_conf *conf = read_conf(path);
    vpn_plan *plan = NULL;
    int result = apply_state(name, how);

    if (conf == NULL)
        return -1;
    gather(&f, resolver);
    policy.conf = conf;
    policy.flags = (how->allow_hooks ? VPN_POLICY_HOOKS : 0) | (exists ? VPN_POLICY_LINK_EXISTS : 0);
    (void)snprintf(policy.name, sizeof policy.name, "%s", name);
    how->conf = conf;
    if (result != APPLY_IS_DOWN && result != APPLY_IS_HELD) {
        (void)fprintf(stderr, "apply_driver: %s is %s\n", name, result == APPLY_IS_UP ? "up" : "cut short");
        result = -1;
    } else {
        result = vpn_plan_new(&plan, &policy, NULL);
        if (result != 0)
            (void)fprintf(stderr, "apply_driver: no plan: %s\n", vpn_strerror(result));
        else
            result = apply_up(plan, name, how);
    }
    vpn_plan_free(plan);
    vpn_conf_free(conf);
    return result;
}

static int run(char **words, int count, apply_options *how, uint32_t resolver, int exists)
{
    static const char *const states[] = {"down", "up", "held", "cut"};
    int state;

    if (count == 3 && strcmp(words[0], "up") == 0)
        return up(words[1], words[2], how, resolver, exists);
    if (count == 2 && strcmp(words[0], "down") == 0)
        return apply_down(words[1], how);
    if (count == 2 && strcmp(words[0], "state") == 0) {
        state = apply_state(words[1], how);
        (void)puts(state < 0 ? "error" : states[state]);
        return state < 0;
    }
    (void)fputs(help, stderr);
    return -1;
}

int main(int argc, char **argv)
{
    driver d = {.tell = NULL};
    apply_options how = {.user = &d, .say = say, .step = step};
    long resolver = 0;
    long keep = 0;
    int exists = 0;
    const struct {
        const char *name;
        const char **text;
        long *number;
    } options[] = {
        {"--tunnel", &how.tunnel_program, NULL},
        {"--state", &how.state_directory, NULL},
        {"--resolv-conf", &how.resolv_conf, NULL},
        {"--tell", &d.tell, NULL},
        {"--gate", &d.gate, NULL},
        {"--resolver", NULL, &resolver},
        {"--fail", NULL, &d.fail},
        {"--kill", NULL, &d.kill},
        {"--kill-done", NULL, &d.kill_done},
        {"--pause", NULL, &d.pause},
        {"--keep-filter", NULL, &keep},
    };
    int at = 1;

    while (at + 1 < argc && strncmp(argv[at], "--", 2) == 0) {
        size_t i = 0;

        if (strcmp(argv[at], "--hooks") == 0 || strcmp(argv[at], "--exists") == 0) {
            how.allow_hooks |= argv[at][2] == 'h';
            exists |= argv[at][2] == 'e';
            at++;
            continue;
        }
        while (i < sizeof options / sizeof *options && strcmp(options[i].name, argv[at]) != 0)
            i++;
        if (i == sizeof options / sizeof *options)
            break;
        if (options[i].text != NULL)
            *options[i].text = argv[at + 1];
        else
            *options[i].number = strtol(argv[at + 1], NULL, 10);
        at += 2;
    }
    how.keep_filter = keep != 0;
    return run(argv + at, argc - at, &how, (uint32_t)resolver, exists) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
