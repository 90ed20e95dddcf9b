/* SPDX-License-Identifier: ISC */
/* Lines for a person: to standard error, or to syslog once in the background. Never a secret. */
#ifndef TUNNEL_LOG_H
#define TUNNEL_LOG_H

#if defined(__GNUC__)
#define LOG_FORMAT __attribute__((format(printf, 1, 2)))
#else
#define LOG_FORMAT
#endif

enum { LOG_LEVEL_SILENT, LOG_LEVEL_ERROR, LOG_LEVEL_VERBOSE, LOG_LEVEL_DEBUG };

/* The level of a name such as "verbose", or -1. */
int log_level_named(const char *name);
/* `name` is that of the interface, or NULL; it is copied. */
void log_setup(int level, const char *name);
/* Opens the way to syslog while that is still allowed, then takes it. */
void log_open_syslog(void);
void log_to_syslog(void);
int log_enabled(int level);

void log_error(const char *format, ...) LOG_FORMAT;
void log_verbose(const char *format, ...) LOG_FORMAT;
void log_debug(const char *format, ...) LOG_FORMAT;

#endif
