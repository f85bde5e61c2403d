/* SPDX-License-Identifier: MIT */
/* The handshake of a split device; see xenbus.h for its phases. */
#include "frontends/xenbus.h"

#define CLOSE_PATIENCE (5ull * 1000000000)

static int set_state(struct xenbus_device *d, enum xenbus_state state)
{
    return store_printf(d->store, STORE_NO_TX, d->path, "state", "%d", (int)state);
}

/* What the backend says of itself; nonsense and nothing are Unknown. */
static int backend_state(struct xenbus_device *d, enum xenbus_state *state)
{
    uint64_t value;
    int err = xenbus_backend_u64(d, "state", XenbusStateUnknown, &value);

    if (err == -XEN_EINVAL)
        err = 0, value = XenbusStateUnknown;
    if (err != 0)
        return err;
    *state = value <= XenbusStateReconfigured ? (enum xenbus_state)value : XenbusStateUnknown;
    return 0;
}

/* Whether a closed backend may come back. */
static bool online(struct xenbus_device *d)
{
    uint64_t value;

    return xenbus_backend_u64(d, "online", 0, &value) == 0 && value != 0;
}

static int publish_step(struct store *s, store_tx tx, void *context)
{
    struct xenbus_device *d = context;
    int err = d->ops->publish(d, tx);

    if (err != 0)
        return err;
    return store_printf(s, tx, d->path, "state", "%d", (int)d->ops->published);
}

static int publish(struct xenbus_device *d)
{
    int err = d->ops->prepare(d);

    if (err == 0)
        err = store_transact(d->store, publish_step, d);
    if (err == 0)
        d->phase = XENBUS_PUBLISHED;
    else
        d->ops->drop(d);
    return err;
}

static int connect(struct xenbus_device *d)
{
    int err = d->ops->connect(d);

    if (err != 0)
        return err;
    d->phase = XENBUS_CONNECTED;
    d->connections++;
    return d->ops->published == XenbusStateConnected ? 0 : set_state(d, XenbusStateConnected);
}

static int start(struct xenbus_device *d)
{
    d->phase = XENBUS_WAITING;
    return set_state(d, XenbusStateInitialising);
}

/* The backend leaves. */
static int end(struct xenbus_device *d)
{
    int err = set_state(d, XenbusStateClosing);

    d->ops->drop(d);
    d->phase = XENBUS_CLOSED;
    return err != 0 ? err : set_state(d, XenbusStateClosed);
}

static int gone(struct xenbus_device *d)
{
    d->phase = XENBUS_GONE;
    return set_state(d, XenbusStateClosed);
}

static int step_waiting(struct xenbus_device *d, enum xenbus_state backend)
{
    switch (backend) {
    case XenbusStateInitWait:
        return publish(d);
    case XenbusStateConnected: /* to somebody who was here before us */
        return end(d);
    case XenbusStateClosing:
        return online(d) ? 0 : gone(d);
    case XenbusStateClosed: /* said once more, or it might not look */
        return online(d) ? start(d) : gone(d);
    default:
        return 0;
    }
}

static int step_running(struct xenbus_device *d, enum xenbus_state backend)
{
    switch (backend) {
    case XenbusStateUnknown:
    case XenbusStateClosing:
    case XenbusStateClosed:
        return end(d);
    case XenbusStateConnected:
        return d->phase == XENBUS_PUBLISHED ? connect(d) : 0;
    case XenbusStateInitialising:
    case XenbusStateInitWait:
    case XenbusStateInitialised:
        if (d->phase == XENBUS_PUBLISHED)
            return 0; /* it has not looked yet */
        d->ops->drop(d);
        return start(d);
    default:
        return 0; /* reconfiguration concerns no driver here */
    }
}

static int step_closed(struct xenbus_device *d, enum xenbus_state backend)
{
    switch (backend) {
    case XenbusStateInitWait:
        return start(d);
    case XenbusStateClosed:
        return online(d) ? start(d) : gone(d);
    case XenbusStateUnknown:
        return gone(d);
    case XenbusStateConnected:
    case XenbusStateClosing: /* said once more: the store may not have heard it */
        return set_state(d, XenbusStateClosed);
    default:
        return 0;
    }
}

static int step(struct xenbus_device *d, enum xenbus_state backend)
{
    switch (d->phase) {
    case XENBUS_WAITING:
        return step_waiting(d, backend);
    case XENBUS_PUBLISHED:
    case XENBUS_CONNECTED:
        return step_running(d, backend);
    case XENBUS_CLOSED:
        return step_closed(d, backend);
    default:
        return 0;
    }
}

/* One state of the backend may carry us over several phases (closed, waiting, published), but never
 * round in a circle. */
#define STEPS_MAX 4

void xenbus_poll(struct xenbus_device *d)
{
    if (d->phase == XENBUS_GONE || !store_fired(d->store, &d->watch))
        return;
    for (int i = 0; i < STEPS_MAX; i++) {
        enum xenbus_phase before = d->phase;
        enum xenbus_state backend;
        int err = backend_state(d, &backend);
        if (err == 0)
            err = step(d, backend);
        if (err == -XEN_EAGAIN)
            continue; /* somebody changes our nodes all the time */
        if (err == -XEN_ETIMEDOUT) {
            d->watch.fired = true; /* the store was away: next time */
            return;
        }
        if (err != 0 && d->phase != XENBUS_GONE)
            (void)xenbus_break(d, "the handshake failed with error %d", -err);
        if (d->phase == before || d->phase == XENBUS_GONE)
            return;
    }
    d->watch.fired = true; /* not at rest yet: next time */
}

