/* Plays an exchange: upgrades, then sends prepared frames, as fast as they are taken or at a rate.

   sender FILE PROLOGUE REPEAT RATE [CERT KEY]

   FILE holds whole server frames; the first PROLOGUE bytes go out once, what follows REPEAT times. RATE 0: as
   fast as possible; else frames a second, one segment each, by an absolute schedule whose begin is told on
   standard output ("start SECONDS" of the monotonic clock). Then the line is held with heartbeats. */
#include "common.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
static SSL_CTX *context;
static SSL *tls;
#endif

static const double LEAD = 0.05; /* seconds between the prologue and the schedule's begin */
static const unsigned char HEARTBEAT[] = "\x81\x08[0,\"hb\"]";

static void put(int s, const unsigned char *data, size_t n) {
    while (n) {
        ssize_t sent;
#ifdef WITH_TLS
        if (tls)
            sent = SSL_write(tls, data, n > 1 << 20 ? 1 << 20 : (int)n);
        else
#endif
            sent = send(s, data, n, MSG_NOSIGNAL);
        if (sent <= 0) exit(0); /* the consumer has left */
        data += sent, n -= sent;
    }
}

static ssize_t get(int s, char *data, size_t n) {
#ifdef WITH_TLS
    if (tls) return SSL_read(tls, data, (int)n);
#endif
    return recv(s, data, n, 0);
}

static void upgrade(int s) {
    static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char B64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char head[8192] = "", accept[29], answer[256];
    size_t have = 0;
    while (!strstr(head, "\r\n\r\n")) {
        ssize_t n = have < sizeof head - 1 ? get(s, head + have, sizeof head - 1 - have) : -1;
        if (n <= 0) exit(0);
        have += n, head[have] = 0;
    }
    char *key = strcasestr(head, "\r\nsec-websocket-key:");
    if (!key) exit(1);
    key += 20, key += strspn(key, " ");
    Sha1 sha;
    unsigned char digest[21] = {0};
    sha1_init(&sha);
    sha1_add(&sha, key, strcspn(key, " \r"));
    sha1_add(&sha, GUID, sizeof GUID - 1);
    sha1_end(&sha, digest);
    for (int i = 0, o = 0; i < 21; i += 3) {
        uint32_t v = digest[i] << 16 | digest[i + 1] << 8 | digest[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) accept[o++] = B64[v >> shift & 63];
    }
    accept[27] = '=', accept[28] = 0;
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    put(s, (unsigned char *)answer, n);
}

static size_t frame_length(const unsigned char *f) {
    size_t n = f[1];
    if (n < 126) return 2 + n;
    if (n == 126) return 4 + (f[2] << 8 | f[3]);
    size_t big = 0;
    for (int i = 2; i < 10; i++) big = big << 8 | f[i];
    return 10 + big;
}

static void play_live(int s, const unsigned char *data, size_t size, long repeat, double rate) {
    double start = now() + LEAD;
    long index = 0;
    printf("start %.9f\n", start);
    fflush(stdout);
    while (repeat--)
        for (const unsigned char *f = data; f < data + size; index++) {
            double due = start + index / rate;
            struct timespec at = {.tv_sec = (time_t)due, .tv_nsec = (long)((due - (time_t)due) * 1e9)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
            size_t n = frame_length(f);
            put(s, f, n);
            f += n;
        }
}

static void hold(int s) {
    char bin[4096];
    struct pollfd p = {.fd = s, .events = POLLIN};
    for (;;) {
        if (poll(&p, 1, 5000) == 0)
            put(s, HEARTBEAT, sizeof HEARTBEAT - 1);
        else if (get(s, bin, sizeof bin) <= 0)
            exit(0);
    }
}

int main(int argc, char **argv) {
    if (argc < 5) return fprintf(stderr, "usage: sender FILE PROLOGUE REPEAT RATE [CERT KEY]\n"), 2;
    int file = open(argv[1], O_RDONLY), one = 1;
    struct stat st;
    if (file < 0 || fstat(file, &st)) die(argv[1]);
    const unsigned char *data = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    size_t prologue = strtoul(argv[2], NULL, 10);
    long repeat = atol(argv[3]);
    double rate = atof(argv[4]);
    signal(SIGCHLD, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#ifdef WITH_TLS
    if (argc > 6) {
        context = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_file(context, argv[5], SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_use_PrivateKey_file(context, argv[6], SSL_FILETYPE_PEM) != 1)
            die("certificate");
    }
#else
    if (argc > 6) return fprintf(stderr, "built without TLS\n"), 3;
#endif
    int door = listen_and_tell();
    for (;;) {
        int s = accept(door, NULL, NULL);
        if (s < 0) continue;
        if (fork()) {
            close(s);
            continue;
        }
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        prctl(PR_SET_TIMERSLACK, 1);
        setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifdef WITH_TLS
        if (context) {
            tls = SSL_new(context);
            SSL_set_fd(tls, s);
            if (SSL_accept(tls) != 1) exit(1);
        }
#endif
        upgrade(s);
        put(s, data, prologue);
        if (rate > 0)
            play_live(s, data + prologue, st.st_size - prologue, repeat, rate);
        else
            while (repeat--) put(s, data + prologue, st.st_size - prologue);
        hold(s);
    }
}
