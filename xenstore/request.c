/* SPDX-License-Identifier: MIT */
/*
 * The operations, a table with one row each, and those that work on nodes, watches and
 * transactions. A body is bytes from outside: nothing here reads behind header.len, and only
 * request_words() and the two that take raw bytes look at it at all.
 */
#include "xenstore/parse.h"
#include "xenstore/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void request_answer(struct request *r, const void *data, size_t len)
{
    r->answered = true;
    r->answer(r, r->header.type, data, len);
}

void request_ok(struct request *r)
{
    request_answer(r, "OK", 3);
}

unsigned request_words(const struct request *r, const char **word, unsigned max)
{
    unsigned n = 0;
    size_t at = 0, len = r->header.len;
    if (len == 0 || r->body[len - 1] != '\0')
        return 0;
    for (; at < len; at += strlen(r->body + at) + 1) {
        if (n == max)
            return 0;
        word[n++] = r->body + at;
    }
    return n;
}

struct path {
    char text[XENSTORE_ABS_PATH_MAX + 1];
    size_t len;
};

/* The body is one path. */
static int path_only(const struct request *r, bool special, struct path *p)
{
    const char *word;
    if (request_words(r, &word, 1) != 1)
        return EINVAL;
    return session_path(r->s, word, special, p->text, &p->len);
}

/* The body is a path, NUL, and other bytes. */
static int path_and_rest(const struct request *r, bool special, struct path *p, const char **rest,
                         size_t *rest_len)
{
    const char *end = memchr(r->body, '\0', r->header.len);
    if (end == NULL)
        return EINVAL;
    *rest = end + 1;
    *rest_len = r->header.len - (size_t)(*rest - r->body);
    return session_path(r->s, r->body, special, p->text, &p->len);
}

static int xs_read(struct request *r)
{
    struct path p;
    struct node *n;
    int err = path_only(r, false, &p);
    if (err == 0)
        err = node_read(r->s, r->tx, p.text, p.len, &n);
    if (err == 0)
        request_answer(r, n->value != NULL ? n->value->bytes : NULL,
                       n->value != NULL ? n->value->len : 0);
    return err;
}

/*
 * Whole names of children from a byte offset of their list on, as many as fit into room; *all says
 * that the list's end was reached. An offset amid a name starts there.
 */
static size_t list_names(const struct node *n, uint64_t offset, char *to, size_t room, bool *all)
{
    size_t len = 0;
    uint64_t at = 0;
    *all = false;
    for (uint32_t i = 0; i < n->children; i++) {
        const struct node *c = n->child[i];
        uint64_t end = at + c->name_len + 1u;
        if (end > offset) {
            size_t skip = offset > at ? (size_t)(offset - at) : 0;
            size_t part = c->name_len + 1u - skip;
            if (len + part > room)
                return len;
            memcpy(to + len, c->name + skip, part);
            len += part;
        }
        at = end;
    }
    *all = true;
    return len;
}

static int xs_directory(struct request *r)
{
    char names[XENSTORE_PAYLOAD_MAX];
    struct path p;
    struct node *n;
    bool all;
    int err = path_only(r, false, &p);
    if (err == 0)
        err = node_read(r->s, r->tx, p.text, p.len, &n);
    if (err == 0 && n->names_len > sizeof(names))
        err = E2BIG;
    if (err == 0)
        request_answer(r, names, list_names(n, 0, names, sizeof(names), &all));
    return err;
}

static int xs_directory_part(struct request *r)
{
    char part[XENSTORE_PAYLOAD_MAX];
    const char *word[2];
    struct path p;
    struct node *n;
    uint64_t offset;
    bool all;
    if (request_words(r, word, 2) != 2 || !parse_number(word[1], UINT32_MAX, &offset))
        return EINVAL;
    int err = session_path(r->s, word[0], false, p.text, &p.len);
    if (err == 0)
        err = node_read(r->s, r->tx, p.text, p.len, &n);
    if (err != 0)
        return err;
    size_t len = (size_t)snprintf(part, sizeof(part), "%" PRIu64, n->generation) + 1;
    len += list_names(n, offset, part + len, sizeof(part) - len, &all);
    if (all && len < sizeof(part)) /* else the next part is the empty end */
        part[len++] = '\0';
    request_answer(r, part, len);
    return 0;
}

