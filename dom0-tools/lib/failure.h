/* SPDX-License-Identifier: MIT */
/*
 * failure: why something did not work, as one sentence for a user.
 *
 * A function that can fail for reasons a user has to read takes a `struct failure *` and returns
 * -1 after fail(). The text is one sentence without a final newline; it names the thing (file,
 * domain, key), the reason and, where there is one, what to do. The number is a positive errno
 * for programs. Never NULL; the caller owns it, usually on its stack.
 */
#ifndef BONSAI_FAILURE_H
#define BONSAI_FAILURE_H

struct failure {
    int error;      /* positive errno */
    char text[512]; /* always terminated; cut when longer */
};

/* Fill *f and return -1, so that a caller can write `return fail(why, EINVAL, "...")`. */
int fail(struct failure *f, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put a text (usually "FILE: ") in front of what is there. */
void fail_prefix(struct failure *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