int xenbus_wait(struct xenbus_device *d, uint64_t deadline)
{
    for (;;) {
        xenbus_poll(d);
        if (d->phase == XENBUS_CONNECTED)
            return 0;
        if (d->phase == XENBUS_GONE)
            return -XEN_EIO;
        if (os_now() >= deadline)
            return -XEN_ETIMEDOUT;
        os_wait(deadline);
    }
}

int xenbus_break(struct xenbus_device *d, const char *format, ...)
{
    char why[160], where[XENBUS_PATH + 8];
    va_list args;

    if (d->phase == XENBUS_GONE)
        return -XEN_EIO;
    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args); /* cut short at worst */
    va_end(args);
    os_log("%s: broken: %s", d->path, why);
    d->broken = true;
    d->phase = XENBUS_GONE;
    d->ops->drop(d);
    (void)snprintf(where, sizeof(where), "error/%s", d->path); /* fits by its size */
    int err = store_printf(d->store, STORE_NO_TX, where, "error", "%s", why);
    if (err == 0)
        err = set_state(d, XenbusStateClosed);
    if (err != 0)
        os_log("%s: the store could not be told (error %d)", d->path, -err);
    return -XEN_EIO;
}

/* Until the backend's state is `want` or later, or it is nowhere. */
static void await_backend(struct xenbus_device *d, enum xenbus_state want, uint64_t deadline)
{
    enum xenbus_state backend;

    while (backend_state(d, &backend) == 0 && backend != XenbusStateUnknown && backend < want) {
        while (!store_fired(d->store, &d->watch)) {
            if (os_now() >= deadline)
                return;
            os_wait(deadline);
        }
    }
}

void xenbus_close(struct xenbus_device *d)
{
    const uint64_t deadline = os_now() + CLOSE_PATIENCE;
    bool running = d->phase == XENBUS_CONNECTED, told = true;

    if (d->phase != XENBUS_GONE) {
        told = set_state(d, XenbusStateClosing) == 0;
        if (told && running)
            await_backend(d, XenbusStateClosing, deadline);
        told = gone(d) == 0;
    }
    if (told && d->connections > 0)
        await_backend(d, XenbusStateClosed, deadline); /* it lets go of our pages before */
    d->ops->drop(d);
    (void)store_unwatch(d->store, &d->watch); /* gone on our side in any case */
}

int xenbus_backend_u64(struct xenbus_device *d, const char *node, uint64_t missing, uint64_t *value)
{
    int err = store_read_u64(d->store, STORE_NO_TX, d->backend, node, value);

    if (err != -XEN_ENOENT)
        return err;
    *value = missing;
    return 0;
}

static int copy_text(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);

    if (n >= size)
        return -XEN_E2BIG;
    memcpy(to, from, n + 1);
    return 0;
}

static int read_backend(struct xenbus_device *d)
{
    char node[XENBUS_PATH + 16], *value;
    uint64_t id;

    (void)snprintf(node, sizeof(node), "%s/backend", d->path); /* fits by its size */
    int err = store_read(d->store, STORE_NO_TX, node, &value, NULL);
    if (err != 0)
        return err;
    err = copy_text(d->backend, sizeof(d->backend), value);
    os_free(value);
    if (err == 0)
        err = store_read_u64(d->store, STORE_NO_TX, d->path, "backend-id", &id);
    if (err == 0 && id >= DOMID_FIRST_RESERVED)
        err = -XEN_EINVAL;
    if (err == 0)
        d->backend_id = (domid_t)id;
    return err;
}

int xenbus_open(struct xenbus_device *d, struct store *s, const char *path,
                const struct xenbus_ops *ops, void *driver)
{
    char node[XENBUS_PATH + 8];

    memset(d, 0, sizeof(*d));
    d->store = s;
    d->ops = ops;
    d->driver = driver;
    int err = copy_text(d->path, sizeof(d->path), path);
    if (err == 0)
        err = read_backend(d);
    if (err == 0)
        err = start(d);
    if (err != 0)
        return err;
    (void)snprintf(node, sizeof(node), "%s/state", d->backend); /* fits by its size */
    return store_watch(s, &d->watch, node);
}

/* The number that a name is, or false. */
static bool number(const char *name, uint64_t *value)
{
    uint64_t n = 0;

    for (size_t i = 0; name[i] != '\0'; i++) {
        if (name[i] < '0' || name[i] > '9' || n > UINT32_MAX)
            return false;
        n = n * 10 + (uint64_t)(name[i] - '0');
    }
    *value = n;
    return name[0] != '\0';
}

/* How many names are smaller numbers. */
static unsigned rank(const char *names, size_t len, uint64_t value)
{
    unsigned smaller = 0;
    uint64_t other;

    for (size_t at = 0; at < len; at += strlen(names + at) + 1)
        if (number(names + at, &other) && other < value)
            smaller++;
    return smaller;
}

int xenbus_nth(struct store *s, const char *kind, unsigned n, char path[XENBUS_PATH])
{
    char *names;
    size_t len;
    uint64_t value;

    (void)snprintf(path, XENBUS_PATH, "device/%s", kind);
    int err = store_list(s, STORE_NO_TX, path, &names, &len);
    if (err != 0)
        return err;
    err = -XEN_ENOENT;
    for (size_t at = 0; at < len && err != 0; at += strlen(names + at) + 1) {
        if (!number(names + at, &value) || rank(names, len, value) != n)
            continue;
        (void)snprintf(path, XENBUS_PATH, "device/%s/%s", kind, names + at);
        err = 0;
    }
    os_free(names);
    return err;
}
