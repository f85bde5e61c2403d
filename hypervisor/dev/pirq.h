/* SPDX-License-Identifier: MIT
 *
 * A domain's PIRQs: its numbers for interrupt sources. For an IOAPIC line the number is by custom
 * the GSI; messages get numbers from the top. A PIRQ is free, reserved (a number was asked for),
 * mapped to a source, or mapped and bound to an event channel.
 */
#pragma once

struct domain;

/* Any free number (-1) or this one for irq; from the top for messages (`nr` of them in a row).
 * Returns the first pirq, the one that irq already has, or -EBUSY, -EINVAL, -ENOSPC. */
int pirq_map(struct domain *d, int wanted, unsigned irq, unsigned nr, bool message);
/* Unbinds and frees. The source's number, or -EINVAL when it was not mapped. */
int pirq_unmap(struct domain *d, unsigned pirq);
/* A number for messages that nobody else gets; -ENOSPC. */
int pirq_reserve(struct domain *d);
/* The source, or -EINVAL. */
int pirq_to_irq(const struct domain *d, unsigned pirq);
/* PHYSDEVOP_pirq_eoi_gmfn_v2: bit n of the guest's page says that pirq n needs an EOI. -EBUSY the
 * second time. */
int pirq_set_eoi_page(struct domain *d, mfn_t m);
