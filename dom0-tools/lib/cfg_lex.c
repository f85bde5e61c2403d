/* SPDX-License-Identifier: MIT */
/*
 * The lexer of the configuration language. Identifiers are lower case only, numbers are words of
 * [0-9a-fx] that begin with a digit, strings stand in ' or " on one line with C's escapes; '#'
 * begins a comment. A carriage return at the end of a line is white space. See cfg_lex.h.
 */
#include "dom0-tools/lib/cfg_lex.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int cfg_syntax_error(struct cfg_lexer *lex, const char *reason)
{
    if (lex->kind == TOKEN_END)
        return fail(lex->why, EINVAL, "%s:%u: config parsing error near end of file: %s",
                    lex->source, lex->token_line, reason);
    if (lex->kind == TOKEN_NEWLINE && lex->length == 1 && *lex->start == '\n')
        return fail(lex->why, EINVAL, "%s:%u: config parsing error near end of line: %s",
                    lex->source, lex->token_line, reason);
    return fail(lex->why, EINVAL, "%s:%u: config parsing error near `%.*s': %s", lex->source,
                lex->token_line, lex->length > 40 ? 40 : (int)lex->length, lex->start, reason);
}

char *cfg_take_text(struct cfg_lexer *lex)
{
    char *text = lex->text;

    lex->text = NULL;
    return text;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool in_ident(char c)
{
    return is_lower(c) || is_digit(c) || c == '.' || c == '_';
}

static bool in_number(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || c == 'x';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Undoes the escape after a backslash; at stands behind the backslash and moves past the escape.
 * The byte, or -1. */
static int unescape(const char **at, const char *end)
{
    static const char plain[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    const char *p = *at;
    int byte = -1;

    if (p == end)
        return -1;
    for (const char *pair = plain; *pair != '\0'; pair += 2)
        if (*p == *pair) {
            *at = p + 1;
            return pair[1];
        }
    if (*p == 'x' && end - p >= 3 && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0)
        byte = hex_digit(p[1]) * 16 + hex_digit(p[2]);
    else if (end - p >= 3 && p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' &&
             p[2] >= '0' && p[2] <= '7')
        byte = (p[0] - '0') * 64 + (p[1] - '0') * 8 + (p[2] - '0');
    *at = p + 3;
    return byte;
}

static int lex_string(struct cfg_lexer *lex)
{
    const char quote = *lex->at;
    const char *p = lex->at + 1;
    char *out = malloc((size_t)(lex->end - lex->at) + 1);
    size_t n = 0;

    if (out == NULL)
        return fail(lex->why, ENOMEM, "%s: out of memory", lex->source);
    lex->text = out;
    lex->kind = TOKEN_STRING;
    while (p < lex->end && *p != quote && *p != '\n') {
        int byte = (unsigned char)*p++;

        const char *bad = p - 1;

        if (byte == '\\')
            byte = unescape(&p, lex->end);
        if (byte <= 0) {
            lex->start = bad;
            lex->length = lex->end - bad < 2 ? (size_t)(lex->end - bad) : 2;
            return cfg_syntax_error(lex, byte == 0 ? "a string cannot hold a NUL byte"
                                                   : "unknown escape in a string");
        }
        out[n++] = (char)byte;
    }
    lex->length = (size_t)(p - lex->start);
    if (p == lex->end || *p != quote)
        return cfg_syntax_error(lex, "the string is not closed on its line");
    out[n] = '\0';
    lex->at = p + 1;
    lex->length++;
    return 0;
}

static int lex_word(struct cfg_lexer *lex, enum cfg_token_kind kind, bool (*part)(char))
{
    const char *p = lex->at;

    while (p < lex->end && part(*p))
        p++;
    lex->kind = kind;
    lex->length = (size_t)(p - lex->at);
    lex->text = strndup(lex->at, lex->length);
    if (lex->text == NULL)
        return fail(lex->why, ENOMEM, "%s: out of memory", lex->source);
    lex->at = p;
    return 0;
}

static void skip_blank(struct cfg_lexer *lex)
{
    while (lex->at < lex->end) {
        char c = *lex->at;

        if (c == '#')
            while (lex->at < lex->end && *lex->at != '\n')
                lex->at++;
        else if (c == ' ' || c == '\t' || c == '\r')
            lex->at++;
        else
            break;
    }
}

static int lex_mark(struct cfg_lexer *lex)
{
    static const struct {
        char byte;
        enum cfg_token_kind kind;
    } marks[] = {{'\n', TOKEN_NEWLINE}, {';', TOKEN_NEWLINE}, {'=', TOKEN_ASSIGN},
                 {'[', TOKEN_OPEN},     {']', TOKEN_CLOSE},   {',', TOKEN_COMMA}};
    char c = *lex->at;

    lex->length = 1;
    if (c == '+' && lex->end - lex->at >= 2 && lex->at[1] == '=') {
        lex->kind = TOKEN_APPEND;
        lex->length = 2;
        lex->at += 2;
        return 0;
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (c == marks[i].byte) {
            lex->kind = marks[i].kind;
            lex->line += c == '\n';
            lex->at++;
            return 0;
        }
    lex->kind = TOKEN_STRING; /* only for the message */
    if (c >= 'A' && c <= 'Z') {
        while (lex->start + lex->length < lex->end &&
               ((lex->start[lex->length] | 32) >= 'a' && (lex->start[lex->length] | 32) <= 'z'))
            lex->length++;
        return cfg_syntax_error(lex, "a bare word; keys are lower case, text stands in quotes");
    }
    return cfg_syntax_error(lex, "unexpected character");
}

int cfg_next(struct cfg_lexer *lex)
{
    free(cfg_take_text(lex));
    skip_blank(lex);
    lex->token_line = lex->line;
    lex->start = lex->at;
    lex->length = 0;
    if (lex->at == lex->end) {
        lex->kind = TOKEN_END;
        return 0;
    }
    if (*lex->at == '\'' || *lex->at == '"')
        return lex_string(lex);
    if (is_lower(*lex->at))
        return lex_word(lex, TOKEN_IDENT, in_ident);
    if (is_digit(*lex->at))
        return lex_word(lex, TOKEN_NUMBER, in_number);
    return lex_mark(lex);
}
