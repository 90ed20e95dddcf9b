/* SPDX-License-Identifier: ISC */
/* Options of real sockets, of which one refuses. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tunnel/udp_linux.h"

#include "common/test.h"

/* Not called here. */
void udp_send_alike(udp *u, const vpn_packet *packets, size_t n)
{
    (void)u;
    (void)packets;
    (void)n;
}

static int option(int fd, int name)
{
    int value = -1;
    socklen_t length = sizeof value;

    ck_assert_int_eq(getsockopt(fd, IPPROTO_IP, name, &value, &length), 0);
    return value;
}

START_TEST(all_or_nothing)
{
    udp u = {.fd = {socket(AF_INET, SOCK_DGRAM, 0), -1}};
    int closed = dup(u.fd[0]);

    ck_assert_int_ge(u.fd[0], 0);
    ck_assert_int_eq(udp_set_manner(&u, UDP_DEAF), 0);
    ck_assert_int_eq(option(u.fd[0], IP_RECVERR), 0);
    ck_assert_int_eq(close(closed), 0);
    u.fd[1] = closed;
    ck_assert_int_eq(udp_set_manner(&u, UDP_STRICT), EBADF);
    ck_assert_uint_eq(u.manner, UDP_DEAF);
    ck_assert_int_eq(option(u.fd[0], IP_RECVERR), 0);
    ck_assert_int_eq(option(u.fd[0], IP_MTU_DISCOVER), IP_PMTUDISC_DONT);
    u.fd[1] = -1;
    ck_assert_int_eq(udp_set_manner(&u, UDP_STRICT), 0);
    ck_assert_int_eq(option(u.fd[0], IP_RECVERR), 1);
    ck_assert_int_eq(option(u.fd[0], IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
    ck_assert_int_eq(close(u.fd[0]), 0);
}
END_TEST

static Suite *udp_errors_suite(void)
{
    Suite *suite = suite_create("udp_errors");
    TCase *tcase = tcase_create("manner");

    tcase_add_test(tcase, all_or_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(udp_errors_suite)
