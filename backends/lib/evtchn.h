/* SPDX-License-Identifier: MIT */
/*
 * Event channels of this domain through Linux's /dev/xen/evtchn (uapi: xen/evtchn.h). One
 * descriptor serves any number of ports: poll it for POLLIN, take a port with evtchn_next(), handle
 * it, then evtchn_unmask() it so that it can fire again. Closing the descriptor (or dying) closes
 * every port, and the other ends become unbound.
 *
 * Functions return a port or 0, or -1 with errno.
 */
#ifndef BACKENDS_EVTCHN_H
#define BACKENDS_EVTCHN_H

#include <stddef.h>
#include <stdint.h>

int evtchn_open(void); /* the descriptor, non-blocking, close-on-exec */
int evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t remote_port);
int evtchn_bind_virq(int fd, uint32_t virq);
int evtchn_unbind(int fd, uint32_t port);
int evtchn_notify(int fd, uint32_t port);
int evtchn_next(int fd, uint32_t *port); /* 1 with *port, 0 none pending */
int evtchn_unmask(int fd, uint32_t port);

/* Many at once, for few system calls: up to room pending ports into ports, how many; then all of
 * them. */
int evtchn_take(int fd, uint32_t *ports, size_t room);
int evtchn_unmask_all(int fd, const uint32_t *ports, size_t n);

#endif
