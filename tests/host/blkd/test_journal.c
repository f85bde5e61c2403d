/* SPDX-License-Identifier: MIT */
/*
 * The journal by itself: what a successor reads after a death at each step, and that a journal
 * which is damaged, another ring's, or at odds with the ring is refused, not believed.
 */
#include "backends/blkd/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/blkd-journal-XXXXXX";
static struct journal_ring ring;
static struct journal j;
static struct failure why;
static blkif_request_t request;

static int begin(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof(ring));
    strcpy(ring.boot, "this one");
    ring.domid = 3;
    ring.vdev = 51712;
    ring.pages = 1;
    ring.refs[0] = 8;
    memset(&request, 0x3c, sizeof(request));
    return journal_create(&j, folder, &ring, &why);
}

static int end(void **state)
{
    (void)state;
    journal_remove(&j);
    unlink(j.path);
    return 0;
}

/* The process is gone, another opens the file. */
static void die(void)
{
    journal_close(&j);
    assert_int_equal(journal_open(&j, folder, &ring, &why), 0);
}

static void recovers(uint32_t rsp_prod, uint32_t want_taken, uint32_t want_in_hand)
{
    uint32_t taken, answered, in_hand = 0;

    assert_int_equal(journal_recover(&j, rsp_prod, &taken, &answered, &why), 0);
    for (uint32_t i = 0; i < j.n_slots; i++)
        in_hand += j.slots[i].state != JOURNAL_FREE;
    assert_int_equal(taken, want_taken);
    assert_int_equal(answered, rsp_prod);
    assert_int_equal(in_hand, want_in_hand);
}

static void refuses(uint32_t rsp_prod)
{
    uint32_t taken, answered;

    assert_int_equal(journal_recover(&j, rsp_prod, &taken, &answered, &why), -1);
    assert_non_null(strstr(why.text, "journal"));
}

static void each_step_can_be_the_last(void **state)
{
    struct journal_slot *s;

    (void)state;
    die();
    recovers(0, 0, 0);
    s = &j.slots[3]; /* in the middle of taking: the slot is whole, taken has not moved */
    s->request = request;
    s->index = 0;
    s->state = JOURNAL_TAKEN;
    die();
    recovers(0, 0, 0);
    journal_take(&j, &j.slots[3], 0, &request);
    die();
    recovers(0, 1, 1);
    assert_memory_equal(&j.slots[3].request, &request, sizeof(request));
    journal_answer(&j.slots[3], 0, 1, -1);
    die();
    recovers(0, 1, 1); /* in the ring or not, the frontend has not been told */
    assert_int_equal(j.slots[3].state, JOURNAL_ANSWERED);
    assert_int_equal(j.slots[3].status, -1);
    die();
    recovers(1, 1, 0); /* it has been, the journal did not get to know */
    s = &j.slots[3];
    journal_published(&j, 1, &s, 1);
    die();
    recovers(1, 1, 0);
}

static void indices_wrap(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        struct journal_slot *s = &j.slots[i % 32];

        journal_take(&j, s, 0xfffffff0u + i, &request);
        journal_answer(s, 0xfffffff0u + i, 0, 0);
        if (i == 20) { /* index 4 */
            die();
            recovers(4, 5, 1);
        }
        s = &j.slots[i % 32];
        journal_published(&j, 0xfffffff0u + i + 1, &s, 1);
    }
}

static void what_does_not_add_up_is_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        journal_take(&j, &j.slots[i], i, &request);
    journal_answer(&j.slots[0], 0, 0, 0);
    journal_answer(&j.slots[1], 1, 0, 0);
    die();
    recovers(0, 5, 5);
    refuses(3); /* more published than was answered */
    die();
    refuses(0xffffffffu); /* less than once was */
    refuses(1000);
    j.slots[1].index = 0; /* two answers in one place */
    refuses(0);
    j.slots[1].index = 1;
    j.slots[2].state = 77;
    refuses(0);
    j.slots[2].state = JOURNAL_FREE; /* a request lost */
    refuses(0);
}

static void refuses_to_open(const char *word)
{
    struct journal other;

    memset(why.text, 0, sizeof(why.text));
    assert_int_equal(journal_open(&other, folder, &ring, &why), -1);
    assert_non_null(strstr(why.text, word));
}

static void another_rings_or_damaged_is_refused(void **state)
{
    const struct journal_ring good = ring;
    uint8_t byte;
    int fd;

    (void)state;
    ring.refs[0] = 9;
    refuses_to_open("another ring");
    ring = good;
    strcpy(ring.boot, "another");
    refuses_to_open("another ring");
    ring = good;
    ring.pages = 2;
    refuses_to_open("size");
    ring = good;
    ring.vdev = 51728;
    refuses_to_open("cannot be opened");
    ring = good;
    fd = open(j.path, O_RDWR);
    for (off_t at = 0; at < 200; at += 7) {
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        refuses_to_open("damaged");
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    assert_int_equal(ftruncate(fd, 100), 0);
    refuses_to_open("size");
    close(fd);
}

static void a_full_or_absent_folder_is_said(void **state)
{
    struct journal other;

    (void)state;
    assert_int_equal(journal_create(&other, "/nonexistent", &ring, &why), -1);
    assert_non_null(strstr(why.text, "/nonexistent"));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(each_step_can_be_the_last),       TEST(indices_wrap),
        TEST(what_does_not_add_up_is_refused), TEST(another_rings_or_damaged_is_refused),
        TEST(a_full_or_absent_folder_is_said),
    };
    int failed;

    if (!mkdtemp(folder))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
