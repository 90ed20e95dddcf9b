/* SPDX-License-Identifier: ISC */
/* What is written: its exact text for each reader, reading it back, every capacity, and what cannot be written. */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "common/conf.h"

#define ALL                                                                                                            \
    "[Interface]\n"                                                                                                    \
    "PrivateKey = " CONF_KEY_A "\n"                                                                                    \
    "ListenPort = 51820\n"                                                                                             \
    "FwMark = 0xca6c\n"
#define QUICK                                                                                                          \
    "Address = 10.0.0.2/24, fd00::2/64\n"                                                                              \
    "DNS = 10.0.0.1, fd00::1"
#define QUICK_REST                                                                                                     \
    "MTU = 1380\n"                                                                                                     \
    "Table = 100\n"                                                                                                    \
    "SaveConfig = true\n"                                                                                              \
    "PreUp = echo 1\n"                                                                                                 \
    "PostUp = echo %i\n"                                                                                               \
    "PostUp = echo 3\n"                                                                                                \
    "PreDown = echo 4\n"                                                                                               \
    "PostDown = echo 5\n"
#define OWN                                                                                                            \
    "Exclude = 192.168.0.0/16\n"                                                                                       \
    "LanAccess = false\n"                                                                                              \
    "FailMode = closed-except 192.0.2.0/24\n"                                                                          \
    "DNSMode = split\n"                                                                                                \
    "SearchDomains = corp.example, b\n"                                                                                \
    "MatchDomains = corp.example\n"                                                                                    \
    "Metric = 50\n"                                                                                                    \
    "IncludeApp = uid 1000-1999\n"                                                                                     \
    "ExcludeApp = cgroup user.slice\n"                                                                                 \
    "ExcludeApp = mark 0x10/0xff\n"                                                                                    \
    "PathMTU = probe\n"                                                                                                \
    "ClampMSS = true\n"
#define PEER_A                                                                                                         \
    "\n[Peer]\n"                                                                                                       \
    "PublicKey = " CONF_KEY_B "\n"                                                                                     \
    "PresharedKey = " CONF_KEY_C "\n"                                                                                  \
    "AllowedIPs = 0.0.0.0/0, ::/0\n"                                                                                   \
    "Endpoint = [2001:db8::1]:51820\n"                                                                                 \
    "PersistentKeepalive = 25\n"
#define RULES                                                                                                          \
    "FilterDefault = reject\n"                                                                                         \
    "FilterFlows = 64\n"                                                                                               \
    "Filter = allow in tcp to 10.0.0.0/24 port 22,443 stateful\n"                                                      \
    "Filter = deny\n"                                                                                                  \
    "Netmap = ours 10.0.0.0/24 as 10.1.0.0/24\n"                                                                       \
    "Netmap = theirs 10.2.0.0/24 as 10.0.0.0/24\n"                                                                     \
    "ProbeAddress = 10.2.0.1, fd00::1\n"
#define PEER_B                                                                                                         \
    "\n[Peer]\n"                                                                                                       \
    "PublicKey = " CONF_KEY_A "\n"                                                                                     \
    "Endpoint = vpn.example.org:1\n"
#define PEERS PEER_A PEER_B

static const char full[] = ALL QUICK "\n" QUICK_REST OWN PEER_A RULES PEER_B;

static void expect(const vpn_conf *conf, uint32_t target, const char *want)
{
    char out[4096] = "";
    size_t length;
    ck_assert_int_eq(vpn_conf_write(conf, target, out, sizeof(out), &length), 0);
    ck_assert_uint_eq(length, strlen(out));
    ck_assert_str_eq(out, want);
}

START_TEST(for_each_reader)
{
    vpn_conf *conf = conf_good(full), *empty = conf_good("");
    expect(conf, VPN_CONF_FOR_VPN, full);
    expect(conf, VPN_CONF_FOR_WG_QUICK, ALL QUICK ", corp.example, b\n" QUICK_REST PEERS);
    expect(conf, VPN_CONF_FOR_WG, ALL PEERS);
    expect(empty, VPN_CONF_FOR_VPN, "[Interface]\n");
    vpn_conf_free(conf);
    vpn_conf_free(empty);
    conf = conf_good(
        "[Interface]\nFwMark=0\nTable=off\nDNS=b\nFailMode=closed\nDNSMode=off\nLanAccess=true\nSaveConfig=false\n");
    expect(conf, VPN_CONF_FOR_VPN,
           "[Interface]\nFwMark = off\nTable = off\nSaveConfig = false\nLanAccess = true\nFailMode = closed\n"
           "DNSMode = off\nSearchDomains = b\n");
    expect(conf, VPN_CONF_FOR_WG_QUICK, "[Interface]\nFwMark = off\nDNS = b\nTable = off\nSaveConfig = false\n");
    vpn_conf_free(conf);
    conf = conf_good("[Interface]\nTable=auto\nFailMode=open\n");
    expect(conf, VPN_CONF_FOR_VPN, "[Interface]\nTable = auto\nFailMode = open\n");
    vpn_conf_free(conf);
}
END_TEST

