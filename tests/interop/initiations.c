/* SPDX-License-Identifier: ISC */
/*
 * Floods a WireGuard party with initiations from nobody: mac1 is right, all behind it is noise. Counts the cookie replies, and
 * opens each as only somebody can who sent what it answers. Goes on until SIGTERM, then says what it saw.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <vpn/vpn.h>

#include "scenario/forge.h"

/* Initiations that are remembered; a reply to an older one does not open. */
#define KEPT    65536u
#define AT_ONCE 16u /* so many are sent before replies are looked at */

struct flood {
    struct forger forger;
    int socket;
    uint64_t sent, replies, opened;
    uint8_t mac1[KEPT][16];
};

static volatile sig_atomic_t ending;

static void end(int signal_number)
{
    (void)signal_number;
    ending = 1;
}

static int fail(const char *what)
{
    (void)fprintf(stderr, "initiations: %s: %s\n", what, strerror(errno));
    return 1;
}

static struct addrinfo *resolve(const char *address, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;

    return getaddrinfo(address, port, &hints, &found) == 0 ? found : NULL;
}

/* A connected socket with room for a reply to each initiation; its descriptor or -1. */
static int open_socket(const char *address, const char *port, const char *source)
{
    struct addrinfo *to = resolve(address, port), *from = resolve(source, "0");
    int room = 16 << 20, fd = -1;

    if (to != NULL && from != NULL)
        fd = socket(to->ai_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (bind(fd, from->ai_addr, from->ai_addrlen) != 0 || connect(fd, to->ai_addr, to->ai_addrlen) != 0))
        fd = -1;
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    }
    if (to != NULL)
        freeaddrinfo(to);
    if (from != NULL)
        freeaddrinfo(from);
    return fd;
}

static void take_replies(struct flood *f)
{
    uint8_t message[256];
    ssize_t length;

    while ((length = recv(f->socket, message, sizeof message, 0)) >= 0 || errno == ECONNREFUSED) {
        if (length != VPN_WG_COOKIE_BYTES || message[0] != 3)
            continue;
        f->replies++;
        f->forger.index = forge_le32(message + 4);
        memcpy(f->forger.last_mac1, f->mac1[f->forger.index % KEPT], 16);
        if (forge_read_cookie_reply(&f->forger, message) == 0)
            f->opened++;
        f->forger.has_cookie = 0; /* it is never used */
    }
}

static void wait_for_replies(struct flood *f, int milliseconds)
{
    struct timespec now;
    int64_t until;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    until = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + milliseconds;
    while (milliseconds > 0) {
        struct pollfd wait = {.fd = f->socket, .events = POLLIN};

        (void)poll(&wait, 1, milliseconds);
        take_replies(f);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        milliseconds = (int)(until - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000));
    }
}

static void send_one(struct flood *f)
{
    uint8_t message[VPN_WG_INITIATION_BYTES];

    forge_bytes(&f->forger, message, sizeof message);
    memset(message, 0, 8);
    message[0] = 1;
    for (int i = 0; i < 4; i++)
        message[4 + i] = (uint8_t)(f->sent >> (8 * i));
    forge_macs(&f->forger, message, sizeof message);
    memcpy(f->mac1[f->sent % KEPT], f->forger.last_mac1, 16);
    if (send(f->socket, message, sizeof message, 0) == (ssize_t)sizeof message)
        f->sent++;
}

int main(int argc, char **argv)
{
    static struct flood f;
    struct sigaction action = {.sa_handler = end};
    unsigned long burst, pause;

    forge_new(&f.forger, (uint64_t)time(NULL), 1);
    if (argc != 7 || vpn_key_from_base64(f.forger.remote, argv[1], strlen(argv[1])) != 0) {
        (void)fprintf(stderr,
                      "usage: initiations KEY ADDRESS PORT SOURCE BURST PAUSE\n"
                      "BURST initiations at once to the party with this public key, then PAUSE ms of listening\n");
        return 2;
    }
    burst = strtoul(argv[5], NULL, 10);
    pause = strtoul(argv[6], NULL, 10);
    f.socket = open_socket(argv[2], argv[3], argv[4]);
    if (f.socket < 0)
        return fail("cannot open a socket");
    (void)sigaction(SIGTERM, &action, NULL);
    while (!ending) {
        for (unsigned long i = 0; i < burst && !ending; i++) {
            send_one(&f);
            if (i % AT_ONCE == 0)
                take_replies(&f);
        }
        wait_for_replies(&f, (int)pause);
    }
    wait_for_replies(&f, 300);
    (void)printf("sent %llu replies %llu opened %llu\n", (unsigned long long)f.sent, (unsigned long long)f.replies,
                 (unsigned long long)f.opened);
    return 0;
}
