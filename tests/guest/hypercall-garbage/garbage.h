/* SPDX-License-Identifier: MIT */
/*
 * Arguments that no caller means: where a pointer can point, what can lie there, what numbers a
 * count can be; and the guest's own state put back after a call that may have changed it.
 */
#ifndef GARBAGE_H
#define GARBAGE_H

#include "guest-abi/kit/kit.h"

#define ARGUMENTS 6u

/* All pages and places that the patterns name; once. */
void garbage_init(void);

/* The n-th value of an argument that may be a pointer, a count or a number; false past the last.
 * What it points to is as it was on the first call. */
bool garbage_value(unsigned n, unsigned long *value);
/* The n-th content of a structure, at an address that can be read and written. */
bool garbage_structure(unsigned n, unsigned long *address);
/* Any of these, or any number. */
unsigned long garbage_random(void);
void garbage_seed(unsigned long seed);

/* The hypercall, by SYSCALL, with all six registers. */
long garbage_call(unsigned long op, const unsigned long a[ARGUMENTS]);
/* May not be tried: it would end, block or mute the guest, as the ABI has it. */
bool garbage_forbidden(unsigned long op, const unsigned long a[ARGUMENTS]);
/* Callbacks, stack, segment bases, mappings, masks: as the kit wants them. */
void garbage_restore(unsigned long op);

#endif