START_TEST(every_capacity)
{
    vpn_conf *conf = conf_good(full);
    size_t need = strlen(full), length;
    for (size_t capacity = 0; capacity <= need + 1; capacity++) {
        char *out = capacity ? malloc(capacity) : NULL;
        if (out)
            memset(out, 'x', capacity);
        ck_assert_int_eq(vpn_conf_write(conf, 0, out, capacity, &length), capacity < need ? VPN_ESPACE : 0);
        ck_assert_uint_eq(length, need);
        ck_assert(!out || capacity >= need || test_is_zero(out, capacity));
        free(out);
    }
    vpn_conf_free(conf);
}
END_TEST

/* A random file, by chance with each key. */
static vpn_conf *random_conf(uint64_t *seed)
{
    static const char *const lines[] = {"PrivateKey=" CONF_KEY_A,
                                        "ListenPort=0",
                                        "ListenPort=65535",
                                        "FwMark=7",
                                        "FwMark=off",
                                        "Address=10.1.2.3/8",
                                        "Address=fd00::9/64,1.2.3.4",
                                        "DNS=8.8.8.8 corp",
                                        "DNS=x.y",
                                        "MTU=68",
                                        "Table=off",
                                        "Table=auto",
                                        "Table=77",
                                        "PreUp=a=b ; c",
                                        "PostUp=x,y",
                                        "PreDown=\xff",
                                        "PostDown=[Peer]",
                                        "SaveConfig=true",
                                        "SaveConfig=false",
                                        "Exclude=10.0.0.0/9",
                                        "Exclude=::/128",
                                        "LanAccess=true",
                                        "LanAccess=false",
                                        "FailMode=open",
                                        "FailMode=closed",
                                        "FailMode=closed-except ::1",
                                        "DNSMode=off",
                                        "DNSMode=tunnel",
                                        "DNSMode=split",
                                        "SearchDomains=s,t",
                                        "MatchDomains=m",
                                        "Metric=0",
                                        "Metric=9",
                                        "PathMTU=off",
                                        "PathMTU=errors",
                                        "ClampMSS=false",
                                        "IncludeApp=uid 0",
                                        "IncludeApp=uid 1-4294967294",
                                        "ExcludeApp=mark 1",
                                        "ExcludeApp=cgroup a/b,mark 0x80000000/0xf0000000"};
    static const char *const peer[] = {"PresharedKey=" CONF_KEY_C,
                                       "AllowedIPs=::/0,10.9.9.9/8",
                                       "AllowedIPs=",
                                       "Endpoint=[fe80::1%eth0]:1",
                                       "Endpoint=[::ffff:1.2.3.4]:2",
                                       "Endpoint=h:3",
                                       "Endpoint=1.2.3.4:5",
                                       "PersistentKeepalive=65535",
                                       "PersistentKeepalive=off",
                                       "Filter=allow in tcp to port 1,2-3 stateful",
                                       "Filter=reject from ::/0",
                                       "FilterDefault=deny",
                                       "FilterDefault=allow",
                                       "FilterFlows=1",
                                       "FilterFlows=2"};
    static const char *const keys[] = {CONF_KEY_A, CONF_KEY_B, CONF_KEY_C};
    char text[8192] = "[Interface]\n";
    for (size_t n = test_below(seed, 25); n; n--)
        strcat(strcat(text, lines[test_below(seed, sizeof(lines) / sizeof(lines[0]))]), "\n");
    for (size_t i = test_below(seed, 4); i; i--) {
        strcat(strcat(strcat(text, "[Peer]\nPublicKey="), keys[i - 1]), "\n");
        for (size_t n = test_below(seed, 6); n; n--)
            strcat(strcat(text, peer[test_below(seed, sizeof(peer) / sizeof(peer[0]))]), "\n");
    }
    return conf_good(text);
}

START_TEST(reads_back)
{
    uint64_t seed = (uint64_t)_i;
    for (size_t turn = 0; turn < 200; turn++) {
        char out[8192];
        size_t length;
        vpn_conf *conf = random_conf(&seed), *again;
        vpn_conf_error error;
        ck_assert_int_eq(vpn_conf_write(conf, 0, out, sizeof(out), &length), 0);
        ck_assert_int_eq(conf_parse_bytes(&again, out, length, NULL, &error), 0);
        ck_assert_msg(conf_same(conf, again), "%.*s", (int)length, out);
        vpn_conf_free(again);
        for (uint32_t target = VPN_CONF_FOR_WG_QUICK; target <= VPN_CONF_FOR_WG; target++) {
            ck_assert_int_eq(vpn_conf_write(conf, target, out, sizeof(out), &length), 0);
            ck_assert_int_eq(conf_parse_bytes(&again, out, length, NULL, &error), 0);
            ck_assert(conf_same_peers(conf, again));
            vpn_conf_free(again);
        }
        vpn_conf_free(conf);
    }
}
END_TEST

static void refused(const vpn_conf *conf)
{
    char out[1024];
    size_t length = 9;
    memset(out, 'x', sizeof(out));
    ck_assert_int_eq(vpn_conf_write(conf, 0, out, sizeof(out), &length), VPN_EINVAL);
    ck_assert_uint_eq(length, 0);
    ck_assert(test_is_zero(out, sizeof(out)));
}

