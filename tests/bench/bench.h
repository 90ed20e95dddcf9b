/* SPDX-License-Identifier: ISC */
/*
 * What every benchmark needs: a clock, medians, and a report that is printed as a table and then as one line of JSON.
 * A figure is worth something only beside its baseline, which is measured in turn with it, in the same run.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_RUNS_MAX 31
#define BENCH_ROWS     512

/* Nanoseconds of a clock that only runs forward; with --cpu of this thread's time on a processor. */
uint64_t bench_now(void);
/* Deterministic noise (splitmix64). */
uint64_t bench_random(uint64_t *seed);
/* The options that all benchmarks share: --runs N (7 to 31, default 7), --quick (fewer rows), --only TEXT, --cpu, --strict,
   --help. Ends the program on others. */
void bench_options(int argc, char **argv, const char *what);
int bench_runs(void);
int bench_quick(void);
/* Is a group to be measured, by --only? */
int bench_wants(const char *group);

/* The median of `count` figures, which it sorts. */
double bench_median(double *figures, int count);

/* A row of the report: figures with units, such as "ns" or "M/s". Names must live on. */
void bench_row(const char *group, const char *name, double figure, const char *unit);
/* A row that has a target: shown with it, and whether it is met. `most`: 1 when less is better. */
void bench_target(const char *group, const char *name, double figure, const char *unit, double target, int most);
/* Prints the table and the JSON; the program's status: 0, or 1 when a target was missed and --strict was given. */
int bench_report(const char *program);
/* Says on the error stream what goes on. */
void bench_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program, as something went wrong, unless `fine`. */
void bench_must(int fine, const char *what);
/* Memory or the end of the program. */
void *bench_alloc(size_t bytes);

#endif
