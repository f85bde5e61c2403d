/* SPDX-License-Identifier: MIT */
/* Permission lists: made, compared with who asks, read from and written as text ("n0", "r7", ...).
 */
#include "xenstore/perms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] = "nrwb"; /* by PERM_READ | PERM_WRITE */

static struct perms *perms_alloc(size_t n)
{
    struct perms *p = malloc(sizeof(*p) + n * sizeof(p->entry[0]));
    if (p == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    p->refs = 1;
    p->n = (uint32_t)n;
    return p;
}

struct perms *perms_new(uint32_t n, const struct perm *entry)
{
    struct perms *p = perms_alloc(n);
    if (p != NULL)
        memcpy(p->entry, entry, n * sizeof(*entry));
    return p;
}

static bool parse_entry(const char *text, struct perm *entry)
{
    const char *letter = text[0] != '\0' ? strchr(letters, text[0]) : NULL;
    unsigned long domid = 0;
    size_t i = 1;
    if (letter == NULL || text[1] == '\0')
        return false;
    for (; text[i] >= '0' && text[i] <= '9' && domid < DOMID_NOBODY; i++)
        domid = domid * 10 + (unsigned long)(text[i] - '0');
    if (text[i] != '\0' || domid >= DOMID_NOBODY)
        return false;
    entry->domid = (uint16_t)domid;
    entry->access = (uint16_t)(letter - letters);
    return true;
}

struct perms *perms_parse(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\0';
    if (n == 0 || text[len - 1] != '\0') {
        errno = EINVAL;
        return NULL;
    }
    struct perms *p = perms_alloc(n);
    for (size_t i = 0; p != NULL && i < n; i++, text += strlen(text) + 1)
        if (!parse_entry(text, &p->entry[i])) {
            perms_put(p);
            errno = EINVAL;
            return NULL;
        }
    return p;
}

struct perms *perms_with_owner(const struct perms *from, uint16_t domid)
{
    struct perms *p = perms_new(from->n, from->entry);
    if (p != NULL)
        p->entry[0].domid = domid;
    return p;
}

struct perms *perms_without(const struct perms *from, uint16_t domid)
{
    struct perms *p = perms_new(from->n, from->entry);
    if (p == NULL)
        return NULL;
    uint32_t n = 1;
    for (uint32_t i = 1; i < from->n; i++)
        if (from->entry[i].domid != domid)
            p->entry[n++] = from->entry[i];
    p->n = n;
    return p;
}

struct perms *perms_get(struct perms *p)
{
    p->refs++;
    return p;
}

void perms_put(struct perms *p)
{
    if (p != NULL && --p->refs == 0)
        free(p);
}

size_t perms_format(const struct perms *p, char *text, size_t size)
{
    size_t len = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        char one[12];
        int n = snprintf(one, sizeof(one), "%c%u", letters[p->entry[i].access & 3u],
                         (unsigned)p->entry[i].domid);
        if (len + (size_t)n + 1 <= size)
            memcpy(text + len, one, (size_t)n + 1);
        len += (size_t)n + 1;
    }
    return len;
}

bool perms_name(const struct perms *p, uint16_t domid)
{
    for (uint32_t i = 1; i < p->n; i++)
        if (p->entry[i].domid == domid)
            return true;
    return false;
}

unsigned perms_of(const struct perms *p, const struct subject *who)
{
    uint16_t owner = perms_owner(p);
    if (who->privileged || owner == who->domid ||
        (who->target != DOMID_NOBODY && owner == who->target))
        return PERM_READ | PERM_WRITE | PERM_OWNER;
    for (uint32_t i = 1; i < p->n; i++)
        if (p->entry[i].domid == who->domid ||
            (who->target != DOMID_NOBODY && p->entry[i].domid == who->target))
            return p->entry[i].access;
    return p->entry[0].access;
}
