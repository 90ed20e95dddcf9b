/* SPDX-License-Identifier: ISC */
/*
 * Landlock, by system calls and with numbers of our own, since the headers of many systems are older than their kernels.
 * A filter of system calls cannot read a path, so it is this that keeps the right to remove one's own socket from being the
 * right to remove every file of root.
 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_landlock_create_ruleset

struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

struct beneath {
    uint64_t allowed;
    int32_t directory;
} __attribute__((packed));

enum { ASK_VERSION = 1, RULE_BENEATH = 1 };

#define REMOVE_FILE ((uint64_t)1 << 5)
#define TCP         ((uint64_t)3) /* bind and connect */
#define SCOPES      ((uint64_t)3) /* abstract sockets and signals */

/* Rights on files came in order: 13 with the first version, then one more with the second, third and fifth. */
static uint64_t file_rights(long version)
{
    unsigned count = 13;

    if (version >= 2)
        count++;
    if (version >= 3)
        count++;
    if (version >= 5)
        count++;
    return ((uint64_t)1 << count) - 1;
}

static size_t ruleset_bytes(long version)
{
    if (version < 4)
        return offsetof(struct ruleset, network);
    return version < 6 ? offsetof(struct ruleset, scopes) : sizeof(struct ruleset);
}

static int allow_removing(int rules, const char *path)
{
    struct beneath rule = {.allowed = REMOVE_FILE};
    int error = 0;

    rule.directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rule.directory < 0)
        return errno;
    if (syscall(SYS_landlock_add_rule, rules, RULE_BENEATH, &rule, 0) != 0)
        error = errno;
    (void)close(rule.directory);
    return error;
}

int confine_files(const char *directory)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, ASK_VERSION);
    struct ruleset wanted = {.files = file_rights(version), .network = TCP, .scopes = SCOPES};
    int rules;
    int error;

    if (version < 0)
        return errno;
    rules = (int)syscall(SYS_landlock_create_ruleset, &wanted, ruleset_bytes(version), 0);
    if (rules < 0)
        return errno;
    error = directory == NULL ? 0 : allow_removing(rules, directory);
    if (error == 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        error = errno;
    (void)close(rules);
    return error;
}

#else

int confine_files(const char *directory)
{
    (void)directory;
    return ENOSYS;
}

#endif
