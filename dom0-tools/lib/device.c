/* SPDX-License-Identifier: MIT */
/*
 * Devices in the store: publish, wait, list, remove. See device.h for the states and who moves
 * them.
 */
#include "dom0-tools/lib/device.h"
#include "common/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {"absent",      "Initialising",  "InitWait",
                                          "Initialised", "Connected",     "Closing",
                                          "Closed",      "Reconfiguring", "Reconfigured"};

static const char *backend_kind(const struct device *d)
{
    return *d->backend ? d->backend : d->kind;
}

void device_backend_path(const struct device *d, char path[DEVICE_PATH])
{
    snprintf(path, DEVICE_PATH, "/local/domain/%u/backend/%s/%u/%u", d->backend_domid,
             backend_kind(d), d->domid, d->id);
}

/* The first console is older than the device directory and lives beside it. */
void device_frontend_path(const struct device *d, char path[DEVICE_PATH])
{
    if (strcmp(d->kind, "console") == 0 && d->id == 0)
        snprintf(path, DEVICE_PATH, "/local/domain/%u/console", d->domid);
    else
        snprintf(path, DEVICE_PATH, "/local/domain/%u/device/%s/%u", d->domid, d->kind, d->id);
}

void device_trusted_path(const struct device *d, char path[DEVICE_PATH])
{
    snprintf(path, DEVICE_PATH, "/libxl/%u/device/%s/%u", d->domid, d->kind, d->id);
}

struct publish {
    const struct device *device;
    const struct device_node *nodes;
    size_t n;
};

static int write_common(struct store *s, store_tx tx, const struct device *d, const char *dir)
{
    char frontend[DEVICE_PATH], domid[16];

    device_frontend_path(d, frontend);
    snprintf(domid, sizeof(domid), "%u", d->domid);
    return store_writef(s, tx, frontend, "%s/frontend", dir) != 0 ||
                   store_writef(s, tx, domid, "%s/frontend-id", dir) != 0 ||
                   store_writef(s, tx, "1", "%s/online", dir) != 0 ||
                   store_writef(s, tx, "1", "%s/state", dir) != 0
               ? -1
               : 0;
}

/* A directory whose children inherit its permissions. */
static int make_directory(struct store *s, store_tx tx, const char *path, uint32_t owner,
                          const uint32_t *reader)
{
    const struct store_perm perms[2] = {{owner, STORE_NONE}, {reader ? *reader : 0, STORE_READ}};

    return store_mkdir(s, tx, path) != 0 ? -1 : store_set_perms(s, tx, path, perms, reader ? 2 : 1);
}

static int write_front(struct store *s, store_tx tx, const struct publish *p, const char *dir)
{
    const struct device *d = p->device;
    const struct store_perm readonly[2] = {{0, STORE_NONE}, {d->domid, STORE_READ}};
    char backend[DEVICE_PATH], domid[16];

    device_backend_path(d, backend);
    snprintf(domid, sizeof(domid), "%u", d->backend_domid);
    if (make_directory(s, tx, dir, d->domid, &d->backend_domid) != 0 ||
        store_writef(s, tx, backend, "%s/backend", dir) != 0 ||
        store_writef(s, tx, domid, "%s/backend-id", dir) != 0 ||
        store_writef(s, tx, "1", "%s/state", dir) != 0)
        return -1;
    for (size_t i = 0; i < p->n; i++) {
        const struct device_node *node = &p->nodes[i];

        if (node->side == DEVICE_BACK || node->value == NULL)
            continue;
        if (store_writef(s, tx, node->value, "%s/%s", dir, node->key) != 0)
            return -1;
        if (node->side == DEVICE_FRONT_READONLY &&
            store_set_permsf(s, tx, readonly, 2, "%s/%s", dir, node->key) != 0)
            return -1;
    }
    return 0;
}

static int write_back(struct store *s, store_tx tx, const struct publish *p, const char *dir)
{
    if (write_common(s, tx, p->device, dir) != 0)
        return -1;
    for (size_t i = 0; i < p->n; i++)
        if (p->nodes[i].side == DEVICE_BACK && p->nodes[i].value != NULL &&
            store_writef(s, tx, p->nodes[i].value, "%s/%s", dir, p->nodes[i].key) != 0)
            return -1;
    return 0;
}

