/* SPDX-License-Identifier: MIT
 *
 * What lib/log.c needs from layers above it: given at boot, so that nothing here calls upwards.
 */
#pragma once

struct log_backend {
    void (*write)(const char *s, size_t n); /* one finished line with its newline */
    /* May a line about a guest be printed now? Guests cause them as fast as they like. *left_out:
     * how many could not since the last one that could. */
    bool (*guest_line)(uint32_t *left_out);
    void (*panic_begin)(void); /* from now on: no locks, no buffers */
    void (*panic_end)(void);   /* reboots or stops; does not return */
};
void log_set_backend(const struct log_backend *b);
/* Levels by name as loglvl= and guest_loglvl= have them: none, error, warning, info, debug, all; a
 * second one behind a slash is accepted and ignored. false: not a level. */
bool log_set_level(const char *name);
bool log_set_guest_level(const char *name);
/* Names of the return addresses found on the stack from sp on, one a line (log_error). */
void backtrace(const uint64_t *sp);
/* "name+0x12" of an address of the image's text, or its number alone, into buf. */
const char *symbol_of(uint64_t addr, char *buf, size_t size);
