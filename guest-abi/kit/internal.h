/* SPDX-License-Identifier: MIT */
/*
 * Between the kit's files: start of day in its order, and what start.S and the linker script
 * define.
 */
#ifndef KIT_INTERNAL_H
#define KIT_INTERNAL_H

#include "guest-abi/kit/kit.h"

/* start.S */
extern void *boot_stack_end; /* the builder's stack: free memory begins behind it */
extern char stack_guard[], user_stack_top[];
extern char event_entry[], failsafe_entry[], syscall_entry[];
extern char peek_access[], peek_failed[];
bool trap_try_run(void (*f)(void *), void *context, void **stack);
_Noreturn void trap_try_resume(void *stack);

/* in this order */
_Noreturn void kit_start(start_info_t *info);
void traps_init(void);
void console_init(void); /* time works from here on */
void memory_init(void);  /* tables for all of memory; then pages_init() */
void pages_init(unsigned long first, unsigned long end);
void events_init(void);
void time_init(void);

void trap_handle(struct trap_frame *frame);
void events_run(void); /* the event callback */
bool events_allowed(void);
/* What event_bind() was given with this handler, else NULL. */
void *event_context(evtchn_port_t port, event_handler *handler);
void timer_set(uint64_t deadline);

/* Waits for the console's reader to take all, at most so long; then goes on all the same. */
void console_drain(uint64_t nanoseconds);
/* From now on output that finds the ring full for a second is dropped. */
void console_hurry(void);

#endif
