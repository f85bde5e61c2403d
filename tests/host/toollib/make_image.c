/* SPDX-License-Identifier: MIT */
/* make_image: see make_image.h. */
#include "make_image.h"

#include <elf.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>
#include <zlib.h>
#include <zstd.h>

#define BASE 0xffffffff80000000ull

static const struct spec_segment linux_segments[] = {
    {0x1000000, 0x9000, 0x9000, 0x11},
    {0x1009000, 0x4321, 0x5000, 0x22},
    {0x100e000, 0x1800, 0x2000, 0x33},
    {0x1010010, 0x7000, 0x40000, 0x44},
};
static const uint64_t l1_valid[2] = {1, 1};
static const char linux_features[] = "!writable_page_tables|pae_pgdir_above_4gb";
static const struct spec_note linux_notes[] = {
    {XEN_ELFNOTE_GUEST_OS, "linux", 6, 0},
    {XEN_ELFNOTE_GUEST_VERSION, "2.6", 4, 0},
    {XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8, 0},
    {XEN_ELFNOTE_VIRT_BASE, NULL, 8, BASE},
    {XEN_ELFNOTE_INIT_P2M, NULL, 8, 0x8000000000ull},
    {XEN_ELFNOTE_ENTRY, NULL, 8, BASE + 0x100a000},
    {XEN_ELFNOTE_FEATURES, linux_features, sizeof(linux_features), 0},
    {XEN_ELFNOTE_SUPPORTED_FEATURES, NULL, 4, 0x8801},
    {XEN_ELFNOTE_PAE_MODE, "yes", 4, 0},
    {XEN_ELFNOTE_LOADER, "generic", 8, 0},
    {XEN_ELFNOTE_L1_MFN_VALID, l1_valid, sizeof(l1_valid), 0},
    {XEN_ELFNOTE_SUSPEND_CANCEL, NULL, 4, 1},
    {XEN_ELFNOTE_MOD_START_PFN, NULL, 4, 1},
    {XEN_ELFNOTE_HV_START_LOW, NULL, 8, 0xffff800000000000ull},
    {XEN_ELFNOTE_PADDR_OFFSET, NULL, 8, 0},
};
const struct spec linux_like = {
    .entry = 0x1000000,
    .segments = linux_segments,
    .n_segments = 4,
    .notes = linux_notes,
    .n_notes = sizeof(linux_notes) / sizeof(linux_notes[0]),
};

static const struct spec_segment plain_segments[] = {
    {0, 0x6000, 0x6000, 0x90},
    {0x6000, 0x1000, 0x9000, 0x55},
};
static const struct spec_note plain_notes[] = {
    {XEN_ELFNOTE_GUEST_OS, "plain", 6, 0},
    {XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8, 0},
    {XEN_ELFNOTE_LOADER, "generic", 8, 0},
    {XEN_ELFNOTE_HYPERCALL_PAGE, NULL, 8, 0x2000},
};
const struct spec plain_like = {
    .entry = 0x10,
    .segments = plain_segments,
    .n_segments = 2,
    .notes = plain_notes,
    .n_notes = sizeof(plain_notes) / sizeof(plain_notes[0]),
};

static void *need(void *p)
{
    if (!p)
        abort();
    return p;
}

static size_t append(struct blob *b, const void *data, size_t size)
{
    size_t at = b->size;

    b->data = need(realloc(b->data, b->size + size + 1));
    if (data)
        memcpy(b->data + at, data, size);
    else
        memset(b->data + at, 0, size);
    b->size += size;
    return at;
}

static void pad(struct blob *b, size_t alignment)
{
    append(b, NULL, (alignment - b->size % alignment) % alignment);
}

static struct blob make_notes(const struct spec *s)
{
    struct blob b = {0};

    for (unsigned i = 0; i < s->n_notes; i++) {
        const struct spec_note *n = &s->notes[i];
        Elf64_Nhdr h = {4, n->size, n->type};

        append(&b, &h, sizeof(h));
        append(&b, "Xen", 4);
        append(&b, n->desc ? n->desc : &n->number, n->size);
        pad(&b, 4);
    }
    return b;
}

/* Sections: none, names, notes, __xen_guest. Returns the file offset of the table. */
static size_t add_sections(struct blob *b, const struct spec *s, size_t notes, size_t notes_size)
{
    static const char names[] = "\0.shstrtab\0.note.Xen\0__xen_guest";
    size_t at_names = append(b, names, sizeof(names)), at_guest = b->size;
    size_t guest_size = s->guest_section ? strlen(s->guest_section) + 1 : 0;
    Elf64_Shdr sh[4] = {0};

    if (s->guest_section)
        append(b, s->guest_section, guest_size);
    pad(b, 8);
    sh[1] = (Elf64_Shdr){
        .sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = at_names, .sh_size = sizeof(names)};
    sh[2] = (Elf64_Shdr){.sh_name = 11,
                         .sh_type = s->notes_in_section ? SHT_NOTE : SHT_PROGBITS,
                         .sh_offset = notes,
                         .sh_size = notes_size};
    sh[3] = (Elf64_Shdr){.sh_name = s->guest_section ? 21 : 0,
                         .sh_type = SHT_PROGBITS,
                         .sh_offset = at_guest,
                         .sh_size = guest_size};
    return append(b, sh, sizeof(sh));
}

