/* SPDX-License-Identifier: MIT */
/* No byte of a guest is lost: who comes when, who dies when, who reads how fast. */
#include "tests/host/consoled/fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_log(const char *name, const char *want)
{
    char *text = fake_log(name);

    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

static void remove_log(const char *name)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", fake_folder, name);
    assert_int_equal(unlink(path), 0);
}

/* Numbered lines, as many as fit; which number comes next. */
static unsigned print_lines(unsigned domid, unsigned from, unsigned to)
{
    char line[32];

    for (; from < to; from++) {
        int n = snprintf(line, sizeof(line), "line %u\n", from);

        if (fake_domain[domid].page.out_prod - fake_domain[domid].page.out_cons + (unsigned)n >
            2048)
            break;
        fake_print(domid, line, (size_t)n);
    }
    return from;
}

static void print_all(unsigned domid, unsigned from, unsigned to)
{
    while ((from = print_lines(domid, from, to)) < to) {
        fake_pass(TURN_MS);
        fake_event(domid);
    }
    fake_event(domid);
}

/* Whether text holds exactly these lines. */
static void expect_lines(const char *text, unsigned from, unsigned to)
{
    char line[32];

    for (; from < to; from++) {
        size_t n = (size_t)snprintf(line, sizeof(line), "line %u\n", from);

        if (strncmp(text, line, n) != 0) {
            print_error("wanted %s got %.40s\n", line, text);
            fail();
        }
        text += n;
    }
    assert_string_equal(text, "");
}

static void printed_before_anyone_looked(void **state)
{
    (void)state;
    fake_create(1, "early");
    fake_say(1, "first words\n");
    assert_int_equal(consoles_refresh(&fake), 0); /* no event: the guest's went nowhere */
    expect_log("guest-early.log", "first words\n");
    assert_int_equal(fake_domain[1].page.out_cons, fake_domain[1].page.out_prod);
    assert_int_equal(fake_domain[1].notified, 1);
}

static void daemon_started_late(void **state)
{
    (void)state;
    fake_kill();
    fake_create(1, "late");
    fake_say(1, "nobody is there\n");
    fake_start();
    expect_log("guest-late.log", "nobody is there\n");
}

static void nodes_come_after_the_domain(void **state)
{
    (void)state;
    fake_create(1, "slow");
    store_rm(fake_nodes, STORE_NO_TX, "/local/domain/1/console/port");
    fake_say(1, "hello\n");
    assert_int_equal(consoles_refresh(&fake), 0);
    assert_int_equal(fake_console(1)->state, CONSOLE_ABSENT);
    assert_in_range(consoles_timeout(&fake), 1, 1000);
    store_write(fake_nodes, STORE_NO_TX, "/local/domain/1/console/port", "3", 1);
    fake_pass(500);
    expect_log("guest-slow.log", "hello\n");
    assert_int_equal(consoles_timeout(&fake), -1);
}

static void what_fails_is_tried_again(void **state)
{
    (void)state;
    fake_create(1, "hard");
    fake_say(1, "still here\n");
    fake_domain[1].no_bind = true;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(consoles_refresh(&fake), 0);
        fake_pass(60000);
    }
    assert_int_equal(fake_domain[1].mapped, 0);
    assert_non_null(strstr(fake_complaints(), "domain 1: binding the console's event channel"));
    assert_int_equal(consoles_refresh(&fake), 0);
    assert_string_equal(fake_complaints(), ""); /* said once */
    fake_domain[1].no_bind = false;
    fake_pass(60000);
    expect_log("guest-hard.log", "still here\n");
}

static void last_words(void **state)
{
    (void)state;
    fake_create(1, "short");
    assert_int_equal(consoles_refresh(&fake), 0);
    fake_say(1, "born, ");
    fake_event(1);
    fake_say(1, "died\n"); /* its event is never handled */
    fake_destroy(1);
    assert_int_equal(consoles_refresh(&fake), 0);
    expect_log("guest-short.log", "born, died\n");
    assert_null(fake_console(1));
    assert_int_equal(fake_domain[1].mapped, 0);
}

static void last_words_of_the_dying(void **state)
{
    (void)state;
    fake_create(1, "held");
    assert_int_equal(consoles_refresh(&fake), 0);
    fake_say(1, "others hold my pages\n");
    fake_domain[1].dying = true;
    assert_int_equal(consoles_refresh(&fake), 0);
    expect_log("guest-held.log", "others hold my pages\n");
    assert_int_equal(fake_domain[1].mapped, 0); /* or it would stay for ever */
    assert_int_equal(consoles_refresh(&fake), 0);
    assert_null(fake_console(1));
}

static void backlog_is_shown_to_the_first(void **state)
{
    int tty;

    (void)state;
    fake_create(1, "shy");
    assert_int_equal(consoles_refresh(&fake), 0);
    print_all(1, 0, 20000);
    tty = fake_attach(1);
    expect_lines(fake_read(tty), 0, 20000);
    print_all(1, 20000, 20010);
    expect_lines(fake_read(tty), 20000, 20010);
    fake_detach(tty);
}

