/* SPDX-License-Identifier: ISC */
/* The second phase: what a packet's job word says between begin and end. */
#ifndef VPN_LIB_WIREGUARD_CRYPT_H
#define VPN_LIB_WIREGUARD_CRYPT_H

#include <vpn/wg.h>

enum vpn__job_state {
    VPN__JOB_NONE,   /* nothing is in flight */
    VPN__JOB_SEAL,   /* begun: header, text and zeros stand in the buffer */
    VPN__JOB_OPEN,   /* begun: a data message as it came */
    VPN__JOB_DONE,   /* sealed */
    VPN__JOB_OPENED, /* opened and authentic */
    VPN__JOB_FAILED
};

size_t vpn__scratch_memory(const struct vpn_scratch *scratch);

#endif
