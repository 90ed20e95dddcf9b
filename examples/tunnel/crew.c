/* SPDX-License-Identifier: ISC */
/*
 * One list of batches, in the order in which they were given. The I/O thread adds at its end and collects at its front, and
 * only when the front is finished: so nothing overtakes. Threads take parts of the first batch that has some left, so that
 * one batch is the work of all. What a thread does with its part, vpn_wg_crypt, touches these packets and its own scratch
 * alone; there is no log, no clock and no device in a thread.
 *
 * The lock holds the list and its counts, for some instructions in every CREW_PART packets; a batch changes hands through it
 * in both directions. Nobody spins: threads sleep until there is a part to take. The I/O thread, which may be asleep on
 * descriptors, has the bell for that, a pipe, that rings only when it is armed; and it never waits for a part that
 * nobody has taken, but does it itself.
 */
#include "crew.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

struct worker {
    crew *crew;
    pthread_t thread;
    vpn_scratch *scratch;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t work;    /* there is a part to take, or the end has come */
    pthread_cond_t changed; /* a thread has started, or the oldest batch is finished */
    batch *oldest, *newest; /* on their way; changed by the I/O thread alone */
    batch *untaken;         /* the first of them with a part to take */
    int armed;              /* the I/O thread wants the bell to be rung for the oldest batch */
    int ended;
    int bell[2];
    unsigned threads;
    unsigned running;
    vpn_scratch *own;        /* the I/O thread's */
    struct worker workers[]; /* `threads` of them */
};

struct part {
    batch *from; /* NULL: there is none */
    size_t first, count;
};

