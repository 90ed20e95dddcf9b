/* SPDX-License-Identifier: ISC */
/*
 * Invariants. An operation begins only when its inverse is on disk, and leaves the list of inverses only when it has
 * been taken back. The way down takes the inverses from the last one to the first, so the packet filter, which the plan
 * puts first, holds until everything else is gone. An inverse that fails does not stop the others, since half a tunnel
 * helps nobody, but the journal stays and apply_down tries again.
 *
 * A signal that asks to end does so between two operations, and then as a failure: what was done is taken back.
 */
#include "apply.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apply_op.h"
#include "resolver.h"
#include "state.h"
#include "uapi_client.h"

enum { LINE_BYTES = 1024, WHY_BYTES = 512 };

/* One run. */
typedef struct run {
    const apply_options *how;
    const char *name;
    state journal;
    sigset_t before; /* the signals that were blocked */
} run;

static int say(const run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -1, since most of what is said is why something failed. */
static int say(const run *r, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (r->how->say != NULL)
        r->how->say(r->how->user, line);
    return -1;
}

static int step(const run *r, int stage, const vpn_op *op)
{
    return r->how->step == NULL ? 0 : r->how->step(r->how->user, stage, op);
}

static void ending(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGINT);
    (void)sigaddset(signals, SIGTERM);
    (void)sigaddset(signals, SIGHUP);
}

/* A signal that waits until run_end. */
static int interrupted(void)
{
    sigset_t signals;

    return sigpending(&signals) == 0 && (sigismember(&signals, SIGINT) == 1 || sigismember(&signals, SIGTERM) == 1 ||
                                         sigismember(&signals, SIGHUP) == 1);
}

/* Locks the name and reads the journal. run_end is called in any case. */
static int run_begin(run *r, const char *name, const apply_options *how)
{
    const char *directory = how->state_directory == NULL ? APPLY_STATE_DIRECTORY : how->state_directory;
    sigset_t signals;

    *r = (run){.how = how, .name = name};
    ending(&signals);
    (void)sigprocmask(SIG_BLOCK, &signals, &r->before);
    if (state_open(&r->journal, directory, name) == 0)
        return 0;
    return say(r, "%s", r->journal.why);
}

static int run_end(run *r, int result)
{
    state_close(&r->journal);
    (void)sigprocmask(SIG_SETMASK, &r->before, NULL);
    return result;
}

static int do_op(const run *r, const vpn_op *op, int undo)
{
    apply_mode mode = {.options = r->how, .undo = undo, .lock = r->journal.lock};
    char why[WHY_BYTES];
    char words[WHY_BYTES];

    apply_op_words(op, words, sizeof words);
    if (step(r, APPLY_BEGIN, op) != 0)
        return say(r, "%s: cannot %s: refused", r->name, words);
    if (apply_op(op, &mode, why, sizeof why) != 0)
        return say(r, "%s: cannot %s: %s", r->name, words, why);
    (void)step(r, APPLY_DONE, op);
    return 0;
}

/* Where the journal cannot be written to, what it says too much is taken back twice, which harms nobody. */
static void gone(run *r, size_t index)
{
    if (state_gone(&r->journal, index) != 0)
        (void)say(r, "%s", r->journal.why);
}

/* A hook on the way down is run once at most: what it does cannot be known. */
static int undo_entry(run *r, size_t index)
{
    const vpn_op *undo = &r->journal.entries[index].undo;

    if (undo->type == VPN_OP_HOOK) {
        gone(r, index);
        (void)do_op(r, undo, 1);
        return 0;
    }
    if (do_op(r, undo, 1) != 0)
        return -1;
    gone(r, index);
    return 0;
}

/*
 * Inverses from the last one to the one with the number `from`, but for those of the packet filter where that is kept.
 * The journal goes with the last of them.
 */
static int undo_all(run *r, size_t from, int keep_filter)
{
    size_t left = from; /* what is before that stays */
    int failed = 0;

    for (size_t i = r->journal.count; i-- > from;) {
        int kept = keep_filter && r->journal.entries[i].undo.type == VPN_OP_FILTER;

        if (r->journal.entries[i].gone)
            continue;
        left += (size_t)kept;
        if (!kept && undo_entry(r, i) != 0)
            failed = 1;
    }
    if (failed)
        return say(r, "%s: not all of it could be taken back; 'down' tries again", r->name);
    if (left > 0) {
        (void)say(r, "%s: the packet filter stays", r->name);
        return 0;
    }
    return state_end(&r->journal) == 0 ? 0 : say(r, "%s", r->journal.why);
}

