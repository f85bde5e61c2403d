/* SPDX-License-Identifier: MIT */
/*
 * The daemon as a whole, on plain Linux: started in a folder of its own, talked to over its socket
 * by the client library, by raw messages, and by the xenstore-* commands as a user types them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenstore/client.h"
#include "xenstore/wire.h"

static char dir[] = "/tmp/store-test-XXXXXX", daemon_path[4096], bin_path[4096];

/* Runs a command line with our tools first in PATH; its status. Output, both streams, goes to out.
 */
static int run(const char *command, char *out, size_t size)
{
    char line[8192];
    size_t have = 0, n;
    snprintf(line, sizeof(line), "PATH='%s':$PATH; exec 2>&1; %s", bin_path, command);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    while (have + 1 < size && (n = fread(out + have, 1, size - 1 - have, f)) > 0)
        have += n;
    out[have] = '\0';
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const char *command, int status, const char *text)
{
    char out[8192];
    int got = run(command, out, sizeof(out));
    if (got != status || strcmp(out, text) != 0)
        fail_msg("%s\n  status %d, not %d; it says:\n%s\n  not:\n%s", command, got, status, out,
                 text);
}

static pid_t daemon_pid(void)
{
    char path[64];
    int pid = 0;
    snprintf(path, sizeof(path), "%s/pid", dir);
    FILE *f = fopen(path, "r");
    if (f != NULL) {
        if (fscanf(f, "%d", &pid) != 1)
            pid = 0;
        fclose(f);
    }
    return pid;
}

static int start(void **state)
{
    char out[1024], command[8300], self[3000];
    (void)state;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0 || mkdtemp(dir) == NULL)
        return -1;
    self[n] = '\0';
    *strrchr(self, '/') = '\0'; /* build/tests/host */
    snprintf(daemon_path, sizeof(daemon_path), "%s/../store/bonsai-xenstored", self);
    snprintf(bin_path, sizeof(bin_path), "%s/../../bin", self);
    setenv("XENSTORED_RUNDIR", dir, 1);
    unsetenv("XENSTORED_PATH");
    /* what the sanitizers find in the background goes into files, and is found by stop() */
    snprintf(command, sizeof(command), "log_path=%s/sanitizer", dir);
    setenv("ASAN_OPTIONS", command, 1);
    setenv("UBSAN_OPTIONS", command, 1);
    /* it must answer as soon as the command is back */
    snprintf(command, sizeof(command), "%s -F %s/pid && xenstore-exists /tool", daemon_path, dir);
    if (run(command, out, sizeof(out)) == 0)
        return 0;
    print_error("%s", out);
    return -1;
}

static int stop(void **state)
{
    char out[8192], command[64];
    pid_t pid = daemon_pid();
    (void)state;
    if (pid <= 0 || kill(pid, SIGTERM) != 0)
        return -1;
    for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
        usleep(50000);
    snprintf(command, sizeof(command), "cd %s && tail -n +1 *", dir);
    run(command, out, sizeof(out));
    if (rmdir(dir) == 0)
        return 0; /* socket and pid file are gone, and nothing else was left */
    print_error("left behind: %s", out);
    return -1;
}

