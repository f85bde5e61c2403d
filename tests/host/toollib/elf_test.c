/* SPDX-License-Identifier: MIT */
/*
 * toollib_elf: the ELF reader and what a kernel says about itself. Every field that could point
 * outside is tried at its edges; every refusal is a sentence.
 */
#include "dom0-tools/lib/elf_guest.h"
#include "make_image.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xen/elfnote.h>

#define BASE 0xffffffff80000000ull

/* Read an image; returns 0 or the error. */
static int read_blob(const struct blob *b, struct elf *e, struct elf_guest *g, struct failure *why)
{
    uint8_t *exact = malloc(b->size); /* so that the sanitizer sees the end */
    int result;

    memcpy(exact, b->data, b->size);
    result = elf_open(e, exact, b->size, why) < 0 || elf_guest_read(g, e, why) < 0;
    free(exact);
    return result ? why->error : 0;
}

static void assert_spec_fails(const struct spec *s, int error, const char *text)
{
    struct blob b = make_elf(s);
    struct failure why = {0};
    struct elf_guest g;
    struct elf e;

    assert_int_equal(read_blob(&b, &e, &g, &why), error);
    if (!strstr(why.text, text))
        fail_msg("'%s' does not contain '%s'", why.text, text);
    free(b.data);
}

static void assert_spec_reads(const struct spec *s, struct elf_guest *g)
{
    struct blob b = make_elf(s);
    struct failure why = {0};
    struct elf e;

    if (read_blob(&b, &e, g, &why))
        fail_msg("%s", why.text);
    free(b.data);
}

static void reads_linux(void **state)
{
    struct blob b = make_elf(&linux_like);
    struct failure why;
    struct elf_guest g;
    struct elf e;

    (void)state;
    assert_int_equal(elf_open(&e, b.data, b.size, &why), 0);
    assert_int_equal(elf_guest_read(&g, &e, &why), 0);
    assert_int_equal(e.n_segments, 4);
    assert_int_equal(e.segments[1].filesz, 0x4321);
    assert_int_equal(e.segments[1].memsz, 0x5000);
    assert_int_equal(e.segments[1].data[0x4320], 0x22);
    assert_int_equal(g.entry, BASE + 0x100a000);
    assert_int_equal(g.virt_base, BASE);
    assert_int_equal(g.paddr_offset, 0);
    assert_int_equal(g.start, BASE + 0x1000000);
    assert_int_equal(g.end, BASE + 0x1050010);
    assert_int_equal(g.init_p2m, 0x8000000000ull);
    assert_true(g.hypercall_page == ELF_GUEST_NONE);
    assert_true(g.mod_start_pfn);
    assert_true(g.suspend_cancel);
    assert_false(g.extended_cr3);
    assert_string_equal(g.os, "linux");
    assert_string_equal(g.version, "2.6");
    free(b.data);
}

static void reads_plain(void **state)
{
    struct elf_guest g;

    (void)state;
    assert_spec_reads(&plain_like, &g);
    assert_int_equal(g.entry, 0x10);
    assert_int_equal(g.virt_base, 0);
    assert_int_equal(g.start, 0);
    assert_int_equal(g.end, 0xf000);
    assert_int_equal(g.hypercall_page, 0x2000);
    assert_true(g.init_p2m == ELF_GUEST_NONE);
    assert_false(g.mod_start_pfn);
}

static void notes_from_a_section(void **state)
{
    struct spec s = linux_like;
    struct elf_guest g;

    (void)state;
    s.notes_in_section = true;
    assert_spec_reads(&s, &g);
    assert_int_equal(g.init_p2m, 0x8000000000ull);
}

static void old_guest_section(void **state)
{
    static const struct spec_segment segment = {BASE + 0x100000, 0x2000, 0x4000, 1};
    struct spec s = {
        .entry = BASE + 0x100000,
        .segments = &segment,
        .n_segments = 1,
        .guest_section = "GUEST_OS=old,GUEST_VER=1,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,"
                         "HYPERCALL_PAGE=0x101,LOADER=generic,PAE=yes[extended-cr3],BSD_SYMTAB",
    };
    struct elf_guest g;

    (void)state;
    assert_spec_reads(&s, &g);
    assert_string_equal(g.os, "old");
    assert_int_equal(g.paddr_offset, BASE); /* the base, when not given */
    assert_int_equal(g.start, BASE + 0x100000);
    assert_int_equal(g.hypercall_page, BASE + 0x101000);
    assert_int_equal(g.entry, BASE + 0x100000);
    assert_true(g.extended_cr3);
    assert_true(g.symbols);
}

