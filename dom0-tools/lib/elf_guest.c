/* SPDX-License-Identifier: MIT */
/*
 * elf_guest: see elf_guest.h.
 *
 * A note is {u32 name size, u32 desc size, u32 type}, then name and desc, each padded to 4 bytes.
 * Numbers are 1, 2, 4 or 8 bytes wide. The old section is "KEY=VALUE,KEY,..." in one string.
 * A feature written "!name" is one that the kernel cannot do without.
 */
#include "dom0-tools/lib/elf_guest.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#define PAGE 4096u

static uint64_t note_number(const uint8_t *desc, uint32_t size)
{
    uint64_t value = 0;

    if (size != 1 && size != 2 && size != 4 && size != 8)
        return ELF_GUEST_NONE;
    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)desc[i] << (8 * i);
    return value;
}

static void copy_text(char *to, size_t room, const void *from, size_t size)
{
    size_t n = strnlen(from, size);

    if (n >= room)
        n = room - 1;
    memcpy(to, from, n);
    to[n] = 0;
}

static void take_note(struct elf_guest *g, uint32_t type, const uint8_t *desc, uint32_t size)
{
    uint64_t number = note_number(desc, size);

    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        g->entry = number;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        g->hypercall_page = number;
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        g->virt_base = number;
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        g->paddr_offset = number;
        break;
    case XEN_ELFNOTE_INIT_P2M:
        g->init_p2m = number;
        break;
    case XEN_ELFNOTE_MOD_START_PFN:
        g->mod_start_pfn = number != 0;
        break;
    case XEN_ELFNOTE_SUSPEND_CANCEL:
        g->suspend_cancel = number != 0;
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        copy_text(g->xen_version, sizeof(g->xen_version), desc, size);
        break;
    case XEN_ELFNOTE_GUEST_OS:
        copy_text(g->os, sizeof(g->os), desc, size);
        break;
    case XEN_ELFNOTE_GUEST_VERSION:
        copy_text(g->version, sizeof(g->version), desc, size);
        break;
    case XEN_ELFNOTE_LOADER:
        copy_text(g->loader, sizeof(g->loader), desc, size);
        break;
    case XEN_ELFNOTE_FEATURES:
        copy_text(g->features, sizeof(g->features), desc, size);
        break;
    case XEN_ELFNOTE_BSD_SYMTAB:
        g->symbols = size >= 3 && memcmp(desc, "yes", 3) == 0;
        break;
    case XEN_ELFNOTE_PAE_MODE:
        g->extended_cr3 = strnlen((const char *)desc, size) != size &&
                          strstr((const char *)desc, "extended-cr3") != NULL;
        break;
    default: /* the others do not concern a 64-bit PV guest */
        break;
    }
}

/* Returns how many notes of ours the area holds. A damaged one ends the area. */
static unsigned read_area(struct elf_guest *g, const struct elf_area *area)
{
    uint64_t at = 0;
    unsigned found = 0;

    while (area->size - at >= sizeof(Elf64_Nhdr)) {
        uint64_t name, desc, end;
        Elf64_Nhdr h;

        memcpy(&h, area->data + at, sizeof(h));
        name = at + sizeof(h);
        desc = name + (((uint64_t)h.n_namesz + 3) & ~3ull);
        end = desc + (((uint64_t)h.n_descsz + 3) & ~3ull);
        if (desc + h.n_descsz > area->size)
            break;
        if (h.n_namesz == 4 && memcmp(area->data + name, "Xen", 4) == 0) {
            take_note(g, h.n_type, area->data + desc, h.n_descsz);
            found++;
        }
        if (end > area->size)
            break;
        at = end;
    }
    return found;
}

static void take_pair(struct elf_guest *g, const char *key, const char *value)
{
    if (strcmp(key, "GUEST_OS") == 0)
        snprintf(g->os, sizeof(g->os), "%s", value);
    else if (strcmp(key, "GUEST_VER") == 0)
        snprintf(g->version, sizeof(g->version), "%s", value);
    else if (strcmp(key, "XEN_VER") == 0)
        snprintf(g->xen_version, sizeof(g->xen_version), "%s", value);
    else if (strcmp(key, "LOADER") == 0)
        snprintf(g->loader, sizeof(g->loader), "%s", value);
    else if (strcmp(key, "FEATURES") == 0)
        snprintf(g->features, sizeof(g->features), "%s", value);
    else if (strcmp(key, "VIRT_BASE") == 0)
        g->virt_base = strtoull(value, NULL, 0);
    else if (strcmp(key, "VIRT_ENTRY") == 0)
        g->entry = strtoull(value, NULL, 0);
    else if (strcmp(key, "ELF_PADDR_OFFSET") == 0)
        g->paddr_offset = strtoull(value, NULL, 0);
    else if (strcmp(key, "HYPERCALL_PAGE") == 0) /* a page number, relative to the base */
        g->hypercall_page = strtoull(value, NULL, 0) * PAGE;
    else if (strcmp(key, "BSD_SYMTAB") == 0)
        g->symbols = true;
    else if (strcmp(key, "PAE") == 0)
        g->extended_cr3 = strstr(value, "extended-cr3") != NULL;
}