static void client_library(void **state)
{
    struct store *s = store_open();
    size_t n;
    uint64_t v;
    (void)state;
    assert_non_null(s);
    assert_int_equal(store_write(s, STORE_NO_TX, "/lib/a", "x\0y", 3), 0);
    char *value = store_read(s, STORE_NO_TX, "/lib/a", &n);
    assert_int_equal(n, 3);
    assert_memory_equal(value, "x\0y", 4);
    free(value);
    assert_null(store_read(s, STORE_NO_TX, "/lib/none", NULL));
    assert_int_equal(errno, ENOENT);
    assert_null(store_read(s, STORE_NO_TX, "/lib/", NULL));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(store_exists(s, STORE_NO_TX, "/lib/a"), 1);
    assert_int_equal(store_exists(s, STORE_NO_TX, "/lib/b"), 0);
    assert_int_equal(store_writef(s, STORE_NO_TX, "18446744073709551615", "/lib/%d", 7), 0);
    assert_int_equal(store_read_u64(s, STORE_NO_TX, &v, "/lib/%d", 7), 0);
    assert_true(v == UINT64_MAX);
    static const char *const no_numbers[] = {
        "", "-1", "1x", " 1", "0x", "x", "18446744073709551616"};
    for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++) {
        assert_int_equal(store_printf(s, STORE_NO_TX, "/lib/7", "%s", no_numbers[i]), 0);
        assert_int_equal(store_read_u64(s, STORE_NO_TX, &v, "/lib/7"), -1);
        assert_int_equal(errno, EINVAL);
    }
    assert_int_equal(store_printf(s, STORE_NO_TX, "/lib/7", "0x%x", 255), 0);
    assert_int_equal(store_read_u64(s, STORE_NO_TX, &v, "/lib/7"), 0);
    assert_int_equal(v, 255);
    char **names = store_directoryf(s, STORE_NO_TX, &n, "/%s", "lib");
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "a");
    assert_string_equal(names[1], "7");
    assert_null(names[2]);
    free(names);
    static const struct store_perm perms[] = {{0, STORE_NONE}, {3, STORE_READ}, {4, STORE_BOTH}};
    assert_int_equal(store_set_perms(s, STORE_NO_TX, "/lib/a", perms, 3), 0);
    struct store_perm *got = store_get_perms(s, STORE_NO_TX, "/lib/a", &n);
    assert_int_equal(n, 3);
    assert_int_equal(got[2].domid, 4);
    assert_int_equal(got[2].access, STORE_BOTH);
    free(got);
    char *home = store_domain_path(s, 12);
    assert_string_equal(home, "/local/domain/12");
    free(home);
    assert_int_equal(store_is_introduced(s, 0), 1);
    assert_int_equal(store_is_introduced(s, 5), 0);
    assert_int_equal(store_introduce(s, 5, 1, 2), -1); /* no such domain: there is no Xen */
    assert_int_equal(errno, EINVAL);
    assert_int_equal(store_release(s, 5), -1);
    assert_int_equal(errno, ENOENT);
    char big[5000];
    memset(big, 'x', sizeof(big));
    assert_int_equal(store_write(s, STORE_NO_TX, "/lib/a", big, sizeof(big)), -1);
    assert_int_equal(errno, E2BIG);
    assert_int_equal(store_rm(s, STORE_NO_TX, "/lib"), 0);
    store_close(s);
}

static void client_long_directory(void **state)
{
    struct store *s = store_open();
    size_t n;
    (void)state;
    for (int i = 0; i < 2000; i++)
        assert_int_equal(store_mkdirf(s, STORE_NO_TX, "/many/name-%06d", i), 0);
    char **names = store_directory(s, STORE_NO_TX, "/many", &n);
    assert_non_null(names);
    assert_int_equal(n, 2000);
    for (int i = 0; i < 2000; i++) {
        char want[32];
        snprintf(want, sizeof(want), "name-%06d", i);
        assert_string_equal(names[i], want);
    }
    free(names);
    assert_int_equal(store_rm(s, STORE_NO_TX, "/many"), 0);
    store_close(s);
}

