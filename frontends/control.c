/* SPDX-License-Identifier: MIT */
/* control/shutdown; see control.h. */
#include "frontends/control.h"

#define NODE "control/shutdown"

static const struct {
    const char *name;
    const char *feature; /* NULL: goes without saying */
    enum control_request request;
} requests[] = {
    {"poweroff", "feature-poweroff", CONTROL_POWEROFF},
    {"reboot", "feature-reboot", CONTROL_REBOOT},
    {"halt", NULL, CONTROL_POWEROFF},
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

int control_open(struct control *c, struct store *s)
{
    c->store = s;
    for (size_t i = 0; i < REQUESTS; i++) {
        if (requests[i].feature == NULL)
            continue;
        int err = store_printf(s, STORE_NO_TX, "control", requests[i].feature, "1");
        if (err != 0)
            return err;
    }
    return store_watch(s, &c->watch, NODE);
}

void control_close(struct control *c)
{
    (void)store_unwatch(c->store, &c->watch); /* gone on our side in any case */
}

static enum control_request known(const char *name)
{
    for (size_t i = 0; i < REQUESTS; i++)
        if (strcmp(name, requests[i].name) == 0)
            return requests[i].request;
    return CONTROL_NONE;
}

/* Reads the node and empties it, so that no request that is written in between is lost. */
static int take_step(struct store *s, store_tx tx, void *context)
{
    enum control_request *request = context;
    char *value;

    *request = CONTROL_NONE;
    int err = store_read(s, tx, NODE, &value, NULL);
    if (err == -XEN_ENOENT)
        return 0;
    if (err != 0)
        return err;
    if (value[0] != '\0') {
        *request = known(value);
        if (*request == CONTROL_NONE)
            os_log("control: a request that is not known here: %.32s", value);
        else
            err = store_write(s, tx, NODE, "", 0);
    }
    os_free(value);
    return err;
}

int control_poll(struct control *c)
{
    enum control_request request = CONTROL_NONE;

    if (!store_fired(c->store, &c->watch))
        return CONTROL_NONE;
    int err = store_transact(c->store, take_step, &request);
    if (err != 0) {
        c->watch.fired = err != -XEN_EIO; /* it still waits, unless nobody can be asked any more */
        return err;
    }
    return (int)request;
}

int control_wait(struct control *c, uint64_t deadline)
{
    for (;;) {
        int request = control_poll(c);
        if (request != CONTROL_NONE || os_now() >= deadline)
            return request;
        os_wait(deadline);
    }
}