static int read_section(struct elf_guest *g, const struct elf_area *area, struct failure *why)
{
    size_t n = strnlen((const char *)area->data, area->size);
    char *text = strndup((const char *)area->data, n), *next = text;

    if (!text)
        return fail(why, ENOMEM, "no memory to read its description");
    while (next) {
        char *pair = strsep(&next, ","), *value = strchr(pair, '=');

        if (value)
            *value++ = 0;
        take_pair(g, pair, value ? value : "");
    }
    free(text);
    if (g->virt_base == ELF_GUEST_NONE)
        g->virt_base = 0;
    if (g->paddr_offset == ELF_GUEST_NONE)
        g->paddr_offset = g->virt_base;
    if (g->hypercall_page != ELF_GUEST_NONE)
        g->hypercall_page += g->virt_base;
    return 0;
}

/* Features that exist and that a PV guest here can count on, or need not (see "known"). */
static bool feature_known(const char *name)
{
    static const char *const known[] = {
        "writable_page_tables", /* emulated, though never advertised */
        "writable_descriptor_tables", "pae_pgdir_above_4gb",   "dom0",
        "mmu_pt_update_preserve_ad",  "gnttab_map_avail_bits",
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

static int check_features(const struct elf_guest *g, struct failure *why)
{
    char text[sizeof(g->features)], *next = text;

    memcpy(text, g->features, sizeof(text));
    while (next) {
        const char *name = strsep(&next, "|");

        if (name[0] == '!' && !feature_known(name + 1))
            return fail(why, ENOTSUP,
                        "the kernel needs the feature '%.64s', which PV guests here "
                        "do not have",
                        name + 1);
    }
    return 0;
}

static int check_addresses(struct elf_guest *g, const struct elf *e, struct failure *why)
{
    uint64_t low = e->paddr_start - g->paddr_offset, size = e->paddr_end - e->paddr_start;

    if (g->virt_base % PAGE)
        return fail(why, EINVAL, "its base address %#llx is not the start of a page",
                    (unsigned long long)g->virt_base);
    if (e->paddr_start < g->paddr_offset || low + size < low || g->virt_base + low < low ||
        g->virt_base + low + size < g->virt_base + low)
        return fail(why, EINVAL, "its segments at %#llx do not fit its base address %#llx",
                    (unsigned long long)e->paddr_start, (unsigned long long)g->virt_base);
    g->start = g->virt_base + low;
    g->end = g->start + size;
    if (g->entry < g->start || g->entry >= g->end)
        return fail(why, EINVAL, "its entry point %#llx lies outside its image",
                    (unsigned long long)g->entry);
    if (g->hypercall_page != ELF_GUEST_NONE &&
        (g->hypercall_page % PAGE || g->hypercall_page < g->start ||
         g->end - PAGE < g->hypercall_page))
        return fail(why, EINVAL, "its hypercall page %#llx lies outside its image",
                    (unsigned long long)g->hypercall_page);
    if (g->init_p2m != ELF_GUEST_NONE && g->init_p2m % PAGE)
        return fail(why, EINVAL, "its p2m list at %#llx is not the start of a page",
                    (unsigned long long)g->init_p2m);
    return 0;
}

static int check_texts(const struct elf_guest *g, struct failure *why)
{
    if (strncmp(g->xen_version, "xen-3.0", 7) != 0)
        return fail(why, ENOTSUP, "it is made for the interface '%s', not 'xen-3.0'",
                    g->xen_version);
    if (g->loader[0] && strcmp(g->loader, "generic") != 0)
        return fail(why, ENOTSUP, "it wants the loader '%s', only 'generic' exists", g->loader);
    return 0;
}

int elf_guest_read(struct elf_guest *g, const struct elf *e, struct failure *why)
{
    unsigned found = 0;

    *g = (struct elf_guest){
        .entry = ELF_GUEST_NONE,
        .virt_base = ELF_GUEST_NONE,
        .paddr_offset = ELF_GUEST_NONE,
        .hypercall_page = ELF_GUEST_NONE,
        .init_p2m = ELF_GUEST_NONE,
    };
    for (unsigned i = 0; i < e->n_notes; i++)
        found += read_area(g, &e->notes[i]);
    if (found == 0 && e->guest_section.size == 0)
        return fail(why, ENOEXEC,
                    "it is an ELF file without Xen notes: this kernel was not built "
                    "to run as a PV guest");
    if (found == 0 && read_section(g, &e->guest_section, why) < 0)
        return -1;
    if (g->entry == ELF_GUEST_NONE)
        g->entry = e->entry;
    if (g->virt_base == ELF_GUEST_NONE)
        g->virt_base = 0;
    if (g->paddr_offset == ELF_GUEST_NONE)
        g->paddr_offset = 0;
    if (check_texts(g, why) < 0 || check_features(g, why) < 0)
        return -1;
    return check_addresses(g, e, why);
}