static void client_events(void **state)
{
    struct store *s = store_open(), *other = store_open();
    struct store_event *event;
    (void)state;
    assert_int_equal(store_watch(s, "/ev", "tok"), 0);
    assert_int_equal(store_watch(s, "/ev", "tok"), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(store_wait_event(s, 5000, &event), 1);
    assert_string_equal(event->path, "/ev");
    assert_string_equal(event->token, "tok");
    free(event);
    assert_int_equal(store_next_event(s, &event), 0);
    struct pollfd p = {.fd = store_fd(s), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(store_writef(other, STORE_NO_TX, "v", "/ev/%d", i), 0);
    assert_int_equal(poll(&p, 1, 5000), 1);
    free(store_read(s, STORE_NO_TX, "/ev/5", NULL)); /* events met on the way are kept */
    for (int i = 0; i < 100; i++) {
        char want[16];
        snprintf(want, sizeof(want), "/ev/%d", i);
        assert_int_equal(store_wait_event(s, 5000, &event), 1);
        assert_string_equal(event->path, want);
        free(event);
    }
    assert_int_equal(store_unwatch(s, "/ev", "tok"), 0);
    assert_int_equal(store_rm(other, STORE_NO_TX, "/ev"), 0);
    assert_int_equal(store_wait_event(s, 50, &event), 0);
    store_close(s);
    store_close(other);
}

struct adding {
    struct store *other;
    int attempts, disturb;
};

static int add_one(struct store *s, store_tx tx, void *arg)
{
    struct adding *a = arg;
    uint64_t v;
    if (store_read_u64(s, tx, &v, "/n") != 0)
        return -1;
    if (a->attempts++ < a->disturb)
        assert_int_equal(store_write(a->other, STORE_NO_TX, "/n", "100", 3), 0);
    return store_printf(s, tx, "/n", "%llu", (unsigned long long)v + 1);
}

static void client_transactions(void **state)
{
    struct store *s = store_open();
    struct adding a = {.other = store_open(), .disturb = 3};
    uint64_t v;
    (void)state;
    assert_int_equal(store_transact(s, add_one, &a), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(store_write(s, STORE_NO_TX, "/n", "1", 1), 0);
    a.attempts = 0;
    assert_int_equal(store_transact(s, add_one, &a), 0);
    assert_int_equal(a.attempts, 4);
    assert_int_equal(store_read_u64(s, STORE_NO_TX, &v, "/n"), 0);
    assert_int_equal(v, 101);
    assert_int_equal(store_rm(s, STORE_NO_TX, "/n"), 0);
    store_close(s);
    store_close(a.other);
}

static void commands(void **state)
{
    (void)state;
    expect("xenstore-read /nope", 1, "xenstore-read: couldn't read path /nope\n");
    expect("xenstore-read", 1,
           "xenstore-read: Usage: xenstore-read [-h] [-p] [-s] [-R] key [...]\n");
    expect("xenstore-write /q/a", 1,
           "xenstore-write: Usage: xenstore-write [-h] [-s] [-R] key value [...]\n");
    expect("xenstore-write /q/a 1 /q/b 'x\\x01\ty\\z'", 0, "");
    expect("xenstore-read /q/b", 0, "x\\001\\tyz\n");
    expect("xenstore-read -R /q/b", 0, "x\001\tyz");
    expect("xenstore-read -p /q/a /q/b", 0, "/q/a: 1\n/q/b: x\\001\\tyz\n");
    expect("xenstore-read /q/a /q/none", 1, "xenstore-read: couldn't read path /q/none\n1\n");
    expect("xenstore-ls /q", 0, "a = \"1\"\nb = \"x\\001\\tyz\"\n");
    expect("xenstore-ls -f /q", 0, "/q/a = \"1\"\n/q/b = \"x\\001\\tyz\"\n");
    expect("xenstore-ls -fp /q", 0, "/q/a = \"1\"   (n0)\n/q/b = \"x\\001\\tyz\"   (n0)\n");
    expect("xenstore-ls -p /q", 0,
           "a = \"1\"  . . . . . . . . . . . . . . . . . . . . . . . . . .  (n0)\n"
           "b = \"x\\001\\tyz\"  . . . . . . . . . . . . . . . . . . . . . .  (n0)\n");
    expect("xenstore-ls /nope", 1,
           "xenstore-ls: xs_directory (/nope): No such file or directory\n");
    expect("xenstore-ls", 0,
           "tool = \"\"\n xenstored = \"\"\nq = \"\"\n a = \"1\"\n b = \"x\\001\\tyz\"\n");
    expect("xenstore-list /", 0, "tool\nq\n");
    expect("xenstore-list -p /q", 0, "/q/a\n/q/b\n");
    expect("xenstore-list /nope", 1, "xenstore-list: could not list path /nope\n");
    expect("xenstore-exists /q/a", 0, "");
    expect("xenstore-exists /nope", 1, "");
    expect("xenstore-chmod /q/a n0 r1 b2", 0, "");
    expect("xenstore-ls -fp /q", 0, "/q/a = \"1\"   (n0,r1,b2)\n/q/b = \"x\\001\\tyz\"   (n0)\n");
    expect("xenstore-chmod /q/a z0", 1, "xenstore-chmod: Invalid permission specification: 'z'\n");
    expect("xenstore-chmod -r /q n0 r3", 0, "");
    expect("xenstore-ls -fp /q", 0, "/q/a = \"1\"   (n0,r3)\n/q/b = \"x\\001\\tyz\"   (n0,r3)\n");
    expect("xenstore-rm /nope", 0, "");
    expect("xenstore-rm /nope/x", 1, "xenstore-rm: could not remove path /nope/x\n");
    expect("xenstore-rm -t /q/a; xenstore-exists /q", 0, "");
    expect("xenstore-rm -t /q/b; xenstore-exists /q", 1, "");
    expect("xenstore-watch -n 1 /tool", 0, "/tool\n");
    expect("xenstore-control check", 0, "OK\n");
    expect("xenstore-control", 2, "Usage:\nxenstore-control <command> [<arg>...]\n");
    expect("xenstore-control bogus 2>&1 | head -n 2", 0,
           "Command not supported. Valid commands are:\ncheck\t\n");
    expect("xenstore-control bogus >/dev/null 2>&1", 3, "");
    expect("xenstore read /tool", 0, "\n");
    expect("xenstore bogus 2>&1 | head -n 1", 0, "xenstore: unknown mode bogus\n");
    expect("xenstore bogus >/dev/null 2>&1", 1, "");
    expect("xenstore-read -h", 1,
           "xenstore-read: Usage: xenstore-read [-h] [-p] [-s] [-R] key [...]\n");
    expect("XENSTORED_PATH=/nowhere xenstore-read /tool", 1,
           "xenstore-read: cannot connect to the store: No such file or directory; is its daemon "
           "running?\n");
    expect("xenstore-read /tool >/dev/full", 1,
           "xenstore-read: cannot write the output: No space left on device\n");
}

static void second_daemon(void **state)
{
    char command[8192], out[1024];
    (void)state;
    snprintf(command, sizeof(command), "%s -N", daemon_path);
    assert_int_equal(run(command, out, sizeof(out)), 1);
    assert_non_null(strstr(out, "another daemon serves"));
    expect("xenstore-exists /tool", 0, "");
    snprintf(command, sizeof(command), "XENSTORED_RUNDIR=/proc/nothing %s", daemon_path);
    assert_int_equal(run(command, out, sizeof(out)), 1); /* and the parent says so */
    assert_non_null(strstr(out, "/proc/nothing"));
    snprintf(command, sizeof(command), "XENSTORED_RUNDIR=%s/none %s -F /proc/nothing", dir,
             daemon_path);
    assert_int_equal(run(command, out, sizeof(out)), 1);
    assert_non_null(strstr(out, "cannot write /proc/nothing"));
    snprintf(command, sizeof(command), "rmdir %s/none", dir); /* has taken its socket away */
    expect(command, 0, "");
    snprintf(command, sizeof(command), "%s --bogus >/dev/null 2>&1", daemon_path);
    assert_int_equal(run(command, out, sizeof(out)), 1);
}

/* Raw messages. */
static int raw(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", dir);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

static ssize_t receive_all(int fd, void *to, size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t n = recv(fd, (char *)to + have, len - have, 0);
        if (n <= 0)
            return have > 0 ? (ssize_t)have : n;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static void fragments_and_pipelines(void **state)
{
    static const struct {
        struct xsd_sockmsg h1;
        char b1[6];
        struct xsd_sockmsg h2;
        char b2[2];
    } __attribute__((packed)) two = {{XS_READ, 8, 0, 6}, "/tool", {XS_DIRECTORY, 9, 0, 2}, "/"};
    struct xsd_sockmsg h;
    char body[64];
    int fd = raw();
    (void)state;
    for (size_t i = 0; i < sizeof(two); i++) {
        assert_int_equal(send(fd, (const char *)&two + i, 1, 0), 1);
        usleep(i % 8 == 0 ? 2000 : 0);
    }
    assert_int_equal(receive_all(fd, &h, sizeof(h)), sizeof(h));
    assert_int_equal(h.req_id, 8);
    assert_int_equal(h.len, 0);
    assert_int_equal(receive_all(fd, &h, sizeof(h)), sizeof(h));
    assert_int_equal(h.req_id, 9);
    assert_int_equal(receive_all(fd, body, h.len), h.len);
    assert_memory_equal(body, "tool", 5);
    assert_int_equal(send(fd, &two, sizeof(two), 0), sizeof(two));
    assert_int_equal(receive_all(fd, &h, sizeof(h)), sizeof(h));
    assert_int_equal(receive_all(fd, &h, sizeof(h)), sizeof(h));
    close(fd);
}

static void bad_clients(void **state)
{
    const struct xsd_sockmsg too_long = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
    struct xsd_sockmsg h = {XS_DIRECTORY, 1, 0, 2};
    int fd = raw();
    (void)state;
    assert_int_equal(send(fd, &too_long, sizeof(too_long), 0), sizeof(too_long));
    assert_true(receive_all(fd, &h, sizeof(h)) <= 0);
    close(fd);
    /* many that hang up in the middle of a message, with transactions and watches open */
    for (int i = 0; i < 200; i++) {
        fd = raw();
        h = (struct xsd_sockmsg){XS_TRANSACTION_START, 1, 0, 1};
        assert_int_equal(send(fd, &h, sizeof(h), 0), sizeof(h));
        assert_int_equal(send(fd, "", 1, 0), 1);
        h = (struct xsd_sockmsg){XS_WATCH, 2, 0, 8};
        assert_int_equal(send(fd, &h, sizeof(h), MSG_NOSIGNAL), sizeof(h));
        assert_int_equal(send(fd, "/tool\0t", 8, MSG_NOSIGNAL), 8);
        h = (struct xsd_sockmsg){XS_READ, 3, 0, 100};
        assert_int_equal(send(fd, &h, sizeof(h), MSG_NOSIGNAL), sizeof(h));
        close(fd);
    }
    /* one that asks and never reads: the daemon stops reading from it, and goes on with others */
    fd = raw();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct {
        struct xsd_sockmsg h;
        char b[2];
    } __attribute__((packed)) ask = {{XS_DIRECTORY, 1, 0, 2}, "/"};
    int sent = 0, waits = 0;
    while (waits < 20 && sent < 1000000) {
        ssize_t n = send(fd, &ask, sizeof(ask), MSG_NOSIGNAL);
        if (n == (ssize_t)sizeof(ask)) {
            sent++;
            waits = 0;
        } else {
            assert_int_equal(n, -1); /* on a Unix socket a small message goes whole or not */
            waits++;
            usleep(5000);
        }
    }
    assert_int_equal(waits, 20);
    expect("xenstore-exists /tool && xenstore-control check", 0, "OK\n");
    close(fd);
    expect("xenstore-control quota 0 | sed -n '/watches\\|transactions/p'", 0,
           "watches         :        0\ntransactions    :        0\n");
}

/* With a daemon that may have few descriptors: who comes too late is turned away, and later let in.
 */
static void too_many_clients(void **state)
{
    char command[8192], out[1024], probe;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fds[40], accepted = 0;
    (void)state;
    snprintf(command, sizeof(command),
             "mkdir %s/few && XENSTORED_RUNDIR=%s/few prlimit --nofile=20 %s -F %s/few/pid", dir,
             dir, daemon_path, dir);
    assert_int_equal(run(command, out, sizeof(out)), 0);
    snprintf(to.sun_path, sizeof(to.sun_path), "%s/few/socket", dir);
    for (int i = 0; i < 40; i++) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fds[i], (struct sockaddr *)&to, sizeof(to)), 0);
    }
    usleep(300000);
    for (int i = 0; i < 40; i++)
        accepted += recv(fds[i], &probe, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    assert_in_range(accepted, 5, 19);
    for (int i = 0; i < 40; i++)
        close(fds[i]);
    usleep(100000);
    snprintf(command, sizeof(command),
             "XENSTORED_RUNDIR=%s/few xenstore-exists /tool && kill $(cat %s/few/pid) && "
             "while [ -e %s/few/socket ]; do sleep 0.1; done; sleep 0.3; rmdir %s/few",
             dir, dir, dir, dir);
    expect(command, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands),
        cmocka_unit_test(client_library),
        cmocka_unit_test(client_long_directory),
        cmocka_unit_test(client_events),
        cmocka_unit_test(client_transactions),
        cmocka_unit_test(second_daemon),
        cmocka_unit_test(fragments_and_pipelines),
        cmocka_unit_test(bad_clients),
        cmocka_unit_test(too_many_clients),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
