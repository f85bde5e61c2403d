/* SPDX-License-Identifier: MIT
 *
 * Shared by x86/irq.c and x86/msi.c only: the table of sources, under irq_lock (LOCK_PIRQ).
 */
#pragma once
#include "lib/spinlock.h"

#define MAX_MSIS    256u
#define MAX_IRQS    512u
#define MAX_SHARERS 4u

struct domain;

struct irq_guest {
    struct domain *d; /* unbinds before it goes */
    void (*raise)(struct domain *d, unsigned pirq);
    unsigned pirq;
    bool in_service; /* level only: told, not yet done */
};

struct irq_desc {
    uint8_t vector; /* 0: none yet */
    bool level, low;
    bool set; /* by PHYSDEVOP_setup_gsi */
    bool shared;
    uint8_t nr_guests;
    void (*handler)(void *data); /* ours */
    void *data;
    uint64_t count;
    struct irq_guest guests[MAX_SHARERS];
};

extern struct irq_desc irqs[MAX_IRQS];
extern struct spinlock irq_lock;

void msi_set_mask(unsigned irq, bool masked);