static void reader_gets_the_end_of_the_dead(void **state)
{
    int tty;
    char more;

    (void)state;
    fake_create(1, "mortal");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    print_all(1, 0, 20000); /* 200 KiB: more than a terminal holds */
    fake_destroy(1);
    assert_int_equal(consoles_refresh(&fake), 0);
    assert_int_equal(fake_domain[1].mapped, 0);
    fake_create(1, "heir"); /* the number is used again at once */
    assert_int_equal(consoles_refresh(&fake), 0);
    expect_lines(fake_read(tty), 0, 20000);
    for (int i = 0; i < 5; i++)
        fake_pass(100);
    assert_int_equal(read(tty, &more, 1), 0); /* the terminal has ended */
    close(tty);
}

static void stopped_reader_of_the_dead_does_not_stay(void **state)
{
    int tty;

    (void)state;
    fake_create(1, "mortal");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    print_all(1, 0, 20000);
    fake_destroy(1);
    assert_int_equal(consoles_refresh(&fake), 0);
    assert_non_null(fake_console(1));
    for (int i = 0; i < 120; i++)
        fake_pass(100);
    assert_null(fake_console(1));
    close(tty);
}

static void slow_reader_stops_nobody(void **state)
{
    int tty;
    char *log;

    (void)state;
    fake_create(1, "loud");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    print_all(1, 0, 200000); /* 2 MiB, and it never reads */
    log = fake_log("guest-loud.log");
    expect_lines(log, 0, 200000);
    free(log);
    log = strdup(fake_read(tty)); /* then it does: the begin, the gap, the end */
    assert_memory_equal(log, "line 0\n", 7);
    assert_non_null(strstr(log, "bytes are missing here]"));
    assert_string_equal(log + strlen(log) - 12, "line 199999\n");
    free(log);
    fake_detach(tty);
}

/* A reader goes in the middle; the next one goes on where it stopped. */
static void readers_take_turns(void **state)
{
    static char text[1 << 20];
    ssize_t got;
    int tty;

    (void)state;
    fake_create(1, "shared");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    print_all(1, 0, 20000);
    usleep(20000);
    got = read(tty, text, 1000);
    assert_in_range(got, 1, 1000);
    fake_detach(tty);
    print_all(1, 20000, 20100);
    tty = fake_attach(1);
    strcpy(text + got, fake_read(tty));
    expect_lines(text, 0, 20100);
    fake_detach(tty);
}

static void killed_and_started_again(void **state)
{
    char *log;
    int tty;

    (void)state;
    fake_create(1, "steady");
    assert_int_equal(consoles_refresh(&fake), 0);
    print_all(1, 0, 5000);
    fake_kill();
    assert_int_equal(print_lines(1, 5000, 5100), 5100); /* into the ring */
    fake_start();
    log = fake_log("guest-steady.log");
    expect_lines(log, 0, 5100);
    free(log);
    tty = fake_attach(1); /* what the dead daemon had for its first reader */
    expect_lines(fake_read(tty), 0, 5100);
    fake_detach(tty);
    fake_kill();
    fake_start();
    tty = fake_attach(1);
    assert_string_equal(fake_read(tty), ""); /* all was read */
    fake_detach(tty);
}

static void killed_before_the_ring_was_told(void **state)
{
    uint32_t before;
    char *log;

    (void)state;
    fake_create(1, "twice");
    assert_int_equal(consoles_refresh(&fake), 0);
    before = fake_domain[1].page.out_cons;
    fake_say(1, "once or twice\n");
    fake_event(1);
    fake_domain[1].page.out_cons = before; /* as if killed one step earlier */
    fake_kill();
    fake_start();
    log = fake_log("guest-twice.log");
    assert_string_equal(log, "once or twice\nonce or twice\n");
    free(log);
}

static uint64_t left_for_the_next;

static void look_what_is_left(unsigned domid)
{
    struct kept kept;

    kept_open(&kept, fake.shared.kept_folder, (uint16_t)domid, fake_console(domid)->uuid,
              &left_for_the_next);
    kept_close(&kept);
}

/* The ring has been told, and the daemon is killed before it has done anything else. */
static void killed_after_the_ring_was_told(void **state)
{
    (void)state;
    fake_create(1, "counted");
    assert_int_equal(consoles_refresh(&fake), 0);
    left_for_the_next = 0;
    fake_on_notify = look_what_is_left;
    fake_say(1, "unread\n");
    fake_event(1);
    assert_int_equal(left_for_the_next, strlen("unread\n"));
}

static void another_life_under_the_same_number(void **state)
{
    int tty;

    (void)state;
    fake_create(1, "a");
    assert_int_equal(consoles_refresh(&fake), 0);
    fake_say(1, "unread\n");
    fake_event(1);
    fake_kill();
    fake_destroy(1);
    fake_start(); /* forgets what the dead one left */
    fake_create(1, "a");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    assert_string_equal(fake_read(tty), "");
    fake_detach(tty);
}

/* One domain dies and another gets its number before anybody looks: what the other was of the
 * first's, its UUID, its age or its frame, tells them apart. */
