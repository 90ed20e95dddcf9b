/* SPDX-License-Identifier: ISC */
/*
 * Giving up what only the start needed, in an order in which each step still may do what it does: the bounding set and the
 * user need capabilities, Landlock needs "no new privileges", and the filter of system calls, which forbids all of these,
 * comes last. What privileges_drop does concerns the thread that calls it, and is inherited by those that it makes; the
 * filter, which forbids making threads, is laid over all that there are.
 */
#include "platform.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "confine.h"
#include "log.h"

#define BIT(capability) ((uint64_t)1 << (capability))

/* The mark of datagrams, namespaces of the interface; ports below 1024, which wg(8) may ask for at any time. */
#define KEPT (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_BIND_SERVICE))

static int failed(const char *what)
{
    log_error("cannot %s: %s (--keep-privileges goes on without)", what, strerror(errno));
    return -1;
}

/* Who may not shrink the set has no use of it either: without new privileges nothing is gained through it. */
static int shrink_bounding_set(uint64_t kept)
{
    for (int i = 0; i < 64 && prctl(PR_CAPBSET_READ, i) >= 0; i++) {
        if ((kept & BIT(i)) == 0 && prctl(PR_CAPBSET_READ, i) == 1 && prctl(PR_CAPBSET_DROP, i) != 0 && errno != EPERM)
            return -1;
    }
    return 0;
}

/* Keeps those of `kept` that there are. */
static int set_capabilities(uint64_t kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return -1;
    if (syscall(SYS_capget, &header, data) != 0)
        return -1;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted &= (uint32_t)(kept >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) == 0 ? 0 : -1;
}

/* Groups first: a user who is not root may not change them. */
static int become(uint32_t uid, uint32_t gid)
{
    return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 ? 0 : -1;
}

/* A kernel without one of the two is no reason to have no tunnel. */
static int confined(int error, const char *by)
{
    if (error == 0)
        return 0;
    errno = error;
    if (error != ENOSYS && error != EOPNOTSUPP && error != EINVAL)
        return failed(by);
    log_verbose("no %s: this kernel, or this build, has none", by);
    return 0;
}

int privileges_drop(const privileges *chosen, const char *directory)
{
    uint64_t kept = chosen->other_user ? 0 : KEPT;

    if (chosen->keep)
        return 0;
    if (shrink_bounding_set(kept) != 0)
        return failed("shrink the bounding set");
    if (chosen->other_user && become(chosen->uid, chosen->gid) != 0)
        return failed("become another user");
    if (set_capabilities(kept) != 0)
        return failed("give up capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed("refuse new privileges");
#ifndef TUNNEL_INSTRUMENTED
    /* Memory holds keys: no core, and no debugger of the same user. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return failed("hide memory");
    if (confined(confine_files(directory), "restriction of files") != 0)
        return -1;
#else
    /* Sanitizers trace this process, and counters write files, when it ends. */
    (void)directory;
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
#endif
    return 0;
}

int privileges_close(const privileges *chosen)
{
    return chosen->keep ? 0 : confined(confine_calls(), "filter of system calls");
}
