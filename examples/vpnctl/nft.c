/* SPDX-License-Identifier: ISC */
#include "nft.h"

#include <stdio.h>
#include <string.h>

#include <nftables/libnftables.h>

int nft_run(const char *text, char *why, size_t capacity)
{
    struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);
    const char *said;
    int failed;

    (void)snprintf(why, capacity, "libnftables has no context");
    if (context == NULL)
        return -1;
    (void)nft_ctx_buffer_output(context);
    (void)nft_ctx_buffer_error(context);
    failed = nft_run_cmd_from_buffer(context, text);
    said = nft_ctx_get_error_buffer(context);
    (void)snprintf(why, capacity, "%.*s", said == NULL ? 0 : (int)strcspn(said, "\n"), said == NULL ? "" : said);
    nft_ctx_free(context);
    return failed != 0 ? -1 : 0;
}
