/* SPDX-License-Identifier: MIT */
/* Log files in trouble, and what is kept for the next daemon. */
#include "tests/host/consoled/fake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_log(const char *name, const char *want)
{
    char *text = fake_log(name);

    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

/* A full disk: no file grows beyond that. */
static void limit_files(rlim_t bytes)
{
    struct rlimit r;

    getrlimit(RLIMIT_FSIZE, &r);
    r.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &r);
}

static void full_disk(void **state)
{
    struct log_file l;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(log_file_open(&l, fake_folder, "full", 0), 0);
    log_file_write(&l, "0123456789", 10, 0);
    limit_files(14);
    log_file_write(&l, "abcdefgh", 8, 0); /* half of it fits */
    for (uint64_t t = 1; t < LOG_FILE_RETRY_MS; t += 100)
        log_file_write(&l, "i", 1, t);
    limit_files(RLIM_INFINITY);
    log_file_write(&l, "j", 1, LOG_FILE_RETRY_MS - 1); /* not yet tried again */
    expect_log("full.log", "0123456789abcd");
    log_file_retry(&l, LOG_FILE_RETRY_MS);
    expect_log("full.log", "0123456789abcdefghiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiij");
    log_file_write(&l, "k", 1, LOG_FILE_RETRY_MS);
    assert_null(l.unwritten.data);
    log_file_close(&l);
    assert_non_null(strstr(fake_complaints(), "full.log: File too large"));
}

static void full_disk_is_said_once(void **state)
{
    struct log_file l;
    const char *said;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(log_file_open(&l, fake_folder, "full", 0), 0);
    limit_files(0);
    for (uint64_t t = 0; t < 100000; t += 1000)
        log_file_write(&l, "lost?\n", 6, t);
    said = fake_complaints();
    assert_non_null(strstr(said, "full.log: File too large; up to 1 MiB waits in memory"));
    assert_null(strstr(strchr(said, '\n') + 1, "full.log"));
    limit_files(RLIM_INFINITY);
    log_file_retry(&l, 200000);
    assert_non_null(strstr(fake_complaints(), "full.log: written again"));
    log_file_close(&l);
}

static void too_long_trouble_leaves_a_marked_gap(void **state)
{
    static char much[1 << 20];
    struct log_file l;
    char *text;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    memset(much, 'm', sizeof(much));
    assert_int_equal(log_file_open(&l, fake_folder, "gap", 0), 0);
    limit_files(0);
    log_file_write(&l, "first", 5, 0);
    log_file_write(&l, much, sizeof(much), 1);
    limit_files(RLIM_INFINITY);
    log_file_retry(&l, LOG_FILE_RETRY_MS);
    text = fake_log("gap.log");
    assert_memory_equal(text, "\n[bonsai-consoled: 5 bytes are missing here: File too large]\nmmm",
                        62);
    assert_int_equal(strlen(text), sizeof(much) + 61);
    free(text);
    log_file_close(&l);
}

static void lost_at_the_end_is_said(void **state)
{
    struct log_file l;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(log_file_open(&l, fake_folder, "end", 0), 0);
    limit_files(0);
    log_file_write(&l, "never", 5, 0);
    log_file_close(&l);
    limit_files(RLIM_INFINITY);
    assert_non_null(strstr(fake_complaints(), "5 bytes are lost"));
}

/* The disk is full when the guest dies: its words wait for room. */
static void death_on_a_full_disk(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    fake_create(1, "poor");
    assert_int_equal(consoles_refresh(&fake), 0);
    fake_say(1, "my last ");
    fake_event(1);
    limit_files(8);
    fake_say(1, "will");
    fake_destroy(1);
    assert_int_equal(consoles_refresh(&fake), 0);
    fake_pass(60000);
    assert_non_null(fake_console(1));
    assert_in_range(consoles_timeout(&fake), 1, LOG_FILE_RETRY_MS);
    limit_files(RLIM_INFINITY);
    fake_pass(LOG_FILE_RETRY_MS);
    assert_null(fake_console(1));
    expect_log("guest-poor.log", "my last will");
}

static void folder_comes_later(void **state)
{
    struct log_file l;
    char path[100];

    (void)state;
    snprintf(path, sizeof(path), "%s/later", fake_folder);
    assert_int_equal(log_file_open(&l, path, "x", 0), 0);
    log_file_write(&l, "a", 1, 0);
    assert_int_equal(mkdir(path, 0700), 0);
    log_file_write(&l, "b", 1, LOG_FILE_RETRY_MS);
    expect_log("later/x.log", "ab");
    log_file_close(&l);
}

static void moved_and_removed(void **state)
{
    char a[100], b[100];

    (void)state;
    snprintf(a, sizeof(a), "%s/guest-g.log", fake_folder);
    snprintf(b, sizeof(b), "%s/guest-g.old", fake_folder);
    fake_create(1, "g");
    assert_int_equal(consoles_refresh(&fake), 0);
    fake_say(1, "one ");
    fake_event(1);
    assert_int_equal(rename(a, b), 0); /* as logrotate does, who then sends SIGHUP */
    fake_say(1, "two");
    fake_event(1);
    consoles_reopen_logs(&fake);
    fake_say(1, "three");
    fake_event(1);
    expect_log("guest-g.old", "one two");
    expect_log("guest-g.log", "three");
    assert_int_equal(unlink(a), 0); /* without a word to us */
    fake_say(1, "four");
    fake_event(1);
    expect_log("guest-g.log", "four");
}

