/* SPDX-License-Identifier: ISC */
/* Runs worlds, one after the other, and says what happened in them. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <time.h>

#include "sim/world.h"

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
    (void)number;
    stopped = 1;
}

static void usage(FILE *out)
{
    fputs("usage: sim [--seed N | --fresh] [--seeds N] [--events N] [--long] [--trace] [--break FAULT] [--help]\n"
          "\n"
          "Simulates networks of devices, each made from one seed: a storm of faults, attacks and changes, then a "
          "healing,\n"
          "then silence. Ends with status 1 at the first invariant that breaks, with the command that plays it again.\n"
          "\n"
          "  --seed N        the first seed (default 1)\n"
          "  --fresh         a first seed from the system's randomness, printed\n"
          "  --seeds N       so many worlds, with seeds from the first on (default 1)\n"
          "  --events N      events of each storm (default 40000)\n"
          "  --long          worlds until stopped by a signal, with progress every few seconds\n"
          "  --trace         prints what happens\n"
          "  --break FAULT   breaks an invariant on purpose, to see that it is noticed:\n"
          "                 ",
          out);
    for (int i = 1; i < FAULTS; i++)
        fprintf(out, " %s", fault_names[i]);
    fputs("\n", out);
}

static int read_number(const char *text, uint64_t *out)
{
    char *end;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == 0;
}

static int read_fault(const char *text, int *out)
{
    for (int i = 1; text != NULL && i < FAULTS; i++)
        if (strcmp(text, fault_names[i]) == 0)
            *out = i;
    return *out != 0;
}

/* 1: go on; 0: bad. */
static int read_option(struct options *o, char **at, int *used)
{
    *used = 1;
    if (strcmp(at[0], "--fresh") == 0)
        o->fresh = 1;
    else if (strcmp(at[0], "--long") == 0)
        o->endless = 1;
    else if (strcmp(at[0], "--trace") == 0)
        o->trace = 1;
    else {
        *used = 2;
        if (strcmp(at[0], "--seed") == 0)
            return read_number(at[1], &o->seed);
        if (strcmp(at[0], "--seeds") == 0)
            return read_number(at[1], &o->seeds) && o->seeds > 0;
        if (strcmp(at[0], "--events") == 0)
            return read_number(at[1], &o->events);
        return strcmp(at[0], "--break") == 0 && read_fault(at[1], &o->fault);
    }
    return 1;
}

struct totals {
    uint64_t worlds, events, kinds[KINDS];
    double hours;
    vpn_time slowest;
    struct timespec start;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void say_totals(const struct totals *t)
{
    printf("%" PRIu64 " worlds, %" PRIu64 " events: %" PRIu64 " datagrams delivered, %" PRIu64 " lost, %" PRIu64
           " packets sent, %" PRIu64 " ticks, %" PRIu64 " faults, %" PRIu64
           " changes; %.0f simulated hours; flowing %.1f s"
           " after healing at the latest; %.0f s\n",
           t->worlds, t->events, t->kinds[DELIVERED], t->kinds[LOST], t->kinds[SENT], t->kinds[TICKED], t->kinds[FAULT],
           t->kinds[ADMIN], t->hours, (double)t->slowest / 1e9, seconds_since(&t->start));
    fflush(stdout);
}

static void run_one(const struct options *o, const char *program, uint64_t seed, struct totals *t)
{
    struct world *world = world_new(o, seed, program);
    world_run(world);
    t->worlds++;
    t->events += world->events;
    for (int i = 0; i < KINDS; i++)
        t->kinds[i] += world->kinds[i];
    t->hours += (double)world->now / 3600e9;
    t->slowest = world->slowest > t->slowest ? world->slowest : t->slowest;
    world_free(world);
}

static void run(const struct options *o, const char *program)
{
    struct totals totals = {0};
    double told = 0;
    clock_gettime(CLOCK_MONOTONIC, &totals.start);
    for (uint64_t i = 0; (o->endless || i < o->seeds) && !stopped; i++) {
        run_one(o, program, o->seed + i, &totals);
        if (seconds_since(&totals.start) >= told + 5) {
            told = seconds_since(&totals.start);
            printf("seed %" PRIu64 " done; ", o->seed + i);
            say_totals(&totals);
        }
    }
    printf("no invariant broke: ");
    say_totals(&totals);
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .seeds = 1, .events = 40000};
    int used;
    for (int i = 1; i < argc; i += used) {
        if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            return 0;
        }
        if (!read_option(&o, argv + i, &used)) {
            fprintf(stderr, "sim: bad option %s\n", argv[i]);
            usage(stderr);
            return 2;
        }
    }
    if (sodium_init() < 0)
        return 2;
    if (o.fresh)
        randombytes_buf(&o.seed, sizeof o.seed);
    if (o.fresh)
        o.seed &= UINT64_C(0xffffffffff);
    printf("first seed %" PRIu64 "\n", o.seed);
    fflush(stdout);
    trace_on = o.trace;
    signal(SIGINT, on_stop);
    signal(SIGTERM, on_stop);
    run(&o, argv[0]);
    return 0;
}
