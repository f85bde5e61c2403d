/* SPDX-License-Identifier: MIT */
/* The C library's header as far as lwIP needs it: what every kernel of the frontends has. */
#ifndef EXAMPLES_NET_STRING_H
#define EXAMPLES_NET_STRING_H

#include "frontends/os.h"

#endif