static void another_life_before_anyone_looked(void **state)
{
    static const struct {
        uint8_t life;
        uint64_t shared_info, cpu_time;
    } next[] = {{2, 7, 5000000000}, {1, 8, 5000000000}, {1, 7, 0}};

    (void)state;
    for (unsigned i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
        int tty;

        fake_create(1, "first");
        fake_domain[1].life = 1;
        fake_domain[1].shared_info = 7;
        fake_domain[1].cpu_time = 4000000000;
        assert_int_equal(consoles_refresh(&fake), 0);
        tty = fake_attach(1);
        fake_say(1, "the last of the first\n");
        fake_domain[1].life = next[i].life;
        fake_domain[1].shared_info = next[i].shared_info;
        fake_domain[1].cpu_time = next[i].cpu_time;
        store_write(fake_nodes, STORE_NO_TX, "/local/domain/1/name", "second", 6);
        assert_int_equal(consoles_refresh(&fake), 0);
        fake_say(1, "the other's\n");
        fake_event(1);
        assert_string_equal(fake_read(tty), "the last of the first\n");
        for (int tick = 0; tick < 5; tick++)
            fake_pass(100);
        assert_int_equal(read(tty, (char[1]){0}, 1), 0); /* it has ended */
        close(tty);
        consoles_attached(&fake);
        expect_log("guest-second.log", "the other's\n");
        fake_destroy(1);
        assert_int_equal(consoles_refresh(&fake), 0);
        remove_log("guest-second.log");
    }
}

/* A stopped domain that is kept for a look at it has another UUID and is the same. */
static void set_aside(void **state)
{
    int tty;

    (void)state;
    fake_create(1, "kept");
    fake_domain[1].cpu_time = 4000000000;
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    fake_domain[1].shutdown = true;
    fake_domain[1].life = 9;
    fake_domain[1].cpu_time += 10;
    assert_int_equal(consoles_refresh(&fake), 0);
    fake_say(1, "panic\n");
    fake_event(1);
    assert_string_equal(fake_read(tty), "panic\n");
    expect_log("guest-kept.log", "panic\n");
    fake_detach(tty);
}

/* More comings and goings than the kernel's queue holds: the count begins anew, nothing is lost. */
static void too_many_to_count(void **state)
{
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    unsigned most = 0;
    char *path;
    int tty;

    (void)state;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%u", &most), 1);
    fclose(f);
    fake_create(1, "busy");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    print_all(1, 0, 20000); /* more than a terminal holds */
    usleep(50000);
    path = store_readf(fake_nodes, STORE_NO_TX, "/local/domain/1/console/tty");
    for (unsigned i = 0; i <= most; i++) { /* two events each */
        const int other = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);

        assert_true(other >= 0);
        close(other);
    }
    free(path);
    consoles_attached(&fake);
    assert_non_null(strstr(fake_complaints(), "made anew"));
    assert_int_equal(read(tty, (char[1]){0}, 1), 0); /* hung up */
    close(tty);
    assert_int_equal(fake_console(1)->state, CONSOLE_OPEN);
    assert_int_equal(fake_console(1)->terminal.attached, 0);
    tty = fake_attach(1);
    assert_int_equal(fake_console(1)->terminal.attached, 1);
    expect_lines(fake_read(tty), 0, 20000);
    fake_detach(tty);
    assert_int_equal(fake_console(1)->terminal.attached, 0);
}

static void typed_text_arrives(void **state)
{
    struct xencons_interface *r = &fake_domain[1].page;
    char typed[3000];
    int tty;

    (void)state;
    fake_create(1, "typed");
    assert_int_equal(consoles_refresh(&fake), 0);
    tty = fake_attach(1);
    memset(typed, 'x', sizeof(typed));
    assert_int_equal(write(tty, typed, sizeof(typed)), sizeof(typed));
    for (unsigned got = 0; got < sizeof(typed);) {
        console_serve(fake_console(1));
        if (r->in_prod == r->in_cons)
            usleep(1000);
        got += r->in_prod - r->in_cons;
        r->in_cons = r->in_prod;
    }
    assert_int_equal(console_poll_events(fake_console(1)) & 1, 1);
    r->in_cons = r->in_prod - 1024; /* full: nothing is asked of the terminal */
    assert_int_equal(console_poll_events(fake_console(1)), 0);
    fake_detach(tty);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        TEST(printed_before_anyone_looked),
        TEST(daemon_started_late),
        TEST(nodes_come_after_the_domain),
        TEST(what_fails_is_tried_again),
        TEST(last_words),
        TEST(last_words_of_the_dying),
        TEST(backlog_is_shown_to_the_first),
        TEST(reader_gets_the_end_of_the_dead),
        TEST(stopped_reader_of_the_dead_does_not_stay),
        TEST(slow_reader_stops_nobody),
        TEST(readers_take_turns),
        TEST(killed_and_started_again),
        TEST(killed_before_the_ring_was_told),
        TEST(killed_after_the_ring_was_told),
        TEST(another_life_under_the_same_number),
        TEST(another_life_before_anyone_looked),
        TEST(set_aside),
        TEST(too_many_to_count),
        TEST(typed_text_arrives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
