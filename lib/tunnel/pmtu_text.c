/* SPDX-License-Identifier: ISC */
#include <vpn/pmtu.h>

static const char *const states[] = {
    [VPN_PMTU_OFF] = "off",           [VPN_PMTU_PASSIVE] = "passive",
    [VPN_PMTU_BASE] = "base",         [VPN_PMTU_SEARCHING] = "searching",
    [VPN_PMTU_COMPLETE] = "complete", [VPN_PMTU_ERROR] = "error",
    [VPN_PMTU_DOWN] = "down",
};
_Static_assert(sizeof states / sizeof *states == VPN_PMTU_STATES, "every state has a text");

static const char *const whys[] = {
    [VPN_PMTU_WHY_NONE] = "nothing yet",
    [VPN_PMTU_WHY_START] = "started",
    [VPN_PMTU_WHY_PASSED] = "a larger probe came back",
    [VPN_PMTU_WHY_COMPLETE] = "the search has ended",
    [VPN_PMTU_WHY_VANISHED] = "large probes vanish while small ones return",
    [VPN_PMTU_WHY_ICMP] = "a router says that a packet is too big",
    [VPN_PMTU_WHY_SYSTEM] = "the own system says that a packet is too big",
    [VPN_PMTU_WHY_AGED] = "the last error is old",
    [VPN_PMTU_WHY_DIVIDE] = "the least MTU does not pass whole",
    [VPN_PMTU_WHY_DOWN] = "nobody answers",
    [VPN_PMTU_WHY_ANSWERED] = "somebody answers again",
    [VPN_PMTU_WHY_GAVE_UP] = "nobody has answered for long",
};
_Static_assert(sizeof whys / sizeof *whys == VPN_PMTU_WHYS, "every event has a text");

static const char *const results[] = {
    [VPN_PMTU_LOWERED] = "the MTU was lowered",
    [VPN_PMTU_NOT_LOWER] = "the MTU is no more than that",
    [VPN_PMTU_FOREIGN] = "it is about a packet of others",
    [VPN_PMTU_UNKNOWN] = "no such packet was sent lately",
    [VPN_PMTU_SHORT] = "it quotes too little",
    [VPN_PMTU_IMPOSSIBLE] = "no link is like that",
};
_Static_assert(sizeof results / sizeof *results == VPN_PMTU_RESULTS, "every result has a text");

const char *vpn_pmtu_state_text(uint32_t state)
{
    return state < VPN_PMTU_STATES ? states[state] : "unknown state";
}

const char *vpn_pmtu_why_text(uint32_t why)
{
    return why < VPN_PMTU_WHYS ? whys[why] : "unknown event";
}

const char *vpn_pmtu_result_text(int result)
{
    return result >= 0 && result < VPN_PMTU_RESULTS ? results[result] : "unknown result";
}
