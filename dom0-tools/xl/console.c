/* SPDX-License-Identifier: MIT */
/*
 * A terminal on a domain's console: the console daemon offers a pty and names it in the store. The
 * terminal is raw while attached and is restored on every way out. What the guest writes goes to
 * the terminal as it is, as on a serial line.
 */
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/lib/guest_console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define TTY_MS 10000

/* Only a terminal, whatever the store says. */
static int open_tty(const char *tty)
{
    struct stat st;
    int fd;

    if (strncmp(tty, "/dev/", 5) != 0 || strstr(tty, "..") != NULL)
        return -1;
    fd = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) || !isatty(fd))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Carries bytes both ways until the escape character, the end of input or of the console. */
static void relay(int tty, char escape)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = tty, .events = POLLIN}};
    char buffer[4096];

    for (;;) {
        ssize_t n;

        if (poll(fds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (fds[1].revents != 0) {
            n = read(tty, buffer, sizeof(buffer));
            if (n <= 0 || write_all(STDOUT_FILENO, buffer, (size_t)n) != 0)
                return;
        }
        if (fds[0].revents != 0) {
            const char *stop;

            n = read(STDIN_FILENO, buffer, sizeof(buffer));
            if (n <= 0)
                return;
            stop = memchr(buffer, escape, (size_t)n);
            if (write_all(tty, buffer, stop != NULL ? (size_t)(stop - buffer) : (size_t)n) != 0 ||
                stop != NULL)
                return;
        }
    }
}

int xl_open_console(struct store *s, uint32_t domid, unsigned int number)
{
    char *path = number == 0 ? guest_console_terminal(s, domid, TTY_MS)
                             : store_readf(s, STORE_NO_TX, "/local/domain/%u/device/console/%u/tty",
                                           domid, number);
    int tty = path != NULL && *path != '\0' ? open_tty(path) : -1;

    if (tty < 0) {
        fprintf(stderr, "Unable to attach console\n");
        if (path != NULL && *path != '\0')
            fprintf(stderr, "console %u of domain %u: cannot open %s\n", number, domid, path);
        else
            fprintf(stderr, "domain %u has no console %u, or no console daemon is running\n", domid,
                    number);
    }
    free(path);
    return tty;
}

void xl_use_console(int tty, char escape)
{
    struct termios old, raw;
    const bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;

    fflush(stdout);
    if (terminal) {
        raw = old;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    }
    relay(tty, escape);
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    close(tty);
}
