/* SPDX-License-Identifier: MIT */
/*
 * Permission lists. The first entry names the owner, who may do anything, and what everybody not
 * named may do; the others name domains. A list never changes once made, so nodes share it:
 * children take their parent's. Reference-counted; perms_put() of the last frees it.
 */
#ifndef XENSTORE_PERMS_H
#define XENSTORE_PERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PERM_NONE = 0, PERM_READ = 1, PERM_WRITE = 2, PERM_OWNER = 4 };

struct perm {
    uint16_t domid;
    uint16_t access; /* PERM_READ | PERM_WRITE */
};

struct perms {
    unsigned refs;
    uint32_t n; /* at least 1 */
    struct perm entry[];
};

/* Who asks: a domain, and the one it acts for (as a device model does), DOMID_NOBODY for none. */
#define DOMID_NOBODY 0xffffu
struct subject {
    uint16_t domid, target;
    bool privileged;
};

/* All return NULL for want of memory, perms_parse() also for text that is no list (errno says
 * which). */
struct perms *perms_new(uint32_t n, const struct perm *entry);
struct perms *perms_parse(const char *text, size_t len);
struct perms *perms_with_owner(const struct perms *from, uint16_t domid);
struct perms *perms_without(const struct perms *from, uint16_t domid);
struct perms *perms_get(struct perms *p);
void perms_put(struct perms *p);

static inline uint16_t perms_owner(const struct perms *p)
{
    return p->entry[0].domid;
}

/* The entries as "n0\0r1\0"; returns the length, or needed length when size is too small. */
size_t perms_format(const struct perms *p, char *text, size_t size);
bool perms_name(const struct perms *p, uint16_t domid); /* in an entry behind the owner's */
/* What a subject may do: PERM_* bits. */
unsigned perms_of(const struct perms *p, const struct subject *who);

#endif
