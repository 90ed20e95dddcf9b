/* SPDX-License-Identifier: ISC */
/*
 * Many clients, none of which can hold up the others or the packets: every descriptor is non-blocking, a client is either
 * being read (its request grows) or being written to (its answer shrinks), and one that is still for STILL in the middle of
 * either is let go. Requests and answers hold keys: every buffer is wiped before it is given back.
 *
 * Without a descriptor for the next client the one that has been still for longest goes; when there is none to let go, the
 * door stays shut for SHUT, since a socket with somebody waiting would wake the loop for ever.
 */
#include "uapi_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "uapi_socket.h"

#define STILL       (10 * VPN_SECOND)
#define SHUT        VPN_SECOND
#define FIRST_ROOM  4096u
#define REQUEST_MAX (256u << 20)
#define READS       16 /* of one client before the packets have their turn */

struct buffer {
    char *text;
    size_t length;
    size_t room;
};

struct client {
    int fd;
    vpn_time seen; /* last progress */
    struct buffer request;
    struct buffer answer;
    size_t sent; /* of the answer */
    int again;   /* another request may have come with the one that was served */
};

struct uapi_server {
    uapi_setup setup;
    uapi_socket socket;
    vpn_time opens; /* the listening socket is not watched until then; VPN_NEVER while it is */
    int shut_told;
    struct client client[UAPI_CLIENTS];
};

static void buffer_clear(struct buffer *b)
{
    if (b->text != NULL)
        vpn_wipe(b->text, b->room);
    free(b->text);
    *b = (struct buffer){.text = NULL};
}

/* realloc would leave a copy behind. */
static int buffer_grow(struct buffer *b, size_t room)
{
    char *text;

    if (room <= b->room)
        return 0;
    text = malloc(room);
    if (text == NULL)
        return -1;
    if (b->length > 0)
        memcpy(text, b->text, b->length);
    if (b->text != NULL)
        vpn_wipe(b->text, b->room);
    free(b->text);
    b->text = text;
    b->room = room;
    return 0;
}

uapi_server *uapi_open(const char *name, int fd, const uapi_setup *setup)
{
    uapi_server *s = calloc(1, sizeof *s);

    if (s == NULL) {
        log_error("out of memory");
        return NULL;
    }
    s->setup = *setup;
    s->opens = VPN_NEVER;
    for (unsigned i = 0; i < UAPI_CLIENTS; i++)
        s->client[i].fd = -1;
    if (fd >= 0 ? uapi_socket_take(&s->socket, fd) != 0 : uapi_socket_open(&s->socket, name) != 0) {
        uapi_close(s);
        return NULL;
    }
    return s;
}

static void client_close(uapi_server *s, struct client *c)
{
    if (c->fd < 0)
        return;
    waiter_forget(s->setup.waiter, c->fd);
    (void)close(c->fd);
    buffer_clear(&c->request);
    buffer_clear(&c->answer);
    *c = (struct client){.fd = -1};
}

void uapi_close(uapi_server *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < UAPI_CLIENTS; i++)
        client_close(s, &s->client[i]);
    uapi_socket_close(&s->socket);
    free(s);
}

int uapi_fd(const uapi_server *s)
{
    return s->socket.fd;
}

const char *uapi_directory(const uapi_server *s)
{
    return s->socket.ours ? UAPI_DIRECTORY : NULL;
}

const char *uapi_entry(const uapi_server *s)
{
    const char *slash = strrchr(s->socket.address.sun_path, '/');

    return slash == NULL ? s->socket.address.sun_path : slash + 1;
}

int uapi_alive(const uapi_server *s)
{
    return uapi_socket_alive(&s->socket);
}

static int client_watch(uapi_server *s, const struct client *c)
{
    uint32_t wanted = c->answer.length > 0 || c->again ? WAKE_WRITE : WAKE_READ;

    return waiter_watch(s->setup.waiter, c->fd, wanted, s->setup.client_tag + (uint64_t)(c - s->client));
}

/* Lets the client go that has been still for longest, and returns its place; NULL when there is none. */
static struct client *let_stillest_go(uapi_server *s)
{
    struct client *stillest = NULL;

    for (unsigned i = 0; i < UAPI_CLIENTS; i++) {
        struct client *c = &s->client[i];

        if (c->fd >= 0 && (stillest == NULL || c->seen < stillest->seen))
            stillest = c;
    }
    if (stillest != NULL)
        client_close(s, stillest);
    return stillest;
}

static struct client *place_for(uapi_server *s)
{
    for (unsigned i = 0; i < UAPI_CLIENTS; i++) {
        if (s->client[i].fd < 0)
            return &s->client[i];
    }
    return let_stillest_go(s);
}

