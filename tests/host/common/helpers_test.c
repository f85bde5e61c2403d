/* SPDX-License-Identifier: MIT */
/* Folders made on the way, and systemd told: common/ in a temporary folder. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/folders.h"
#include "common/ready.h"
#include "common/uuid.h"

static char home[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(home, "/tmp/common-test-XXXXXX");
    return mkdtemp(home) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", home);
    return system(command);
}

static const char *in_home(const char *path)
{
    static char whole[200];

    snprintf(whole, sizeof(whole), "%s%s", home, path);
    return whole;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(in_home(path), &st) == 0 && S_ISDIR(st.st_mode);
}

static void test_folders_are_made(void **state)
{
    (void)state;
    assert_int_equal(make_folders(in_home("/a/b//c/")), 0);
    assert_true(is_folder("/a/b/c"));
    assert_int_equal(make_folders(in_home("/a/b/c")), 0);
    assert_int_equal(make_folders_above(in_home("/a/x/file")), 0);
    assert_true(is_folder("/a/x"));
    assert_false(is_folder("/a/x/file"));
}

static void test_what_is_no_folder_is_told(void **state)
{
    char *longest = malloc(600);
    int fd;

    (void)state;
    assert_int_equal(make_folders(in_home("/a")), 0);
    fd = open(in_home("/a/file"), O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(make_folders(in_home("/a/file")), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(make_folders(in_home("/a/file/b")), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(make_folders(""), -1);
    assert_int_equal(errno, ENOENT);
    memset(longest, 'a', 599);
    longest[599] = '\0';
    assert_int_equal(make_folders(longest), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    free(longest);
}

/* What arrives at a socket of this address (its first byte 0: abstract). */
static void expect_datagram(const char *shown, struct sockaddr_un *a, socklen_t len)
{
    char got[64];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)a, len), 0);
    setenv("NOTIFY_SOCKET", shown, 1);
    assert_int_equal(tell_systemd("READY=1"), 0);
    assert_int_equal(recv(fd, got, sizeof(got), 0), 7);
    assert_memory_equal(got, "READY=1", 7);
    close(fd);
    assert_int_equal(tell_systemd("READY=1"), -1); /* nobody listens there any more */
    unsetenv("NOTIFY_SOCKET");
}

static void test_systemd_is_told(void **state)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char shown[80], longest[200];
    size_t len;

    (void)state;
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", home);
    expect_datagram(a.sun_path, &a, sizeof(a));

    len = (size_t)snprintf(shown, sizeof(shown), "@common-test-%d", (int)getpid());
    memset(a.sun_path, 0, sizeof(a.sun_path));
    memcpy(a.sun_path + 1, shown + 1, len - 1);
    expect_datagram(shown, &a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));

    assert_int_equal(tell_systemd("READY=1"), 0); /* not asked for */
    memset(longest, 'a', 199);
    longest[199] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    assert_int_equal(tell_systemd("READY=1"), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    unsetenv("NOTIFY_SOCKET");
}

static void test_uuids(void **state)
{
    static const char text[] = "01234567-89ab-cdef-0123-456789abcdef";
    static const char *const bad[] = {
        "", "01234567-89ab-cdef-0123-456789abcde", "01234567-89ab-cdef-0123-456789abcdef0",
        "01234567-89ab-cdef-0123-456789abcdeg", "--01234567-89ab-cdef-0123-456789abcdef"};
    uint8_t uuid[16], other[16];
    char back[UUID_TEXT];

    (void)state;
    assert_int_equal(uuid_parse(text, uuid), 0);
    uuid_format(uuid, back);
    assert_string_equal(back, text);
    assert_int_equal(uuid_parse("0123456789ABCDEF0123456789abcdef", other), 0);
    assert_memory_equal(uuid, other, 16);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(uuid_parse(bad[i], other), -1);
    uuid_random(uuid);
    uuid_random(other);
    assert_memory_not_equal(uuid, other, 16);
    assert_int_equal(uuid[6] >> 4, 4);
    assert_int_equal(uuid[8] >> 6, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folders_are_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_folder_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_systemd_is_told, set_up, tear_down),
        cmocka_unit_test(test_uuids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
