/* SPDX-License-Identifier: MIT */
/* What each xenstore-* command does; see tool.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/tools/tool.h"

int tool_read(struct run *r)
{
    for (int i = 0; i < r->n; i++) {
        size_t len;
        char *value = store_read(r->store, r->tx, r->arg[i], &len);
        if (value == NULL)
            return tool_fail(r, "couldn't read path %s", r->arg[i]);
        if (r->opt.prefix)
            fprintf(r->out, "%s: ", r->arg[i]);
        if (r->opt.raw) {
            fwrite(value, 1, len, r->out);
        } else {
            escape_value(r->out, value, len);
            fputc('\n', r->out);
        }
        free(value);
    }
    return 0;
}

int tool_write(struct run *r)
{
    for (int i = 0; i < r->n; i += 2) {
        char *value = strdup(r->arg[i + 1]); /* the words are needed again after a conflict */
        if (value == NULL)
            return tool_fail(r, "%s", strerror(errno));
        size_t len = r->opt.raw ? strlen(value) : unescape_value(value);
        int rc = store_write(r->store, r->tx, r->arg[i], value, len);
        free(value);
        if (rc != 0)
            return tool_fail(r, "could not write path %s", r->arg[i]);
    }
    return 0;
}

int tool_list(struct run *r)
{
    for (int i = 0; i < r->n; i++) {
        const char *path = r->arg[i];
        char **name = store_directory(r->store, r->tx, path, NULL);
        if (name == NULL)
            return tool_fail(r, "could not list path %s", path);
        for (char **at = name; *at != NULL; at++) {
            if (r->opt.prefix)
                fprintf(r->out, "%s/", strcmp(path, "/") == 0 ? "" : path);
            fprintf(r->out, "%s\n", *at);
        }
        free(name);
    }
    return 0;
}

/* "(n0,r1)" */
static void print_perms(FILE *out, const struct store_perm *perms, size_t n)
{
    char text[16];
    for (size_t i = 0; i < n; i++) {
        store_perm_text(&perms[i], text);
        fprintf(out, "%c%s", i == 0 ? '(' : ',', text);
    }
    fputc(')', out);
}

/* Dots lead the eye from a line of len characters to the permissions' column. */
static void print_leader(FILE *out, int len)
{
    enum { COLUMN = 60 };
    fputc(' ', out);
    for (int i = len + 1; i < COLUMN; i++)
        fputc(i % 2 == 1 ? '.' : ' ', out);
    fputs("  ", out);
}

/* One line of ls. 0, or -1 with errno. */
static int ls_line(struct run *r, const char *path, const char *name, int depth)
{
    size_t len, n = 0;
    char *value = store_read(r->store, r->tx, path, &len), *line = NULL;
    size_t line_len = 0;
    if (value == NULL)
        return -1;
    struct store_perm *perms = r->opt.prefix ? store_get_perms(r->store, r->tx, path, &n) : NULL;
    FILE *out = perms == NULL && r->opt.prefix ? NULL : open_memstream(&line, &line_len);
    if (out == NULL) {
        free(value);
        free(perms);
        return -1;
    }
    fprintf(out, "%*s%s = \"", r->opt.full ? 0 : depth, "", r->opt.full ? path : name);
    escape_value(out, value, len);
    fputc('"', out);
    fclose(out);
    fputs(line, r->out);
    if (r->opt.prefix) {
        if (r->opt.full)
            fputs("   ", r->out);
        else
            print_leader(r->out, (int)line_len);
        print_perms(r->out, perms, n);
    }
    fputc('\n', r->out);
    free(line);
    free(value);
    free(perms);
    return 0;
}

/*
 * Lists all below a path. A node that is gone since its name was read, or is not for us, is left
 * out. 0, or -1 when the path itself cannot be listed.
 */
static int ls_below(struct run *r, const char *path, int depth)
{
    char **name = store_directory(r->store, r->tx, path, NULL);
    if (name == NULL)
        return depth > 0 && (errno == ENOENT || errno == EACCES) ? 0 : -1;
    int rc = 0;
    for (char **at = name; *at != NULL && rc == 0; at++) {
        char *child;
        if (asprintf(&child, "%s/%s", strcmp(path, "/") == 0 ? "" : path, *at) < 0) {
            rc = -1;
            break;
        }
        if (ls_line(r, child, *at, depth) == 0)
            rc = ls_below(r, child, depth + 1);
        else if (errno != ENOENT && errno != EACCES)
            rc = -1;
        free(child);
    }
    int err = errno;
    free(name);
    errno = err;
    return rc;
}

int tool_ls(struct run *r)
{
    static char root[] = "/", *all[] = {root};
    char **path = r->n > 0 ? r->arg : all;
    int n = r->n > 0 ? r->n : 1;
    for (int i = 0; i < n; i++)
        if (ls_below(r, path[i], 0) != 0)
            return tool_fail(r, "xs_directory (%s): %s", path[i], strerror(errno));
    return 0;
}

