/* SPDX-License-Identifier: ISC */
/* vpnctl: plans, explains and audits tunnels that wg-quick(8) files describe, and shows those that run. */
#include <stdio.h>
#include <string.h>

#include <vpn/vpn.h>

#include "../common/process.h"
#include "command.h"
#include "options.h"
#include "out.h"

#define FACTS (TAKES(OPTION_FACTS) | TAKES(OPTION_NO_LOOKUP) | TAKES(OPTION_LINK_EXISTS) | TAKES(OPTION_INTERFACE))

static const command commands[] = {
    {"up", "bring a tunnel up, all of it or nothing", "FILE|NAME", "",
     TAKES(OPTION_ALLOW_HOOKS) | TAKES(OPTION_NO_LOOKUP) | TAKES(OPTION_LINK_EXISTS) | TAKES(OPTION_INTERFACE) |
         TAKES(OPTION_TUNNEL) | TAKES(OPTION_VERBOSE) | TAKES(OPTION_JSON),
     1, 1, command_up},
    {"down", "take back what up did, also after a crash", "FILE|NAME",
     "It can be repeated, and the file need not be there any more.\n",
     TAKES(OPTION_ALLOW_HOOKS) | TAKES(OPTION_INTERFACE) | TAKES(OPTION_KEEP_FILTER) | TAKES(OPTION_VERBOSE) |
         TAKES(OPTION_JSON),
     1, 1, command_down},
    {"plan", "print what a tunnel would change on this host", "FILE|NAME",
     "Changes nothing. With --write-facts it prints the facts about the host that it would plan with.\n",
     FACTS | TAKES(OPTION_JSON) | TAKES(OPTION_SHELL) | TAKES(OPTION_UNDO) | TAKES(OPTION_WRITE_FACTS) |
         TAKES(OPTION_ALLOW_HOOKS),
     0, 1, command_plan},
    {"explain", "tell what becomes of a packet, and who sees what of it", "FILE|NAME to ADDRESS [WORDS]",
     "WORDS: [port N] [tcp|udp|icmp|proto N] [from] [uid USER] [cgroup PATH] [mark N]\n", FACTS | TAKES(OPTION_JSON), 2,
     -1, command_explain},
    {"audit", "look for what leaks or fails", "FILE|NAME",
     "The status is 0 when nothing grave was found, 1 when something was, 2 after an error.\n",
     FACTS | TAKES(OPTION_JSON), 1, 1, command_audit},
    {"diagnose", "tell why a tunnel does not work", "FILE|INTERFACE",
     "Walks the layers in order and stops at the first that is broken: control plane, outer path, interface, routes,\n"
     "firewall, DNS, MTU. Changes nothing. Sends pings and DNS queries through the tunnel, and where that has no\n"
     "session, a handshake and a ping to the endpoint.\n"
     "The status is 0 when nothing is broken, 1 when something is, 2 after an error.\n",
     TAKES(OPTION_PEER) | TAKES(OPTION_TARGET) | TAKES(OPTION_PASSIVE) | TAKES(OPTION_ALL) | TAKES(OPTION_TIMEOUT) |
         TAKES(OPTION_NO_LOOKUP) | TAKES(OPTION_INTERFACE) | TAKES(OPTION_JSON),
     1, 1, command_diagnose},
    {"show", "show running interfaces, as wg(8) does and beyond", "[IF|all|interfaces [FIELD]]",
     "FIELD: public-key, private-key, listen-port, fwmark, peers, preshared-keys, endpoints, allowed-ips,\n"
     "latest-handshakes, transfer, persistent-keepalive or dump; and of daemons with libvpn: version, cipher,\n"
     "threads, offload, load, state, sessions, path-mtu, handshakes, packets, losses, drops, filter, flows,\n"
     "netmap or roaming.\n"
     "Secrets are shown with --keys only.\n",
     TAKES(OPTION_JSON) | TAKES(OPTION_KEYS), 0, 2, command_show},
    {"convert", "write a file in another form", "FILE|NAME|-", "Keys are left out unless --keys is given.\n",
     TAKES(OPTION_TO) | TAKES(OPTION_JSON) | TAKES(OPTION_KEYS), 1, 1, command_convert},
    {"mtu", "calculate what fits a path", "", "Without --path and --inner: the table of overheads.\n",
     TAKES(OPTION_KIND) | TAKES(OPTION_FAMILY) | TAKES(OPTION_EXTRA) | TAKES(OPTION_PATH) | TAKES(OPTION_INNER) |
         TAKES(OPTION_JSON),
     0, 0, command_mtu},
    {"genkey", "make a private key", "", "It goes to standard output.\n", TAKES(OPTION_JSON), 0, 0, command_genkey},
    {"genpsk", "make a preshared key", "", "It goes to standard output.\n", TAKES(OPTION_JSON), 0, 0, command_genpsk},
    {"pubkey", "read a private key and print its public key", "", "From standard input to standard output.\n",
     TAKES(OPTION_JSON), 0, 0, command_pubkey},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    (void)fputs("usage: vpnctl COMMAND [OPTIONS] [OPERANDS]\n\n", to);
    for (int i = 0; i < COMMANDS; i++)
        (void)fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].summary);
    (void)fputs("\n'vpnctl COMMAND --help' tells more about each.\n", to);
}

static const command *find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int run(const command *c, int argc, char **argv)
{
    options chosen;

    switch (options_read(&chosen, c, argc, argv)) {
    case OPTIONS_DONE:
        return STATUS_FINE;
    case OPTIONS_WRONG:
        return STATUS_FAILED;
    }
    return c->run(&chosen);
}

static int dispatch(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : NULL;

    if (first == NULL) {
        print_help(stderr);
        return STATUS_FAILED;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
        print_help(stdout);
        return STATUS_FINE;
    }
    if (strcmp(first, "--version") == 0) {
        (void)printf("vpnctl %s\n", vpn_version());
        return STATUS_FINE;
    }
    if (find(first) == NULL) {
        (void)fprintf(stderr, "vpnctl: there is no command '%s'\nTry 'vpnctl --help'.\n", first);
        return STATUS_FAILED;
    }
    return run(find(first), argc - 1, argv + 1);
}

/* What could not be written was not said. */
int main(int argc, char **argv)
{
    int status;

    process_fill_descriptors();
    process_no_core();
    out_begin();
    status = dispatch(argc, argv);
    return out_end() == 0 ? status : STATUS_FAILED;
}
