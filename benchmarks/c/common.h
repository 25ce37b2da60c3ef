/* What the C programs of the bench share: SHA-1, clocks, a listening socket, reading a request's head. */
#ifndef COMMON_H
#define COMMON_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static inline double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

typedef struct {
    uint32_t h[5];
    uint64_t total;
    unsigned char block[64];
} Sha1;

static inline void sha1_block(Sha1 *s, const unsigned char *p) {
    uint32_t w[80], a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 80; i++) {
        uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
        w[i] = x << 1 | x >> 31;
    }
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5A827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                              : (b ^ c ^ d) + 0xCA62C1D6;
        uint32_t t = (a << 5 | a >> 27) + f + e + w[i];
        e = d, d = c, c = b << 30 | b >> 2, b = a, a = t;
    }
    s->h[0] += a, s->h[1] += b, s->h[2] += c, s->h[3] += d, s->h[4] += e;
}

static inline void sha1_init(Sha1 *s) {
    *s = (Sha1){.h = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}};
}

static inline void sha1_add(Sha1 *s, const void *data, size_t n) {
    const unsigned char *p = data;
    while (n) {
        size_t used = s->total % 64, take = 64 - used < n ? 64 - used : n;
        memcpy(s->block + used, p, take);
        s->total += take, p += take, n -= take;
        if (s->total % 64 == 0) sha1_block(s, s->block);
    }
}

static inline void sha1_end(Sha1 *s, unsigned char out[20]) {
    uint64_t bits = s->total * 8;
    sha1_add(s, "\x80", 1);
    while (s->total % 64 != 56) sha1_add(s, "", 1);
    unsigned char tail[8];
    for (int i = 0; i < 8; i++) tail[i] = bits >> (56 - 8 * i);
    sha1_add(s, tail, 8);
    for (int i = 0; i < 20; i++) out[i] = s->h[i / 4] >> (24 - 8 * (i % 4));
}

/* Listen on a free port of loopback and tell it on standard output. */
static inline int listen_and_tell(void) {
    int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    if (s < 0 || bind(s, (struct sockaddr *)&a, n) || listen(s, 512)) die("listen");
    getsockname(s, (struct sockaddr *)&a, &n);
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    return s;
}
#endif