/* Notes win over the section. */
static void notes_override_section(void **state)
{
    struct spec s = plain_like;
    struct elf_guest g;

    (void)state;
    s.guest_section = "GUEST_OS=wrong,XEN_VER=xen-9.0";
    assert_spec_reads(&s, &g);
    assert_string_equal(g.os, "plain");
}

static void no_notes(void **state)
{
    struct spec s = plain_like;

    (void)state;
    s.n_notes = 0;
    assert_spec_fails(&s, ENOEXEC, "without Xen notes");
}

/* The notes of `base` and one more that overrides. */
static void assert_note_fails(const struct spec *base, struct spec_note note, int error,
                              const char *text)
{
    struct spec_note notes[32];
    struct spec s = *base;

    memcpy(notes, s.notes, s.n_notes * sizeof(notes[0]));
    notes[s.n_notes++] = note;
    s.notes = notes;
    assert_spec_fails(&s, error, text);
}

static void note_number_fails(uint32_t type, uint64_t number, const char *text)
{
    assert_note_fails(&linux_like, (struct spec_note){type, NULL, 8, number}, EINVAL, text);
}

static void note_text_fails(uint32_t type, const char *value, const char *text)
{
    assert_note_fails(&linux_like, (struct spec_note){type, value, (uint32_t)strlen(value) + 1, 0},
                      ENOTSUP, text);
}

static void impossible_notes(void **state)
{
    (void)state;
    note_number_fails(XEN_ELFNOTE_ENTRY, BASE + 0xffffff, "entry point");
    note_number_fails(XEN_ELFNOTE_ENTRY, BASE + 0x1050010, "entry point");
    note_number_fails(XEN_ELFNOTE_ENTRY, 0, "entry point");
    note_number_fails(XEN_ELFNOTE_VIRT_BASE, BASE + 1, "start of a page");
    note_number_fails(XEN_ELFNOTE_VIRT_BASE, 0xfffffffffffff000ull, "do not fit");
    note_number_fails(XEN_ELFNOTE_PADDR_OFFSET, 0x1000001, "do not fit");
    note_number_fails(XEN_ELFNOTE_INIT_P2M, 0x8000000010ull, "p2m list");
    note_number_fails(XEN_ELFNOTE_HYPERCALL_PAGE, BASE, "hypercall page");
    note_number_fails(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x1000010, "hypercall page");
    note_number_fails(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x1050000, "hypercall page");
    note_number_fails(XEN_ELFNOTE_HYPERCALL_PAGE, 0xfffffffffffff000ull, "hypercall page");
    note_text_fails(XEN_ELFNOTE_XEN_VERSION, "xen-2.0", "'xen-2.0'");
    note_text_fails(XEN_ELFNOTE_LOADER, "special", "loader 'special'");
    note_text_fails(XEN_ELFNOTE_FEATURES, "pae_pgdir_above_4gb|!flying_cars", "'flying_cars'");
    note_text_fails(XEN_ELFNOTE_FEATURES, "!auto_translated_physmap", "'auto_translated_physmap'");
}

static void unknown_wish_is_no_need(void **state)
{
    struct spec_note notes[5];
    struct spec s = plain_like;
    struct elf_guest g;

    (void)state;
    memcpy(notes, s.notes, 4 * sizeof(notes[0]));
    notes[4] = (struct spec_note){XEN_ELFNOTE_FEATURES, "flying_cars|", 13, 0};
    s.notes = notes;
    s.n_notes = 5;
    assert_spec_reads(&s, &g);
}

/* Numbers of every width, and of none. */
static void note_widths(void **state)
{
    (void)state;
    for (uint32_t size = 0; size <= 9; size++) {
        static const uint8_t desc[16] = {0x00, 0x20};
        struct spec_note notes[5];
        struct spec s = plain_like;
        struct elf_guest g;

        memcpy(notes, s.notes, 4 * sizeof(notes[0]));
        notes[3] = (struct spec_note){XEN_ELFNOTE_HYPERCALL_PAGE, desc, size, 0};
        s.notes = notes;
        assert_spec_reads(&s, &g);
        if (size == 2 || size == 4 || size == 8)
            assert_int_equal(g.hypercall_page, 0x2000);
        else if (size == 1)
            assert_int_equal(g.hypercall_page, 0);
        else
            assert_true(g.hypercall_page == ELF_GUEST_NONE);
    }
}

