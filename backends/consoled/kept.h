/* SPDX-License-Identifier: MIT */
/*
 * What a console daemon leaves to the one after it, however it ends: how many of the bytes at the
 * end of a guest's log nobody has read on the terminal yet. A small file a guest in /run, mapped,
 * so that it is up to date even after SIGKILL; the domain's UUID in it tells whose it is.
 */
#ifndef CONSOLED_KEPT_H
#define CONSOLED_KEPT_H

#include <stdbool.h>
#include <stdint.h>

struct kept_file;

struct kept {
    struct kept_file *file; /* NULL: nothing is kept */
    char path[160];
};

/* *unread: what the daemon before left, 0 when there was none. -1 with errno when nothing can be
 * kept. */
int kept_open(struct kept *k, const char *folder, uint16_t domid, const uint8_t uuid[16],
              uint64_t *unread);
void kept_set(struct kept *k, uint64_t unread);
/* The domain has another UUID now. */
void kept_belongs(struct kept *k, const uint8_t uuid[16]);
void kept_close(struct kept *k); /* the file stays */
void kept_remove(struct kept *k);
/* Removes the files of domains that are not there any more. */
void kept_sweep(const char *folder, bool (*there)(void *arg, uint16_t domid), void *arg);

#endif
