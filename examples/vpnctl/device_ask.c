/* SPDX-License-Identifier: ISC */
#include "device_ask.h"

#include <errno.h>

#include "uapi_client.h"

static int get(const char *name, const char *text, uapi_text *answer)
{
    uapi_text request = {.text = NULL};
    int error;

    uapi_text_put(&request, "%s", text);
    error = uapi_request(name, &request, answer);
    uapi_text_free(&request);
    return error;
}

/* Daemons that do not know get=libvpn answer with an error, or hang up, and some note it in their logs. */
static int get_more_or_less(const char *name, uapi_text *answer)
{
    int error = get(name, "get=libvpn\n\n", answer);

    if (error == 0 || error == -ENOENT || error == -ECONNREFUSED || error == -EACCES || error == -ENOMEM)
        return error;
    uapi_text_free(answer);
    return get(name, "get=1\n\n", answer);
}

int device_ask(device *out, const char *name, int more, size_t *line, const char **why)
{
    uapi_text answer = {.text = NULL};
    int error = more ? get_more_or_less(name, &answer) : get(name, "get=1\n\n", &answer);

    *out = (device){.port = 0};
    *line = 0;
    *why = NULL;
    if (error == 0)
        *line = device_parse(out, answer.text, answer.length, why);
    uapi_text_free(&answer);
    return *line == 0 ? error : -EPROTO;
}
