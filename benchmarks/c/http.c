/* The limit of serving: a finished body from memory, keep-alive, one write for an answer, a thread for each
   connection.

   http FILE   (ends with its input) */
#include "common.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static char *answer;
static size_t length;

static void *serve(void *arg) {
    int s = (int)(intptr_t)arg, one = 1;
    char ask[8192];
    size_t have = 0;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (;;) {
        ssize_t n = recv(s, ask + have, sizeof ask - have, 0);
        if (n <= 0) break;
        have += n;
        if (!memmem(ask, have, "\r\n\r\n", 4)) continue;
        have = 0;
        for (size_t sent = 0; sent < length;) {
            ssize_t m = send(s, answer + sent, length - sent, MSG_NOSIGNAL);
            if (m <= 0) break;
            sent += m;
        }
    }
    close(s);
    return NULL;
}

static void *end_with_input(void *arg) {
    char bin[64];
    while (read(0, bin, sizeof bin) > 0) {}
    exit(0);
    return arg;
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: http FILE\n"), 2;
    int file = open(argv[1], O_RDONLY);
    struct stat st;
    if (file < 0 || fstat(file, &st)) die(argv[1]);
    answer = malloc(st.st_size + 256);
    length = snprintf(answer, 256, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                                   "Content-Length: %ld\r\n\r\n", (long)st.st_size);
    if (read(file, answer + length, st.st_size) != st.st_size) die("read");
    length += st.st_size;
    pthread_t watcher;
    if (pthread_create(&watcher, NULL, end_with_input, NULL)) die("thread");
    int door = listen_and_tell();
    for (;;) {
        int s = accept(door, NULL, NULL);
        pthread_t thread;
        if (s >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)s) == 0) pthread_detach(thread);
    }
}
