/* SPDX-License-Identifier: MIT */
/*
 * Rings of requests and responses in a page (or more) shared by a frontend and a backend. A
 * response may take the slot of a request that has been consumed, so one array serves both ways.
 *
 * Indices run freely and are masked on use; the slots are a power of two. Each side keeps private
 * indices and publishes its producer index after the slots (xen_wmb). The *_event fields say at
 * which index the other side wants a notification: only a push that crosses it sends one.
 *
 * Everything in the shared part may change at any time under a hostile peer: copy a slot once
 * (RING_COPY_*), check the copy, and check producer indices with RING_*_PROD_OVERFLOW.
 */
#ifndef __XEN_PUBLIC_IO_RING_H__
#define __XEN_PUBLIC_IO_RING_H__

#include "../xen-compat.h"

/* barriers; a user may bring its own before including this */
#ifndef xen_mb
#define xen_mb() __sync_synchronize()
#endif
#ifndef xen_rmb
#define xen_rmb() __asm__ __volatile__("" ::: "memory") /* x86 keeps loads in order */
#endif
#ifndef xen_wmb
#define xen_wmb() __asm__ __volatile__("" ::: "memory") /* and stores */
#endif

typedef unsigned int RING_IDX;

/* the largest power of two not above x (x > 0); a constant expression if x is one */
#define __RD32(x) (1U << (31 - __builtin_clz((unsigned int)(x))))

