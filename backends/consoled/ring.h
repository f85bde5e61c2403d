/* SPDX-License-Identifier: MIT */
/*
 * The page that a guest shares with its console daemon (guest-abi io/console.h), seen from the
 * daemon. The guest may write any byte of it at any time, indexes too: each is read once into a
 * local and judged. Nothing is kept on this side, so that a daemon that is started anew goes on
 * where the indexes stand.
 */
#ifndef CONSOLED_RING_H
#define CONSOLED_RING_H

#include <stdint.h>

struct xencons_interface;

#define RING_OUT 2048u /* bytes that a guest can have printed and nobody taken */

/* Copies what the guest printed; it stays in the ring until ring_taken(). How many bytes, or -1
 * when the indexes make no sense; *cons is for ring_taken(). */
int ring_look(const struct xencons_interface *r, char text[RING_OUT], uint32_t *cons);
void ring_taken(struct xencons_interface *r, uint32_t cons, uint32_t n);

/* Bytes that can be typed now; 0 also when the indexes make no sense. *prod is for ring_type(). */
uint32_t ring_input_room(const struct xencons_interface *r, uint32_t *prod);
/* n is at most what ring_input_room() said. */
void ring_type(struct xencons_interface *r, uint32_t prod, const char *text, uint32_t n);

#endif
