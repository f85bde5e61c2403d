/* SPDX-License-Identifier: MIT */
/* A console's terminal: see terminal.h. */
#include "backends/consoled/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "backends/consoled/backlog.h"

#define HANDED_ON_MS 20

void terminal_none(struct terminal *t)
{
    *t = (struct terminal){.master = -1, .slave = -1, .watch = -1};
}

static int set_up(const struct terminal *t)
{
    struct termios how;

    if (tcgetattr(t->slave, &how))
        return -1;
    cfmakeraw(&how);
    return tcsetattr(t->slave, TCSANOW, &how) || fcntl(t->master, F_SETFL, O_NONBLOCK) ||
                   fcntl(t->master, F_SETFD, FD_CLOEXEC) || fcntl(t->slave, F_SETFD, FD_CLOEXEC)
               ? -1
               : 0;
}

int terminal_open(struct terminal *t, int inotify, char name[64])
{
    int err;

    terminal_none(t);
    if (openpty(&t->master, &t->slave, name, NULL, NULL))
        return -1;
    if (set_up(t) == 0)
        t->watch = inotify_add_watch(inotify, name, IN_OPEN | IN_CLOSE);
    if (t->watch >= 0)
        return 0;
    err = errno;
    terminal_close(t, inotify);
    errno = err;
    return -1;
}

void terminal_close(struct terminal *t, int inotify)
{
    if (t->watch >= 0)
        inotify_rm_watch(inotify, t->watch);
    if (t->master >= 0)
        close(t->master);
    if (t->slave >= 0)
        close(t->slave);
    terminal_none(t);
}

/* What the backlog had to forget is not passed over in silence. */
static bool tell_gap(struct terminal *t, struct backlog *b)
{
    char note[96];
    int n;

    if (!b->lost)
        return true;
    n = snprintf(note, sizeof(note), "\r\n[bonsai-consoled: %llu bytes are missing here]\r\n",
                 (unsigned long long)b->lost);
    if (write(t->master, note, (size_t)n) <= 0)
        return false;
    b->lost = 0;
    return true;
}

void terminal_feed(struct terminal *t, struct backlog *b)
{
    while (b->used && tell_gap(t, b)) {
        size_t n;
        const char *p = backlog_head(b, &n);
        ssize_t done = write(t->master, p, n);

        if (done <= 0)
            return; /* full: poll() tells when it is not */
        backlog_drop(b, (size_t)done);
    }
}

size_t terminal_unread(const struct terminal *t)
{
    int n = 0;

    return t->slave >= 0 && ioctl(t->slave, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

void terminal_take_back(struct terminal *t, struct backlog *b)
{
    static char text[1 << 17]; /* more than a terminal holds */
    struct pollfd more = {.fd = t->slave, .events = POLLIN};
    size_t n = 0;
    ssize_t got;

    /* the kernel hands on in the background what does not fit its reader's buffer */
    while (n < sizeof(text) && poll(&more, 1, HANDED_ON_MS) > 0 &&
           (got = read(t->slave, text + n, sizeof(text) - n)) > 0)
        n += (size_t)got;
    backlog_put_back(b, text, n);
}
