/* SPDX-License-Identifier: MIT */
/* The client's operations with printf-built paths and values: each formats, calls, frees, and keeps
 * errno. */
#include "xenstore/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_keep_errno(void *p)
{
    int err = errno;
    free(p);
    errno = err;
}

/* malloc()ed text, or NULL with ENOMEM. */
static char *format(const char *fmt, va_list args)
{
    char *text;
    if (vasprintf(&text, fmt, args) >= 0)
        return text;
    errno = ENOMEM;
    return NULL;
}

char *store_readf(struct store *s, store_tx tx, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args);
    va_end(args);
    char *value = path != NULL ? store_read(s, tx, path, NULL) : NULL;
    free_keep_errno(path);
    return value;
}

int store_writef(struct store *s, store_tx tx, const char *value, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args);
    va_end(args);
    int rc = path != NULL ? store_write(s, tx, path, value, strlen(value)) : -1;
    free_keep_errno(path);
    return rc;
}

int store_printf(struct store *s, store_tx tx, const char *path, const char *valuefmt, ...)
{
    va_list args;
    va_start(args, valuefmt);
    char *value = format(valuefmt, args);
    va_end(args);
    int rc = value != NULL ? store_write(s, tx, path, value, strlen(value)) : -1;
    free_keep_errno(value);
    return rc;
}

int store_mkdirf(struct store *s, store_tx tx, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args);
    va_end(args);
    int rc = path != NULL ? store_mkdir(s, tx, path) : -1;
    free_keep_errno(path);
    return rc;
}

int store_rmf(struct store *s, store_tx tx, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args);
    va_end(args);
    int rc = path != NULL ? store_rm(s, tx, path) : -1;
    free_keep_errno(path);
    return rc;
}

char **store_directoryf(struct store *s, store_tx tx, size_t *n, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args);
    va_end(args);
    char **names = path != NULL ? store_directory(s, tx, path, n) : NULL;
    free_keep_errno(path);
    return names;
}

int store_read_u64(struct store *s, store_tx tx, uint64_t *value, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args), *end, *text;
    va_end(args);
    text = path != NULL ? store_read(s, tx, path, NULL) : NULL;
    free_keep_errno(path);
    if (text == NULL)
        return -1;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    errno = 0;
    unsigned long long v = strtoull(text, &end, hex ? 16 : 10);
    bool good = errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0';
    free(text);
    if (!good) {
        errno = EINVAL;
        return -1;
    }
    *value = v;
    return 0;
}

int store_set_permsf(struct store *s, store_tx tx, const struct store_perm *perms, size_t n,
                     const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args);
    va_end(args);
    int rc = path != NULL ? store_set_perms(s, tx, path, perms, n) : -1;
    free_keep_errno(path);
    return rc;
}

int store_watchf(struct store *s, const char *token, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args);
    va_end(args);
    int rc = path != NULL ? store_watch(s, path, token) : -1;
    free_keep_errno(path);
    return rc;
}

int store_unwatchf(struct store *s, const char *token, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *path = format(fmt, args);
    va_end(args);
    int rc = path != NULL ? store_unwatch(s, path, token) : -1;
    free_keep_errno(path);
    return rc;
}
