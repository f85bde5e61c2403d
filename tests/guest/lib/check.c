/* SPDX-License-Identifier: MIT */
/* Lines, counts and names of check.h. */
#include "tests/guest/lib/check.h"

#include <xen/grant_table.h>
#include <xen/sched.h>

static unsigned good_checks, failed_checks;
static unsigned long rounds;

static const struct {
    int number;
    const char *name;
} errors[] = {
    {XEN_EPERM, "EPERM"},
    {XEN_ENOENT, "ENOENT"},
    {XEN_ESRCH, "ESRCH"},
    {XEN_EIO, "EIO"},
    {XEN_ENXIO, "ENXIO"},
    {XEN_E2BIG, "E2BIG"},
    {XEN_EBADF, "EBADF"},
    {XEN_EAGAIN, "EAGAIN"},
    {XEN_ENOMEM, "ENOMEM"},
    {XEN_EACCES, "EACCES"},
    {XEN_EFAULT, "EFAULT"},
    {XEN_EBUSY, "EBUSY"},
    {XEN_EEXIST, "EEXIST"},
    {XEN_EXDEV, "EXDEV"},
    {XEN_ENODEV, "ENODEV"},
    {XEN_EINVAL, "EINVAL"},
    {XEN_ENOSPC, "ENOSPC"},
    {XEN_EROFS, "EROFS"},
    {XEN_EDOM, "EDOM"},
    {XEN_ERANGE, "ERANGE"},
    {XEN_EDEADLK, "EDEADLK"},
    {XEN_ENOSYS, "ENOSYS"},
    {XEN_ENODATA, "ENODATA"},
    {XEN_EOVERFLOW, "EOVERFLOW"},
    {XEN_EOPNOTSUPP, "EOPNOTSUPP"},
    {XEN_ENOTCONN, "ENOTCONN"},
};

const char *answer_name(long answer)
{
    static char text[4][24];
    static unsigned next;
    char *to = text[next++ % 4];

    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (answer == -errors[i].number) {
            snprintf(to, sizeof(text[0]), "-%s", errors[i].name);
            return to;
        }
    snprintf(to, sizeof(text[0]), "%ld", answer);
    return to;
}

const char *status_name(int status)
{
    static const char *const names[] = GNTTABOP_error_msgs;

    if (status <= 0 && (unsigned)-status < sizeof(names) / sizeof(names[0]))
        return names[-status];
    return answer_name(status);
}

static bool looping(void)
{
    static int is = -1;

    if (is < 0)
        is = test_word("loop");
    return is;
}

static bool say(bool good, const char *what, const char *answer)
{
    if (good)
        good_checks++;
    else
        failed_checks++;
    if (!good || !looping())
        printf("%s %s: %s\n", good ? "ok" : "FAILED", what, answer);
    return good;
}

bool check(bool good, const char *what, const char *answer, ...)
{
    char text[512];
    va_list args;

    va_start(args, answer);
    vsnprintf(text, sizeof(text), answer, args);
    va_end(args);
    return say(good, what, text);
}

bool check_refused(const char *what, long answer)
{
    return say(answer < 0, what, answer_name(answer));
}

bool check_done(const char *what, long answer)
{
    return say(answer >= 0, what, answer_name(answer));
}

bool check_answer(const char *what, long answer, long expected)
{
    return say(answer == expected, what, answer_name(answer));
}

void check_answer_any(const char *what, long answer)
{
    say(true, what, answer_name(answer));
}

bool check_status_refused(const char *what, int status)
{
    return say(status < 0, what, status_name(status));
}

bool check_status(const char *what, int status, int expected)
{
    return say(status == expected, what, status_name(status));
}

bool check_trap(const char *what, void (*f)(void *context), void *context, int vector)
{
    struct trap_seen seen;

    if (!trap_try(f, context, &seen))
        return say(vector < 0, what, "no exception");
    return check((int)seen.vector == vector, what, "exception %u, error %lx", seen.vector,
                 seen.error);
}

void test_part(const char *name)
{
    if (!looping())
        printf("--- %s\n", name);
}

static _Noreturn void end_with(const char *result, const char *why)
{
    printf("%s\nTest result: %s\n", why, result);
    guest_shutdown(SHUTDOWN_poweroff);
}

void test_need(bool worked, const char *what)
{
    if (!worked)
        end_with("ERROR", what);
}

_Noreturn void test_skip(const char *why)
{
    end_with("SKIP", why);
}

void test_crashes_now(const char *what)
{
    printf("to crash: %s\n", what);
}

int test_end(void)
{
    printf("%u checks, %u failed\n", good_checks + failed_checks, failed_checks);
    printf("Test result: %s\n", failed_checks || !good_checks ? "FAILURE" : "SUCCESS");
    return SHUTDOWN_poweroff;
}

/* The place behind `start` where a word of the command line begins so; NULL. */
static const char *find_word(const char *start)
{
    const char *s = (const char *)start_info->cmd_line;
    const char *end = s + MAX_GUEST_CMDLINE;

    while (s < end && *s) {
        const char *w = start;

        while (s < end && *s == ' ')
            s++;
        while (s < end && *w && *s == *w) {
            s++;
            w++;
        }
        if (!*w)
            return s < end ? s : NULL;
        while (s < end && *s && *s != ' ')
            s++;
    }
    return NULL;
}

bool test_word(const char *word)
{
    const char *end = find_word(word);

    return end && (!*end || *end == ' ');
}

unsigned long test_number(const char *key, unsigned long otherwise)
{
    const char *s = find_word(key);
    unsigned long n = 0;

    if (!s || *s < '0' || *s > '9')
        return otherwise;
    for (; *s >= '0' && *s <= '9'; s++)
        n = n * 10 + (unsigned long)(*s - '0');
    return n;
}

bool test_round(void)
{
    if (!looping())
        return false;
    if (!rounds++) /* whoever is to destroy us waits for this */
        printf("first round done\n");
    return true;
}
