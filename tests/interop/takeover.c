/* SPDX-License-Identifier: ISC */
/*
 * What an intruder who runs code inside vpn-tunnel could do. Preloaded into the program, it waits for SIGUSR1; then, from
 * inside the loop and with nothing but system calls, it tries one thing after the other and writes a line for each to a file
 * that it opened at the start: the name, and `yes`, or `no` and the error; before them the version of Landlock. What might end or change the process is tried in
 * a child, as long as there can be one.
 *
 * TAKEOVER_REPORT  the file
 * TAKEOVER_KEY     a file with the private key, as text; only a veiled copy is kept, so that what is found later is the tunnel's
 * TAKEOVER_PLACE   a directory with `theirs`, a file of root, and `open`, a directory where anybody may make files
 * TAKEOVER_VICTIM  the number of another process of root
 * TAKEOVER_SOCKET  the path of another daemon's stream socket; `SOCKET.stale` may be removed
 * TAKEOVER_OLD     if set, this kernel pretends to have no Landlock
 * TAKEOVER_WORKER  if set, the intruder is in a thread that encrypts, and needs a packet for that thread to awake
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>

#define VEIL 0x5a

static struct {
    int (*epoll_wait)(int, struct epoll_event *, int, int);
    void (*crypt)(void *, void *, size_t);
    int in_worker;
    int report;
    int maps;
    int home; /* network namespace */
    int victim;
    uint8_t key[32]; /* veiled */
    char theirs[128];
    char stale[128];
    char fresh[128];
    char open[128];
    struct sockaddr_un daemon;
    volatile sig_atomic_t now;
} state;

/* 0, or the error of a call that gave -1. */
static int result(long returned)
{
    return returned < 0 ? errno : 0;
}

/* -- Files --------------------------------------------------------------------------------------------------------- */

static int open_as(const char *path, int flags)
{
    return result(syscall(SYS_openat, AT_FDCWD, path, flags, 0600));
}

static int read_file(void)
{
    return open_as("/etc/shadow", O_RDONLY);
}

static int write_file(void)
{
    return open_as(state.theirs, O_WRONLY | O_APPEND);
}

static int make_file(void)
{
    return open_as(state.fresh, O_WRONLY | O_CREAT);
}

static int delete_file(void)
{
    return result(syscall(SYS_unlinkat, AT_FDCWD, state.theirs, 0));
}

static int delete_socket(void)
{
    return result(syscall(SYS_unlinkat, AT_FDCWD, state.stale, 0));
}

/* -- Processes ----------------------------------------------------------------------------------------------------- */

static int run_program(void)
{
    char *arguments[] = {"/bin/true", NULL};

    return result(syscall(SYS_execve, "/bin/true", arguments, NULL));
}

static int trace(void)
{
    return result(syscall(SYS_ptrace, PTRACE_SEIZE, state.victim, 0, 0));
}

/* Nothing is mapped at the address, but who gets that far may read what is. */
static int read_memory(void)
{
    char byte;
    struct iovec here = {&byte, 1};
    struct iovec there = {(void *)4096, 1};
    int error = result(syscall(SYS_process_vm_readv, state.victim, &here, 1, &there, 1, 0));

    return error == EFAULT ? 0 : error;
}

static int send_signal(void)
{
    return result(syscall(SYS_kill, state.victim, SIGWINCH));
}

static int own_descriptor(void)
{
    return result(syscall(SYS_fcntl, state.maps, F_SETOWN, state.victim));
}

