/* SPDX-License-Identifier: ISC */
#include "apply_op.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <vpn/uapi.h>

#include "nft.h"
#include "resolver.h"
#include "rtnl.h"
#include "spawn.h"
#include "uapi_client.h"

enum { PATH_BYTES = 256, LINGER_ROUNDS = 300, LINGER_MS = 10 };

/* What the parts of an operation share. */
typedef struct job {
    const vpn_op *op;
    const apply_options *how;
    int add;  /* the verb is VPN_VERB_ADD */
    int undo; /* it is taken back, and may be gone */
    int lock;
    char *why;
    size_t capacity;
} job;

static int fault(const job *j, const char *why)
{
    (void)snprintf(j->why, j->capacity, "%s", why);
    return -1;
}

/* The verdict on a call that returns 0 or a negative errno. */
static int judge(const job *j, int error)
{
    if (error == 0 || (j->undo && rtnl_is_gone(error)))
        return 0;
    return fault(j, strerror(-error));
}

static int do_filter(const job *j)
{
    return nft_run(j->add ? j->op->text : j->op->undo, j->why, j->capacity);
}

static int do_sysctl(const job *j)
{
    char path[PATH_BYTES];
    char value[16];
    size_t at = (size_t)snprintf(path, sizeof path, "/proc/sys/");
    int length = snprintf(value, sizeof value, "%lu\n", (unsigned long)j->op->value);
    int fd;
    int failed;

    if (strlen(j->op->text) >= sizeof path - at || strstr(j->op->text, "..") != NULL)
        return fault(j, "no such name");
    for (const char *c = j->op->text; *c != '\0'; c++)
        path[at++] = (char)(*c == '.' ? '/' : *c);
    path[at] = '\0';
    fd = open(path, O_WRONLY | O_CLOEXEC);
    failed = fd < 0 || write(fd, value, (size_t)length) != length;
    if (failed)
        (void)fault(j, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return failed ? -1 : 0;
}

/* "%i" stands for the name of the interface. */
static void expand(uapi_text *out, const char *command, const char *name)
{
    for (const char *found = strstr(command, "%i"); found != NULL; found = strstr(command, "%i")) {
        uapi_text_put(out, "%.*s%s", (int)(found - command), command, name);
        command = found + 2;
    }
    uapi_text_put(out, "%s", command);
}

/* By bash as wg-quick does it, where there is one. */
static int do_hook(const job *j)
{
    const char *command = j->add ? j->op->text : j->op->undo;
    const char *argv[] = {access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh", "-c", NULL, NULL};
    uapi_text text = {.text = NULL};
    int status;

    if (command == NULL)
        return 0;
    if (!j->how->allow_hooks)
        return fault(j, "hooks are not allowed, so it was not run");
    expand(&text, command, j->op->name);
    argv[2] = text.text;
    status = text.failed ? -1 : spawn(argv, NULL, 0);
    uapi_text_free(&text);
    if (status == 0)
        return 0;
    (void)snprintf(j->why, j->capacity, "the command ended with %d", status);
    return -1;
}

static void rest(void)
{
    struct timespec time = {.tv_nsec = LINGER_MS * 1000000L};

    (void)nanosleep(&time, NULL);
}

/* A daemon ends by itself when its link is gone. Its name is free again when it no longer answers. */
static int link_delete(const job *j)
{
    const char *name = j->op->name;
    int failed = judge(j, rtnl_link_delete(name));

    for (int i = 0; failed == 0 && i < LINGER_ROUNDS && uapi_answers(name); i++)
        rest();
    if (failed == 0)
        uapi_sweep(name);
    return failed;
}

/*
 * The daemon has the lock as its standard input until it is ready. So when we are killed while it starts, a down waits
 * until there is a link to delete.
 */
static int do_link(const job *j)
{
    const char *program = j->how->tunnel_program == NULL ? "vpn-tunnel" : j->how->tunnel_program;
    const char *const argv[] = {program, j->op->name, NULL};
    int status;

    if (!j->add)
        return link_delete(j);
    if (rtnl_index(j->op->name) != 0)
        return fault(j, "a link of that name is there");
    status = spawn_from(argv, j->lock);
    if (status != 0) {
        (void)snprintf(j->why, j->capacity, "'%s' ended with %d", program, status);
        return -1;
    }
    return 0;
}

static int do_device(const job *j)
{
    int error =
        j->add ? uapi_configure(j->op->name, j->how->conf, j->how->endpoints, j->op->mark) : uapi_clear(j->op->name);

    if (j->undo && (error == -ENOENT || error == -ECONNREFUSED))
        return 0;
    if (error == -EPROTONOSUPPORT)
        return fault(j,
                     "the file has Filter, Netmap or other keys that this daemon does not know: it is no vpn-tunnel");
    return error == 0 ? 0 : fault(j, strerror(-error));
}

static int do_mtu(const job *j)
{
    return j->op->value == 0 ? 0 : judge(j, rtnl_link_mtu(j->op->name, j->op->value));
}

static int do_resolver(const job *j)
{
    const char *file = j->how->resolv_conf == NULL ? RESOLVER_FILE : j->how->resolv_conf;

    if (j->add)
        return resolver_add(j->op, file, j->why, j->capacity);
    return resolver_delete(j->op->resolver_system, j->op->name, file, j->why, j->capacity);
}

int apply_op(const vpn_op *op, const apply_mode *mode, char *why, size_t capacity)
{
    job j = {.op = op,
             .how = mode->options,
             .add = op->verb == VPN_VERB_ADD,
             .undo = mode->undo,
             .lock = mode->lock,
             .why = why,
             .capacity = capacity};

    why[0] = '\0';
    switch (op->type) {
    case VPN_OP_FILTER:
        return do_filter(&j);
    case VPN_OP_SYSCTL:
        return do_sysctl(&j);
    case VPN_OP_HOOK:
        return do_hook(&j);
    case VPN_OP_LINK:
        return do_link(&j);
    case VPN_OP_DEVICE:
        return do_device(&j);
    case VPN_OP_ADDRESS:
        return judge(&j, rtnl_address(j.add, op->name, &op->prefix));
    case VPN_OP_MTU:
        return do_mtu(&j);
    case VPN_OP_UP:
        return judge(&j, rtnl_link_up(op->name, j.add));
    case VPN_OP_ROUTE:
        return judge(&j, rtnl_route(j.add, op->name, &op->prefix, op->rule.table, op->metric));
    case VPN_OP_RULE:
        return judge(&j, rtnl_rule(j.add, &op->rule));
    case VPN_OP_RESOLVER:
        return do_resolver(&j);
    }
    return fault(&j, "an operation of a kind that is not known here");
}

void apply_op_words(const vpn_op *op, char *out, size_t capacity)
{
    static const char *const verbs[] = {"?", "add", "delete", "set"};
    static const char *const types[] = {
        "?",       "the packet filter",   "sysctl", "a hook",      "the link",        "the keys and peers", "address",
        "the MTU", "the link's being up", "route",  "policy rule", "the name servers"};
    const char *verb = op->verb < sizeof verbs / sizeof *verbs ? verbs[op->verb] : verbs[0];
    const char *type = op->type < sizeof types / sizeof *types ? types[op->type] : types[0];
    char prefix[VPN_PREFIX_CHARS] = "";

    if (op->prefix.family != 0)
        vpn_prefix_format(prefix, &op->prefix);
    (void)snprintf(out, capacity, "%s %s%s%s", verb, type, prefix[0] == '\0' ? "" : " ", prefix);
}