static int publish_step(struct store *s, store_tx tx, void *arg)
{
    const struct publish *p = arg;
    const struct device *d = p->device;
    char front[DEVICE_PATH], back[DEVICE_PATH], trusted[DEVICE_PATH];

    device_frontend_path(d, front);
    device_backend_path(d, back);
    device_trusted_path(d, trusted);
    /* the first console's frontend directory is the domain's own business */
    if (strcmp(d->kind, "console") != 0 && write_front(s, tx, p, front) != 0)
        return -1;
    if (make_directory(s, tx, back, d->backend_domid, &d->domid) != 0 ||
        write_back(s, tx, p, back) != 0)
        return -1;
    if (make_directory(s, tx, trusted, 0, NULL) != 0 || write_back(s, tx, p, trusted) != 0 ||
        store_writef(s, tx, back, "%s/backend", trusted) != 0)
        return -1;
    return 0;
}

int device_publish(struct store *s, const struct device *d, const struct device_node *nodes,
                   size_t n, struct failure *why)
{
    struct publish p = {d, nodes, n};

    if (store_transact(s, publish_step, &p) != 0)
        return fail(why, errno, "cannot write the nodes of device %s/%u of domain %u: %s", d->kind,
                    d->id, d->domid, strerror(errno));
    return 0;
}

enum xenbus_state device_state(struct store *s, const char *path)
{
    uint64_t state;

    if (store_read_u64(s, STORE_NO_TX, &state, "%s/state", path) != 0 || state > XENBUS_CLOSED + 2)
        return XENBUS_UNKNOWN;
    return (enum xenbus_state)state;
}

/* What a backend or frontend said about its failure, malloc'ed; NULL when nothing. The text comes
 * from another domain. */
