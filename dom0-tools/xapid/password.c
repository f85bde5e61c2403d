/* SPDX-License-Identifier: MIT */
/* password: see password.h. */
#include "dom0-tools/xapid/password.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file's text; the caller frees it. NULL with a sentence. */
static char *read_file(const char *path, struct failure *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    char *text = NULL;
    ssize_t n;

    if (fd < 0) {
        fail(why, errno, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(fd, &st))
        fail(why, errno, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
        fail(why, EPERM,
             "%s: it must be a file of the daemon's own user that nobody else may read "
             "or write (chmod 600)",
             path);
    else if (st.st_size > PASSWORD_FILE_MAX)
        fail(why, EFBIG, "%s: it is longer than %d bytes", path, PASSWORD_FILE_MAX);
    else if (!(text = calloc(1, PASSWORD_FILE_MAX + 1)))
        fail(why, ENOMEM, "out of memory");
    else if ((n = read(fd, text, PASSWORD_FILE_MAX)) < 0) {
        fail(why, errno, "%s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    }
    close(fd);
    return text;
}

int password_file_check(const char *path, struct failure *why)
{
    char *text = read_file(path, why);

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
    char *text = data ? read_file(path, why) : NULL, *hash;
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

/* Everything of the old text but the user's line, and the new one. */
static int write_lines(FILE *f, const char *text, const char *user, const char *hash)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (!line_is_of(line, user))
            fprintf(f, "%.*s\n", (int)strcspn(line, "\n"), line);
    fprintf(f, "%s:%s\n", user, hash);
    return ferror(f) || fflush(f) || fsync(fileno(f)) ? -1 : 0;
}

/* The folder is locked. */
static int replace(const char *path, const char *user, const char *hash, struct failure *why)
{
    char *text, new[4096];
    bool bad;
    FILE *f;
    int fd;

    text = read_file(path, why);
    if (!text && why->error != ENOENT)
        return -1;
    snprintf(new, sizeof(new), "%s.new", path);
    unlink(new);
    fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    bad = !f || write_lines(f, text ? text : "", user, hash);
    if (f)
        bad |= fclose(f) != 0;
    free(text);
    if (bad || rename(new, path)) {
        fail(why, errno, "%s: %s", new, strerror(errno));
        unlink(new);
        return -1;
    }
    return 0;
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
    r = folder < 0 ? -1 : replace(path, user, hash, why);
    if (folder >= 0) {
        if (fsync(folder))
            r = fail(why, errno, "the folder of %s: %s", path, strerror(errno));
        close(folder);
    }
    explicit_bzero(data, sizeof(*data));
    free(data);
    return r;
}
