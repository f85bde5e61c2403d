/* SPDX-License-Identifier: MIT */
/*
 * What the daemon needs of Xen, through Linux's devices: is a domain there, its ring's page, event
 * channels. On a machine without Xen xen_open() says so and the rest answers ENODEV. Functions
 * return 0 or an errno.
 */
#ifndef XENSTORE_XEN_H
#define XENSTORE_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens the devices; false without Xen (no line) or with a device missing (a line in the log). */
bool xen_open(void);
void xen_close(void);

struct xen_domain_state {
    bool dying, shut_down;
};
/* ESRCH: there is no such domain. */
int xen_domain(uint16_t domid, struct xen_domain_state *state);

struct xen_page {
    void *at;
    uint64_t index; /* of the grant mapping */
    bool granted;
};
#define XEN_PAGE_SIZE 4096u
/* The store's page of a domain: by grant reference 1, else by its frame number. */
int xen_map_ring(uint16_t domid, uint64_t gfn, struct xen_page *page);
/* dom0's own page and its port, from its kernel. */
int xen_map_own_ring(struct xen_page *page, uint32_t *port);
void xen_unmap_ring(struct xen_page *page);

/* Event channels. xen_evtchn_fd() becomes readable for xen_evtchn_next(), which also unmasks; -1:
 * no more. */
int xen_evtchn_fd(void);
int xen_evtchn_bind(uint16_t domid, uint32_t remote_port, uint32_t *port);
int xen_evtchn_bind_dom_exc(uint32_t *port);
void xen_evtchn_unbind(uint32_t port);
void xen_evtchn_notify(uint32_t port);
int64_t xen_evtchn_next(void);

#endif