static int be_dumpable(void)
{
    return result(syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int make_code(void)
{
    return result(
        syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* -- The system ---------------------------------------------------------------------------------------------------- */

static int mount_something(void)
{
    return result(syscall(SYS_mount, "none", state.open, "tmpfs", 0, NULL));
}

static int change_root(void)
{
    return result(syscall(SYS_chroot, "/"));
}

static int new_namespace(void)
{
    return result(syscall(SYS_unshare, CLONE_NEWNET));
}

static int new_users(void)
{
    return result(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int enter_namespace(void)
{
    return result(syscall(SYS_setns, state.home, CLONE_NEWNET));
}

static int become_other(void)
{
    return result(syscall(SYS_setresuid, 1, 1, 1));
}

static int become_root(void)
{
    return result(syscall(SYS_setresuid, 0, 0, 0));
}

static int regain(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    memset(data, 0, sizeof data);
    data[0].permitted = 1U << CAP_SYS_ADMIN;
    data[0].effective = data[0].permitted;
    return result(syscall(SYS_capset, &header, data));
}

/* Text that is no module: who may load one is told so. */
static int load_module(void)
{
    int error = result(syscall(SYS_init_module, "no module", 9, ""));

    return error == ENOEXEC ? 0 : error;
}

static int load_bpf(void)
{
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof attributes);
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = 4;
    attributes.value_size = 4;
    attributes.max_entries = 1;
    return result(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

static int make_ring(void)
{
    uint8_t parameters[120] = {0};

    return result(syscall(SYS_io_uring_setup, 1, parameters));
}

/* -- The network --------------------------------------------------------------------------------------------------- */

static int make_socket(int family, int kind, int protocol)
{
    return (int)syscall(SYS_socket, family, kind, protocol);
}

static int raw_socket(void)
{
    return result(make_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int packet_socket(void)
{
    return result(make_socket(AF_PACKET, SOCK_RAW, 0));
}

static int firewall(void)
{
    return result(make_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER));
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Nobody listens, so a refusal by the other side is as good as it gets. */
static int tcp(void)
{
    struct sockaddr_in address = loopback(9);
    int fd = make_socket(AF_INET, SOCK_STREAM, 0);
    int error = fd < 0 ? errno : result(syscall(SYS_connect, fd, &address, sizeof address));

    return error == ECONNREFUSED ? 0 : error;
}

static int talk_to_daemon(void)
{
    int fd = make_socket(AF_UNIX, SOCK_STREAM, 0);

    return fd < 0 ? errno : result(syscall(SYS_connect, fd, &state.daemon, sizeof state.daemon));
}

/* Whoever could write to a log that is there is told by one that is not. */
static int write_log(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/no-such-log"};
    int fd = make_socket(AF_UNIX, SOCK_DGRAM, 0);
    int error = fd < 0 ? errno : result(syscall(SYS_connect, fd, &address, sizeof address));

    return error == ENOENT ? 0 : error;
}

static int udp(void)
{
    struct sockaddr_in address = loopback(9);
    int fd = make_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);

    return fd < 0 ? errno : result(syscall(SYS_sendto, fd, "", 1, 0, &address, sizeof address));
}

static int low_port(void)
{
    struct sockaddr_in address = loopback(79);
    int fd = make_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);

    return fd < 0 ? errno : result(syscall(SYS_bind, fd, &address, sizeof address));
}

static int set_mark(void)
{
    int mark = 7;
    int fd = make_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);

    return fd < 0 ? errno : result(syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark));
}

struct change {
    struct nlmsghdr head;
    union {
        struct ifaddrmsg address;
        struct rtmsg route;
    } body;
};

/* Sends the change with 198.51.100.1 as its only attribute, and returns what the kernel answers. */
static int change_network(struct change *c, size_t body, uint16_t attribute)
{
    struct {
        struct rtattr head;
        uint8_t address[4];
    } subject = {{.rta_len = 8, .rta_type = attribute}, {198, 51, 100, 1}};
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        uint8_t rest[256];
    } answer;
    uint8_t message[64];
    size_t length = NLMSG_SPACE(body);
    int fd = make_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

    if (fd < 0)
        return errno;
    c->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
    c->head.nlmsg_len = (uint32_t)(length + sizeof subject);
    memcpy(message, c, sizeof *c);
    memcpy(message + length, &subject, sizeof subject);
    if (syscall(SYS_sendto, fd, message, length + sizeof subject, 0, NULL, 0) < 0 ||
        syscall(SYS_recvfrom, fd, &answer, sizeof answer, 0, NULL, NULL) < 0)
        return errno;
    return -answer.error.error;
}

static int add_address(void)
{
    struct change c = {.head = {.nlmsg_type = RTM_NEWADDR}};

    c.body.address = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 1};
    return change_network(&c, sizeof c.body.address, IFA_LOCAL);
}

static int add_route(void)
{
    struct change c = {.head = {.nlmsg_type = RTM_NEWROUTE}};

    c.body.route = (struct rtmsg){.rtm_family = AF_INET,
                                  .rtm_dst_len = 32,
                                  .rtm_table = RT_TABLE_MAIN,
                                  .rtm_protocol = RTPROT_STATIC,
                                  .rtm_scope = RT_SCOPE_UNIVERSE,
                                  .rtm_type = RTN_BLACKHOLE};
    return change_network(&c, sizeof c.body.route, RTA_DST);
}

/* -- The tunnel ---------------------------------------------------------------------------------------------------- */

/* A packet into the host, from whatever source. */
static int inject_packet(void)
{
    static const uint8_t packet[30] = {[10] = 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 77, 0, 9, 10, 77, 0, 1};
    struct ifreq request;

    for (int fd = 3; fd < 64; fd++) {
        memset(&request, 0, sizeof request);
        if (syscall(SYS_ioctl, fd, TUNGETIFF, &request) == 0)
            return result(syscall(SYS_write, fd, packet, sizeof packet)); /* behind a header of zeros */
    }
    return ENODEV;
}

static int key_at(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof state.key; i++) {
        if (bytes[i] != (state.key[i] ^ VEIL))
            return 0;
    }
    return 1;
}

static int key_between(uintptr_t from, uintptr_t to)
{
    for (; from + sizeof state.key <= to; from += 4) {
        if (key_at((const uint8_t *)from))
            return 1;
    }
    return 0;
}

/* Through all memory that can be written to. */
static int read_own_key(void)
{
    static char text[1 << 16];
    size_t length = 0;
    ssize_t got;

    (void)syscall(SYS_lseek, state.maps, 0, SEEK_SET);
    while (length < sizeof text - 1 &&
           (got = syscall(SYS_read, state.maps, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    for (char *line = text; line != NULL && *line != '\0';) {
        uintptr_t from;
        uintptr_t to;
        char rights[5];

        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3 && strncmp(rights, "rw", 2) == 0 &&
            key_between(from, to))
            return 0;
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return ENOKEY;
}

/* -- One after the other ------------------------------------------------------------------------------------------- */

static int have_child(void)
{
    int status;
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

    if (child == 0)
        syscall(SYS_exit_group, 0);
    return child < 0 ? errno : result(syscall(SYS_wait4, child, &status, 0, NULL));
}

static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {{"read-own-key", read_own_key},
                {"inject-packet", inject_packet},
                {"udp", udp},
                {"write-log", write_log},
                {"low-port", low_port},
                {"set-mark", set_mark},
                {"add-address", add_address},
                {"add-route", add_route},
                {"delete-socket", delete_socket},
                {"read-file", read_file},
                {"write-file", write_file},
                {"delete-file", delete_file},
                {"make-file", make_file},
                {"talk-to-daemon", talk_to_daemon},
                {"tcp", tcp},
                {"raw-socket", raw_socket},
                {"packet-socket", packet_socket},
                {"firewall", firewall},
                {"fork", have_child},
                {"trace", trace},
                {"read-memory", read_memory},
                {"send-signal", send_signal},
                {"own-descriptor", own_descriptor},
                {"be-dumpable", be_dumpable},
                {"make-code", make_code},
                {"mount", mount_something},
                {"chroot", change_root},
                {"new-namespace", new_namespace},
                {"new-users", new_users},
                {"enter-namespace", enter_namespace},
                {"become-other", become_other},
                {"become-root", become_root},
                {"regain", regain},
                {"load-module", load_module},
                {"load-bpf", load_bpf},
                {"make-ring", make_ring},
                {"run-program", run_program}};

/* The program that a child turned into ends with 0, as does a child that succeeded. */
static int in_child(int (*attempt)(void))
{
    int status = 0;
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

    if (child < 0)
        return attempt();
    if (child == 0)
        syscall(SYS_exit_group, attempt());
    if (syscall(SYS_wait4, child, &status, 0, NULL) < 0)
        return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static void take_over(void)
{
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        char line[64];
        int error = in_child(attempts[i].attempt);
        int length = snprintf(line, sizeof line, error == 0 ? "%s yes\n" : "%s no %d\n", attempts[i].name, error);

        (void)!syscall(SYS_write, state.report, line, length);
    }
    (void)!syscall(SYS_write, state.report, "end\n", 4);
}

/* The loop calls this one. */
int epoll_wait(int epoll, struct epoll_event *events, int n, int timeout)
{
    int got = state.epoll_wait(epoll, events, n, timeout);
    int error = errno;

    if (state.now && !state.in_worker) {
        state.now = 0;
        take_over();
    }
    errno = error;
    return got;
}

/* The loop and the threads call this one. */
void vpn_wg_crypt(void *scratch, void *packets, size_t n);

void vpn_wg_crypt(void *scratch, void *packets, size_t n)
{
    if (state.now && state.in_worker && syscall(SYS_gettid) != getpid()) {
        state.now = 0;
        take_over();
    }
    state.crypt(scratch, packets, n);
}

static void on_signal(int number)
{
    (void)number;
    state.now = 1;
}

static int digit(char letter)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = strchr(letters, letter);

    return found == NULL || letter == '\0' ? 0 : (int)(found - letters);
}

/* Base64 straight to veiled bytes. */
static void learn_key(const char *path)
{
    char text[64] = {0};
    FILE *file = fopen(path, "re");
    uint32_t bits = 0;
    size_t n = 0;

    if (file == NULL || fgets(text, sizeof text, file) == NULL)
        abort();
    (void)fclose(file);
    for (int i = 0; i < 44 && n < sizeof state.key; i++) {
        bits = bits << 6 | (uint32_t)digit(text[i]);
        if (i % 4 == 0)
            continue;
        state.key[n++] = (uint8_t)(bits >> (6 - 2 * (i % 4)) & 0xff) ^ VEIL;
    }
}

/* As containers do whose filter is older than Landlock. */
static void hide_landlock(void)
{
    struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = 4, .filter = code};

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        abort();
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL)
        abort();
    return value;
}

__attribute__((constructor)) static void prepare(void)
{
    const char *place = setting("TAKEOVER_PLACE");
    struct sigaction action = {.sa_handler = on_signal};
    void *found = dlsym(RTLD_NEXT, "epoll_wait");

    memcpy(&state.epoll_wait, &found, sizeof found);
    found = dlsym(RTLD_NEXT, "vpn_wg_crypt");
    memcpy(&state.crypt, &found, sizeof found);
    state.in_worker = getenv("TAKEOVER_WORKER") != NULL;
    state.report = open(setting("TAKEOVER_REPORT"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    state.maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    state.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    state.victim = atoi(setting("TAKEOVER_VICTIM"));
    (void)snprintf(state.theirs, sizeof state.theirs, "%s/theirs", place);
    (void)snprintf(state.open, sizeof state.open, "%s/open", place);
    (void)snprintf(state.fresh, sizeof state.fresh, "%s/open/fresh", place);
    (void)snprintf(state.stale, sizeof state.stale, "%s.stale", setting("TAKEOVER_SOCKET"));
    state.daemon.sun_family = AF_UNIX;
    (void)snprintf(state.daemon.sun_path, sizeof state.daemon.sun_path, "%s", setting("TAKEOVER_SOCKET"));
    learn_key(setting("TAKEOVER_KEY"));
    if (getenv("TAKEOVER_OLD") != NULL)
        hide_landlock();
    (void)dprintf(state.report, "landlock %ld\n", syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1));
    if (state.epoll_wait == NULL || state.report < 0 || state.maps < 0 || state.home < 0)
        abort();
    (void)sigaction(SIGUSR1, &action, NULL);
}