static void rotation_that_fails(void **state)
{
    static char much[1 << 20];
    struct log_file l;
    struct stat st;
    char old[100];

    (void)state;
    snprintf(old, sizeof(old), "%s/r.log.1", fake_folder);
    assert_int_equal(mkdir(old, 0700), 0); /* a file cannot take its place */
    memset(much, 'm', sizeof(much));
    assert_int_equal(log_file_open(&l, fake_folder, "r", 0), 0);
    for (int i = 0; i < 17; i++)
        log_file_write(&l, much, sizeof(much), 0);
    assert_non_null(strstr(fake_complaints(), "r.log cannot be rotated: Is a directory"));
    assert_int_equal(rmdir(old), 0);
    for (int i = 0; i < 16; i++)
        log_file_write(&l, much, sizeof(much), 0);
    assert_int_equal(l.error, 0);
    log_file_close(&l);
    assert_int_equal(stat(old, &st), 0); /* once it could */
    assert_true(st.st_size >= 17 << 20); /* and nothing was left out before */
}

static void no_link_is_followed(void **state)
{
    struct log_file l;
    char path[100], target[100];

    (void)state;
    snprintf(path, sizeof(path), "%s/trap.log", fake_folder);
    snprintf(target, sizeof(target), "%s/precious", fake_folder);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(log_file_open(&l, fake_folder, "trap", 0), 0);
    log_file_write(&l, "x", 1, 0);
    assert_int_equal(access(target, F_OK), -1);
    log_file_close(&l);
}

static void tail_over_a_rotation(void **state)
{
    struct log_file l;
    struct backlog b;
    size_t n;
    char old[100];
    FILE *f;

    (void)state;
    snprintf(old, sizeof(old), "%s/t.log.1", fake_folder);
    f = fopen(old, "w");
    fputs("0123456789", f);
    fclose(f);
    assert_int_equal(log_file_open(&l, fake_folder, "t", 0), 0);
    log_file_write(&l, "abc", 3, 0);
    backlog_init(&b, 100);
    log_file_tail(&l, 5, &b);
    assert_int_equal(b.used, 5);
    assert_memory_equal(backlog_head(&b, &n), "89abc", 5);
    backlog_drop(&b, 5);
    log_file_tail(&l, 2, &b);
    assert_memory_equal(backlog_head(&b, &n), "bc", 2);
    backlog_drop(&b, 2);
    log_file_tail(&l, 50, &b); /* more than there is */
    assert_int_equal(b.used, 13);
    backlog_free(&b);
    log_file_close(&l);
}

static void kept_belongs_to_one_domain(void **state)
{
    static const uint8_t one[16] = {1}, two[16] = {2};
    struct kept k;
    uint64_t unread;

    (void)state;
    assert_int_equal(kept_open(&k, fake_folder, 5, one, &unread), 0);
    assert_int_equal(unread, 0);
    kept_set(&k, 77);
    kept_close(&k);
    assert_int_equal(kept_open(&k, fake_folder, 5, one, &unread), 0);
    assert_int_equal(unread, 77);
    kept_belongs(&k, two);
    kept_close(&k);
    assert_int_equal(kept_open(&k, fake_folder, 5, one, &unread), 0);
    assert_int_equal(unread, 0); /* that was another's */
    kept_remove(&k);
    assert_int_equal(access(k.path, F_OK), -1);
    assert_int_equal(kept_open(&k, "/nonexistent", 5, one, &unread), -1);
    kept_set(&k, 1);
    kept_remove(&k);
}

static bool only_three(void *arg, uint16_t domid)
{
    (void)arg;
    return domid == 3;
}

static void sweep_removes_the_dead(void **state)
{
    static const uint8_t one[16] = {1};
    struct kept k;
    uint64_t unread;
    char stranger[100];

    (void)state;
    for (uint16_t d = 2; d < 5; d++) {
        assert_int_equal(kept_open(&k, fake_folder, d, one, &unread), 0);
        kept_close(&k);
    }
    snprintf(stranger, sizeof(stranger), "%s/console-2.txt", fake_folder);
    close(open(stranger, O_CREAT | O_WRONLY, 0600));
    kept_sweep(fake_folder, only_three, NULL);
    assert_null(fake_log("console-2"));
    free(fake_log("console-3"));
    assert_int_equal(access(stranger, F_OK), 0);
    assert_null(fake_log("console-4"));
}

static void backlog_counts_what_it_forgets(void **state)
{
    struct backlog b;
    size_t n;

    (void)state;
    backlog_init(&b, 10);
    backlog_add(&b, "0123456789", 10);
    backlog_add(&b, "ab", 2);
    assert_int_equal(b.lost, 2);
    assert_int_equal(b.used, 10);
    assert_int_equal(*backlog_head(&b, &n), '2');
    backlog_add(&b, "abcdefghijklmnop", 16);
    assert_int_equal(b.lost, 18);
    assert_int_equal(*backlog_head(&b, &n), 'g');
    backlog_drop(&b, 4);
    b.lost = 0;
    backlog_put_back(&b, "xyhij", 5); /* one more than there is room for */
    assert_int_equal(b.lost, 1);
    assert_int_equal(b.used, 10);
    assert_int_equal(*backlog_head(&b, &n), 'y');
    backlog_drop(&b, 4);
    assert_int_equal(*backlog_head(&b, &n), 'k');
    backlog_free(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        TEST(full_disk),
        TEST(full_disk_is_said_once),
        TEST(too_long_trouble_leaves_a_marked_gap),
        TEST(lost_at_the_end_is_said),
        TEST(death_on_a_full_disk),
        TEST(folder_comes_later),
        TEST(moved_and_removed),
        TEST(rotation_that_fails),
        TEST(no_link_is_followed),
        TEST(tail_over_a_rotation),
        TEST(kept_belongs_to_one_domain),
        TEST(sweep_removes_the_dead),
        TEST(backlog_counts_what_it_forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