static void add_segments(struct blob *b, const struct spec *s, Elf64_Phdr *ph)
{
    for (unsigned i = 0; i < s->n_segments; i++) {
        const struct spec_segment *g = &s->segments[i];
        size_t at = append(b, NULL, g->filesz);

        memset(b->data + at, g->fill, g->filesz);
        ph[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                             .p_flags = PF_R | PF_W | PF_X,
                             .p_offset = at,
                             .p_paddr = g->paddr,
                             .p_filesz = g->filesz,
                             .p_memsz = g->memsz};
    }
}

struct blob make_elf(const struct spec *s)
{
    Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                    .e_type = ET_EXEC,
                    .e_machine = EM_X86_64,
                    .e_version = EV_CURRENT,
                    .e_entry = s->entry,
                    .e_phoff = sizeof(h),
                    .e_ehsize = sizeof(h),
                    .e_phentsize = sizeof(Elf64_Phdr),
                    .e_shentsize = sizeof(Elf64_Shdr),
                    .e_shnum = 4,
                    .e_shstrndx = 1};
    Elf64_Phdr ph[64] = {0};
    struct blob b = {0}, notes = make_notes(s);
    size_t at_notes;

    h.e_phnum = (Elf64_Half)(s->n_segments + (s->notes_in_section || !s->n_notes ? 0 : 1));
    append(&b, &h, sizeof(h));
    append(&b, ph, h.e_phnum * sizeof(ph[0]));
    add_segments(&b, s, ph);
    pad(&b, 8);
    at_notes = append(&b, notes.data, notes.size);
    if (h.e_phnum > s->n_segments)
        ph[s->n_segments] = (Elf64_Phdr){
            .p_type = PT_NOTE, .p_offset = at_notes, .p_filesz = notes.size, .p_memsz = notes.size};
    h.e_shoff = add_sections(&b, s, at_notes, notes.size);
    memcpy(b.data, &h, sizeof(h));
    memcpy(b.data + sizeof(h), ph, h.e_phnum * sizeof(ph[0]));
    free(notes.data);
    return b;
}

static size_t pack_gzip(uint8_t *out, size_t room, const void *data, size_t size)
{
    z_stream z = {.next_in = (z_const Bytef *)data,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = (uInt)room};

    if (deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&z);
    return room - z.avail_out;
}

static size_t pack_lzma(uint8_t *out, size_t room, const void *data, size_t size, bool alone)
{
    lzma_options_lzma options, *o = &options;
    lzma_filter filters[] = {
        {LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, o}, {LZMA_VLI_UNKNOWN, NULL}};
    lzma_stream l = LZMA_STREAM_INIT;

    lzma_lzma_preset(o, 1);
    if ((alone ? lzma_alone_encoder(&l, o) : lzma_stream_encoder(&l, filters, LZMA_CHECK_CRC32)) !=
        LZMA_OK)
        abort();
    l.next_in = data;
    l.avail_in = size;
    l.next_out = out;
    l.avail_out = room;
    if (lzma_code(&l, LZMA_FINISH) != LZMA_STREAM_END)
        abort();
    lzma_end(&l);
    return room - l.avail_out;
}

struct blob make_packed(enum packing packing, const void *data, size_t size)
{
    size_t room = size + size / 2 + 65536;
    struct blob b = {need(malloc(room)), 0};

    switch (packing) {
    case PACK_GZIP:
        b.size = pack_gzip(b.data, room, data, size);
        break;
    case PACK_XZ:
        b.size = pack_lzma(b.data, room, data, size, false);
        break;
    case PACK_LZMA:
        b.size = pack_lzma(b.data, room, data, size, true);
        break;
    case PACK_ZSTD:
        b.size = ZSTD_compress(b.data, room, data, size, 3);
        if (ZSTD_isError(b.size))
            abort();
        break;
    default:
        abort();
    }
    return b;
}

struct blob make_bzimage(const struct blob *payload, enum packing packing, size_t unpacked)
{
    enum { SETUP = 3, CODE = (SETUP + 1) * 512, OFFSET = 0x2cc };
    uint32_t trailer = (uint32_t)unpacked, offset = OFFSET, length = (uint32_t)payload->size;
    struct blob b = {0};

    append(&b, NULL, CODE + OFFSET);
    append(&b, payload->data, payload->size);
    if (packing != PACK_GZIP) {
        append(&b, &trailer, 4);
        length += 4;
    }
    append(&b, NULL, 100);
    b.data[0x1f1] = SETUP;
    memcpy(b.data + 0x1fe, "\x55\xaa", 2);
    memcpy(b.data + 0x202, "HdrS\x0f\x02", 6);
    memcpy(b.data + 0x248, &offset, 4);
    memcpy(b.data + 0x24c, &length, 4);
    return b;
}
