/* SPDX-License-Identifier: MIT
 *
 * Copies to and from guest virtual memory (mm/guest_copy.h). The range check keeps the
 * hypervisor's own addresses out; everything else is left to the MMU, whose faults end the copy
 * (x86/copy.S). A guest's RW mapping never leads to a page table or to another domain without its
 * leave, so writing through it is as harmless as the guest's own write.
 */
#include "mm/guest_copy.h"
#include "x86/asm.h"
#include "x86/hvmap.h"

#define LOW_END 0x0000800000000000ul

static const uint8_t zeros[PAGE_SIZE];

bool guest_range_ok(guest_va_t va, size_t n)
{
    if (va.v < LOW_END)
        return n <= LOW_END - va.v;
    return va.v >= HV_VIRT_END && n <= -va.v; /* -va: bytes to the end of the address space */
}

int copy_from_guest(void *dst, guest_va_t src, size_t n)
{
    if (unlikely(!guest_range_ok(src, n)) || unlikely(raw_copy(dst, (const void *)src.v, n)))
        return -EFAULT;
    return 0;
}

int copy_to_guest(guest_va_t dst, const void *src, size_t n)
{
    if (unlikely(!guest_range_ok(dst, n)) || unlikely(raw_copy((void *)dst.v, src, n)))
        return -EFAULT;
    return 0;
}

int clear_guest(guest_va_t dst, size_t n)
{
    if (!guest_range_ok(dst, n))
        return -EFAULT;
    for (size_t at = 0; at < n; at += PAGE_SIZE)
        if (raw_copy((void *)(dst.v + at), zeros, min(n - at, PAGE_SIZE)))
            return -EFAULT;
    return 0;
}

guest_va_t guest_va_at(guest_va_t base, uint64_t index, size_t size)
{
    uint64_t offset, at;

    if (__builtin_mul_overflow(index, size, &offset) || __builtin_add_overflow(base.v, offset, &at))
        return guest_va(HV_VIRT_START);
    /* from one half of the address space into the other only across the gap */
    if (base.v < LOW_END && at >= LOW_END)
        return guest_va(HV_VIRT_START);
    return guest_va(at);
}