/* An APPLY_IS_*. */
static int state_of(const run *r)
{
    if (!r->journal.exists)
        return APPLY_IS_DOWN;
    if (r->journal.up)
        return APPLY_IS_UP;
    for (size_t i = 0; i < r->journal.count; i++) {
        const state_entry *entry = &r->journal.entries[i];

        if (!entry->gone && entry->undo.type != VPN_OP_FILTER)
            return APPLY_IS_CUT;
    }
    return r->journal.same_boot && r->journal.count > 0 ? APPLY_IS_HELD : APPLY_IS_CUT;
}

static int may_go_up(const run *r)
{
    int is = state_of(r);

    if (is == APPLY_IS_UP)
        (void)say(r, "%s is up", r->name);
    if (is == APPLY_IS_CUT)
        (void)say(r, "%s: an earlier up or down was cut short; 'down' takes back what it left", r->name);
    return is == APPLY_IS_DOWN || is == APPLY_IS_HELD;
}

/* What can be refused before anything has happened. */
static int check_plan(const run *r, const vpn_plan *plan)
{
    for (size_t i = 0; i < vpn_plan_count(plan); i++) {
        const vpn_op *op = vpn_plan_op(plan, i);

        if (op->type == VPN_OP_HOOK && !r->how->allow_hooks)
            return say(r, "%s: the plan has hooks, and they are not allowed", r->name);
        if (op->type == VPN_OP_DEVICE && r->how->conf == NULL)
            return say(r, "%s: there are no keys for the device", r->name);
        if (strcmp(op->name, r->name) != 0)
            return say(r, "%s: the plan is for %s", r->name, op->name);
    }
    return 0;
}

static int do_recorded(run *r, const vpn_op *op)
{
    vpn_op undo;

    if (interrupted())
        return say(r, "%s: interrupted", r->name);
    vpn_op_inverse(&undo, op);
    if (state_record(&r->journal, &undo) != 0)
        return say(r, "%s", r->journal.why);
    if (do_op(r, op, 0) == 0)
        return 0;
    gone(r, r->journal.count - 1);
    return -1;
}

static int do_all(run *r, const vpn_plan *plan)
{
    if (!r->journal.exists && state_begin(&r->journal) != 0)
        return say(r, "%s", r->journal.why);
    for (size_t i = 0; i < vpn_plan_count(plan); i++) {
        if (do_recorded(r, vpn_plan_op(plan, i)) != 0)
            return -1;
    }
    return state_word(&r->journal, "up") == 0 ? 0 : say(r, "%s", r->journal.why);
}

int apply_up(const vpn_plan *plan, const char *name, const apply_options *how)
{
    run r;
    int result = -1;

    if (run_begin(&r, name, how) == 0 && may_go_up(&r) && check_plan(&r, plan) == 0) {
        size_t held = r.journal.count;

        result = do_all(&r, plan);
        if (result != 0 && r.journal.exists)
            (void)undo_all(&r, held, held > 0);
    }
    return run_end(&r, result);
}

/* Without a journal there may still be two things that outlive a boot or a kill: our resolv.conf, and a daemon's
 * socket. */
static int sweep(const run *r)
{
    const char *file = r->how->resolv_conf == NULL ? RESOLVER_FILE : r->how->resolv_conf;
    char why[WHY_BYTES];

    uapi_sweep(r->name);
    if (resolver_delete(VPN_RESOLVER_FILE, r->name, file, why, sizeof why) != 0)
        return say(r, "%s: cannot delete the name servers: %s", r->name, why);
    (void)say(r, "%s is down", r->name);
    return 0;
}

int apply_down(const char *name, const apply_options *how)
{
    run r;
    int result = run_begin(&r, name, how);

    if (result == 0 && !r.journal.exists)
        result = sweep(&r);
    else if (result == 0) {
        if (state_word(&r.journal, "down") != 0)
            (void)say(&r, "%s", r.journal.why);
        result = undo_all(&r, 0, how->keep_filter);
    }
    return run_end(&r, result);
}

int apply_state(const char *name, const apply_options *how)
{
    run r;
    int result = run_begin(&r, name, how);

    if (result == 0)
        result = state_of(&r);
    return run_end(&r, result);
}
