/* SPDX-License-Identifier: MIT */
/*
 * The xenstore-* commands: one program, a mode each. A mode gets what is left of the command line
 * after its options, and does its work inside a transaction that is repeated on conflict; output is
 * held back until the commit. Exit status: 0, or 1 with a line on stderr.
 */
#ifndef XENSTORE_TOOL_H
#define XENSTORE_TOOL_H

#include <stdio.h>

#include "xenstore/client.h"

struct options {
    bool prefix;    /* -p: say the path or the permissions */
    bool raw;       /* -R */
    bool tidy;      /* -t */
    bool full;      /* -f */
    bool recursive; /* -r */
    bool upto;      /* -u */
    long count;     /* -n, -1: without end */
};

struct run {
    const char *prog;
    struct options opt;
    int n;
    char **arg;
    struct store *store;
    store_tx tx;
    FILE *out; /* what is held back */
};

/* 0; 1 when it has failed and said so; -1: a conflict is possible, repeat when errno is EAGAIN. */
int tool_read(struct run *r);
int tool_write(struct run *r);
int tool_list(struct run *r);
int tool_ls(struct run *r);
int tool_rm(struct run *r);
int tool_exists(struct run *r);
int tool_chmod(struct run *r);
int tool_watch(struct run *r);
int tool_control(struct run *r);

/* Says "PROG: text" and returns 1. */
int tool_fail(const struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A value as text: \n, \r, \t, \\, \ooo for other control bytes, \xHH from 127 on. */
void escape_value(FILE *out, const char *value, size_t len);
/* The reverse, in place, also of \xHH; the length. */
size_t unescape_value(char *value);

#endif
