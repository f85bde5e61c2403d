/* SPDX-License-Identifier: MIT */
/* See fake.h. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct storage fake_store;
bool fake_exists[64];

static bool exists(struct storage *st, uint16_t domid)
{
    (void)st;
    return domid < 64 && fake_exists[domid];
}

int fake_setup(void **state)
{
    (void)state;
    memset(fake_exists, 0, sizeof(fake_exists));
    fake_exists[0] = true;
    if (storage_init(&fake_store) != 0)
        return -1;
    fake_store.domain_exists = exists;
    return 0;
}

int fake_teardown(void **state)
{
    (void)state;
    const char *fault = storage_check(&fake_store);
    while (fake_store.sessions != NULL)
        fake_close((struct fake_session *)fake_store.sessions);
    if (fake_store.watches.points != 0)
        fault = "watched paths are left without sessions";
    storage_free(&fake_store);
    if (fault != NULL)
        print_error("%s\n", fault);
    return fault == NULL ? 0 : -1;
}

static void deliver(struct session *session, const char *path, const char *token,
                    struct account *cause)
{
    struct fake_session *s = (struct fake_session *)session;
    size_t len = strlen(s->events);
    (void)cause;
    snprintf(s->events + len, sizeof(s->events) - len, "%s %s\n", path, token);
}

struct fake_session *fake_open(uint16_t domid)
{
    struct fake_session *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    assert_int_equal(session_open(&s->s, &fake_store, domid), 0);
    s->s.deliver = deliver;
    if (domid < 64)
        fake_exists[domid] = true;
    return s;
}

void fake_close(struct fake_session *s)
{
    session_close(&s->s);
    free(s);
}

const char *fake_events(struct fake_session *s)
{
    static char text[65536];
    strcpy(text, s->events);
    s->events[0] = '\0';
    return text;
}

int do_write(struct fake_session *s, struct transaction *tx, const char *path, const char *value)
{
    return node_write(&s->s, tx, path, strlen(path), value, strlen(value));
}

int do_mkdir(struct fake_session *s, struct transaction *tx, const char *path)
{
    return node_mkdir(&s->s, tx, path, strlen(path));
}

int do_rm(struct fake_session *s, struct transaction *tx, const char *path)
{
    return node_remove(&s->s, tx, path, strlen(path));
}

int do_perms(struct fake_session *s, struct transaction *tx, const char *path, const char *text)
{
    char words[256];
    size_t len = strlen(text) + 1;
    memcpy(words, text, len);
    for (size_t i = 0; i < len; i++)
        if (words[i] == ' ')
            words[i] = '\0';
    struct perms *perms = perms_parse(words, len);
    return perms == NULL ? errno : node_set_perms(&s->s, tx, path, strlen(path), perms);
}

static const char *failed(int err)
{
    static char text[32];
    snprintf(text, sizeof(text), "<%s>", wire_error_name(err));
    return text;
}

const char *do_read(struct fake_session *s, struct transaction *tx, const char *path)
{
    static char text[XENSTORE_PAYLOAD_MAX + 1];
    struct node *n;
    int err = node_read(&s->s, tx, path, strlen(path), &n);
    if (err != 0)
        return failed(err);
    size_t len = n->value != NULL ? n->value->len : 0;
    if (len > 0)
        memcpy(text, n->value->bytes, len);
    text[len] = '\0';
    return text;
}

const char *do_list(struct fake_session *s, struct transaction *tx, const char *path)
{
    static char text[65536];
    struct node *n;
    int err = node_read(&s->s, tx, path, strlen(path), &n);
    if (err != 0)
        return failed(err);
    text[0] = '\0';
    for (uint32_t i = 0; i < n->children; i++) {
        strcat(text, i > 0 ? " " : "");
        strcat(text, n->child[i]->name);
    }
    return text;
}

const char *do_get_perms(struct fake_session *s, const char *path)
{
    static char text[1024];
    struct node *n;
    int err = node_read(&s->s, NULL, path, strlen(path), &n);
    if (err != 0)
        return failed(err);
    size_t len = perms_format(n->perms, text, sizeof(text));
    for (size_t i = 0; i + 1 < len; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    return text;
}

struct transaction *do_begin(struct fake_session *s)
{
    uint32_t id;
    int err = transaction_start(&s->s, &id);
    assert_int_equal(err, 0);
    return transaction_find(&s->s, id);
}

int do_watch(struct fake_session *s, const char *path, const char *token)
{
    return watch_add(&s->s, path, strlen(path), token, false);
}
