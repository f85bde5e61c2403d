/* SPDX-License-Identifier: MIT
 *
 * The only door to guest virtual memory. Addresses are the current vCPU's under the CR3 it has
 * loaded (kernel or user tables: privcmd passes user buffers while the kernel's tables are loaded,
 * which map both). Every copy checks the range against the hypervisor's hole and non-canonical
 * addresses and survives faults. Copy once, then judge the copy.
 */
#pragma once

/* 0, or -EFAULT with an unknown part copied. */
int copy_from_guest(void *dst, guest_va_t src, size_t n);
int copy_to_guest(guest_va_t dst, const void *src, size_t n);
int clear_guest(guest_va_t dst, size_t n);
/* true when [va, va + n) neither wraps nor touches the hypervisor's half or the non-canonical gap.
 */
bool guest_range_ok(guest_va_t va, size_t n);
/* base + index * size without wrapping into a valid range (saturates to an address that faults). */
guest_va_t guest_va_at(guest_va_t base, uint64_t index, size_t size);
