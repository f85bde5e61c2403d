/* SPDX-License-Identifier: MIT */
/*
 * The parser of the configuration language, by recursive descent:
 *     file      = { [setting] end-of-statement }
 *     setting   = IDENT ("=" | "+=") value
 *     value     = NUMBER | STRING | "[" [ value { "," value } [","] ] "]"
 * Newlines are free between brackets. See cfg.h.
 */
#include "dom0-tools/lib/cfg.h"
#include "dom0-tools/lib/cfg_lex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void value_free(struct cfg_value *value)
{
    if (value == NULL)
        return;
    for (size_t i = 0; i < value->count; i++)
        value_free(value->items[i]);
    free(value->items);
    free(value->text);
    free(value);
}

static int no_memory(struct cfg_lexer *lex)
{
    return fail(lex->why, ENOMEM, "%s: out of memory", lex->source);
}

static int list_append(struct cfg_lexer *lex, struct cfg_value *list, struct cfg_value *item)
{
    if ((list->count & (list->count + 1)) == 0) { /* grow at 0, 1, 3, 7 … items */
        struct cfg_value **items =
            realloc(list->items, (2 * list->count + 1) * sizeof(struct cfg_value *));

        if (items == NULL)
            return no_memory(lex);
        list->items = items;
    }
    list->items[list->count++] = item;
    return 0;
}

static int skip_newlines(struct cfg_lexer *lex)
{
    int rc = 0;

    while (rc == 0 && lex->kind == TOKEN_NEWLINE && *lex->start == '\n')
        rc = cfg_next(lex);
    return rc;
}

static int parse_value(struct cfg_lexer *lex, unsigned int depth, struct cfg_value **out);

static int parse_list(struct cfg_lexer *lex, unsigned int depth, struct cfg_value *list)
{
    int rc;

    list->kind = CFG_LIST;
    if (depth >= CFG_MAX_DEPTH)
        return cfg_syntax_error(lex, "lists are nested too deep");
    rc = cfg_next(lex);
    if (rc == 0)
        rc = skip_newlines(lex);
    while (rc == 0 && lex->kind != TOKEN_CLOSE) {
        struct cfg_value *item = NULL;

        rc = parse_value(lex, depth + 1, &item);
        if (rc == 0)
            rc = list_append(lex, list, item);
        if (rc != 0) {
            value_free(item);
            return rc;
        }
        rc = skip_newlines(lex);
        if (rc != 0 || lex->kind == TOKEN_CLOSE)
            break;
        if (lex->kind != TOKEN_COMMA)
            return cfg_syntax_error(lex, "expected ',' or ']' in a list");
        rc = cfg_next(lex);
        if (rc == 0)
            rc = skip_newlines(lex);
    }
    return rc != 0 ? rc : cfg_next(lex);
}

static int parse_value(struct cfg_lexer *lex, unsigned int depth, struct cfg_value **out)
{
    struct cfg_value *value = calloc(1, sizeof(*value));
    int rc;

    if (value == NULL)
        return no_memory(lex);
    value->line = lex->token_line;
    if (lex->kind == TOKEN_NUMBER || lex->kind == TOKEN_STRING) {
        value->kind = lex->kind == TOKEN_NUMBER ? CFG_NUMBER : CFG_STRING;
        value->text = cfg_take_text(lex);
        rc = cfg_next(lex);
    } else if (lex->kind == TOKEN_OPEN) {
        rc = parse_list(lex, depth, value);
    } else {
        rc = cfg_syntax_error(lex, "expected a number, a string in quotes or a list");
    }
    if (rc != 0) {
        value_free(value);
        return rc;
    }
    *out = value;
    return 0;
}

static struct cfg_setting *find(struct cfg *cfg, const char *key)
{
    for (size_t i = 0; i < cfg->count; i++)
        if (strcmp(cfg->settings[i].key, key) == 0)
            return &cfg->settings[i];
    return NULL;
}

static struct cfg_setting *add_setting(struct cfg *cfg, char *key)
{
    if ((cfg->count & (cfg->count + 1)) == 0) {
        struct cfg_setting *grown =
            realloc(cfg->settings, (2 * cfg->count + 1) * sizeof(struct cfg_setting));

        if (grown == NULL)
            return NULL;
        cfg->settings = grown;
    }
    cfg->settings[cfg->count] = (struct cfg_setting){.key = key};
    return &cfg->settings[cfg->count++];
}

