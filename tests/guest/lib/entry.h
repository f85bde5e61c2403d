/* SPDX-License-Identifier: MIT */
/*
 * What tests of the way in and out share: iret frames made by hand, code at an address of one's
 * own, address space anywhere.
 */
#ifndef TESTS_GUEST_ENTRY_H
#define TESTS_GUEST_ENTRY_H

#include "guest-abi/kit/kit.h"

#define IN_SYSCALL 0x100ul /* VGCF_in_syscall */

/* What the iret hypercall finds at rsp. */
struct iret_frame {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

/* One that goes to `rip` in the guest's kernel, on `rsp`, as the kit's own would. */
struct iret_frame iret_to(const void *rip, const void *rsp);
/* The hypercall with the frame at `at`, whether or not there is memory. */
_Noreturn void iret_at(const void *at);
/* The same with this frame, copied to a page for it. */
_Noreturn void iret_by(const struct iret_frame *frame);

/* Where a frame can lead: raises #UD; two instructions and then the same. Below 4 GiB. */
extern char landing[], landing_slow[];
/* A stack of 4 KiB for whoever lands, its end. */
char *landing_stack(void);

/* Runs iret_by(frame) and says in `text` what came of it: "lands, cs 33 ss 2b rflags 202" or
 * "exception 13, error 18, at the target". *seen as trap_try() leaves it. */
void iret_try(const struct iret_frame *frame, struct trap_seen *seen, char *text, size_t bytes);

/* Maps a page of the window at any address that is the guest's, with tables of its own. */
bool map_anywhere(void *va, const void *page, pte_t flags);
/* User mode gets the kernel's own tables. */
void user_tables(void);

#endif
