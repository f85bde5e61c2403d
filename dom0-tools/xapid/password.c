/* SPDX-License-Identifier: MIT */
/* password: see password.h. */
#include "dom0-tools/xapid/password.h"
#include "dom0-tools/xapid/files.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The file's text; the caller frees it. NULL with a sentence. */
static char *read_passwords(const char *path, struct failure *why)
{
    char *text = file_read(AT_FDCWD, path, PASSWORD_FILE_MAX, true, why);

    if (!text)
        fail_prefix(why, "%s: ", path);
    return text;
}

int password_file_check(const char *path, struct failure *why)
{
    char *text = read_passwords(path, why);

    free(text);
    return text ? 0 : -1;
}

/* The line (without its end) is the user's. */
static bool line_is_of(const char *line, const char *user)
{
    size_t n = strlen(user);

    return !strncmp(line, user, n) && line[n] == ':';
}

static bool name_allowed(const char *user)
{
    size_t n = strlen(user);

    return n > 0 && n <= PASSWORD_USER_MAX && !strpbrk(user, ":\r\n") && user[0] != '#';
}

/* malloc'ed, NULL when the file holds no such user. */
static char *hash_of(const char *text, const char *user)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (line_is_of(line, user)) {
            const char *hash = line + strlen(user) + 1;

            return strndup(hash, strcspn(hash, "\r\n"));
        }
    return NULL;
}

bool secret_equal(const char *a, const char *b)
{
    size_t n = strlen(a);
    unsigned differ = 0;

    if (n != strlen(b))
        return false;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned)(a[i] ^ b[i]);
    return differ == 0;
}

/* Hashes with the setting (a hash is one); the result, in *data, is never a valid hash on failure.
 */
static const char *hash_with(const char *password, const char *setting, struct crypt_data *data)
{
    const char *got;

    memset(data, 0, sizeof(*data));
    got = crypt_r(password, setting, data);
    return got ? got : "*";
}

int password_check(const char *path, const char *user, const char *password, struct failure *why)
{
    struct crypt_data *data = malloc(sizeof(*data));
    char *text = data ? read_passwords(path, why) : NULL, *hash;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE] = "";
    const char *got;
    int r;

    if (!text) {
        if (!data)
            fail(why, ENOMEM, "out of memory");
        free(data);
        return -1;
    }
    hash = name_allowed(user) ? hash_of(text, user) : NULL;
    /* a stranger's password is hashed as well: the time says nothing about which users exist */
    if (!hash)
        crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting));
    got = hash_with(password, hash ? hash : setting, data);
    r = hash && hash[0] == '$' && got[0] == '$' && secret_equal(got, hash);
    explicit_bzero(data, sizeof(*data));
    free(data);
    free(hash);
    free(text);
    return r;
}

/* Everything of the old text but the user's line, and the new one; malloc'ed, NULL without memory.
 */
static char *lines_with(const char *text, const char *user, const char *hash)
{
    char *lines = NULL;
    size_t size;
    FILE *f = open_memstream(&lines, &size);
    bool bad;

    if (!f)
        return NULL;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (!line_is_of(line, user))
            fprintf(f, "%.*s\n", (int)strcspn(line, "\n"), line);
    fprintf(f, "%s:%s\n", user, hash);
    bad = ferror(f);
    if (fclose(f) == 0 && !bad)
        return lines;
    free(lines);
    return NULL;
}

/* The folder is locked. */
static int replace(int folder, const char *path, const char *user, const char *hash,
                   struct failure *why)
{
    const char *slash = strrchr(path, '/');
    char *text = read_passwords(path, why), *lines, where[4000];
    int r;

    if (!text && why->error != ENOENT)
        return -1;
    snprintf(where, sizeof(where), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    lines = lines_with(text ? text : "", user, hash);
    r = lines ? file_replace(folder, where, slash ? slash + 1 : path, lines, why)
              : fail(why, ENOMEM, "out of memory");
    free(lines);
    free(text);
    return r;
}

static int open_folder(const char *path, struct failure *why)
{
    char copy[4000];
    int fd;

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return fail(why, ENAMETOOLONG, "%.40s...: %s", path, strerror(ENAMETOOLONG));
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX)) {
        fail(why, errno, "the folder of %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

int password_set(const char *path, const char *user, const char *password, struct failure *why)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *data;
    const char *hash;
    int folder, r;

    if (!name_allowed(user))
        return fail(why, EINVAL, "a user's name has 1 to %d bytes, no ':' and no '#' in front",
                    PASSWORD_USER_MAX);
    if (!*password || strlen(password) > PASSWORD_MAX)
        return fail(why, EINVAL, "a password has 1 to %d bytes", PASSWORD_MAX);
    if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)))
        return fail(why, errno, "no salt for the hash: %s", strerror(errno));
    data = malloc(sizeof(*data));
    if (!data)
        return fail(why, ENOMEM, "out of memory");
    hash = hash_with(password, setting, data);
    folder = hash[0] == '$' ? open_folder(path, why)
                            : fail(why, EINVAL, "this C library cannot hash with yescrypt");
    r = folder < 0 ? -1 : replace(folder, path, user, hash, why);
    if (folder >= 0)
        close(folder);
    explicit_bzero(data, sizeof(*data));
    free(data);
    return r;
}
