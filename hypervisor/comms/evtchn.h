/* SPDX-License-Identifier: MIT
 *
 * Event channels: ports of a domain, each free, unbound, interdomain, PIRQ, VIRQ or IPI; delivery
 * in the 2-level or the FIFO form. LOCK_EVTCHN of the domain guards its table; interdomain
 * operations take both in address order. Sending takes the sender's lock only (the peer's port
 * cannot go away meanwhile: see evtchn.c).
 */
#pragma once

struct domain;
struct vcpu;

int evtchn_init(struct domain *d, uint32_t max_port);
/* Teardown, resumable: closes every port (peers become unbound), frees the FIFO. 0 or -ERESTART. */
int evtchn_destroy(struct domain *d);
void evtchn_free(struct domain *d); /* with the domain's last reference */

/* From inside the hypervisor. Unbound VIRQs are dropped. */
void virq_send_vcpu(struct vcpu *v, unsigned virq); /* VIRQ_TIMER, DEBUG, XENPMU */
void virq_send_global(
    unsigned virq); /* to whoever (dom0) bound it: DOM_EXC, CONSOLE, CON_RING, ... */
void evtchn_send_pirq(struct domain *d, unsigned pirq);
/* true when the port is pending for SCHEDOP_poll. */
bool evtchn_is_pending(struct domain *d, uint32_t port);
bool evtchn_port_valid(struct domain *d, uint32_t port); /* it is open */
/* vcpu_info moved (register_vcpu_info): mark all its selectors pending once. */
void evtchn_vcpu_info_moved(struct vcpu *v);
/* Deliver the upcall: sets evtchn_upcall_pending of v and kicks it. */
void vcpu_mark_events_pending(struct vcpu *v);
/* Console dump for the debug key 'e'. */
void evtchn_dump(struct domain *d);

hcall_fn evtchnop_bind_interdomain, evtchnop_bind_virq, evtchnop_bind_pirq, evtchnop_close,
    evtchnop_send, evtchnop_status, evtchnop_alloc_unbound, evtchnop_bind_ipi, evtchnop_bind_vcpu,
    evtchnop_unmask, evtchnop_reset, evtchnop_init_control, evtchnop_expand_array,
    evtchnop_set_priority;
