/* SPDX-License-Identifier: MIT
 *
 * ELF64 as of the System V ABI, gABI chapters 4 and 5: header, program headers, notes. Everything
 * is read through copies, so alignment does not matter.
 */
#include "lib/elf.h"

struct ehdr {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct nhdr {
    uint32_t namesz, descsz, type;
};

#define EM_X86_64 62

static bool inside(const struct elf_image *e, uint64_t offset, uint64_t n)
{
    return offset <= e->size && n <= e->size - offset;
}

struct elf_segment elf_segment(const struct elf_image *e, unsigned n)
{
    struct elf_segment s;

    memcpy(&s, e->data + e->phoff + (uint64_t)n * e->phentsize, sizeof(s));
    return s;
}

bool elf_open(struct elf_image *e, const void *data, size_t size, const char **why)
{
    struct ehdr h;

    *why = "it is no ELF file";
    if (size < sizeof(h))
        return false;
    memcpy(&h, data, sizeof(h));
    if (memcmp(h.ident, "\177ELF", 4))
        return false;
    *why = "it is no 64-bit x86 ELF program";
    if (h.ident[4] != 2 || h.ident[5] != 1 || h.machine != EM_X86_64 ||
        (h.type != 2 && h.type != 3))
        return false;
    *why = "its ELF program headers lie outside the file";
    *e = (struct elf_image){.data = data,
                            .size = size,
                            .phoff = h.phoff,
                            .nr_segments = h.phnum,
                            .phentsize = h.phentsize};
    if (!h.phnum || h.phentsize < sizeof(struct elf_segment) ||
        !inside(e, h.phoff, (uint64_t)h.phnum * h.phentsize))
        return false;
    *why = "an ELF segment lies outside the file";
    for (unsigned i = 0; i < e->nr_segments; i++) {
        struct elf_segment s = elf_segment(e, i);

        if (s.type != ELF_PT_LOAD && s.type != ELF_PT_NOTE)
            continue;
        if (!inside(e, s.offset, s.filesz) ||
            (s.type == ELF_PT_LOAD && (s.filesz > s.memsz || s.paddr + s.memsz < s.paddr)))
            return false;
    }
    return true;
}

static const void *find_note(const struct elf_image *e, uint64_t at, uint64_t end, uint32_t type,
                             uint32_t *size)
{
    struct nhdr n;

    while (end - at >= sizeof(n)) {
        memcpy(&n, e->data + at, sizeof(n));
        at += sizeof(n);
        uint64_t name = at, desc = at + align_up((uint64_t)n.namesz, 4);
        uint64_t next = desc + align_up((uint64_t)n.descsz, 4);

        if (desc + n.descsz > end)
            return NULL;
        if (n.type == type && n.namesz == 4 && !memcmp(e->data + name, "Xen", 4)) {
            *size = n.descsz;
            return e->data + desc;
        }
        at = min(next, end);
    }
    return NULL;
}

const void *elf_xen_note(const struct elf_image *e, uint32_t type, uint32_t *size)
{
    for (unsigned i = 0; i < e->nr_segments; i++) {
        struct elf_segment s = elf_segment(e, i);
        const void *d;

        if (s.type == ELF_PT_NOTE && (d = find_note(e, s.offset, s.offset + s.filesz, type, size)))
            return d;
    }
    return NULL;
}

bool elf_xen_note_number(const struct elf_image *e, uint32_t type, uint64_t *value)
{
    uint32_t size;
    const void *d = elf_xen_note(e, type, &size);

    if (!d || (size != 1 && size != 2 && size != 4 && size != 8))
        return false;
    *value = 0;
    memcpy(value, d, size);
    return true;
}

const char *elf_xen_note_string(const struct elf_image *e, uint32_t type)
{
    uint32_t size;
    const char *d = elf_xen_note(e, type, &size);

    return d && size && !d[size - 1] ? d : NULL;
}
