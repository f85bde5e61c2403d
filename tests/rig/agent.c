/* SPDX-License-Identifier: MIT */
/*
 * agent: runs commands in a machine of the rig and brings back their output and exit status.
 *
 *   agent serve DEVICE...          dom0: take the first device on which the host answers our hello
 *   agent listen PORT              guest: every TCP connection is one such channel
 *   agent run ADDRESS PORT CMD     dom0: run CMD in a guest that listens, output and status are
 * ours
 *
 * The channel carries frames, header and payload (struct frame, little endian), so the machine's
 * console, which hypervisor, kernels and shells share, is never parsed. Host to agent: 'H' hello,
 * 'R' run a shell command, 'K' kill a job, 'P' write a file (a byte 0 or 1 = append, the path, NUL,
 * data). Agent to host: 'H', 'O' output of a job, 'X' its exit status (4 bytes; 128 + N: killed by
 * signal N). Jobs run side by side, each in its own session with stdin from /dev/null. A job is
 * over when its first process is: what it leaves in the background goes on, its later output is
 * dropped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { MAGIC = 0xb5, JOBS = 32, CHUNK = 4096, PAYLOAD_MAX = 1 << 20, HELLO_MS = 4000 };

struct frame {
    uint8_t magic;
    uint8_t type;
    uint16_t id;
    uint32_t length;
};

struct job {
    pid_t pid; /* 0: free */
    int out;
    uint16_t id;
};

static struct job jobs[JOBS];

static void die(const char *what)
{
    fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
    exit(125);
}

