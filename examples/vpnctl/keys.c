/* SPDX-License-Identifier: ISC */
/* genkey, genpsk and pubkey, as wg(8) has them. What they print is wiped. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vpn/vpn.h>

#include "command.h"
#include "file.h"
#include "out.h"

#define KEY_TEXT_MAX 4096u

/* Whoever redirects a key to a file that others can read is told so, and told in time. */
static void warn_of_world(void)
{
    struct stat found;

    if (fstat(STDOUT_FILENO, &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & S_IRWXO) != 0)
        out_warn("others can read the file that the key is written to; set umask 077 before");
}

static int put_key(const options *o, const char *name, uint8_t key[VPN_KEY_BYTES])
{
    char text[VPN_KEY_BASE64_CHARS + 1];

    if (o->value[OPTION_JSON] != NULL) {
        json_open(NULL, '{');
        json_key(name, key);
        json_close('}');
    } else {
        vpn_key_to_base64(text, key);
        (void)puts(text);
    }
    vpn_wipe(text, sizeof text);
    vpn_wipe(key, VPN_KEY_BYTES);
    return STATUS_FINE;
}

int command_genkey(const options *o)
{
    uint8_t key[VPN_KEY_BYTES];
    int error = vpn_key_private(key, NULL);

    if (error != 0)
        return out_error("cannot make a key: %s", vpn_strerror(error)), STATUS_FAILED;
    warn_of_world();
    return put_key(o, "private_key", key);
}

int command_genpsk(const options *o)
{
    uint8_t key[VPN_KEY_BYTES];
    int error = vpn_key_preshared(key, NULL);

    if (error != 0)
        return out_error("cannot make a key: %s", vpn_strerror(error)), STATUS_FAILED;
    warn_of_world();
    return put_key(o, "preshared_key", key);
}

/* White space around the key is of no matter. */
static int read_private(uint8_t key[VPN_KEY_BYTES])
{
    static const char blanks[] = " \t\r\n\v\f";
    file input;
    size_t start;
    size_t end;
    int result;

    if (file_read(&input, "-", KEY_TEXT_MAX) != 0)
        return -1;
    start = strspn(input.text, blanks);
    for (end = input.length; end > start && strchr(blanks, input.text[end - 1]) != NULL && input.text[end - 1] != '\0';)
        end--;
    result = vpn_key_from_base64(key, input.text + start, end - start);
    file_free(&input);
    return result == 0 ? 0 : out_error("standard input: a key is 44 characters of base64");
}

int command_pubkey(const options *o)
{
    uint8_t key[VPN_KEY_BYTES];
    uint8_t public[VPN_KEY_BYTES];

    if (read_private(key) != 0)
        return STATUS_FAILED;
    vpn_key_public(public, key);
    vpn_wipe(key, sizeof key);
    return put_key(o, "public_key", public);
}
