/* SPDX-License-Identifier: MIT
 *
 * Types that keep worlds apart. A machine frame number names a 4 KiB frame of real memory; a
 * pseudo- physical frame number is the guest's own numbering, which Bonsai stores (M2P) but never
 * trusts; a guest virtual address is only ever handed to mm/guest_copy.h. Each is a one-member
 * struct so that the compiler refuses to mix them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t v;
} mfn_t;
typedef struct {
    uint64_t v;
} guest_va_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define MFN_NONE   ((mfn_t){~0ull})

static inline mfn_t mfn(uint64_t v)
{
    return (mfn_t){v};
}
static inline bool mfn_eq(mfn_t a, mfn_t b)
{
    return a.v == b.v;
}
static inline guest_va_t guest_va(uint64_t v)
{
    return (guest_va_t){v};
}
static inline mfn_t maddr_to_mfn(uint64_t maddr)
{
    return (mfn_t){maddr >> PAGE_SHIFT};
}
static inline uint64_t mfn_to_maddr(mfn_t m)
{
    return m.v << PAGE_SHIFT;
}

/* Nanoseconds since power-on, as every timer and guest clock counts them. */
typedef uint64_t nsec_t;
#define NSEC_NEVER                    (~0ull)
#define SECONDS(n)                    ((nsec_t)(n)*1000000000ull)
#define MILLISECONDS(n)               ((nsec_t)(n)*1000000ull)
#define MICROSECONDS(n)               ((nsec_t)(n)*1000ull)

#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define min(a, b)                     ((a) < (b) ? (a) : (b))
#define max(a, b)                     ((a) > (b) ? (a) : (b))
#define likely(x)                     __builtin_expect(!!(x), 1)
#define unlikely(x)                   __builtin_expect(!!(x), 0)
#define div_up(a, b)                  (((a) + (b)-1) / (b))
#define align_up(a, b)                (((a) + (b)-1) & ~((typeof(a))(b)-1))

/* One read or write that the compiler neither splits, repeats nor drops: for memory that others
 * change. */
#define READ_ONCE(x)                  (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)              (*(volatile typeof(x) *)&(x) = (v))

/* A handler of hypercalls (hypercall.h). arg: the copied-in structure of its row, or NULL. */
struct hcall;
typedef long hcall_fn(struct hcall *c, void *arg);