static void put_file(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

/* What `wg-quick strip` leaves of a file, read again. */
static vpn_conf *stripped(const char *folder, const char *text, size_t length)
{
    char command[256], name[128], out[16384];
    snprintf(name, sizeof(name), "%s/vpn0.conf", folder);
    snprintf(command, sizeof(command), "wg-quick strip %s 2>&1", name);
    put_file(name, text, length);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t n = fread(out, 1, sizeof(out) - 1, pipe);
    ck_assert_int_eq(pclose(pipe), 0);
    out[n] = '\0';
    return conf_good(out);
}

/* The real wg-quick takes what is written for it, and keeps of it for wg what we would. */
START_TEST(as_wg_quick_strips)
{
    char folder[] = "/tmp/vpn-conf-XXXXXX", out[8192], name[128];
    uint64_t seed = 11;
    size_t length;
    if (getuid() != 0 || system("command -v wg-quick >/dev/null") != 0)
        return; /* it becomes root by itself, and is not to ask for a password here */
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t turn = 0; turn < 12; turn++) {
        vpn_conf *conf = random_conf(&seed), *ours, *theirs;
        ck_assert_int_eq(vpn_conf_write(conf, VPN_CONF_FOR_WG_QUICK, out, sizeof(out), &length), 0);
        theirs = stripped(folder, out, length);
        ck_assert_int_eq(vpn_conf_write(conf, VPN_CONF_FOR_WG, out, sizeof(out), &length), 0);
        ck_assert_int_eq(conf_parse_bytes(&ours, out, length, NULL, NULL), 0);
        ck_assert(conf_same(ours, theirs));
        vpn_conf_free(conf);
        vpn_conf_free(ours);
        vpn_conf_free(theirs);
    }
    snprintf(name, sizeof(name), "%s/vpn0.conf", folder);
    ck_assert_int_eq(remove(name), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* Strings that would become lines of their own, or be read as something else. */
START_TEST(what_cannot_be_written)
{
    static const char *const hooks[] = {"", " a", "a ", "a\nPostUp = b", "a # b", "a\r", "a\x7f"};
    static const char *const names[] = {"", "a b", "a,b", "a\nMTU = 9", "1.2.3.4/8", "-a"};
    vpn_conf base = {.size = sizeof(base)}, conf;
    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
        conf = base, conf.pre_up = &hooks[i], conf.pre_up_count = 1, refused(&conf);
        conf = base, conf.post_down = &hooks[i], conf.post_down_count = 1, refused(&conf);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        vpn_conf_peer peer = {.host = names[i]};
        conf = base, conf.search = &names[i], conf.search_count = 1, refused(&conf);
        conf = base, conf.match = &names[i], conf.match_count = 1, refused(&conf);
        conf = base, conf.peers = &peer, conf.peer_count = 1, refused(&conf);
    }
    vpn_prefix bad = {.family = 4, .bits = 33};
    conf = base, conf.addresses = &bad, conf.address_count = 1, refused(&conf);
    conf = base, conf.exclude = &bad, conf.exclude_count = 1, refused(&conf);
    static const vpn_conf_app apps[] = {{VPN_APP_UID, 0, 2, 1, NULL},
                                        {VPN_APP_UID, 0, 0, UINT32_MAX, NULL},
                                        {VPN_APP_CGROUP, 0, 0, 0, NULL},
                                        {VPN_APP_CGROUP, 0, 0, 0, "a\nb"},
                                        {VPN_APP_MARK, 0, 0, 1, NULL},
                                        {VPN_APP_MARK, 0, 2, 1, NULL},
                                        {9, 0, 1, 1, NULL}};
    for (size_t i = 0; i < sizeof(apps) / sizeof(apps[0]); i++)
        conf = base, conf.apps = &apps[i], conf.app_count = 1, refused(&conf);
    conf = base, conf.mtu = 67, refused(&conf);
    conf = base, conf.dns_mode = 3, refused(&conf);
    conf = base, conf.fail_mode = 2, refused(&conf);
    conf = base, conf.path_mtu = 3, refused(&conf);
    conf = base, conf.size--, refused(&conf);
    char out[64];
    size_t length;
    ck_assert_int_eq(vpn_conf_write(&base, 3, out, sizeof(out), &length), VPN_EINVAL);
    ck_assert_int_eq(vpn_conf_write(&base, 0, NULL, 1, &length), VPN_EINVAL);
    ck_assert_int_eq(vpn_conf_write(&base, 0, NULL, 0, &length), VPN_ESPACE);
    ck_assert_uint_eq(length, 12);
}
END_TEST

static Suite *conf_write_suite(void)
{
    Suite *suite = suite_create("conf_write");
    test_add(suite, "for each reader", for_each_reader);
    test_add(suite, "every capacity", every_capacity);
    test_loop(suite, "reads back", reads_back, 10);
    test_add(suite, "as wg-quick strips", as_wg_quick_strips);
    test_add(suite, "what cannot be written", what_cannot_be_written);
    return suite;
}

TEST_MAIN(conf_write_suite)
