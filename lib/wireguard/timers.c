/* SPDX-License-Identifier: ISC */
/* Invariants:
   - Every deadline is one moment; arming overwrites, and a deadline that passed stays due until vpn__timers_expire took it.
   - An initiation is due when it is wanted and 5 s have passed since our last handshake message, so that wanting it more
     often never makes it go out sooner, and a deadline inside the gap is never in the past.
   - All limits expire at age >= limit. */
#include "wireguard/timers.h"

#include "wireguard/wire.h"

void vpn__timers_init(struct vpn__timers *t)
{
    vpn__timers_reset(t);
    t->persistent = VPN_NEVER;
    t->handshake_sent = VPN_NEVER;
    t->interval = 0;
}

void vpn__timers_reset(struct vpn__timers *t)
{
    t->retransmit = VPN_NEVER;
    t->keepalive = VPN_NEVER;
    t->new_handshake = VPN_NEVER;
    t->wipe = VPN_NEVER;
    t->session_end = VPN_NEVER;
    t->wanted = VPN_NEVER;
    t->attempts = 0;
    t->another = 0;
    t->last_minute = 0;
}

/* Section 6.4: no two initiations within REKEY_TIMEOUT; "wanted" waits out the gap. */
static vpn_time initiation_due(const struct vpn__timers *t)
{
    vpn_time gap_end;

    if (t->wanted == VPN_NEVER || t->handshake_sent == VPN_NEVER)
        return t->wanted;
    gap_end = t->handshake_sent + VPN__REKEY_TIMEOUT;
    return t->wanted > gap_end ? t->wanted : gap_end;
}

static vpn_time earlier(vpn_time a, vpn_time b)
{
    return a < b ? a : b;
}

vpn_time vpn__timers_deadline(const struct vpn__timers *t)
{
    vpn_time first = earlier(earlier(t->retransmit, t->keepalive), earlier(t->new_handshake, t->persistent));

    return earlier(earlier(first, initiation_due(t)), earlier(t->wipe, t->session_end));
}

/* True once when `*deadline` has passed. */
static int take(vpn_time *deadline, vpn_time now)
{
    if (*deadline == VPN_NEVER || *deadline > now)
        return 0;
    *deadline = VPN_NEVER;
    return 1;
}

static void want(struct vpn__timers *t, vpn_time now)
{
    if (t->wanted == VPN_NEVER)
        t->wanted = now;
}

/* Section 6.4: "If a response is not subsequently received after REKEY_TIMEOUT, a new handshake initiation is sent"; for
   REKEY_ATTEMPT_TIME, which comes to 20 initiations. */
static enum vpn__timer_action retransmit(struct vpn__timers *t, vpn_time now)
{
    if (t->attempts < VPN__RETRIES) {
        t->attempts++;
        want(t, now);
        return VPN__TIMER_LOST;
    }
    t->keepalive = VPN_NEVER;
    t->wanted = VPN_NEVER;
    if (t->wipe == VPN_NEVER)
        t->wipe = now + VPN__WIPE_AFTER;
    return VPN__TIMER_GIVE_UP;
}

enum vpn__timer_action vpn__timers_expire(struct vpn__timers *t, vpn_time now)
{
    if (take(&t->session_end, now))
        return VPN__TIMER_SESSION_END;
    if (take(&t->wipe, now))
        return VPN__TIMER_WIPE;
    if (take(&t->retransmit, now))
        return retransmit(t, now);
    /* Section 6.5: data was sent, and nothing came for KEEPALIVE_TIMEOUT + REKEY_TIMEOUT. */
    if (take(&t->new_handshake, now)) {
        vpn__timers_want(t, now);
        return VPN__TIMER_LOST;
    }
    if (take(&t->keepalive, now)) {
        if (t->another)
            t->keepalive = now + VPN__KEEPALIVE_TIMEOUT;
        t->another = 0;
        return VPN__TIMER_KEEPALIVE;
    }
    if (take(&t->persistent, now)) {
        t->keepalive = VPN_NEVER;
        t->persistent = now + t->interval * VPN_SECOND;
        return VPN__TIMER_KEEPALIVE;
    }
    if (initiation_due(t) <= now && t->wanted != VPN_NEVER) {
        t->wanted = VPN_NEVER;
        return VPN__TIMER_INITIATE;
    }
    return VPN__TIMER_NOTHING;
}

void vpn__timers_want(struct vpn__timers *t, vpn_time now)
{
    t->attempts = 0;
    want(t, now);
}

void vpn__timers_initiation_sent(struct vpn__timers *t, vpn_time now, vpn_time jitter)
{
    t->wanted = VPN_NEVER;
    t->handshake_sent = now;
    t->retransmit = now + VPN__REKEY_TIMEOUT + jitter;
}

void vpn__timers_response_sent(struct vpn__timers *t, vpn_time now)
{
    t->handshake_sent = now;
}

void vpn__timers_handshake_complete(struct vpn__timers *t)
{
    t->retransmit = VPN_NEVER;
    t->wanted = VPN_NEVER;
    t->attempts = 0;
    t->last_minute = 0;
}

/* Section 6.3: all keys are erased after REJECT_AFTER_TIME * 3 if no new ones came. */
void vpn__timers_session_derived(struct vpn__timers *t, vpn_time now)
{
    t->wipe = now + VPN__WIPE_AFTER;
}

void vpn__timers_session_current(struct vpn__timers *t, vpn_time born)
{
    t->session_end = born + VPN__REJECT_AFTER_TIME;
}

/* Armed at the first packet that is not answered; later ones do not push it on. */
void vpn__timers_data_sent(struct vpn__timers *t, vpn_time now, vpn_time jitter)
{
    if (t->new_handshake == VPN_NEVER)
        t->new_handshake = now + VPN__NEW_HANDSHAKE + jitter;
}

/* Section 6.5: "If a peer has received a validly-authenticated transport data message, but does not have any packets itself
   to send back for KEEPALIVE_TIMEOUT seconds, it sends a keepalive message." */
void vpn__timers_data_received(struct vpn__timers *t, vpn_time now)
{
    if (t->keepalive == VPN_NEVER)
        t->keepalive = now + VPN__KEEPALIVE_TIMEOUT;
    else
        t->another = 1;
}

static void traversal(struct vpn__timers *t, vpn_time now)
{
    if (t->interval != 0)
        t->persistent = now + t->interval * VPN_SECOND;
}

void vpn__timers_authenticated_sent(struct vpn__timers *t, vpn_time now)
{
    t->keepalive = VPN_NEVER;
    traversal(t, now);
}

void vpn__timers_authenticated_received(struct vpn__timers *t, vpn_time now)
{
    t->new_handshake = VPN_NEVER;
    traversal(t, now);
}

void vpn__timers_persistent(struct vpn__timers *t, uint16_t interval, vpn_time now)
{
    if (interval == 0)
        t->persistent = VPN_NEVER;
    else if (t->interval == 0)
        t->persistent = now;
    else
        t->persistent = earlier(t->persistent, now + interval * VPN_SECOND);
    t->interval = interval;
}