static void bad_headers(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        const char *text;
    } wrong[] = {
        {EI_CLASS, ELFCLASS32, "32-bit"},
        {EI_CLASS, 7, "damaged"},
        {EI_DATA, ELFDATA2MSB, "damaged"},
        {offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, "another processor"},
        {offsetof(Elf64_Ehdr, e_type), ET_REL, "not an executable"},
        {offsetof(Elf64_Ehdr, e_phentsize), 32, "program headers"},
        {offsetof(Elf64_Ehdr, e_phnum), 0, "program headers"},
        {0, 'X', "too short"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct blob b = make_elf(&linux_like);
        struct failure why = {0};
        struct elf_guest g;
        struct elf e;

        b.data[wrong[i].at] = wrong[i].value;
        assert_int_equal(read_blob(&b, &e, &g, &why), ENOEXEC);
        if (!strstr(why.text, wrong[i].text))
            fail_msg("'%s' does not contain '%s'", why.text, wrong[i].text);
        free(b.data);
    }
}

/* Put a value into one field of program header 0 and see what comes of it. */
static void assert_phdr_fails(size_t field, uint64_t value, const char *text)
{
    struct blob b = make_elf(&linux_like);
    struct failure why = {0};
    struct elf_guest g;
    struct elf e;

    memcpy(b.data + sizeof(Elf64_Ehdr) + field, &value, 8);
    assert_int_equal(read_blob(&b, &e, &g, &why), EINVAL);
    if (!strstr(why.text, text))
        fail_msg("'%s' does not contain '%s'", why.text, text);
    free(b.data);
}

static void bad_segments(void **state)
{
    (void)state;
    assert_phdr_fails(offsetof(Elf64_Phdr, p_offset), UINT64_MAX, "truncated");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_offset), UINT64_MAX - 0x8fff, "truncated");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_filesz), UINT64_MAX, "truncated");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_filesz), 1u << 30, "truncated");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_filesz), 0x9001, "impossible sizes");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_paddr), UINT64_MAX - 0x1000, "impossible sizes");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_memsz), UINT64_MAX, "impossible sizes");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_memsz), 0x9001, "overlap");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_paddr), 0x1010000, "overlap");
    assert_phdr_fails(offsetof(Elf64_Phdr, p_paddr), 0xffffffffff000000ull, "do not fit");
}

static void headers_outside(void **state)
{
    static const uint64_t offsets[] = {UINT64_MAX, UINT64_MAX - 200, 1u << 20};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct blob b = make_elf(&linux_like);
        struct failure why = {0};
        struct elf_guest g;
        struct elf e;

        memcpy(b.data + offsetof(Elf64_Ehdr, e_phoff), &offsets[i], 8);
        assert_int_equal(read_blob(&b, &e, &g, &why), EINVAL);
        free(b.data);
        b = make_elf(&linux_like); /* a broken section table is none */
        memcpy(b.data + offsetof(Elf64_Ehdr, e_shoff), &offsets[i], 8);
        assert_int_equal(read_blob(&b, &e, &g, &why), 0);
        free(b.data);
    }
}

static void too_many_segments(void **state)
{
    struct spec_segment segments[63];
    struct spec s = plain_like;
    struct elf_guest g;

    (void)state;
    for (unsigned i = 0; i < 63; i++)
        segments[i] = (struct spec_segment){i * 0x1000ull, 0x10, 0x1000, 1};
    s.segments = segments;
    s.n_segments = 63;
    assert_spec_reads(&s, &g);
    assert_int_equal(g.end, 63 * 0x1000);
}

/* Every prefix of a good file: an error, or the same answer when only the tail's tables are cut. */
static void every_truncation(void **state)
{
    struct blob b = make_elf(&plain_like);

    (void)state;
    for (size_t n = 0; n < b.size; n += n < 1000 ? 1 : 97) {
        struct blob part = {b.data, n};
        struct failure why = {0};
        struct elf_guest g;
        struct elf e;

        if (read_blob(&part, &e, &g, &why) == 0)
            assert_int_equal(g.hypercall_page, 0x2000);
        else
            assert_true(why.text[0] != 0);
    }
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_linux),
        cmocka_unit_test(reads_plain),
        cmocka_unit_test(notes_from_a_section),
        cmocka_unit_test(old_guest_section),
        cmocka_unit_test(notes_override_section),
        cmocka_unit_test(no_notes),
        cmocka_unit_test(impossible_notes),
        cmocka_unit_test(unknown_wish_is_no_need),
        cmocka_unit_test(note_widths),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(bad_segments),
        cmocka_unit_test(headers_outside),
        cmocka_unit_test(too_many_segments),
        cmocka_unit_test(every_truncation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
