/* SPDX-License-Identifier: MIT */
/* What lwIP asks of its compiler and platform; the rest it takes from the compiler's own headers.
 */
#ifndef EXAMPLES_NET_ARCH_CC_H
#define EXAMPLES_NET_ARCH_CC_H

#include "guest-abi/kit/kit.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H   1
#define LWIP_NO_CTYPE_H    1
#define LWIP_NO_UNISTD_H   1
#define INT_MAX            __INT_MAX__
#define SSIZE_MAX          __LONG_MAX__
typedef long ssize_t;

#define X8_F  "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "lu"

#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
        (void)(printf x);     \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x) guest_panic("lwIP: %s", x)

/* First sequence numbers; see net.c for what they are worth. */
uint32_t net_random(void);
#define LWIP_RAND() net_random()

#endif