/* Removes the parents that have become empty leaves: no value, no children. */
static int rm_empty_parents(struct run *r, const char *path)
{
    char *parent = strdup(path);
    int rc = parent == NULL ? -1 : 0;
    for (char *end; rc == 0 && (end = strrchr(parent, '/')) != NULL && end != parent;) {
        size_t len, children;
        *end = '\0';
        char *value = store_read(r->store, r->tx, parent, &len);
        char **name = value != NULL ? store_directory(r->store, r->tx, parent, &children) : NULL;
        bool empty = name != NULL && children == 0 && len == 0;
        if (name == NULL)
            rc = -1;
        free(value);
        free(name);
        if (!empty)
            break;
        rc = store_rm(r->store, r->tx, parent);
    }
    free(parent);
    return rc;
}

int tool_rm(struct run *r)
{
    for (int i = 0; i < r->n; i++)
        if (store_rm(r->store, r->tx, r->arg[i]) != 0 ||
            (r->opt.tidy && rm_empty_parents(r, r->arg[i]) != 0))
            return tool_fail(r, "could not remove path %s", r->arg[i]);
    return 0;
}

int tool_exists(struct run *r)
{
    for (int i = 0; i < r->n; i++)
        if (store_exists(r->store, r->tx, r->arg[i]) != 1)
            return 1;
    return 0;
}

static int chmod_below(struct run *r, const char *path, const struct store_perm *perms, size_t n)
{
    if (store_set_perms(r->store, r->tx, path, perms, n) != 0)
        return tool_fail(r, "Error occurred setting permissions on '%s': %s", path,
                         strerror(errno));
    if (!r->opt.recursive)
        return 0;
    char **name = store_directory(r->store, r->tx, path, NULL);
    int rc = name != NULL ? 0 : tool_fail(r, "could not list path %s", path);
    for (char **at = name; rc == 0 && *at != NULL; at++) {
        char *child;
        if (asprintf(&child, "%s/%s", strcmp(path, "/") == 0 ? "" : path, *at) < 0) {
            rc = tool_fail(r, "no memory");
            break;
        }
        rc = chmod_below(r, child, perms, n);
        free(child);
    }
    free(name);
    return rc;
}

/* The same for all nodes above, but the root. */
static int chmod_above(struct run *r, const char *path, const struct store_perm *perms, size_t n)
{
    char *parent = strdup(path);
    int rc = parent != NULL ? 0 : tool_fail(r, "no memory");
    bool recursive = r->opt.recursive;
    r->opt.recursive = false;
    for (char *end; rc == 0 && (end = strrchr(parent, '/')) != NULL && end != parent;) {
        *end = '\0';
        rc = chmod_below(r, parent, perms, n);
    }
    r->opt.recursive = recursive;
    free(parent);
    return rc;
}

int tool_chmod(struct run *r)
{
    size_t n = (size_t)r->n - 1;
    struct store_perm *perms = calloc(n, sizeof(*perms));
    if (perms == NULL)
        return tool_fail(r, "no memory");
    for (size_t i = 0; i < n; i++) {
        const char *text = r->arg[i + 1];
        if (store_perm_parse(text, &perms[i]) == 0)
            continue;
        free(perms);
        return text[0] != '\0' && strchr("nrwb", text[0]) != NULL
                   ? tool_fail(r, "Invalid domain id in permission specification '%s'", text)
                   : tool_fail(r, "Invalid permission specification: '%c'", text[0]);
    }
    int rc = chmod_below(r, r->arg[0], perms, n);
    if (rc == 0 && r->opt.upto)
        rc = chmod_above(r, r->arg[0], perms, n);
    free(perms);
    return rc;
}

int tool_watch(struct run *r)
{
    long left = r->opt.count;
    for (int i = 0; i < r->n; i++)
        if (store_watch(r->store, r->arg[i], r->arg[i]) != 0)
            return tool_fail(r, "Unable to add watch on %s: %s", r->arg[i], strerror(errno));
    for (; left != 0; left -= left > 0) {
        struct store_event *event;
        int got = store_wait_event(r->store, -1, &event);
        if (got < 0)
            return tool_fail(r, "the connection is lost: %s", strerror(errno));
        if (got > 0) {
            printf("%s\n", event->path);
            fflush(stdout);
            free(event);
        } else if (left > 0) {
            left++; /* a signal, not an event */
        }
    }
    return 0;
}

int tool_control(struct run *r)
{
    char *answer = store_control(r->store, (const char *const *)r->arg, (size_t)r->n);
    int err = errno;
    if (answer == NULL && err == EINVAL) {
        answer = store_control(r->store, (const char *const[]){"help"}, 1);
        if (answer != NULL)
            fprintf(stderr, "Command not supported. Valid commands are:\n%s\n", answer);
        free(answer);
        return answer != NULL ? 3 : tool_fail(r, "%s", strerror(err));
    }
    if (answer == NULL)
        return tool_fail(r, "%s: %s", r->arg[0], strerror(err));
    printf("%s\n", answer);
    free(answer);
    return 0;
}
