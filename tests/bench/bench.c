/* SPDX-License-Identifier: ISC */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct row {
    const char *group, *name, *unit;
    double figure, target;
    int has_target, most;
};

static struct {
    struct row rows[BENCH_ROWS];
    int count, runs, quick, strict;
    const char *only;
    clockid_t clock;
} state = {.runs = 7, .clock = CLOCK_MONOTONIC};

uint64_t bench_now(void)
{
    struct timespec now;
    (void)clock_gettime(state.clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void usage(FILE *out, const char *program, const char *what)
{
    (void)fprintf(out,
                  "usage: %s [--runs N] [--quick] [--only TEXT] [--cpu] [--strict] [--help]\n\n%s\n\n"
                  "  --runs N   repetitions of each measurement, 7 to %d (7); the median counts\n"
                  "  --quick    small sizes only, to see that it works\n"
                  "  --only TEXT  only what has the text in its name, where there are parts to choose from\n"
                  "  --cpu      measures time on a processor, for a machine that does other things too\n"
                  "  --strict   end with status 1 when a target is missed\n",
                  program, what, BENCH_RUNS_MAX);
}

void bench_options(int argc, char **argv, const char *what)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            usage(stdout, argv[0], what);
            exit(0);
        }
        if (strcmp(argv[i], "--quick") == 0)
            state.quick = 1;
        else if (strcmp(argv[i], "--cpu") == 0)
            state.clock = CLOCK_THREAD_CPUTIME_ID;
        else if (strcmp(argv[i], "--strict") == 0)
            state.strict = 1;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            state.only = argv[++i];
        else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
            state.runs = (int)strtol(argv[++i], NULL, 10);
        else
            state.runs = 0;
        if (state.runs < 7 || state.runs > BENCH_RUNS_MAX) {
            usage(stderr, argv[0], what);
            exit(2);
        }
    }
}

int bench_runs(void)
{
    return state.runs;
}

int bench_quick(void)
{
    return state.quick;
}

int bench_wants(const char *group)
{
    return state.only == NULL || strstr(group, state.only) != NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *figures, int count)
{
    qsort(figures, (size_t)count, sizeof *figures, compare);
    return count % 2 ? figures[count / 2] : (figures[count / 2 - 1] + figures[count / 2]) / 2;
}

static void add(struct row row)
{
    if (state.count == BENCH_ROWS) {
        (void)fprintf(stderr, "bench: too many rows\n");
        exit(1);
    }
    state.rows[state.count++] = row;
}

void bench_row(const char *group, const char *name, double figure, const char *unit)
{
    add((struct row){.group = group, .name = name, .unit = unit, .figure = figure});
}

void bench_target(const char *group, const char *name, double figure, const char *unit, double target, int most)
{
    add((struct row){group, name, unit, figure, target, 1, most});
}

static int is_met(const struct row *row)
{
    return !row->has_target || (row->most ? row->figure <= row->target : row->figure >= row->target);
}

int bench_report(const char *program)
{
    int missed = 0;
    printf("%-34s %-44s %14s %-10s %s\n", program, "median of the repetitions", "figure", "unit", "target");
    for (int i = 0; i < state.count; i++) {
        const struct row *r = &state.rows[i];
        printf("%-34s %-44s %14.3f %-10s", r->group, r->name, r->figure, r->unit);
        if (r->has_target)
            printf(" %s %g %s", r->most ? "<=" : ">=", r->target, is_met(r) ? "met" : "MISSED");
        printf("\n");
        missed += !is_met(r);
    }
    printf("{\"program\": \"%s\", \"runs\": %d, \"rows\": [", program, state.runs);
    for (int i = 0; i < state.count; i++) {
        const struct row *r = &state.rows[i];
        printf("%s{\"group\": \"%s\", \"name\": \"%s\", \"figure\": %.6g, \"unit\": \"%s\"", i > 0 ? ", " : "",
               r->group, r->name, r->figure, r->unit);
        if (r->has_target)
            printf(", \"target\": %g, \"met\": %s", r->target, is_met(r) ? "true" : "false");
        printf("}");
    }
    printf("]}\n");
    return state.strict && missed > 0;
}

void bench_progress(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
}

void bench_must(int fine, const char *what)
{
    if (fine)
        return;
    bench_progress("%s", what);
    exit(1);
}

void *bench_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes > 0 ? bytes : 1);
    if (memory == NULL) {
        (void)fprintf(stderr, "bench: out of memory\n");
        exit(1);
    }
    return memory;
}