static int open_bell(int bell[2])
{
    if (pipe(bell) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(bell[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(bell[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

crew *crew_new(unsigned threads, const vpn_provider *provider)
{
    crew *c = calloc(1, sizeof *c + threads * sizeof c->workers[0]);
    int failed;

    if (c == NULL)
        return NULL;
    (void)pthread_mutex_init(&c->lock, NULL); /* none of these fails where threads are the kernel's own */
    (void)pthread_cond_init(&c->work, NULL);
    (void)pthread_cond_init(&c->changed, NULL);
    c->bell[0] = c->bell[1] = -1;
    c->threads = threads;
    failed = open_bell(c->bell) != 0 || vpn_scratch_new(&c->own, provider, NULL) != VPN_OK;
    for (unsigned i = 0; i < threads && !failed; i++) {
        c->workers[i].crew = c;
        failed = vpn_scratch_new(&c->workers[i].scratch, provider, NULL) != VPN_OK;
    }
    if (failed) {
        crew_free(c);
        return NULL;
    }
    return c;
}

void crew_free(crew *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->ended = 1;
    (void)pthread_cond_broadcast(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
    for (unsigned i = 0; i < c->running; i++)
        (void)pthread_join(c->workers[i].thread, NULL);
    for (unsigned i = 0; i < c->threads; i++)
        vpn_scratch_free(c->workers[i].scratch);
    vpn_scratch_free(c->own);
    for (int i = 0; i < 2; i++) {
        if (c->bell[i] >= 0)
            (void)close(c->bell[i]);
    }
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_cond_destroy(&c->work);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

/* --- parts; all with the lock held, but for their work --- */

static int is_finished(const batch *b)
{
    return b != NULL && b->finished == b->count;
}

static struct part take(crew *c)
{
    struct part part = {.from = c->untaken};
    batch *b = part.from;

    if (b == NULL)
        return part;
    part.first = b->taken;
    part.count = b->count - b->taken < CREW_PART ? b->count - b->taken : CREW_PART;
    b->taken += part.count;
    while (c->untaken != NULL && c->untaken->taken == c->untaken->count)
        c->untaken = c->untaken->next;
    return part;
}

/* Lets go of the lock meanwhile. */
static void work_on(crew *c, struct part part, vpn_scratch *scratch)
{
    (void)pthread_mutex_unlock(&c->lock);
    vpn_wg_crypt(scratch, part.from->packets + part.first, part.count);
    (void)pthread_mutex_lock(&c->lock);
    part.from->finished += part.count;
}

/* Tells the I/O thread, wherever it waits, that the oldest batch is finished. */
static void announce(crew *c)
{
    (void)pthread_cond_signal(&c->changed);
    if (c->armed)
        (void)!write(c->bell[1], "", 1);
    c->armed = 0;
}

/* Who takes a part wakes the next one while there are more, so that the I/O thread has to wake one only. */
static void *run(void *argument)
{
    const struct worker *self = argument;
    crew *c = self->crew;

    (void)pthread_mutex_lock(&c->lock);
    c->running++;
    (void)pthread_cond_signal(&c->changed);
    while (!c->ended) {
        struct part part = take(c);

        if (part.from == NULL) {
            (void)pthread_cond_wait(&c->work, &c->lock);
            continue;
        }
        if (c->untaken != NULL)
            (void)pthread_cond_signal(&c->work);
        work_on(c, part, self->scratch);
        if (is_finished(c->oldest))
            announce(c);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

int crew_start(crew *c)
{
    sigset_t all, before;
    unsigned made = 0;
    int error = 0;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    while (made < c->threads && error == 0) {
        error = pthread_create(&c->workers[made].thread, NULL, run, &c->workers[made]);
        made += error == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_mutex_lock(&c->lock);
    while (c->running < made)
        (void)pthread_cond_wait(&c->changed, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
    if (error == 0)
        return 0;
    log_error("cannot make thread %u of %u: %s%s", made + 1, c->threads, strerror(error),
              error == EAGAIN ? " (is there a limit of processes, or too little memory?)" : "");
    return -1;
}

/* --- the I/O thread --- */

int crew_bell(const crew *c)
{
    return c->bell[0];
}

void crew_hush(crew *c)
{
    char bytes[16];

    while (read(c->bell[0], bytes, sizeof bytes) > 0)
        ;
}

int crew_is_idle(const crew *c)
{
    return c->oldest == NULL;
}

void crew_give(crew *c, batch *b, size_t pending)
{
    b->next = NULL;
    b->taken = b->finished = pending == 0 ? b->count : 0;
    (void)pthread_mutex_lock(&c->lock);
    if (c->oldest == NULL)
        c->oldest = b;
    else
        c->newest->next = b;
    c->newest = b;
    if (c->untaken == NULL && b->taken < b->count)
        c->untaken = b;
    if (c->untaken != NULL)
        (void)pthread_cond_signal(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
}

static batch *remove_oldest(crew *c)
{
    batch *b = c->oldest;

    c->armed = 0;
    c->oldest = b->next;
    return b;
}

batch *crew_collect(crew *c)
{
    batch *b = NULL;

    if (c->oldest == NULL)
        return NULL;
    (void)pthread_mutex_lock(&c->lock);
    if (is_finished(c->oldest))
        b = remove_oldest(c);
    (void)pthread_mutex_unlock(&c->lock);
    return b;
}

batch *crew_wait(crew *c)
{
    batch *b;

    if (c->oldest == NULL)
        return NULL;
    (void)pthread_mutex_lock(&c->lock);
    while (!is_finished(c->oldest)) {
        struct part part = take(c);

        if (part.from != NULL)
            work_on(c, part, c->own);
        else
            (void)pthread_cond_wait(&c->changed, &c->lock);
    }
    b = remove_oldest(c);
    (void)pthread_mutex_unlock(&c->lock);
    return b;
}

int crew_idle(crew *c)
{
    struct part part;
    int found = CREW_BACK;

    (void)pthread_mutex_lock(&c->lock);
    if (!is_finished(c->oldest)) {
        part = take(c);
        c->armed = part.from == NULL;
        if (part.from != NULL)
            work_on(c, part, c->own);
        found = part.from == NULL ? CREW_AWAY : CREW_HELPED;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return found;
}
