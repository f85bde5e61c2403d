/* SPDX-License-Identifier: MIT */
/*
 * A TCP service that sends back what comes. A connection's window opens only as far as its bytes
 * have gone out again, so that a peer that does not read costs at most one window.
 */
#ifndef EXAMPLES_NET_ECHO_H
#define EXAMPLES_NET_ECHO_H

#include <stdbool.h>
#include <stdint.h>

/* Listens on all addresses; false when there is no memory. */
bool echo_start(uint16_t port);

#endif
