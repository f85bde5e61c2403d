/* SPDX-License-Identifier: MIT */
/*
 * The bus behind xenbus.h: the connection to the store, which may be lost and found, its events,
 * and the list of devices. An event only marks devices; they are looked at once a round, however
 * often a frontend makes its nodes change.
 */
#include "backends/lib/xenbus_private.h"
#include "common/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATER_MS 20
#define STORE_MS 200

int xenbus_fd(const struct xenbus *bus)
{
    return bus->store ? store_fd(bus->store) : -1;
}

struct xenbus_device *xenbus_find(const struct xenbus *bus, uint32_t domid, uint32_t id)
{
    for (struct xenbus_device *d = bus->devices; d; d = d->next)
        if (d->domid == domid && d->id == id)
            return d;
    return NULL;
}

struct xenbus_device *xenbus_devices(const struct xenbus *bus)
{
    return bus->devices;
}

struct store *xenbus_store(const struct xenbus *bus)
{
    return bus->store;
}

void *xenbus_context(const struct xenbus_device *d)
{
    return d->bus->driver->context;
}

void xenbus_look_at(struct xenbus_device *d)
{
    d->dirty = d->bus->any_dirty = true;
}

static void meet(struct xenbus *bus, uint32_t domid, uint32_t id)
{
    struct xenbus_device *d = xenbus_find(bus, domid, id);

    if (!d) {
        d = calloc(1, sizeof(*d));
        if (!d) {
            fprintf(stderr, "%s: out of memory for a device of domain %u\n", bus->driver->program,
                    domid);
            return;
        }
        d->bus = bus;
        d->domid = domid;
        d->id = id;
        snprintf(d->back, sizeof(d->back), "%s/%u/%u", bus->root, domid, id);
        snprintf(d->name, sizeof(d->name), "domain %u, %s %u", domid, bus->driver->type, id);
        d->next = bus->devices;
        bus->devices = d;
    }
    xenbus_look_at(d);
}

/* "DOMID/ID" at the beginning of text, and then its end or a slash. */
static bool parse_device(const char *text, uint32_t *domid, uint32_t *id)
{
    int n = 0;

    return sscanf(text, "%5u/%10u%n", domid, id, &n) == 2 && (text[n] == '\0' || text[n] == '/');
}

static int scan_domain(struct xenbus *bus, const char *domain)
{
    size_t n;
    char **ids = store_directoryf(bus->store, STORE_NO_TX, &n, "%s/%s", bus->root, domain);
    int rc = ids || errno == ENOENT ? 0 : -1;
    uint32_t domid, id;
    char path[64];

    for (size_t i = 0; ids && i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", domain, ids[i]);
        if (!parse_device(path, &domid, &id))
            continue;
        meet(bus, domid, id);
        if (!xenbus_find(bus, domid, id)) {
            errno = ENOMEM;
            rc = -1;
        }
    }
    free(ids);
    return rc;
}

/* Everything anew: what is there is met, what is known is looked at. -1 with errno when not all
 * that is there could be met. */
static int scan(struct xenbus *bus)
{
    size_t n;
    char **domains = store_directory(bus->store, STORE_NO_TX, bus->root, &n);
    int rc = domains || errno == ENOENT ? 0 : -1;

    for (size_t i = 0; domains && i < n && rc == 0; i++)
        rc = scan_domain(bus, domains[i]);
    free(domains);
    for (struct xenbus_device *d = bus->devices; d; d = d->next)
        xenbus_look_at(d);
    return rc;
}

static void take_event(struct xenbus *bus, const struct store_event *e)
{
    const size_t root = strlen(bus->root);
    uint32_t domid, id;

    if (!strcmp(e->token, "back")) {
        if (!strncmp(e->path, bus->root, root) && e->path[root] == '/' &&
            parse_device(e->path + root + 1, &domid, &id))
            meet(bus, domid, id);
        else
            (void)scan(bus); /* a store that is lost is noticed, and scanned when it is back */
    } else if (parse_device(e->token, &domid, &id) && xenbus_find(bus, domid, id)) {
        xenbus_look_at(xenbus_find(bus, domid, id));
    }
}

static void lose_store(struct xenbus *bus)
{
    fprintf(stderr, "%s: the connection to XenStore is lost: %s; serving on, trying again\n",
            bus->driver->program, strerror(errno));
    store_close(bus->store);
    bus->store = NULL;
    for (struct xenbus_device *d = bus->devices; d; d = d->next)
        d->watched = false;
    bus->again = now_ms() + STORE_MS;
}

