/* SPDX-License-Identifier: MIT */
/* See pretend_bus.h. */
#include "pretend_bus.h"

#include <stdio.h>
#include <string.h>

#include <xen/io/xenbus.h>

void pretend_bus_node(struct pretend_bus *b, const char *node, const char *format, ...)
{
    char path[160], value[128];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    snprintf(path, sizeof(path), "%s/%s", b->back, node);
    pretend_write(path, "%s", value);
}

void pretend_bus_state(struct pretend_bus *b, int state)
{
    b->state = state;
    pretend_bus_node(b, "state", "%d", state);
}

void pretend_bus_create(struct pretend_bus *b, const char *kind, unsigned id)
{
    char path[160];

    snprintf(b->path, sizeof(b->path), "device/%s/%u", kind, id);
    snprintf(b->front, sizeof(b->front), GUEST_HOME "/%s", b->path);
    snprintf(b->back, sizeof(b->back), "/local/domain/0/backend/%s/1/%u", kind, id);
    pretend_write(b->back, "%s", "");
    assert_int_equal(do_perms(pretend_dom0, NULL, b->back, "n0 r1"), 0);
    pretend_bus_node(b, "frontend", "%s", b->front);
    pretend_bus_node(b, "frontend-id", "1");
    pretend_bus_node(b, "online", "1");
    pretend_bus_state(b, XenbusStateInitialising);
    snprintf(path, sizeof(path), "%s/backend", b->front);
    pretend_write(path, "%s", b->back);
    snprintf(path, sizeof(path), "%s/backend-id", b->front);
    pretend_write(path, "0");
    snprintf(path, sizeof(path), "%s/state", b->front);
    pretend_write(path, "1");
    assert_int_equal(do_perms(pretend_dom0, NULL, path, "n1"), 0);
    b->seen = 0;
}

static void leave(struct pretend_bus *b)
{
    if (b->connected)
        b->disconnect(b);
    b->connected = false;
}

static void join(struct pretend_bus *b)
{
    if (b->state == XenbusStateConnected || b->state == XenbusStateClosed)
        return;
    leave(b);
    b->connected = b->connect(b);
    pretend_bus_state(b, b->connected ? XenbusStateConnected : XenbusStateClosing);
}

bool pretend_bus_step(struct pretend_bus *b)
{
    int state = b->dead ? b->seen : (int)pretend_number(b->front, "state");

    bool invited = state == XenbusStateInitialising && b->state == XenbusStateClosed && !b->dead;
    if (state == b->seen && !invited)
        return false;
    if (b->lazy != 0) {
        b->lazy = b->lazy * 1103515245 + 12345;
        if ((b->lazy >> 16) % 4 != 0)
            return true;
    }
    b->seen = state;
    switch (state) {
    case XenbusStateInitialising:
        if (b->state == XenbusStateInitialising || b->state == XenbusStateClosed)
            pretend_bus_state(b, XenbusStateInitWait);
        break;
    case XenbusStateInitialised:
        if (!b->patient)
            join(b);
        break;
    case XenbusStateConnected:
        join(b);
        break;
    case XenbusStateClosing:
        pretend_bus_state(b, XenbusStateClosing);
        break;
    case XenbusStateClosed:
        leave(b);
        pretend_bus_state(b, XenbusStateClosed);
        break;
    default:
        break;
    }
    return true;
}

bool pretend_bus_bound(struct pretend_bus *b)
{
    return pretend_number(b->front, "state") == XenbusStateConnected && !pretend_said("broken: ");
}

void pretend_bus_kill(struct pretend_bus *b)
{
    leave(b);
    b->dead = true;
}

void pretend_bus_revive(struct pretend_bus *b, int state)
{
    b->dead = false;
    b->seen = (int)pretend_number(b->front, "state");
    pretend_bus_state(b, state);
}
