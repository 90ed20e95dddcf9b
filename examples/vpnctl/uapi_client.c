/* SPDX-License-Identifier: ISC */
#include "uapi_client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <vpn/uapi.h>

#include "uapi_more.h"

enum { FIRST_BYTES = 4096, PATIENCE_SECONDS = 5 };

/* realloc would leave the old copy in memory. */
static int grow(uapi_text *t, size_t more)
{
    size_t capacity = t->capacity == 0 ? FIRST_BYTES : t->capacity;
    char *bigger;

    while (capacity - t->length < more) {
        if (capacity > SIZE_MAX / 2)
            return -1;
        capacity *= 2;
    }
    if (capacity == t->capacity)
        return 0;
    bigger = malloc(capacity);
    if (bigger == NULL)
        return -1;
    if (t->length > 0)
        memcpy(bigger, t->text, t->length);
    if (t->text != NULL)
        vpn_wipe(t->text, t->capacity);
    free(t->text);
    t->text = bigger;
    t->capacity = capacity;
    return 0;
}

void uapi_text_put(uapi_text *t, const char *format, ...)
{
    va_list arguments;
    int need;

    va_start(arguments, format);
    need = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (t->failed || need < 0 || grow(t, (size_t)need + 1) != 0) {
        t->failed = 1;
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(t->text + t->length, t->capacity - t->length, format, arguments);
    va_end(arguments);
    t->length += (size_t)need;
}

void uapi_text_free(uapi_text *t)
{
    if (t->text != NULL)
        vpn_wipe(t->text, t->capacity);
    free(t->text);
    *t = (uapi_text){.text = NULL};
}

static struct sockaddr_un address_of(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock", UAPI_CLIENT_DIRECTORY, name);
    return address;
}

static int open_socket(const char *name)
{
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    struct sockaddr_un address = address_of(name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    error = -errno;
    (void)close(fd);
    return error;
}

static int send_all(int fd, const uapi_text *request)
{
    size_t sent = 0;

    while (sent < request->length) {
        ssize_t put = send(fd, request->text + sent, request->length - sent, MSG_NOSIGNAL);

        if (put < 0 && errno != EINTR)
            return -errno;
        if (put > 0)
            sent += (size_t)put;
    }
    return 0;
}

/* An empty line ends an answer. */
static int receive_all(int fd, uapi_text *answer)
{
    for (;;) {
        ssize_t got;

        if (grow(answer, FIRST_BYTES) != 0)
            return -ENOMEM;
        got = recv(fd, answer->text + answer->length, FIRST_BYTES - 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EPROTO;
        answer->length += (size_t)got;
        answer->text[answer->length] = '\0';
        if (answer->length >= 2 && memcmp(answer->text + answer->length - 2, "\n\n", 2) == 0)
            return 0;
    }
}

/* The last line says how it went: "errno=0", or the negative number of an error. */
static int verdict(const uapi_text *answer)
{
    const char *line = answer->text;
    const char *found = NULL;
    long number;

    for (; line != NULL && *line != '\0'; line = strchr(line, '\n'), line = line == NULL ? NULL : line + 1) {
        if (strncmp(line, "errno=", 6) == 0)
            found = line + 6;
    }
    if (found == NULL)
        return -EPROTO;
    number = strtol(found, NULL, 10);
    return number == 0 ? 0 : number > 0 ? -(int)number : (int)number;
}

int uapi_request(const char *name, const uapi_text *request, uapi_text *answer)
{
    int fd;
    int error;

    *answer = (uapi_text){.text = NULL};
    if (request->failed)
        return -ENOMEM;
    fd = open_socket(name);
    if (fd < 0)
        return fd;
    error = send_all(fd, request);
    if (error == 0)
        error = receive_all(fd, answer);
    (void)close(fd);
    return error != 0 ? error : verdict(answer);
}

/* Sends and forgets a request. */
static int set(const char *name, uapi_text *request)
{
    uapi_text answer;
    int error = uapi_request(name, request, &answer);

    uapi_text_free(&answer);
    uapi_text_free(request);
    return error;
}

static void put_key(uapi_text *t, const char *word, const uint8_t key[VPN_KEY_BYTES])
{
    char hex[VPN_KEY_HEX_CHARS + 1];

    vpn_key_to_hex(hex, key);
    uapi_text_put(t, "%s=%s\n", word, hex);
    vpn_wipe(hex, sizeof hex);
}

static void put_peer(uapi_text *t, const vpn_conf_peer *peer, const vpn_endpoint *endpoint)
{
    char text[VPN_ENDPOINT_CHARS];
    char prefix[VPN_PREFIX_CHARS];

    put_key(t, "public_key", peer->public_key);
    put_key(t, "preshared_key", peer->preshared_key);
    if (endpoint->family != 0) {
        vpn_endpoint_format(text, endpoint);
        uapi_text_put(t, "endpoint=%s\n", text);
    }
    uapi_text_put(t, "persistent_keepalive_interval=%u\nreplace_allowed_ips=true\n", (unsigned)peer->keepalive);
    for (size_t i = 0; i < peer->allowed_ip_count; i++) {
        vpn_prefix_format(prefix, &peer->allowed_ips[i]);
        uapi_text_put(t, "allowed_ip=%s\n", prefix);
    }
    uapi_more_put_peer(t, peer);
}

int uapi_configure(const char *name, const vpn_conf *conf, const vpn_endpoint *endpoints, uint32_t mark)
{
    uapi_text request = {.text = NULL};
    int error = uapi_more_wanted(conf) ? uapi_more_ask(name) : 0;

    if (error != 0)
        return error;
    uapi_text_put(&request, "set=1\n");
    if (conf->set & VPN_CONF_SET_PRIVATE_KEY)
        put_key(&request, "private_key", conf->private_key);
    if (conf->set & VPN_CONF_SET_LISTEN_PORT)
        uapi_text_put(&request, "listen_port=%u\n", (unsigned)conf->listen_port);
    uapi_text_put(&request, "fwmark=%lu\nreplace_peers=true\n", (unsigned long)mark);
    uapi_more_put_device(&request, conf);
    for (size_t i = 0; i < conf->peer_count; i++) {
        const vpn_conf_peer *peer = &conf->peers[i];
        int looked_up = endpoints != NULL && endpoints[i].family != 0;

        put_peer(&request, peer, looked_up ? &endpoints[i] : &peer->endpoint);
    }
    uapi_text_put(&request, "\n");
    return set(name, &request);
}

int uapi_clear(const char *name)
{
    static const uint8_t none[VPN_KEY_BYTES] = {0};
    uapi_text request = {.text = NULL};

    uapi_text_put(&request, "set=1\n");
    put_key(&request, "private_key", none);
    uapi_text_put(&request, "fwmark=0\nreplace_peers=true\n\n");
    return set(name, &request);
}

int uapi_answers(const char *name)
{
    int fd = open_socket(name);

    if (fd < 0)
        return 0;
    (void)close(fd);
    return 1;
}

void uapi_sweep(const char *name)
{
    struct sockaddr_un address = address_of(name);
    int fd = open_socket(name);

    if (fd >= 0)
        (void)close(fd);
    else if (fd == -ECONNREFUSED)
        (void)unlink(address.sun_path);
}
