/* SPDX-License-Identifier: ISC */
#include "config/filter_line.h"
#include "common/test.h"

static int read_line(struct vpn__filter_line *line, const char *text, vpn_rule_error *error)
{
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    int result = vpn__filter_line_read(line, copy, length, error);
    free(copy);
    return result;
}

/* What a line reads as when it is written. */
static const struct {
    const char *text, *written;
} good[] = {
    {"deny", "deny"},
    {"  Reject  ", "reject"},
    {"allow in tcp to 10.0.0.0/24 port 22,443 stateful", NULL},
    {"ALLOW IN TCP TO 10.0.0.7/24 PORT 22 , 443 STATEFUL", "allow in tcp to 10.0.0.0/24 port 22,443 stateful"},
    {"allow proto tcp from any to any port 22", "allow tcp to port 22"},
    {"allow tcp from port 1-1,2-3", "allow tcp from port 1,2-3"},
    {"deny out udp from fd00::1 port 53 to fd00::/8 port 0-65535",
     "deny out udp from fd00::1/128 port 53 to fd00::/8 port 0-65535"},
    {"allow proto 17", "allow udp"},
    {"allow proto 89 from 192.0.2.1", "allow proto 89 from 192.0.2.1/32"},
    {"allow in icmp type echo-request stateful", NULL},
    {"allow in icmp type 8", "allow in icmp type echo-request"},
    {"allow in icmp type 3 code 4", "allow in icmp type destination-unreachable code 4"},
    {"allow icmpv6 type 200", "allow icmp6 type 200"},
    {"allow icmp6 type packet-too-big to 2001:db8::/32", NULL},
    {"reject tcp flags S/SA", NULL},
    {"deny tcp from 10.0.0.0/8 flags /fsrpauew", "deny tcp from 10.0.0.0/8 flags /FSRPAUEW"},
    {"deny tcp flags sf/rfs", "deny tcp flags FS/FSR"},
    {"allow in sctp to port 1,2,3,4,5,6,7,8,9,10,11,12", NULL},
    {"allow from 0.0.0.0/0", NULL},
    {"allow to ::/0", NULL},
    {"allow gre", NULL},
};

START_TEST(written_in_one_way)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *want = good[i].written ? good[i].written : good[i].text;
        char out[VPN_FILTER_LINE_CHARS];
        struct vpn__text text = {.out = out, .capacity = sizeof out};
        struct vpn__filter_line line;
        ck_assert_msg(read_line(&line, good[i].text, NULL) == 0, "%s", good[i].text);
        vpn__filter_line_write(&line, &text);
        ck_assert_msg(text.length == strlen(want) && memcmp(out, want, text.length) == 0, "%.*s\n%s", (int)text.length,
                      out, want);
    }
}
END_TEST

/* A fault, the byte that is to blame, and a part of the sentence. */
static const struct {
    const char *text;
    size_t at;
    const char *why;
} bad[] = {
    {"", 0, "comes first"},
    {"  drop", 2, "comes first"},
    {"in allow", 0, "comes first"},
    {"allow both", 6, "not expected"},
    {"allow tcp in", 10, "not expected"},
    {"allow in out", 9, "not expected"},
    {"allow stateful tcp", 15, "not expected"},
    {"deny in tcp stateful", 12, "stateful"},
    {"reject stateful", 7, "stateful"},
    {"allow proto", 11, "protocol"},
    {"allow proto 256", 12, "protocol"},
    {"allow proto foo", 12, "protocol"},
    {"allow to port 22", 9, "need a protocol"},
    {"allow icmp to port 22", 14, "need a protocol"},
    {"allow tcp to port", 17, "not a port"},
    {"allow tcp to port 65536", 18, "not a port"},
    {"allow tcp to port 22,", 21, "not a port"},
    {"allow tcp to port ,22", 18, "not a port"},
    {"allow tcp to port 22,,23", 21, "not a port"},
    {"allow tcp to port 5-4", 18, "before it begins"},
    {"allow tcp to port 5-", 18, "range"},
    {"allow tcp to port 5-70000", 18, "range"},
    {"allow tcp to port ssh", 18, "not a port"},
    {"allow tcp to port 1,2,3,4,5,6,7,8,9,10,11,12,13", 45, "at most 12"},
    {"allow to", 8, "neither a prefix"},
    {"allow to 10.0.0.0/33", 9, "neither a prefix"},
    {"allow to 10.0.0", 9, "neither a prefix"},
    {"allow from 10.0.0.0/8 to fd00::/8", 25, "one family"},
    {"allow icmp to fd00::/8", 14, "icmp6"},
    {"allow icmp6 from any to 10.0.0.0/8", 24, "icmp6"},
    {"allow from 10.0.0.0/8, 11.0.0.0/8", 21, "not expected"},
    {"allow to any from any", 13, "not expected"},
    {"allow icmp type", 15, "not a type"},
    {"allow icmp type 256", 16, "not a type"},
    {"allow icmp type packet-too-big", 16, "not a type"},
    {"allow icmp type 3 code", 22, "not a code"},
    {"allow icmp code 4", 11, "not expected"},
    {"allow tcp type 8", 10, "not expected"},
    {"allow udp flags S/S", 10, "of tcp"},
    {"allow tcp flags", 15, "SET/MASK"},
    {"allow tcp flags S", 16, "SET/MASK"},
    {"allow tcp flags S/", 16, "SET/MASK"},
    {"allow tcp flags S/A", 16, "in the mask"},
    {"allow tcp flags SX/SA", 17, "not a flag"},
    {"allow tcp flags S/SAS", 20, "not a flag"},
};

START_TEST(faults_at_their_place)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct vpn__filter_line line;
        vpn_rule_error error = {0, NULL};
        ck_assert_msg(read_line(&line, bad[i].text, &error) == VPN_EFORMAT, "%s", bad[i].text);
        ck_assert_msg(error.at == bad[i].at && strstr(error.why, bad[i].why), "%s\n%zu %s", bad[i].text, error.at,
                      error.why);
    }
}
END_TEST

static Suite *filter_line_suite(void)
{
    Suite *suite = suite_create("filter_line");
    test_add(suite, "written in one way", written_in_one_way);
    test_add(suite, "faults at their place", faults_at_their_place);
    return suite;
}

TEST_MAIN(filter_line_suite)