/* Appends more to value in place: text to a string, items to a list. Takes the items over. */
static int append_value(struct cfg_lexer *lex, struct cfg_value *value, struct cfg_value *more)
{
    if (value->kind == CFG_STRING && more->kind == CFG_STRING) {
        size_t old = strlen(value->text), extra = strlen(more->text);
        char *text = realloc(value->text, old + extra + 1);

        if (text == NULL)
            return no_memory(lex);
        memcpy(text + old, more->text, extra + 1);
        value->text = text;
        return 0;
    }
    if (value->kind == CFG_LIST && more->kind == CFG_LIST) {
        for (size_t i = 0; i < more->count; i++) {
            if (list_append(lex, value, more->items[i]) != 0)
                return -1;
            more->items[i] = NULL;
        }
        return 0;
    }
    return fail(lex->why, EINVAL,
                "%s:%u: config parsing error: += joins a string to a string or a list to a "
                "list, and line %u holds a %s",
                lex->source, more->line, value->line,
                value->kind == CFG_LIST     ? "list"
                : value->kind == CFG_NUMBER ? "number"
                                            : "string");
}

/* Stores more->value under more->key (taking both over), or appends it. */
static int assign(struct cfg_lexer *lex, struct cfg *cfg, const struct cfg_setting *more,
                  bool append)
{
    struct cfg_value *value = more->value;
    char *key = more->key;
    struct cfg_setting *setting = find(cfg, key);
    int rc = 0;

    if (setting == NULL) {
        setting = add_setting(cfg, key);
        if (setting == NULL)
            goto drop;
        key = NULL;
    }
    if (append && setting->value != NULL) {
        rc = append_value(lex, setting->value, value);
        value_free(value);
    } else {
        value_free(setting->value);
        setting->value = value;
    }
    setting->line = more->line;
    free(key);
    return rc;

drop:
    free(key);
    value_free(value);
    return no_memory(lex);
}

static int parse_setting(struct cfg_lexer *lex, struct cfg *cfg)
{
    struct cfg_setting more = {.line = lex->token_line};
    bool append;
    int rc;

    if (lex->kind != TOKEN_IDENT)
        return cfg_syntax_error(lex, "expected a key");
    more.key = cfg_take_text(lex);
    rc = cfg_next(lex);
    append = lex->kind == TOKEN_APPEND;
    if (rc == 0 && lex->kind != TOKEN_ASSIGN && lex->kind != TOKEN_APPEND)
        rc = cfg_syntax_error(lex, "expected '=' or '+=' after a key");
    if (rc == 0)
        rc = cfg_next(lex);
    if (rc == 0)
        rc = parse_value(lex, 0, &more.value);
    if (rc == 0 && lex->kind != TOKEN_NEWLINE && lex->kind != TOKEN_END)
        rc = cfg_syntax_error(lex, "expected the end of the line or ';'");
    if (rc == 0)
        return assign(lex, cfg, &more, append);
    free(more.key);
    value_free(more.value);
    return rc;
}

int cfg_parse(const char *source, const char *text, size_t len, struct cfg **out,
              struct failure *why)
{
    struct cfg_lexer lex = {
        .source = source, .at = text, .end = text + len, .line = 1, .token_line = 1, .why = why};
    struct cfg *cfg = calloc(1, sizeof(*cfg));
    int rc;

    if (cfg == NULL || (cfg->source = strdup(source)) == NULL) {
        free(cfg);
        return no_memory(&lex);
    }
    if (len > CFG_MAX_TEXT)
        rc = fail(why, EINVAL, "%s: a configuration of more than %d bytes", source, CFG_MAX_TEXT);
    else
        rc = cfg_next(&lex);
    while (rc == 0 && lex.kind != TOKEN_END)
        rc = lex.kind == TOKEN_NEWLINE ? cfg_next(&lex) : parse_setting(&lex, cfg);
    free(cfg_take_text(&lex));
    if (rc != 0) {
        cfg_free(cfg);
        return rc;
    }
    *out = cfg;
    return 0;
}

int cfg_read_file(const char *file, char **text, size_t *len, struct failure *why)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    char *buffer = malloc(CFG_MAX_TEXT + 1);
    size_t n = 0;
    ssize_t got = -1;

    if (fd >= 0 && buffer != NULL)
        while ((got = read(fd, buffer + n, CFG_MAX_TEXT + 1 - n)) > 0)
            n += (size_t)got;
    if (got < 0) {
        int err = buffer == NULL ? ENOMEM : errno;

        free(buffer);
        if (fd >= 0)
            close(fd);
        return fail(why, err, "Failed to read config file: %s: %s", file, strerror(err));
    }
    close(fd);
    if (n > CFG_MAX_TEXT) {
        free(buffer);
        return fail(why, EFBIG, "Failed to read config file: %s: more than %d bytes", file,
                    CFG_MAX_TEXT);
    }
    buffer[n] = '\0';
    *text = buffer;
    *len = n;
    return 0;
}

void cfg_free(struct cfg *cfg)
{
    if (cfg == NULL)
        return;
    for (size_t i = 0; i < cfg->count; i++) {
        free(cfg->settings[i].key);
        value_free(cfg->settings[i].value);
    }
    free(cfg->settings);
    free(cfg->source);
    free(cfg);
}

struct cfg_setting *cfg_find(struct cfg *cfg, const char *key)
{
    struct cfg_setting *setting = find(cfg, key);

    if (setting != NULL)
        setting->used = true;
    return setting;
}
