/* SPDX-License-Identifier: MIT */
/*
 * States of a split device, written in decimal to the "state" node by each side. A frontend goes 1,
 * 3 (its rings are published), 4; a backend 1, 2 (it can be read), 4; both end with 5, 6. Closed
 * may start again from 1.
 */
#ifndef _XEN_PUBLIC_IO_XENBUS_H
#define _XEN_PUBLIC_IO_XENBUS_H

enum xenbus_state {
    XenbusStateUnknown = 0,
    XenbusStateInitialising = 1,
    XenbusStateInitWait = 2,    /* waits for the other side's details */
    XenbusStateInitialised = 3, /* own details written */
    XenbusStateConnected = 4,
    XenbusStateClosing = 5,
    XenbusStateClosed = 6,
    XenbusStateReconfiguring = 7,
    XenbusStateReconfigured = 8
};
typedef enum xenbus_state XenbusState;

#endif