static int xs_get_perms(struct request *r)
{
    char text[XENSTORE_PAYLOAD_MAX];
    struct path p;
    struct node *n;
    const struct perms *perms;
    int err = path_only(r, true, &p);
    if (err != 0)
        return err;
    if (p.text[0] == '@') {
        enum special_node which = special_node(p.text);
        if (which == SPECIAL_NODES)
            return EINVAL;
        perms = r->s->st->special[which];
        if ((perms_of(perms, &r->s->who) & PERM_READ) == 0)
            return EACCES;
    } else {
        err = node_read(r->s, r->tx, p.text, p.len, &n);
        if (err != 0)
            return err;
        perms = n->perms;
    }
    size_t len = perms_format(perms, text, sizeof(text));
    if (len > sizeof(text))
        return E2BIG;
    request_answer(r, text, len);
    return 0;
}

static int xs_set_perms(struct request *r)
{
    struct path p;
    const char *rest;
    size_t len;
    int err = path_and_rest(r, true, &p, &rest, &len);
    if (err != 0)
        return err;
    enum special_node which = special_node(p.text);
    if (p.text[0] == '@' && which == SPECIAL_NODES)
        return EINVAL;
    struct perms *perms = perms_parse(rest, len);
    if (perms == NULL)
        return errno;
    return p.text[0] == '@' ? special_set_perms(r->s, which, perms)
                            : node_set_perms(r->s, r->tx, p.text, p.len, perms);
}

static int xs_write(struct request *r)
{
    struct path p;
    const char *rest;
    size_t len;
    int err = path_and_rest(r, false, &p, &rest, &len);
    return err != 0 ? err : node_write(r->s, r->tx, p.text, p.len, rest, len);
}

static int xs_mkdir(struct request *r)
{
    struct path p;
    int err = path_only(r, false, &p);
    return err != 0 ? err : node_mkdir(r->s, r->tx, p.text, p.len);
}

static int xs_rm(struct request *r)
{
    struct path p;
    int err = path_only(r, false, &p);
    return err != 0 ? err : node_remove(r->s, r->tx, p.text, p.len);
}

static int xs_watch(struct request *r)
{
    const char *word[2];
    struct path p;
    if (request_words(r, word, 2) != 2)
        return EINVAL;
    int err = session_path(r->s, word[0], true, p.text, &p.len);
    bool relative = word[0][0] != '/' && word[0][0] != '@';
    if (err == 0)
        err = watch_add(r->s, p.text, p.len, word[1], relative);
    if (err != 0)
        return err;
    request_ok(r);
    watch_first_event(r->s, word[0], word[1]);
    return 0;
}

static int xs_unwatch(struct request *r)
{
    const char *word[2];
    struct path p;
    if (request_words(r, word, 2) != 2)
        return EINVAL;
    int err = session_path(r->s, word[0], true, p.text, &p.len);
    return err != 0 ? err : watch_remove(r->s, p.text, p.len, word[1]);
}

static int xs_reset_watches(struct request *r)
{
    session_reset(r->s);
    r->tx = NULL;
    return 0;
}

static int xs_transaction_start(struct request *r)
{
    uint32_t id;
    char text[12];
    if (r->tx != NULL)
        return EBUSY;
    int err = transaction_start(r->s, &id);
    if (err == 0)
        request_answer(r, text, (size_t)snprintf(text, sizeof(text), "%" PRIu32, id) + 1);
    return err;
}

