/* SPDX-License-Identifier: MIT */
/* The parts of the kit's own test. */
#ifndef TESTS_GUEST_KIT_H
#define TESTS_GUEST_KIT_H

#include "frontends/os.h"
#include "tests/guest/lib/check.h"

void test_text(void);
void test_memory(void);
void test_tables(void);
void test_traps(void);
void test_user_mode(void);
void test_events(void);
void test_time(void);
void test_grants(void);

#endif
