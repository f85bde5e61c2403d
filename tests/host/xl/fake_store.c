/* SPDX-License-Identifier: MIT */
/*
 * fake_store: see fake_store.h. The nodes are a sorted array of paths.
 */
#include "tests/host/xl/fake_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES 512

struct node {
    char path[160], value[160];
    struct store_perm perms[4];
    size_t n_perms;
};

struct store {
    struct node nodes[NODES];
    size_t n;
    void (*hook)(struct store *s);
};

struct store *fake_store(void)
{
    struct store *s = calloc(1, sizeof(*s));

    strcpy(s->nodes[0].path, "/");
    s->nodes[0].n_perms = 1;
    s->n = 1;
    return s;
}

void store_close(struct store *s)
{
    free(s);
}

void fake_store_on_wait(struct store *s, void (*hook)(struct store *s))
{
    s->hook = hook;
}

static struct node *find(struct store *s, const char *path)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->nodes[i].path, path) == 0)
            return &s->nodes[i];
    errno = ENOENT;
    return NULL;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

/* The node, made with all above it where there is none. */
static void make(struct store *s, const char *path, const char *value)
{
    struct node *node = find(s, path);
    char parent[160];

    if (node == NULL) {
        snprintf(parent, sizeof(parent), "%s", *path == '/' ? path : "/");
        *strrchr(parent, '/') = '\0'; /* a relative path is kept as it is */
        if (*parent == '\0')
            strcpy(parent, "/");
        if (find(s, parent) == NULL)
            make(s, parent, "");
        if (s->n == NODES || strlen(path) >= sizeof(node->path))
            abort();
        node = &s->nodes[s->n];
        *node = *find(s, parent);
        s->n++;
        snprintf(node->path, sizeof(node->path), "%s", path);
        node->value[0] = '\0';
    } else if (value == NULL) {
        return;
    }
    if (value != NULL && strlen(value) >= sizeof(node->value))
        abort();
    snprintf(node->value, sizeof(node->value), "%s", value != NULL ? value : "");
    qsort(s->nodes, s->n, sizeof(*s->nodes), by_path);
}

static bool is_below(const char *path, const char *top)
{
    size_t len = strlen(top);

    return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

int store_rm(struct store *s, store_tx tx, const char *path)
{
    size_t left = 0;

    (void)tx;
    for (size_t i = 0; i < s->n; i++)
        if (!is_below(s->nodes[i].path, path))
            s->nodes[left++] = s->nodes[i];
    s->n = left;
    return 0;
}

char *store_read(struct store *s, store_tx tx, const char *path, size_t *len)
{
    struct node *node = find(s, path);

    (void)tx;
    if (node != NULL && len != NULL)
        *len = strlen(node->value);
    return node != NULL ? strdup(node->value) : NULL;
}

int store_exists(struct store *s, store_tx tx, const char *path)
{
    (void)tx;
    return find(s, path) != NULL;
}

int store_write(struct store *s, store_tx tx, const char *path, const void *value, size_t len)
{
    char text[160];

    (void)tx;
    snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)value);
    make(s, path, text);
    return 0;
}

int store_mkdir(struct store *s, store_tx tx, const char *path)
{
    (void)tx;
    make(s, path, NULL);
    return 0;
}

char **store_directory(struct store *s, store_tx tx, const char *path, size_t *n)
{
    char *buffer;
    char **names;
    size_t count = 0;

    (void)tx;
    if (find(s, path) == NULL)
        return NULL;
    names = calloc(1, (NODES + 1) * sizeof(char *) + NODES * 160);
    buffer = (char *)(names + NODES + 1);
    for (size_t i = 0; i < s->n; i++) {
        const char *p = s->nodes[i].path;

        if (!is_below(p, path) || strcmp(p, path) == 0 || strchr(p + strlen(path) + 1, '/') != NULL)
            continue;
        names[count] = buffer;
        buffer = stpcpy(buffer, p + strlen(path) + 1) + 1;
        count++;
    }
    if (n != NULL)
        *n = count;
    return names;
}

int store_set_perms(struct store *s, store_tx tx, const char *path, const struct store_perm *perms,
                    size_t n)
{
    struct node *node = find(s, path);

    (void)tx;
    if (node == NULL)
        return -1;
    memcpy(node->perms, perms, n * sizeof(*perms));
    node->n_perms = n;
    return 0;
}

int store_transact(struct store *s, int (*step)(struct store *s, store_tx tx, void *arg), void *arg)
{
    return step(s, 1, arg);
}

char *store_readf(struct store *s, store_tx tx, const char *fmt, ...)
{
    char path[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(path, sizeof(path), fmt, args);
    va_end(args);
    return store_read(s, tx, path, NULL);
}

int store_writef(struct store *s, store_tx tx, const char *value, const char *fmt, ...)
{
    char path[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(path, sizeof(path), fmt, args);
    va_end(args);
    return store_write(s, tx, path, value, strlen(value));
}

char **store_directoryf(struct store *s, store_tx tx, size_t *n, const char *fmt, ...)
{
    char path[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(path, sizeof(path), fmt, args);
    va_end(args);
    return store_directory(s, tx, path, n);
}

int store_set_permsf(struct store *s, store_tx tx, const struct store_perm *perms, size_t n,
                     const char *fmt, ...)
{
    char path[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(path, sizeof(path), fmt, args);
    va_end(args);
    return store_set_perms(s, tx, path, perms, n);
}

int store_read_u64(struct store *s, store_tx tx, uint64_t *value, const char *fmt, ...)
{
    char path[256], *text, *end;
    va_list args;
    bool good;

    va_start(args, fmt);
    vsnprintf(path, sizeof(path), fmt, args);
    va_end(args);
    text = store_read(s, tx, path, NULL);
    if (text == NULL)
        return -1;
    *value = strtoull(text, &end, 0);
    good = end != text && *end == '\0';
    free(text);
    if (!good)
        errno = EINVAL;
    return good ? 0 : -1;
}

int store_watchf(struct store *s, const char *token, const char *fmt, ...)
{
    (void)s;
    (void)token;
    (void)fmt;
    return 0;
}

int store_unwatchf(struct store *s, const char *token, const char *fmt, ...)
{
    (void)s;
    (void)token;
    (void)fmt;
    return 0;
}

int store_wait_event(struct store *s, int timeout_ms, struct store_event **event)
{
    (void)timeout_ms;
    (void)event;
    if (s->hook != NULL)
        s->hook(s);
    return 0;
}

char *fake_store_list(struct store *s, const char *path)
{
    static const char letters[] = "nrwb";
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    for (size_t i = 0; i < s->n; i++) {
        const struct node *node = &s->nodes[i];

        if (!is_below(node->path, path))
            continue;
        fprintf(f, "%s = \"%s\"   (", node->path, node->value);
        for (size_t j = 0; j < node->n_perms; j++)
            fprintf(f, "%s%c%u", j != 0 ? "," : "", letters[node->perms[j].access],
                    node->perms[j].domid);
        fprintf(f, ")\n");
    }
    fclose(f);
    return text;
}
