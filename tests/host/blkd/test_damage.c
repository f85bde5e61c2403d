/* SPDX-License-Identifier: MIT */
/* Some thousand scripts of fuzz_ring.c, the same ones each time. */
#include "fuzz_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void nothing_breaks(void **state)
{
    static uint8_t script[2048];
    FILE *loud = stderr, *quiet = fopen("/dev/null", "w");

    (void)state;
    assert_non_null(quiet);
    for (unsigned int seed = 0; seed < 3000; seed++) {
        size_t n;

        srand(seed);
        n = (size_t)rand() % sizeof(script);
        for (size_t i = 0; i < n; i++)
            script[i] = (uint8_t)(rand() >> 8);
        stderr = quiet; /* the daemon's complaints; a sanitizer's go past this */
        LLVMFuzzerTestOneInput(script, n);
        stderr = loud;
    }
    fclose(quiet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_breaks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
