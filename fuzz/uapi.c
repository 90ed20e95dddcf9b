/* SPDX-License-Identifier: ISC */
/* Configuration text from a client: a request at fault changes nothing, and what get says can be set again. */
#include "fuzz.h"

#define ROOM 65536u

static uint16_t port;
static uint32_t mark;

static int set_port(void *user, uint16_t value)
{
    (void)user;
    port = value;
    return value == 1 ? 13 : 0;
}

static uint16_t get_port(void *user)
{
    (void)user;
    return port;
}

static int set_mark(void *user, uint32_t value)
{
    (void)user;
    mark = value;
    return 0;
}

static uint32_t get_mark(void *user)
{
    (void)user;
    return mark;
}

/* The host's own lines: what was carried out last, told again. */
static char key_of_more[VPN_UAPI_MORE_KEY_CHARS], value_of_more[VPN_UAPI_MORE_VALUE_CHARS];

static int set_more(void *user, uint32_t how, vpn_peer_id peer, const char *key, const char *value)
{
    (void)user;
    FUZZ_CHECK(strncmp(key, "libvpn_", 7) == 0 && strlen(key) < sizeof key_of_more);
    FUZZ_CHECK(strlen(value) < sizeof value_of_more && strchr(value, '\n') == NULL);
    FUZZ_CHECK((how & VPN_UAPI_MORE_PEER) != 0 || peer == 0);
    if ((how & VPN_UAPI_MORE_APPLY) == 0)
        return strcmp(value, "bad") == 0 ? 22 : 0;
    FUZZ_CHECK(strcmp(value, "bad") != 0 && ((how & VPN_UAPI_MORE_PEER) == 0 || peer != 0));
    strcpy(key_of_more, key);
    strcpy(value_of_more, value);
    return strcmp(value, "late") == 0 ? 5 : 0;
}

static void get_more(void *user, vpn_peer_id peer, vpn_uapi_lines *lines)
{
    (void)user;
    if (peer == 0 && key_of_more[0] != '\0')
        FUZZ_CHECK(vpn_uapi_line(lines, key_of_more, value_of_more) == VPN_OK);
}

static const vpn_uapi_host callbacks = {.size = sizeof(vpn_uapi_host),
                                        .set_listen_port = set_port,
                                        .get_listen_port = get_port,
                                        .set_fwmark = set_mark,
                                        .get_fwmark = get_mark,
                                        .more = get_more,
                                        .set_more = set_more};

static size_t state(vpn_wg *wg, char out[ROOM])
{
    static const char request[] = "get=libvpn\n\n";
    size_t length;
    int error = vpn_uapi_serve(wg, request, sizeof request - 1, &callbacks, out, ROOM, &length, 1, NULL);

    FUZZ_CHECK(error == VPN_OK || (error == VPN_ESPACE && length > ROOM));
    return error == VPN_OK ? length : 0;
}

static void serve(vpn_wg *wg, const char *text, size_t length)
{
    static char before[ROOM], after[ROOM], answer[ROOM];
    size_t was = state(wg, before), is, answered;
    vpn_uapi_error fault;
    int error = vpn_uapi_serve(wg, text, length, &callbacks, answer, sizeof answer, &answered, 1, &fault);

    if (error != VPN_OK)
        return;
    FUZZ_CHECK(answered >= 9 && memcmp(answer + answered - 2, "\n\n", 2) == 0);
    is = state(wg, after);
    if (fault.error == VPN_EFORMAT || fault.error == VPN_EINVAL)
        FUZZ_CHECK(was == is && memcmp(before, after, is) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_host host = {.seed = 1};
    vpn_env env = fuzz_env(&host);
    vpn_wg_config config = {.size = sizeof config, .env = &env, .max_peers = 16};
    char *text = calloc(1, size == 0 ? 1 : size);
    size_t at = 0, length;
    vpn_wg *wg;

    FUZZ_CHECK(text != NULL);
    if (size != 0)
        memcpy(text, data, size);
    port = 0;
    mark = 0;
    key_of_more[0] = '\0';
    FUZZ_CHECK(vpn_wg_new(&wg, &config) == VPN_OK);
    while (at < size && (length = vpn_uapi_complete(text + at, size - at)) != 0) {
        FUZZ_CHECK(length <= size - at);
        serve(wg, text + at, length);
        at += length;
    }
    (void)vpn_uapi_set(wg, text + at, size - at, &callbacks, 2, NULL);
    FUZZ_CHECK(vpn_wg_free(wg) == VPN_OK);
    FUZZ_CHECK(host.live == 0);
    free(text);
    return 0;
}
