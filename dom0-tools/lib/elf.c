/* SPDX-License-Identifier: MIT */
/*
 * elf: see elf.h. The section table is only used for notes and the old "__xen_guest" section; a
 * broken or stripped one counts as none. The program headers must be right.
 */
#include "dom0-tools/lib/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

static bool inside(const struct bytes *b, uint64_t offset, uint64_t size)
{
    return offset <= b->size && size <= b->size - offset;
}

static int check_header(const Elf64_Ehdr *h, const struct bytes *b, struct failure *why)
{
    if (h->e_ident[EI_CLASS] == ELFCLASS32)
        return fail(why, ENOEXEC, "it is a 32-bit image; guests here are 64-bit");
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
        return fail(why, ENOEXEC, "its ELF header is damaged");
    if (h->e_machine != EM_X86_64)
        return fail(why, ENOEXEC, "it is made for another processor (ELF machine %u, x86-64 is %u)",
                    h->e_machine, EM_X86_64);
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return fail(why, ENOEXEC, "it is an ELF file of type %u, not an executable", h->e_type);
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0)
        return fail(why, ENOEXEC, "its ELF file has no usable program headers");
    if (!inside(b, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr)))
        return fail(why, EINVAL, "its ELF file is truncated: the program headers lie outside");
    return 0;
}

static bool overlaps(const struct elf *e, const struct elf_segment *s)
{
    for (unsigned i = 0; i < e->n_segments; i++) {
        const struct elf_segment *o = &e->segments[i];

        if (s->paddr < o->paddr + o->memsz && o->paddr < s->paddr + s->memsz)
            return true;
    }
    return false;
}

static int add_segment(struct elf *e, const struct bytes *b, const Elf64_Phdr *p,
                       struct failure *why)
{
    struct elf_segment s = {p->p_paddr, p->p_memsz, NULL, p->p_filesz};

    if (!inside(b, p->p_offset, p->p_filesz))
        return fail(why, EINVAL,
                    "its ELF file is truncated: a segment of %llu bytes at %llu lies "
                    "outside its %zu bytes",
                    (unsigned long long)p->p_filesz, (unsigned long long)p->p_offset, b->size);
    if (p->p_memsz < p->p_filesz || p->p_paddr + p->p_memsz < p->p_paddr)
        return fail(why, EINVAL, "its ELF file is damaged: a segment has impossible sizes");
    if (e->n_segments == ELF_MAX_SEGMENTS)
        return fail(why, EINVAL, "its ELF file has more than %u segments", ELF_MAX_SEGMENTS);
    if (overlaps(e, &s))
        return fail(why, EINVAL, "its ELF file is damaged: segments overlap at %#llx",
                    (unsigned long long)s.paddr);
    if (e->n_segments == 0 || s.paddr < e->paddr_start)
        e->paddr_start = s.paddr;
    if (s.paddr + s.memsz > e->paddr_end)
        e->paddr_end = s.paddr + s.memsz;
    s.data = b->data + p->p_offset;
    e->segments[e->n_segments++] = s;
    return 0;
}

static void add_note(struct elf *e, const struct bytes *b, uint64_t offset, uint64_t size)
{
    if (size != 0 && inside(b, offset, size) && e->n_notes < ELF_MAX_NOTES)
        e->notes[e->n_notes++] = (struct elf_area){b->data + offset, size};
}

static int read_segments(struct elf *e, const struct bytes *b, const Elf64_Ehdr *h,
                         struct failure *why)
{
    for (unsigned i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr p;

        memcpy(&p, b->data + h->e_phoff + i * sizeof(p), sizeof(p));
        if (p.p_type == PT_NOTE)
            add_note(e, b, p.p_offset, p.p_filesz);
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        if (add_segment(e, b, &p, why) < 0)
            return -1;
    }
    if (e->n_segments == 0)
        return fail(why, ENOEXEC, "its ELF file has nothing to load");
    return 0;
}

/* Is the string at `index` of the section names this one? */
static bool named(const struct bytes *b, const Elf64_Shdr *names, uint32_t index, const char *name)
{
    size_t n = strlen(name) + 1;

    return index <= names->sh_size && n <= names->sh_size - index &&
           memcmp(b->data + names->sh_offset + index, name, n) == 0;
}

static void read_sections(struct elf *e, const struct bytes *b, const Elf64_Ehdr *h)
{
    Elf64_Shdr s, names = {0};

    if (h->e_shentsize != sizeof(s) || !inside(b, h->e_shoff, (uint64_t)h->e_shnum * sizeof(s)))
        return;
    if (h->e_shstrndx < h->e_shnum) {
        memcpy(&names, b->data + h->e_shoff + h->e_shstrndx * sizeof(names), sizeof(names));
        if (!inside(b, names.sh_offset, names.sh_size))
            names.sh_size = 0;
    }
    for (unsigned i = 0; i < h->e_shnum; i++) {
        memcpy(&s, b->data + h->e_shoff + i * sizeof(s), sizeof(s));
        if (s.sh_type == SHT_NOTE)
            add_note(e, b, s.sh_offset, s.sh_size);
        else if (s.sh_type != SHT_NOBITS && named(b, &names, s.sh_name, "__xen_guest") &&
                 inside(b, s.sh_offset, s.sh_size))
            e->guest_section = (struct elf_area){b->data + s.sh_offset, s.sh_size};
    }
}

int elf_open(struct elf *e, const uint8_t *bytes, size_t size, struct failure *why)
{
    struct bytes b = {bytes, size};
    Elf64_Ehdr h;

    *e = (struct elf){0};
    if (size < sizeof(h) || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return fail(why, ENOEXEC, "it is too short for an ELF file or none at all");
    memcpy(&h, bytes, sizeof(h));
    if (check_header(&h, &b, why) < 0)
        return -1;
    e->entry = h.e_entry;
    if (read_segments(e, &b, &h, why) < 0)
        return -1;
    read_sections(e, &b, &h);
    return 0;
}
