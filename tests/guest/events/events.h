/* SPDX-License-Identifier: MIT */
/* Parts of the events kernel: one call each, and lines that hold many answers. */
#ifndef EVENTS_H
#define EVENTS_H

#include "guest-abi/kit/kit.h"
#include "tests/guest/lib/check.h"

#define NO_PORT 0xffffffffu

/* One operation each; what it answered. Ports that are handed out go to *port. */
long ev_status(domid_t dom, evtchn_port_t port, struct evtchn_status *status);
long ev_alloc(domid_t dom, domid_t remote, evtchn_port_t *port);
long ev_bind(domid_t remote, evtchn_port_t remote_port, evtchn_port_t *port);
long ev_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port);
long ev_ipi(uint32_t vcpu, evtchn_port_t *port);
long ev_vcpu(evtchn_port_t port, uint32_t vcpu);
long ev_close(evtchn_port_t port);
long ev_send(evtchn_port_t port);
long ev_unmask(evtchn_port_t port);
long ev_priority(evtchn_port_t port, uint32_t priority);
long ev_reset(domid_t dom);
long ev_control(uint64_t gfn, uint32_t offset, uint32_t vcpu);
long ev_expand(uint64_t gfn);

/* Whether the guest has it open. */
bool ev_open(evtchn_port_t port);
/* A port of the guest's that is not open. */
evtchn_port_t ev_closed_port(void);

/* Many answers in one line: "-EINVAL*3, 0". */
void answers_start(void);
void answers_add(long answer);
void answers_end(bool good, const char *what);

void two_level(void); /* ports of nobody and of others, bits scribbled over */
void polling(void);
void fifo(void); /* and back again */

#endif
