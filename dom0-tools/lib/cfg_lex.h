/* SPDX-License-Identifier: MIT */
/*
 * Tokens of the configuration language (cfg.h). The lexer walks a bounded text once; it never
 * looks at a byte twice except for the one it stands on. Strings come out with escapes undone.
 */
#ifndef BONSAI_CFG_LEX_H
#define BONSAI_CFG_LEX_H

#include "dom0-tools/lib/failure.h"

#include <stddef.h>

enum cfg_token_kind {
    TOKEN_END,
    TOKEN_NEWLINE, /* end of line or ';' */
    TOKEN_IDENT,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_ASSIGN,
    TOKEN_APPEND,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
};

struct cfg_lexer {
    const char *source;
    const char *at, *end;
    unsigned int line;
    struct failure *why;

    /* the current token: */
    enum cfg_token_kind kind;
    unsigned int token_line;
    char *text;        /* ident, number, string: malloc'ed, the lexer's until taken */
    const char *start; /* its bytes in the source, for messages */
    size_t length;
};

/* Steps to the next token. 0, or -1 with a sentence in *why. */
int cfg_next(struct cfg_lexer *lex);

/* Hands the current token's text over to the caller. */
char *cfg_take_text(struct cfg_lexer *lex);

/* "SOURCE:LINE: config parsing error near `TOKEN': REASON"; returns -1. */
int cfg_syntax_error(struct cfg_lexer *lex, const char *reason);

#endif
