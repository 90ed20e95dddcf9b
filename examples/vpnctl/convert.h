/* SPDX-License-Identifier: ISC */
/* Forms of a file beside its own. The JSON form has the keys of the file: {"Interface": {...}, "Peers": [{...}]}. */
#ifndef VPNCTL_CONVERT_H
#define VPNCTL_CONVERT_H

#include <vpn/vpn.h>

#include "uapi_client.h"

/* Each writes a file that vpn_conf_parse reads into `out`, from a text that ends with a NUL. 0, or -1 after a message. */
int convert_from_json(uapi_text *out, const char *name, const char *text, size_t length);
int convert_from_uapi(uapi_text *out, const char *name, const char *text, size_t length);

/* To standard output. `text` is what vpn_conf_write wrote, `length` bytes and a NUL. */
void convert_to_json(const char *text);
/* A set request. Endpoints that are names are looked up. 0, or -1 after a message. */
int convert_to_uapi(const vpn_conf *conf);

#endif
