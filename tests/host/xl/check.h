/* SPDX-License-Identifier: MIT */
/*
 * What every test of this folder includes: cmocka with the headers it asks for.
 */
#ifndef BONSAI_TESTS_XL_CHECK_H
#define BONSAI_TESTS_XL_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* the library has a function of this name */
#undef fail
#undef fail_msg
#define fail_msg(...)                       \
    do {                                    \
        print_error("ERROR: " __VA_ARGS__); \
        print_error("\n");                  \
        _fail(__FILE__, __LINE__);          \
    } while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
