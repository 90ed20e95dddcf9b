/* SPDX-License-Identifier: ISC */
/*
 * flood ADDRESS PORT SECONDS RATE: garbage at a listening socket, RATE datagrams a second, and says how many left. Half of
 * them have the type and the length of a message that exists, with random fields; one in a thousand is as long as UDP allows.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BURST    32
#define SHORT    1500u
#define LONGEST  65507u
#define SECOND   UINT64_C(1000000000)
#define ONE_LONG 1000u

static uint64_t state = 1;

static uint64_t draw(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t now(void)
{
    struct timespec is;

    (void)clock_gettime(CLOCK_MONOTONIC, &is);
    return (uint64_t)is.tv_sec * SECOND + (uint64_t)is.tv_nsec;
}

static size_t garbage(uint8_t *out)
{
    static const size_t lengths[] = {148, 92, 64, 32};
    uint64_t kind = draw();
    size_t length = draw() % ONE_LONG == 0 ? LONGEST : draw() % SHORT;

    for (size_t i = 0; i < SHORT; i += 8) {
        uint64_t word = draw();

        memcpy(out + i, &word, 8);
    }
    if (kind & 1) {
        out[0] = (uint8_t)(1 + (kind >> 1) % 4);
        memset(out + 1, 0, 3);
        if (kind & 8)
            length = lengths[out[0] - 1] + (out[0] == 4 ? draw() % 80 * 16 : 0);
    }
    return length;
}

/* Sends one burst and returns how many left. */
static unsigned burst(int fd)
{
    static uint8_t bytes[BURST][LONGEST + 1];
    struct iovec vector[BURST];
    struct mmsghdr message[BURST];
    int sent;

    memset(message, 0, sizeof message);
    for (int i = 0; i < BURST; i++) {
        vector[i] = (struct iovec){.iov_base = bytes[i], .iov_len = garbage(bytes[i])};
        message[i].msg_hdr.msg_iov = &vector[i];
        message[i].msg_hdr.msg_iovlen = 1;
    }
    sent = sendmmsg(fd, message, BURST, 0);
    return sent > 0 ? (unsigned)sent : 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t sent = 0, from, until, rate;

    if (argc != 5 || fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        return 2;
    to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    rate = strtoull(argv[4], NULL, 10);
    from = now();
    until = from + strtoull(argv[3], NULL, 10) * SECOND;
    if (rate == 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        return 2;
    for (uint64_t is = from; is < until; is = now()) {
        if (sent <= (is - from) * rate / SECOND) {
            sent += burst(fd);
        } else {
            struct timespec nap = {.tv_nsec = 500000};

            (void)nanosleep(&nap, NULL);
        }
    }
    (void)printf("%llu\n", (unsigned long long)sent);
    return 0;
}
