/* SPDX-License-Identifier: MIT */
/*
 * What every test kernel says, and how: one line a check, `ok WHAT: ANSWER` or `FAILED WHAT:
 * ANSWER`, with errors by name and without frame numbers, addresses or times, so that what a kernel
 * prints on two hypervisors can be compared line by line. The last line is `Test result:` and
 * SUCCESS (all checks ok), FAILURE (some FAILED), SKIP (it cannot be tested here) or ERROR (the
 * kernel could not do what it needs for the test).
 *
 * A check is FAILED when the answer is one that no hypervisor may give; which of the allowed
 * answers it is, the transcript in the test's folder says (docs/testing-guests.md).
 *
 * With the word `loop` on the command line a kernel does its abuse for ever, to be destroyed in the
 * middle: `ok` lines are kept back then, and each round ends with test_round().
 */
#ifndef TESTS_GUEST_CHECK_H
#define TESTS_GUEST_CHECK_H

#include "guest-abi/kit/kit.h"

/* The line; counts it. Answers `good`. */
bool check(bool good, const char *what, const char *answer, ...)
    __attribute__((format(printf, 3, 4)));
/* An answer of a hypercall, printed by name. Refused: good when it is an error. Done: when it is
 * none, the number 0 or more. Answer: when it is `expected`. */
bool check_refused(const char *what, long answer);
bool check_done(const char *what, long answer);
bool check_answer(const char *what, long answer, long expected);
/* Any answer is good; the transcript says which. */
void check_answer_any(const char *what, long answer);
/* For the status of one element of a grant table operation (GNTST_*). */
bool check_status_refused(const char *what, int status);
bool check_status(const char *what, int status, int expected);
/* Runs f(context), which must take an exception of `vector` (or none, with -1). */
bool check_trap(const char *what, void (*f)(void *context), void *context, int vector);

/* "0", "17", "-EINVAL"; good until the call after the next three. */
const char *answer_name(long answer);
const char *status_name(int status);

/* A line that says what is being tested from here on; it counts for nothing. */
void test_part(const char *name);
/* What the test needs must work: otherwise the last line is ERROR, and the domain is shut down. */
void test_need(bool worked, const char *what);
_Noreturn void test_skip(const char *why);
/* What follows must end this domain; where it comes back, say so with check(false, ...). */
void test_crashes_now(const char *what);
/* The last line; the answer is for guest_main() to return. */
int test_end(void);

/* Is this word on the command line? The number behind "KEY=", or `otherwise`. */
bool test_word(const char *word);
unsigned long test_number(const char *key, unsigned long otherwise);
/* Does the round over again when looping: `do { ... } while (test_round());` */
bool test_round(void);

#endif