static int xs_transaction_end(struct request *r)
{
    const char *word;
    if (request_words(r, &word, 1) != 1 || (strcmp(word, "T") != 0 && strcmp(word, "F") != 0))
        return EINVAL;
    if (r->tx == NULL)
        return ENOENT;
    return transaction_end(r->s, r->tx, word[0] == 'T');
}

static int xs_get_domain_path(struct request *r)
{
    const char *word;
    uint64_t domid;
    char text[32];
    if (request_words(r, &word, 1) != 1 || !parse_number(word, UINT32_MAX, &domid))
        return EINVAL;
    request_answer(r, text,
                   (size_t)snprintf(text, sizeof(text), "/local/domain/%" PRIu64, domid) + 1);
    return 0;
}

/* An operation returns 0, having answered or meaning OK, or the errno to answer. */
static const struct operation {
    const char *name;
    int (*run)(struct request *r);
    bool privileged; /* dom0's alone */
    bool any_tx;     /* pays no heed to the transaction, not even to whether there is such a one */
} operations[] = {
    [XS_CONTROL] = {"CONTROL", xs_control, true, false},
    [XS_DIRECTORY] = {"DIRECTORY", xs_directory, false, false},
    [XS_READ] = {"READ", xs_read, false, false},
    [XS_GET_PERMS] = {"GET_PERMS", xs_get_perms, false, false},
    [XS_WATCH] = {"WATCH", xs_watch, false, true},
    [XS_UNWATCH] = {"UNWATCH", xs_unwatch, false, true},
    [XS_TRANSACTION_START] = {"TRANSACTION_START", xs_transaction_start, false, false},
    [XS_TRANSACTION_END] = {"TRANSACTION_END", xs_transaction_end, false, false},
    [XS_INTRODUCE] = {"INTRODUCE", xs_introduce, true, false},
    [XS_RELEASE] = {"RELEASE", xs_release, true, false},
    [XS_GET_DOMAIN_PATH] = {"GET_DOMAIN_PATH", xs_get_domain_path, false, false},
    [XS_WRITE] = {"WRITE", xs_write, false, false},
    [XS_MKDIR] = {"MKDIR", xs_mkdir, false, false},
    [XS_RM] = {"RM", xs_rm, false, false},
    [XS_SET_PERMS] = {"SET_PERMS", xs_set_perms, false, false},
    [XS_IS_DOMAIN_INTRODUCED] = {"IS_DOMAIN_INTRODUCED", xs_is_domain_introduced, true, false},
    [XS_RESUME] = {"RESUME", xs_resume, true, false},
    [XS_SET_TARGET] = {"SET_TARGET", xs_set_target, true, false},
    [XS_RESET_WATCHES] = {"RESET_WATCHES", xs_reset_watches, false, false},
    [XS_DIRECTORY_PART] = {"DIRECTORY_PART", xs_directory_part, false, false},
};

static const struct operation *operation(uint32_t type)
{
    if (type >= sizeof(operations) / sizeof(operations[0]) || operations[type].run == NULL)
        return NULL;
    return &operations[type];
}

const char *request_name(uint32_t type)
{
    const struct operation *op = operation(type);
    return op != NULL ? op->name : NULL;
}

static int run(struct request *r)
{
    const struct operation *op = operation(r->header.type);
    if (op == NULL)
        return ENOSYS;
    if (r->header.tx_id != 0 && !op->any_tx) {
        r->tx = transaction_find(r->s, r->header.tx_id);
        if (r->tx == NULL)
            return ENOENT;
    }
    if (op->privileged && !r->s->who.privileged)
        return EACCES;
    return op->run(r);
}

void request_run(struct request *r)
{
    r->tx = NULL;
    r->answered = false;
    int err = run(r);
    if (err != 0) {
        const char *name = wire_error_name(err);
        r->answered = true;
        r->answer(r, XS_ERROR, name, strlen(name) + 1);
    } else if (!r->answered) {
        request_ok(r);
    }
}
