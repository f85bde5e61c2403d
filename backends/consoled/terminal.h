/* SPDX-License-Identifier: MIT */
/*
 * The terminal of a console, raw, for whoever attaches. We hold its slave side too, so that what is
 * in it stays when a reader goes; inotify tells who comes and goes, and nothing is put into it
 * while nobody is there, for what a terminal holds is gone with the daemon.
 */
#ifndef CONSOLED_TERMINAL_H
#define CONSOLED_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct backlog;

struct terminal {
    int master, slave; /* -1: none */
    int watch;         /* inotify's number for it */
    unsigned attached; /* how many have it open beside us */
};

void terminal_none(struct terminal *t);
/* -1 with errno. `inotify` is a descriptor shared by all terminals; name receives the path. */
int terminal_open(struct terminal *t, int inotify, char name[64]);
void terminal_close(struct terminal *t, int inotify);
/* Takes back what it holds and nobody has read; takes a moment. */
void terminal_take_back(struct terminal *t, struct backlog *b);
/* As much as it takes. */
void terminal_feed(struct terminal *t, struct backlog *b);
/* Bytes that it holds and nobody has read, as far as can be known: what has just been written may
 * not be counted yet. */
size_t terminal_unread(const struct terminal *t);

#endif