static int greet_store(struct xenbus *bus, struct failure *why)
{
    uint64_t self;

    bus->store = store_open();
    if (!bus->store)
        return fail(why, errno, "XenStore cannot be reached: %s", strerror(errno));
    if (store_read_u64(bus->store, STORE_NO_TX, &self, "domid") || self > UINT16_MAX)
        fail(why, errno, "this domain's number is not in XenStore (domid): %s", strerror(errno));
    else {
        bus->self = (uint32_t)self;
        snprintf(bus->root, sizeof(bus->root), "/local/domain/%u/backend/%s", bus->self,
                 bus->driver->type);
        if (store_watch(bus->store, bus->root, "back") == 0)
            return 0;
        fail(why, errno, "%s cannot be watched: %s", bus->root, strerror(errno));
    }
    store_close(bus->store);
    bus->store = NULL;
    return -1;
}

/* A bus whose devices nobody has looked at. */
static void discard(struct xenbus *bus)
{
    struct xenbus_device *d;

    while ((d = bus->devices)) {
        bus->devices = d->next;
        free(d);
    }
    store_close(bus->store);
    free(bus);
}

struct xenbus *xenbus_open(const struct xenbus_driver *driver, struct failure *why)
{
    struct xenbus *bus = calloc(1, sizeof(*bus));

    if (!bus) {
        fail(why, ENOMEM, "out of memory");
        return NULL;
    }
    bus->driver = driver;
    if (greet_store(bus, why)) {
        free(bus);
        return NULL;
    }
    if (scan(bus)) {
        fail(why, errno, "the devices in %s cannot be listed: %s", bus->root, strerror(errno));
        discard(bus);
        return NULL;
    }
    bus->any_dirty = true; /* events may lie in the handle already */
    return bus;
}

static void note_orphan(struct xenbus_device *d)
{
    if (d->orphan || !d->linked || store_exists(d->bus->store, STORE_NO_TX, d->back) != 0)
        return;
    d->orphan = true;
    fprintf(stderr, "%s: %s: XenStore has lost its nodes; served on until this daemon ends\n",
            d->bus->driver->program, d->name);
}

static void find_store_again(struct xenbus *bus)
{
    struct failure why;

    if (now_ms() < bus->again)
        return;
    if (greet_store(bus, &why)) {
        bus->again = now_ms() + STORE_MS;
        return;
    }
    fprintf(stderr, "%s: XenStore is back\n", bus->driver->program);
    (void)scan(bus); /* lost again: see take_events() */
    bus->any_dirty = true;
    for (struct xenbus_device *d = bus->devices; d; d = d->next) {
        note_orphan(d);
        xenbus_meet_frontend(d);
    }
}

/* Events that came while a call waited for its answer lie in the handle and make no descriptor
 * readable: so also after every round of looking. */
static bool take_events(struct xenbus *bus)
{
    struct store_event *e;
    int r;

    while ((r = store_next_event(bus->store, &e)) > 0) {
        take_event(bus, e);
        free(e);
    }
    if (r < 0)
        lose_store(bus);
    return r == 0;
}

static void look_at_dirty(struct xenbus *bus)
{
    struct xenbus_device *next;

    bus->any_dirty = false;
    for (struct xenbus_device *d = bus->devices; d; d = next) {
        next = d->next;
        if (!d->dirty)
            continue;
        d->dirty = d->later = false;
        if (store_exists(bus->store, STORE_NO_TX, d->back) != 0) {
            d->orphan = false;
            xenbus_settle(d);
        } else if (!d->orphan) {
            xenbus_removed(d);
        }
    }
}

void xenbus_serve(struct xenbus *bus, bool readable)
{
    if (!bus->store)
        find_store_again(bus);
    if (!bus->store)
        return;
    if (bus->any_later && now_ms() >= bus->again) {
        bus->any_later = false;
        for (struct xenbus_device *d = bus->devices; d; d = d->next)
            if (d->later)
                xenbus_look_at(d);
    }
    if ((!readable && !bus->any_dirty) || !take_events(bus) || !bus->any_dirty)
        return;
    look_at_dirty(bus);
    if (bus->any_later)
        bus->again = now_ms() + LATER_MS;
    take_events(bus);
}

int xenbus_timeout(const struct xenbus *bus)
{
    int64_t left;

    if (bus->any_dirty && bus->store)
        return 0;
    if (bus->store && !bus->any_later)
        return -1;
    left = bus->again - now_ms();
    return left > 0 ? (int)left : 0;
}