static char *reported_error(struct store *s, const struct device *d)
{
    char *text = store_readf(s, STORE_NO_TX, "/local/domain/%u/error/backend/%s/%u/%u/error",
                             d->backend_domid, backend_kind(d), d->domid, d->id);

    if (text == NULL)
        text = store_readf(s, STORE_NO_TX, "/local/domain/%u/error/device/%s/%u/error", d->domid,
                           d->kind, d->id);
    for (char *c = text; c != NULL && *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    return text;
}

static int refused(struct store *s, const struct device *d, const char *name, struct failure *why)
{
    char *error = reported_error(s, d);
    char halves[120];

    device_describe(s, d, halves, sizeof(halves));
    if (error != NULL)
        fail(why, EIO, "%s did not connect: %.300s (%s)", name, error, halves);
    else
        fail(why, EIO, "%s did not connect: %s", name, halves);
    free(error);
    return -1;
}

/* Waits for a change below path, at most until deadline and at most a second, for a watch may be
 * lost with the store that held it. 0, or -1 with errno. */
static int wait_change(struct store *s, int64_t deadline)
{
    struct store_event *event = NULL;
    int64_t left = deadline - now_ms();
    int rc = store_wait_event(s, left > 1000 ? 1000 : left > 0 ? (int)left : 0, &event);

    free(event);
    return rc < 0 ? -1 : 0;
}

static const char *driver_of(const struct device *d)
{
    if (strcmp(backend_kind(d), "qdisk") == 0)
        return "bonsai-blkd";
    return strcmp(d->kind, "vif") == 0 ? "xen-netback" : "xen-blkback";
}

int device_wait_backend(struct store *s, const struct device *d, enum xenbus_state want,
                        int timeout_ms, const char *name, struct failure *why)
{
    const int64_t deadline = now_ms() + timeout_ms;
    char back[DEVICE_PATH];
    int rc = 0;

    device_backend_path(d, back);
    if (store_watchf(s, "device", "%s/state", back) != 0)
        return fail(why, errno, "cannot watch %s: %s", back, strerror(errno));
    for (;;) {
        enum xenbus_state state = device_state(s, back);

        if (state >= XENBUS_CLOSING || state == XENBUS_UNKNOWN) {
            rc = refused(s, d, name, why);
            break;
        }
        if (state >= want)
            break;
        if (now_ms() >= deadline) {
            rc = fail(why, ETIMEDOUT,
                      "%s: its backend in domain %u did not answer within %d s; is its driver "
                      "(%s) there?",
                      name, d->backend_domid, timeout_ms / 1000, driver_of(d));
            break;
        }
        if (wait_change(s, deadline) != 0) {
            rc = fail(why, errno, "lost the store while waiting for %s: %s", name, strerror(errno));
            break;
        }
    }
    store_unwatchf(s, "device", "%s/state", back);
    return rc;
}

int device_connected(struct store *s, const struct device *d, const char *name, struct failure *why)
{
    char back[DEVICE_PATH], front[DEVICE_PATH];
    enum xenbus_state backend;
    char *error;

    device_backend_path(d, back);
    device_frontend_path(d, front);
    backend = device_state(s, back);
    if (backend == XENBUS_CONNECTED && device_state(s, front) == XENBUS_CONNECTED)
        return 0;
    if (backend != XENBUS_CLOSING && backend != XENBUS_CLOSED)
        return 1;
    /* a boot loader closes its devices for the kernel to open them anew: only an error is final */
    error = reported_error(s, d);
    free(error);
    return error != NULL ? refused(s, d, name, why) : 1;
}

void device_describe(struct store *s, const struct device *d, char *text, size_t size)
{
    char back[DEVICE_PATH], front[DEVICE_PATH];

    device_backend_path(d, back);
    device_frontend_path(d, front);
    snprintf(text, size, "the guest's half is %s, the backend is %s",
             state_names[device_state(s, front)], state_names[device_state(s, back)]);
}

/* What follows the index-th slash of a path; NULL when there are fewer. */
static const char *after_slash(const char *path, int index)
{
    while (path != NULL && index-- > 0) {
        path = strchr(path, '/');
        if (path != NULL)
            path++;
    }
    return path;
}

/* The part of a path after its index-th slash as a number; -1 when it is none. */
static int64_t component(const char *path, int index)
{
    char *end;
    long long n;

    path = after_slash(path, index);
    if (path == NULL || *path < '0' || *path > '9')
        return -1;
    n = strtoll(path, &end, 10);
    return (*end == '\0' || *end == '/') && n <= UINT32_MAX ? n : -1;
}

/* The kind in /local/domain/B/backend/KIND/..., when it is not the frontend's. */
static void read_backend_kind(const char *back, struct device *d)
{
    const char *kind = after_slash(back, 5);
    size_t n = kind != NULL ? strcspn(kind, "/") : 0;

    if (n != 0 && n < sizeof(d->backend) && (strncmp(kind, d->kind, n) != 0 || d->kind[n] != '\0'))
        snprintf(d->backend, sizeof(d->backend), "%.*s", (int)n, kind);
}

static int list_kind(struct store *s, uint32_t domid, const char *kind, struct device **list,
                     size_t *n)
{
    size_t count;
    char **ids = store_directoryf(s, STORE_NO_TX, &count, "/libxl/%u/device/%s", domid, kind);
    struct device *grown;

    if (ids == NULL)
        return errno == ENOENT ? 0 : -1;
    grown = realloc(*list, (*n + count + 1) * sizeof(struct device));
    if (grown == NULL) {
        free(ids);
        return -1;
    }
    *list = grown;
    for (size_t i = 0; i < count; i++) {
        char *back =
            store_readf(s, STORE_NO_TX, "/libxl/%u/device/%s/%s/backend", domid, kind, ids[i]);
        int64_t owner = back != NULL ? component(back, 3) : -1; /* /local/domain/B/backend/… */
        int64_t id = component(ids[i], 0);
        struct device *d = &grown[*n];

        if (owner >= 0 && id >= 0) {
            *d = (struct device){
                .backend_domid = (uint32_t)owner, .domid = domid, .id = (uint32_t)id};
            snprintf(d->kind, sizeof(d->kind), "%s", kind);
            read_backend_kind(back, d);
            ++*n;
        }
        free(back);
    }
    free(ids);
    return 0;
}

long device_list(struct store *s, uint32_t domid, struct device **list)
{
    size_t n_kinds, n = 0;
    char **kinds = store_directoryf(s, STORE_NO_TX, &n_kinds, "/libxl/%u/device", domid);

    *list = NULL;
    if (kinds == NULL)
        return errno == ENOENT ? 0 : -1;
    for (size_t i = 0; i < n_kinds; i++)
        if (strlen(kinds[i]) < sizeof((*list)->kind) &&
            list_kind(s, domid, kinds[i], list, &n) != 0) {
            free(kinds);
            free(*list);
            *list = NULL;
            return -1;
        }
    free(kinds);
    return (long)n;
}

/* A domain's own directory has a life of its own, however empty. */
static bool is_domain_home(const char *path)
{
    return strncmp(path, "/local/domain", 13) == 0 &&
           (path[13] == '\0' || strchr(path + 14, '/') == NULL);
}

static int rm_upwards_step(struct store *s, store_tx tx, void *arg)
{
    char path[STORE_PATH_MAX];
    char *slash;

    snprintf(path, sizeof(path), "%s", (const char *)arg);
    if (store_rm(s, tx, path) != 0 && errno != ENOENT)
        return -1;
    while ((slash = strrchr(path, '/')) != NULL && slash != path) {
        size_t children = 0;
        char **names;

        *slash = '\0';
        if (is_domain_home(path))
            break;
        names = store_directory(s, tx, path, &children);
        if (names == NULL && errno != ENOENT)
            return -1;
        free(names);
        if (children != 0)
            break;
        if (names != NULL && store_rm(s, tx, path) != 0)
            return -1;
    }
    return 0;
}

int store_rm_upwards(struct store *s, const char *path)
{
    return store_transact(s, rm_upwards_step, (void *)path);
}

/* Waits for the backend to be Closed or gone. 1 when it is, 0 in time's end, -1 with errno. */
static int wait_closed(struct store *s, const char *back, int timeout_ms)
{
    const int64_t deadline = now_ms() + timeout_ms;
    int rc = 0;

    if (store_watchf(s, "closed", "%s/state", back) != 0)
        return -1;
    for (;;) {
        enum xenbus_state state = device_state(s, back);

        if (state == XENBUS_CLOSED || state == XENBUS_UNKNOWN) {
            rc = 1;
            break;
        }
        if (now_ms() >= deadline)
            break;
        if (wait_change(s, deadline) != 0) {
            rc = -1;
            break;
        }
    }
    store_unwatchf(s, "closed", "%s/state", back);
    return rc;
}

static int ask_closing(struct store *s, store_tx tx, void *arg)
{
    const char *back = arg;
    uint64_t state;

    if (store_read_u64(s, tx, &state, "%s/state", back) != 0)
        return errno == ENOENT ? 0 : -1;
    if (store_writef(s, tx, "0", "%s/online", back) != 0)
        return -1;
    return state == XENBUS_CLOSED ? 0 : store_writef(s, tx, "5", "%s/state", back);
}

int device_remove(struct store *s, const struct device *d, bool guest_dead, int timeout_ms,
                  struct failure *why)
{
    char back[DEVICE_PATH], front[DEVICE_PATH], trusted[DEVICE_PATH], error[DEVICE_PATH];
    const bool console = strcmp(d->kind, "console") == 0; /* its daemon follows the domain */
    int rc = 1, err;

    device_backend_path(d, back);
    device_frontend_path(d, front);
    device_trusted_path(d, trusted);
    if (!console) {
        rc = store_transact(s, ask_closing, back) != 0 ? -1 : 0;
        if (rc == 0 && !guest_dead)
            rc = wait_closed(s, back, timeout_ms);
        /* without its frontend a backend closes by itself */
        if (rc == 0 && (store_rm(s, STORE_NO_TX, front) == 0 || errno == ENOENT))
            rc = wait_closed(s, back, timeout_ms);
    }
    err = errno;
    snprintf(error, sizeof(error), "/local/domain/%u/error/backend/%s/%u/%u", d->backend_domid,
             backend_kind(d), d->domid, d->id);
    if ((!console && store_rm_upwards(s, front) != 0) || store_rm_upwards(s, error) != 0 ||
        store_rm_upwards(s, back) != 0 || store_rm_upwards(s, trusted) != 0)
        return fail(why, errno, "cannot remove the nodes of device %s/%u of domain %u: %s", d->kind,
                    d->id, d->domid, strerror(errno));
    if (rc < 0)
        return fail(why, err, "cannot close device %s/%u of domain %u: %s", d->kind, d->id,
                    d->domid, strerror(err));
    if (rc == 0)
        return fail(why, ETIMEDOUT,
                    "device %s/%u of domain %u: its backend in domain %u did not close in time",
                    d->kind, d->id, d->domid, d->backend_domid);
    return 0;
}
