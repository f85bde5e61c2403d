/* SPDX-License-Identifier: MIT */
/*
 * The kit: enough of a kernel to stand on a hypervisor with Xen's ABI, x86-64 PV, one vCPU. A guest
 * links start.S, the kit's objects and its own guest_main(); see docs/porting.md.
 *
 * At entry all of the domain's memory up to `start_info->nr_pages` is known by p2m; the builder has
 * mapped the kernel, its tables and the pages named below from VIRT_BASE on, and the kit has mapped
 * the rest there too before guest_main() runs: pfn_to_virt() is good for every page of the domain.
 *
 * Everything runs at CPL 3 in kernel mode with events masked, except inside event_wait() and
 * between events_on() and events_off(): handlers run there, on the same stack.
 */
#ifndef KIT_H
#define KIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/event_channel.h>

#include "guest-abi/kit/hypercall.h"
#include "guest-abi/kit/trap.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))

/* --- start of day ---------------------------------------------------------------------------- */

extern start_info_t *start_info;
extern shared_info_t *shared_info;
extern char kernel_start[], kernel_end[]; /* linker: what was loaded, bss included */

/* The guest's own code: called once; what it returns becomes the reason of the domain's shutdown
 * (SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_crash). */
int guest_main(void);
_Noreturn void guest_shutdown(unsigned reason);
/* Says the sentence on the console and crashes the domain. */
_Noreturn void guest_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- console and text ------------------------------------------------------------------------ */

/* The console that printf writes to, frontends/console.h; who wants to read opens this one. */
extern struct console kit_console;
/* To the PV console, with \n made \r\n; waits while the ring is full. printf knows %d %i %u %x %X
 * %p %s %c %% with flags 0 and -, width, precision, and the lengths hh h l ll z. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *format, va_list args);
int snprintf(char *to, size_t bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *to, size_t bytes, const char *format, va_list args);

/* --- memory ---------------------------------------------------------------------------------- */

typedef uint64_t pte_t;
#define PTE_P        0x001ul
#define PTE_RW       0x002ul
#define PTE_US       0x004ul
#define PTE_PWT      0x008ul
#define PTE_PCD      0x010ul
#define PTE_A        0x020ul
#define PTE_D        0x040ul
#define PTE_PSE      0x080ul
#define PTE_G        0x100ul
#define PTE_NX       (1ul << 63)
#define PTE_MFN_MASK 0x000ffffffffff000ul

unsigned long pfn_to_mfn(unsigned long pfn);
unsigned long mfn_to_pfn(unsigned long mfn); /* ~0ul for a frame that is not ours */
void *pfn_to_virt(unsigned long pfn);
unsigned long virt_to_pfn(const void *va); /* of an address in the kernel's window */
unsigned long virt_to_mfn(const void *va);
unsigned long nr_pages(void);

/* Whole pages of the domain, zeroed, contiguous by pfn; NULL when there is no memory. */
void *pages_alloc(unsigned count);
void pages_free(void *pages, unsigned count);
unsigned long pages_available(void);

/* The entry of level 1 to 4 that maps `va`, as the guest's read-only view of it; NULL where a table
 * above it is missing. pte_machine() is its machine address, what mmu_update wants. */
pte_t *pte_of(const void *va, int level);
uint64_t pte_machine(const pte_t *entry);
/* Free address space of `count` pages outside the kernel's window, its L1 tables made; nothing is
 * mapped there. It is never given back. */
void *va_reserve(unsigned count);
/* update_va_mapping with the local TLB flushed; 0 or -errno. */
int map_page(void *va, pte_t value);
/* One mmu_update of MMU_NORMAL_PT_UPDATE; 0 or -errno. */
int mmu_set(uint64_t entry_machine, pte_t value);
/* Makes a page of the kernel's window read-only or writable again (a table must be read-only before
 * it is pinned or hooked in); 0 or -errno. */
int page_readonly(void *page);
int page_writable(void *page);
/* One mmuext_op with arg1.mfn (MMUEXT_PIN_L1_TABLE, ...); 0 or -errno. */
int mmuext_mfn(unsigned cmd, unsigned long mfn);

/* --- events ---------------------------------------------------------------------------------- */

typedef void event_handler(evtchn_port_t port, void *context);

void event_bind(evtchn_port_t port, event_handler *handler, void *context); /* and unmasks it */
void event_unbind(evtchn_port_t port);                                      /* masks it */
int event_send(evtchn_port_t port);
int event_alloc_unbound(domid_t remote, evtchn_port_t *port);
int event_bind_virq(unsigned virq, evtchn_port_t *port);
int event_close(evtchn_port_t port);
void events_on(void); /* handlers may run from now on, until events_off() */
void events_off(void);
/* Returns when a handler has run since the last return, or at `deadline` of time_now(). */
void event_wait(uint64_t deadline);
void event_wake(void); /* the next event_wait() returns at once */

/* --- time ------------------------------------------------------------------------------------ */

uint64_t time_now(void);   /* the hypervisor's system time in ns: since the host's boot */
uint64_t wall_clock(void); /* ns since 1970, UTC */
void time_sleep(uint64_t nanoseconds);

#endif