static int exhausted(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void shut(uapi_server *s, int error, vpn_time now)
{
    if (!s->shut_told)
        log_error("a client of the configuration socket has to wait: %s", strerror(error));
    s->shut_told = 1;
    waiter_forget(s->setup.waiter, s->socket.fd);
    s->opens = now + SHUT;
}

void uapi_accept(uapi_server *s, vpn_time now)
{
    int fd = accept(s->socket.fd, NULL, NULL);
    struct client *c;

    if (fd < 0 && exhausted(errno) && let_stillest_go(s) != NULL)
        fd = accept(s->socket.fd, NULL, NULL);
    else if (fd < 0 && exhausted(errno))
        shut(s, errno, now);
    if (fd < 0)
        return;
    s->shut_told = 0;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    c = place_for(s);
    c->fd = fd;
    c->seen = now;
    if (client_watch(s, c) != 0)
        client_close(s, c);
}

/* -1 when there is no memory for the answer. */
static int serve(uapi_server *s, struct client *c, size_t request, vpn_time now)
{
    vpn_uapi_error error = {.error = 0};
    size_t length = FIRST_ROOM;
    int result;

    do {
        if (buffer_grow(&c->answer, length) != 0)
            return -1;
        result = vpn_uapi_serve(s->setup.wg, c->request.text, request, s->setup.host, c->answer.text, c->answer.room,
                                &length, now, &error);
    } while (result == VPN_ESPACE && length > c->answer.room);
    if (result != 0)
        return -1;
    c->answer.length = length;
    if (error.error != 0)
        log_error("configuration refused: line %u%s%s: %s", error.line, error.key[0] == '\0' ? "" : ", key ", error.key,
                  error.why);
    s->setup.served(s->setup.user);
    return 0;
}

/* Serves the first request, if it is whole, and keeps what follows it. */
static int serve_whole(uapi_server *s, struct client *c, vpn_time now)
{
    /* A request that may be whole has text. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    size_t whole = vpn_uapi_complete(c->request.text, c->request.length);
    size_t rest = c->request.length - whole;

    if (whole == 0)
        return 0;
    if (serve(s, c, whole, now) != 0)
        return -1;
    memmove(c->request.text, c->request.text + whole, rest);
    vpn_wipe(c->request.text + rest, whole);
    c->request.length = rest;
    return 0;
}

/* An empty line can only end in what came last, so a long request is not searched from its start each time. */
static int may_be_whole(const struct buffer *b, size_t before)
{
    for (size_t i = before; i < b->length; i++) {
        if (b->text[i] == '\n' && (i == 0 || b->text[i - 1] == '\n'))
            return 1;
    }
    return 0;
}

/* 1 when something came, 0 when nothing is there now, -1 when the client must go. */
static int client_read(struct client *c, vpn_time now)
{
    struct buffer *b = &c->request;
    ssize_t got;

    if (b->length == b->room) {
        size_t room = b->room == 0 ? FIRST_ROOM : b->room * 2;

        if (room > REQUEST_MAX || buffer_grow(b, room) != 0) {
            log_error("a configuration request is too long");
            return -1;
        }
    }
    got = read(c->fd, b->text + b->length, b->room - b->length);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (got == 0)
        return -1;
    b->length += (size_t)got;
    c->seen = now;
    return 1;
}

/* 1 when the answer is out, 0 when it must wait, -1 when the client must go. */
static int client_write(struct client *c, vpn_time now)
{
    while (c->sent < c->answer.length) {
        ssize_t put = send(c->fd, c->answer.text + c->sent, c->answer.length - c->sent, MSG_NOSIGNAL);

        if (put < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        c->sent += (size_t)put;
        c->seen = now;
    }
    buffer_clear(&c->answer);
    c->sent = 0;
    return 1;
}

/* Goes on with an answer. 0, or -1 when the client must go. */
static int client_answer(struct client *c, vpn_time now)
{
    int result = client_write(c, now);

    if (result == 1)
        c->again = c->request.length > 0;
    return result < 0 ? -1 : 0;
}

/* One turn of a client: reads, and serves one request, until it must wait. */
static int client_turn(uapi_server *s, struct client *c, vpn_time now)
{
    if (c->answer.length > 0)
        return client_answer(c, now);
    for (int i = 0; i < READS; i++) {
        size_t before = c->again ? 0 : c->request.length;
        int result = c->again ? 1 : client_read(c, now);

        c->again = 0;
        if (result <= 0)
            return result;
        if (may_be_whole(&c->request, before) && serve_whole(s, c, now) != 0)
            return -1;
        if (c->request.length == 0)
            buffer_clear(&c->request);
        if (c->answer.length > 0)
            return client_answer(c, now);
    }
    return 0;
}

void uapi_client_ready(uapi_server *s, unsigned client, vpn_time now)
{
    struct client *c = &s->client[client];

    if (client >= UAPI_CLIENTS || c->fd < 0)
        return;
    if (client_turn(s, c, now) < 0 || client_watch(s, c) != 0)
        client_close(s, c);
}

/* A client that asks nothing may stay; its place is taken when it is needed. */
static vpn_time client_deadline(const struct client *c)
{
    if (c->fd < 0 || (c->request.length == 0 && c->answer.length == 0))
        return VPN_NEVER;
    return c->seen + STILL;
}

vpn_time uapi_deadline(const uapi_server *s)
{
    vpn_time first = s->opens;

    for (unsigned i = 0; i < UAPI_CLIENTS; i++) {
        vpn_time deadline = client_deadline(&s->client[i]);

        first = deadline < first ? deadline : first;
    }
    return first;
}

void uapi_expire(uapi_server *s, vpn_time now)
{
    if (s->opens <= now)
        s->opens =
            waiter_watch(s->setup.waiter, s->socket.fd, WAKE_READ, s->setup.listen_tag) == 0 ? VPN_NEVER : now + SHUT;
    for (unsigned i = 0; i < UAPI_CLIENTS; i++) {
        if (client_deadline(&s->client[i]) <= now) {
            log_verbose("a client of the configuration socket was still for too long");
            client_close(s, &s->client[i]);
        }
    }
}
