/* SPDX-License-Identifier: MIT
 *
 * What every layer may call, included before everything else: messages, assertions, strings.
 * Failures are of four kinds (see docs/architecture.md): the guest asked wrong (-errno, dbg_log),
 * the guest broke a rule (domain_crash), we are wrong (ASSERT, panic), and tools, which are not
 * here.
 */
#pragma once
#include "lib/types.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Prints one message, a line each, to the hypervisor's console when its level passes loglvl=.
 * Format: C's %d %u %x %lx %llx %p %s %c %zu with width, 0, - and precision for %s; no floats. */
void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_msg(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_msg(LOG_WARNING, __VA_ARGS__)
#define log_info(...)  log_msg(LOG_INFO, __VA_ARGS__)

/* The guest asked wrong: says who, where and why when guest_loglvl=all; never slows the path
 * otherwise. */
extern bool guest_log_on;
void guest_log_at(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define guest_log(...)                                     \
    do {                                                   \
        if (unlikely(guest_log_on))                        \
            guest_log_at(__FILE__, __LINE__, __VA_ARGS__); \
    } while (0)

int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list ap);

/* We are wrong: prints the sentence and a backtrace, then reboots or stops (noreboot). */
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define ASSERT(cond)                                                          \
    do {                                                                      \
        if (unlikely(!(cond)))                                                \
            panic("assertion failed: %s (%s:%d)", #cond, __FILE__, __LINE__); \
    } while (0)

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *what);
/* Copies at most size - 1 bytes and always ends dst with a NUL; returns strlen(src). */
size_t strlcpy(char *dst, const char *src, size_t size);
unsigned long strtoul(const char *s, char **end, int base);

/* Of firmware's and files' tables, at any address. */
static inline uint32_t u32_at(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* Error numbers of the ABI that something answers (negated). */
enum {
    EPERM = 1,
    ENOENT = 2,
    ESRCH = 3,
    EIO = 5,
    ENXIO = 6,
    E2BIG = 7,
    EAGAIN = 11,
    ENOMEM = 12,
    EACCES = 13,
    EFAULT = 14,
    EBUSY = 16,
    EEXIST = 17,
    ENODEV = 19,
    EINVAL = 22,
    ENOSPC = 28,
    ERANGE = 34,
    ENOSYS = 38,
    ENODATA = 61,
    ERESTART = 85,
    EOPNOTSUPP = 95,
    ENOBUFS = 105,
};
