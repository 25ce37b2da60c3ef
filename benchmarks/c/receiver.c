/* The limit of receiving: one socket, 64 KiB reads, a walk over the frame headers and nothing else.

   receiver PORT COUNT HASH   (HASH 1: digest of every payload, for the check of what arrived) */
#include "common.h"

static unsigned char buffer[1 << 16];

static int dial(int port) {
    int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof a)) die("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    static const char ask[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    if (send(s, ask, sizeof ask - 1, 0) < 0) die("send");
    return s;
}

/* Read the answer's head; gives how many bytes of frames came with it, at the buffer's begin. */
static size_t upgraded(int s) {
    size_t have = 0;
    for (;;) {
        ssize_t n = recv(s, buffer + have, sizeof buffer - have, 0);
        if (n <= 0) die("upgrade");
        have += n;
        unsigned char *end = memmem(buffer, have, "\r\n\r\n", 4);
        if (end) {
            size_t head = end + 4 - buffer;
            memmove(buffer, buffer + head, have - head);
            return have - head;
        }
    }
}

/* Length of the header, and of the payload; 0 while the header is not whole. */
static size_t header(const unsigned char *f, size_t have, size_t *payload) {
    if (have < 2) return 0;
    size_t n = f[1] & 127, head = n < 126 ? 2 : n == 126 ? 4 : 10;
    if (have < head) return 0;
    *payload = n < 126 ? n : 0;
    for (size_t i = 2; i < head; i++) *payload = *payload << 8 | f[i];
    return head;
}

int main(int argc, char **argv) {
    if (argc < 4) return fprintf(stderr, "usage: receiver PORT COUNT HASH\n"), 2;
    long count = atol(argv[2]), messages = 0;
    int hash = atoi(argv[3]);
    size_t bytes = 0;
    Sha1 sha;
    sha1_init(&sha);
    int s = dial(atoi(argv[1]));
    size_t have = upgraded(s);
    double began = now(), used = cpu();
    while (messages < count) {
        size_t at = 0, payload;
        for (size_t head; (head = header(buffer + at, have - at, &payload)) && have - at >= head + payload;) {
            if (hash) sha1_add(&sha, buffer + at + head, payload), sha1_add(&sha, "\n", 1);
            messages++, bytes += payload, at += head + payload;
            if (messages == count) break;
        }
        if (messages == count) break;
        memmove(buffer, buffer + at, have - at);
        have -= at;
        ssize_t n = recv(s, buffer + have, sizeof buffer - have, 0);
        if (n <= 0) die("recv");
        have += n;
    }
    printf("{\"seconds\":%.9f,\"cpu\":%.9f,\"messages\":%ld,\"bytes\":%zu,\"digest\":\"", now() - began, cpu() - used,
           messages, bytes);
    unsigned char digest[20];
    sha1_end(&sha, digest);
    for (int i = 0; hash && i < 20; i++) printf("%02x", digest[i]);
    printf("\"}\n");
}