/* The channel is gone when these return false. */
static bool write_all(int fd, const void *data, size_t n)
{
    const char *p = data;

    while (n) {
        ssize_t w = write(fd, p, n);

        if (w < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (w <= 0) {
            return false;
        }
        p += w;
        n -= (size_t)w;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t n)
{
    char *p = data;

    while (n) {
        ssize_t r = read(fd, p, n);

        if (r < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (r <= 0) {
            return false;
        }
        p += r;
        n -= (size_t)r;
    }
    return true;
}

static bool send_frame(int fd, char type, uint16_t id, const void *data, size_t n)
{
    struct frame f = {.magic = MAGIC, .type = (uint8_t)type, .id = id, .length = (uint32_t)n};

    return write_all(fd, &f, sizeof f) && write_all(fd, data, n);
}

/* Returns the payload, NUL-terminated, to be freed by the caller; NULL when the channel is gone. */
static char *receive_frame(int fd, struct frame *f)
{
    char *data;

    do { /* bytes before a frame are noise of a line that just came up */
        if (!read_all(fd, &f->magic, 1)) {
            return NULL;
        }
    } while (f->magic != MAGIC);
    if (!read_all(fd, &f->type, sizeof *f - 1) || f->length > PAYLOAD_MAX) {
        return NULL;
    }
    data = malloc(f->length + 1);
    if (!data || !read_all(fd, data, f->length)) {
        free(data);
        return NULL;
    }
    data[f->length] = 0;
    return data;
}

static bool send_status(int fd, uint16_t id, uint32_t status)
{
    return send_frame(fd, 'X', id, &status, sizeof status);
}

static bool start_job(int fd, uint16_t id, const char *command)
{
    struct job *j = jobs;
    int out[2];

    while (j < jobs + JOBS && j->pid) {
        j++;
    }
    if (j == jobs + JOBS || pipe2(out, O_CLOEXEC)) {
        static const char why[] = "agent: too many commands at once\n";

        return send_frame(fd, 'O', id, why, sizeof why - 1) && send_status(fd, id, 125);
    }
    j->pid = fork();
    if (j->pid < 0) {
        die("fork");
    }
    if (j->pid == 0) {
        int null = open("/dev/null", O_RDONLY);

        setsid();
        signal(SIGPIPE, SIG_DFL);
        dup2(null, 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    j->out = out[0];
    j->id = id;
    return true;
}

static bool put_file(int fd, uint16_t id, const char *data, size_t n)
{
    const char *path = data + 1, *end = n > 1 ? memchr(path, 0, n - 1) : NULL;
    uint32_t status = 1;

    if (end) {
        int to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (data[0] ? O_APPEND : O_TRUNC), 0755);

        if (to >= 0) {
            status = !write_all(to, end + 1, n - (size_t)(end + 1 - data));
            close(to);
        }
    }
    return send_status(fd, id, status);
}

static bool take_order(int fd)
{
    struct frame f;
    char *data = receive_frame(fd, &f);
    bool ok = true;

    if (!data) {
        return false;
    }
    if (f.type == 'H') {
        ok = send_frame(fd, 'H', 0, "", 0);
    } else if (f.type == 'R') {
        ok = start_job(fd, f.id, data);
    } else if (f.type == 'P') {
        ok = put_file(fd, f.id, data, f.length);
    } else if (f.type == 'K') {
        for (struct job *j = jobs; j < jobs + JOBS; j++) {
            if (j->pid && j->id == f.id) {
                kill(-j->pid, SIGKILL);
            }
        }
    }
    free(data);
    return ok;
}

static bool pass_output(int fd, const struct job *j)
{
    char buffer[CHUNK];
    ssize_t n;

    while ((n = read(j->out, buffer, sizeof buffer)) > 0) {
        if (!send_frame(fd, 'O', j->id, buffer, (size_t)n)) {
            return false;
        }
    }
    return true;
}

/* Ask for the status first and drain the pipe after: nothing written before the exit is lost. */
static bool look_after(int fd, struct job *j)
{
    int status;
    bool over = waitpid(j->pid, &status, WNOHANG) == j->pid;

    if (!pass_output(fd, j)) {
        return false;
    }
    if (!over) {
        return true;
    }
    close(j->out);
    j->pid = 0;
    return send_status(fd, j->id,
                       WIFEXITED(status) ? WEXITSTATUS(status) : 128u + (uint32_t)WTERMSIG(status));
}

static int child_exit[2]; /* a SIGCHLD wakes poll() through this pipe */

static void on_child(int signal_number)
{
    int saved = errno;

    (void)signal_number;
    (void)!write(child_exit[1], "", 1); /* full: poll() wakes anyhow */
    errno = saved;
}

/* Until the channel is gone. The pipe is this process's own: 'listen' has one server a connection.
 */
static void serve(int fd)
{
    struct pollfd p[2 + JOBS];
    char drain[64];

    if (child_exit[1] == 0 && pipe2(child_exit, O_CLOEXEC | O_NONBLOCK)) {
        die("pipe");
    }
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child, .sa_flags = SA_RESTART}, NULL);

    for (;;) {
        nfds_t n = 2;

        p[0] = (struct pollfd){.fd = fd, .events = POLLIN};
        p[1] = (struct pollfd){.fd = child_exit[0], .events = POLLIN};
        for (struct job *j = jobs; j < jobs + JOBS; j++) {
            if (j->pid) {
                p[n++] = (struct pollfd){.fd = j->out, .events = POLLIN};
            }
        }
        /* a pipe at its end stays readable until the job's exit is seen: a short sleep, no spin */
        if (poll(p, n, -1) < 0 && errno != EINTR) {
            die("poll");
        }
        while (read(child_exit[0], drain, sizeof drain) > 0) {
        }
        for (struct job *j = jobs; j < jobs + JOBS; j++) {
            if (j->pid && !look_after(fd, j)) {
                return;
            }
        }
        for (nfds_t i = 2; i < n; i++) {
            if ((p[i].revents & (POLLIN | POLLHUP)) == POLLHUP) {
                usleep(10000);
            }
        }
        if ((p[0].revents & (POLLIN | POLLHUP | POLLERR)) && !take_order(fd)) {
            return;
        }
    }
}

/* A serial port in raw mode and without interrupts: it works on the most broken machine. */
static void set_up_line(int fd)
{
    struct serial_struct s;
    struct termios t;

    if (tcgetattr(fd, &t)) {
        return; /* not a terminal: a virtio port */
    }
    cfmakeraw(&t);
    cfsetspeed(&t, B115200);
    t.c_cflag |= CLOCAL;
    tcsetattr(fd, TCSANOW, &t);
    if (!ioctl(fd, TIOCGSERIAL, &s)) {
        s.irq = 0;
        ioctl(fd, TIOCSSERIAL, &s);
    }
    tcflush(fd, TCIOFLUSH);
}

static bool hello(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct frame f;
    char *data;

    if (!send_frame(fd, 'H', 0, "", 0) || poll(&p, 1, HELLO_MS) != 1 || !(p.revents & POLLIN)) {
        return false;
    }
    data = receive_frame(fd, &f);
    free(data);
    return data && f.type == 'H';
}

static _Noreturn void serve_devices(char **devices)
{
    for (char **d = devices;; d = d[1] ? d + 1 : devices) {
        int fd = open(*d, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

        if (fd >= 0) {
            set_up_line(fd);
            fcntl(fd, F_SETFL, 0);
            if (hello(fd)) {
                serve(fd);
            }
            close(fd);
        }
        usleep(100000);
    }
}

static _Noreturn void listen_on(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 8)) {
        die("listen");
    }
    for (;;) {
        int fd = accept4(s, NULL, NULL, SOCK_CLOEXEC);

        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (fd >= 0 && fork() == 0) {
            close(s);
            setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
            serve(fd);
            for (struct job *j = jobs; j < jobs + JOBS; j++) {
                if (j->pid) {
                    kill(-j->pid, SIGKILL);
                }
            }
            _exit(0);
        }
        close(fd);
    }
}

static int run(const char *address, uint16_t port, const char *command)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct frame f;
    char *data;

    if (inet_pton(AF_INET, address, &a.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&a, sizeof a)) {
        die(address);
    }
    if (!send_frame(fd, 'R', 1, command, strlen(command))) {
        die("send");
    }
    while ((data = receive_frame(fd, &f))) {
        if (f.type == 'O') {
            write_all(1, data, f.length);
        } else if (f.type == 'X') {
            return (unsigned char)data[0];
        }
        free(data);
    }
    fprintf(stderr, "agent: %s closed the connection before the command ended\n", address);
    return 125;
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "run")) {
        return run(argv[2], (uint16_t)atoi(argv[3]), argv[4]);
    }
    signal(SIGPIPE, SIG_IGN);
    if (argc >= 3 && !strcmp(argv[1], "serve")) {
        serve_devices(argv + 2);
    }
    if (argc == 3 && !strcmp(argv[1], "listen")) {
        listen_on((uint16_t)atoi(argv[2]));
    }
    fprintf(stderr, "usage: agent serve DEVICE... | listen PORT | run ADDRESS PORT COMMAND\n");
    return 2;
}