/* slots of a ring that has sz bytes in all: by type (constant expression), by pointer */
#define __CONST_RING_SIZE(name, sz)                      \
    (__RD32(((sz)-offsetof(struct name##_sring, ring)) / \
            sizeof(((struct name##_sring *)0)->ring[0])))
#define __RING_SIZE(s, sz) \
    (__RD32(((sz) - (size_t)((char *)(s)->ring - (char *)(s))) / sizeof((s)->ring[0])))

/*
 * DEFINE_RING_TYPES(blkif, struct blkif_request, struct blkif_response) makes blkif_sring_t (the
 * shared page), blkif_front_ring_t and blkif_back_ring_t (the private halves).
 */
#define DEFINE_RING_TYPES(name, req_t, rsp_t)                     \
    union name##_sring_entry {                                    \
        req_t req;                                                \
        rsp_t rsp;                                                \
    };                                                            \
    struct name##_sring {                                         \
        RING_IDX req_prod, req_event;                             \
        RING_IDX rsp_prod, rsp_event;                             \
        union {                                                   \
            struct {                                              \
                uint8_t smartpoll_active;                         \
            } netif;                                              \
            struct {                                              \
                uint8_t msg;                                      \
            } tapif_user;                                         \
            uint8_t pvt_pad[4];                                   \
        } pvt;                                                    \
        uint8_t __pad[44];                                        \
        union name##_sring_entry ring[1]; /* RING_SIZE of them */ \
    };                                                            \
    struct name##_front_ring {                                    \
        RING_IDX req_prod_pvt; /* next request to fill */         \
        RING_IDX rsp_cons;     /* next response to read */        \
        unsigned int nr_ents;                                     \
        struct name##_sring *sring;                               \
    };                                                            \
    struct name##_back_ring {                                     \
        RING_IDX rsp_prod_pvt; /* next response to fill */        \
        RING_IDX req_cons;     /* next request to read */         \
        unsigned int nr_ents;                                     \
        struct name##_sring *sring;                               \
    };                                                            \
    XEN_ABI_OFFSET(struct name##_sring, ring, 64);                \
    typedef struct name##_sring name##_sring_t;                   \
    typedef struct name##_front_ring name##_front_ring_t;         \
    typedef struct name##_back_ring name##_back_ring_t

/* A fresh shared page: nothing produced, each side wants to hear of the first entry. */
#define SHARED_RING_INIT(s)                                         \
    do {                                                            \
        __builtin_memset((s), 0, offsetof(__typeof__(*(s)), ring)); \
        (s)->req_event = (s)->rsp_event = 1;                        \
    } while (0)

/* The private half over page s of sz bytes, from index i on (a backend that takes over a running
 * ring). */
#define FRONT_RING_ATTACH(r, s, i, sz)           \
    do {                                         \
        (r)->req_prod_pvt = (r)->rsp_cons = (i); \
        (r)->nr_ents = __RING_SIZE(s, sz);       \
        (r)->sring = (s);                        \
    } while (0)
#define BACK_RING_ATTACH(r, s, i, sz)            \
    do {                                         \
        (r)->rsp_prod_pvt = (r)->req_cons = (i); \
        (r)->nr_ents = __RING_SIZE(s, sz);       \
        (r)->sring = (s);                        \
    } while (0)
#define FRONT_RING_INIT(r, s, sz) FRONT_RING_ATTACH(r, s, 0, sz)
#define BACK_RING_INIT(r, s, sz)  BACK_RING_ATTACH(r, s, 0, sz)
#define XEN_FRONT_RING_INIT(r, s, sz) \
    do {                              \
        SHARED_RING_INIT(s);          \
        FRONT_RING_INIT(r, s, sz);    \
    } while (0)

#define RING_SIZE(r)                        ((r)->nr_ents)

/* frontend: slots that may be filled */
#define RING_FREE_REQUESTS(r)               (RING_SIZE(r) - ((r)->req_prod_pvt - (r)->rsp_cons))
#define RING_FULL(r)                        (RING_FREE_REQUESTS(r) == 0)

/* What waits to be read. Requests never count more than there are slots without an answer. */
#define XEN_RING_NR_UNCONSUMED_RESPONSES(r) ((r)->sring->rsp_prod - (r)->rsp_cons)
#define XEN_RING_NR_UNCONSUMED_REQUESTS(r)                \
    xen_ring_lesser((r)->sring->req_prod - (r)->req_cons, \
                    RING_SIZE(r) - ((r)->req_cons - (r)->rsp_prod_pvt))
#define RING_HAS_UNCONSUMED_RESPONSES(r) XEN_RING_NR_UNCONSUMED_RESPONSES(r)
#define RING_HAS_UNCONSUMED_REQUESTS(r)  XEN_RING_NR_UNCONSUMED_REQUESTS(r)

static inline unsigned int xen_ring_lesser(unsigned int a, unsigned int b)
{
    return a < b ? a : b;
}

/* the slot itself (to fill it, or to read with care) */
#define RING_GET_REQUEST(r, idx)  (&(r)->sring->ring[(idx) & (RING_SIZE(r) - 1)].req)
#define RING_GET_RESPONSE(r, idx) (&(r)->sring->ring[(idx) & (RING_SIZE(r) - 1)].rsp)

/* one copy of the slot, which the compiler may not repeat */
#define RING_COPY_REQUEST(r, idx, dst) \
    (void)(*(dst) = *(volatile __typeof__(*(dst)) *)RING_GET_REQUEST(r, idx))
#define RING_COPY_RESPONSE(r, idx, dst) \
    (void)(*(dst) = *(volatile __typeof__(*(dst)) *)RING_GET_RESPONSE(r, idx))

/* backend: would reading this request overtake the answers; has the peer claimed more than there
 * is? */
#define RING_REQUEST_CONS_OVERFLOW(r, cons)  (((cons) - (r)->rsp_prod_pvt) >= RING_SIZE(r))
#define RING_REQUEST_PROD_OVERFLOW(r, prod)  (((prod) - (r)->rsp_prod_pvt) > RING_SIZE(r))
#define RING_RESPONSE_PROD_OVERFLOW(r, prod) (((prod) - (r)->rsp_cons) > RING_SIZE(r))

/* Publishes what has been filled. */
#define RING_PUSH_REQUESTS(r)                     \
    do {                                          \
        xen_wmb();                                \
        (r)->sring->req_prod = (r)->req_prod_pvt; \
    } while (0)
#define RING_PUSH_RESPONSES(r)                    \
    do {                                          \
        xen_wmb();                                \
        (r)->sring->rsp_prod = (r)->rsp_prod_pvt; \
    } while (0)

/* Whether moving a producer from old to now passes the index that the peer waits for. */
static inline int xen_ring_passes(RING_IDX old, RING_IDX now, RING_IDX event)
{
    return now - event < now - old;
}

/* The same, and sets notify if the peer must be told. The barrier orders the push before the look
 * at its wish. */
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(r, notify)                                       \
    do {                                                                                     \
        RING_IDX xen_ring_old_ = (r)->sring->req_prod;                                       \
        RING_PUSH_REQUESTS(r);                                                               \
        xen_mb();                                                                            \
        (notify) = xen_ring_passes(xen_ring_old_, (r)->req_prod_pvt, (r)->sring->req_event); \
    } while (0)
#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(r, notify)                                      \
    do {                                                                                     \
        RING_IDX xen_ring_old_ = (r)->sring->rsp_prod;                                       \
        RING_PUSH_RESPONSES(r);                                                              \
        xen_mb();                                                                            \
        (notify) = xen_ring_passes(xen_ring_old_, (r)->rsp_prod_pvt, (r)->sring->rsp_event); \
    } while (0)

/* Before going to sleep: is there work? If not, ask for a notification and look once more, or one
 * may be lost. */
#define RING_FINAL_CHECK_FOR_REQUESTS(r, work)         \
    do {                                               \
        (work) = RING_HAS_UNCONSUMED_REQUESTS(r);      \
        if (!(work)) {                                 \
            (r)->sring->req_event = (r)->req_cons + 1; \
            xen_mb();                                  \
            (work) = RING_HAS_UNCONSUMED_REQUESTS(r);  \
        }                                              \
    } while (0)
#define RING_FINAL_CHECK_FOR_RESPONSES(r, work)        \
    do {                                               \
        (work) = RING_HAS_UNCONSUMED_RESPONSES(r);     \
        if (!(work)) {                                 \
            (r)->sring->rsp_event = (r)->rsp_cons + 1; \
            xen_mb();                                  \
            (work) = RING_HAS_UNCONSUMED_RESPONSES(r); \
        }                                              \
    } while (0)

#endif
