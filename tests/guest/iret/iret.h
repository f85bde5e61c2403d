/* SPDX-License-Identifier: MIT */
/* Parts of the iret kernel. */
#ifndef IRET_H
#define IRET_H

#include "guest-abi/kit/kit.h"
#include "tests/guest/lib/check.h"
#include "tests/guest/lib/entry.h"

/* A GDT and an LDT with an entry of each sort (iret.c's list names them by selector). */
void descriptors_init(void);
/* Does what a word of the command line names and what must end the domain; else returns. */
void crash_if_asked(void);
/* Instructions that are not for CPL 3, in the guest's kernel and in user mode. */
void instructions(void);

#endif
