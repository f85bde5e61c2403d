/* SPDX-License-Identifier: MIT */
/* The C library's header as far as lwIP's compiler must see it; nothing that we link calls it. */
#ifndef EXAMPLES_NET_STDLIB_H
#define EXAMPLES_NET_STDLIB_H

int atoi(const char *text);

#endif
