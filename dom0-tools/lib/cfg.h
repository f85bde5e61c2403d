/* SPDX-License-Identifier: MIT */
/*
 * The configuration language of xl.cfg and xl.conf, as users write it, down to a tree of values.
 *
 * A configuration is a list of settings in the order of the text; of several for one key the last
 * assignment wins, `+=` appends to what stands there. A value is a word (a number or a string; both
 * keep their text, for the language does not tell "1" from 1) or a list of values. Every value
 * knows its line, so that whoever finds it wrong can say where. The text is not trusted: nesting,
 * size and bytes are bounded, and the first thing wrong ends the parse with one FILE:LINE sentence.
 * No state outside struct cfg, no lock. Language: docs/man/xl.cfg.5, SYNTAX.
 */
#ifndef BONSAI_CFG_H
#define BONSAI_CFG_H

#include "dom0-tools/lib/failure.h"

#include <stdbool.h>
#include <stddef.h>

#define CFG_MAX_TEXT  (1024 * 1024) /* bytes of one configuration */
#define CFG_MAX_DEPTH 16            /* lists in lists */

enum cfg_kind { CFG_NUMBER, CFG_STRING, CFG_LIST };

struct cfg_value {
    enum cfg_kind kind;
    unsigned int line;
    char *text;               /* number, string: its text, no NUL inside */
    struct cfg_value **items; /* list */
    size_t count;
};

struct cfg_setting {
    char *key;
    unsigned int line; /* of the last assignment */
    bool used;         /* a reader asked for it */
    struct cfg_value *value;
};

struct cfg {
    char *source; /* name for messages */
    struct cfg_setting *settings;
    size_t count;
};

/* Parses len bytes of text; source names it in messages. 0 and *out, to be freed with cfg_free();
 * or -1 and a sentence "SOURCE:LINE: ..." in *why. */
int cfg_parse(const char *source, const char *text, size_t len, struct cfg **out,
              struct failure *why);

/* Reads a whole file of at most CFG_MAX_TEXT bytes into malloc'ed *text (NUL added behind).
 * 0, or -1 with "Failed to read config file: FILE: REASON" in *why. */
int cfg_read_file(const char *file, char **text, size_t *len, struct failure *why);

void cfg_free(struct cfg *cfg);

/* The setting of a key, marked as used; NULL when the text has none. Owned by cfg. */
struct cfg_setting *cfg_find(struct cfg *cfg, const char *key);

#endif
