/* SPDX-License-Identifier: MIT
 *
 * The kernel out of its container: a bzImage's payload (Linux, Documentation/x86/boot.rst,
 * "payload_offset") or a compressed ELF file, by Debian's liblzma, libzstd and zlib. Those are C
 * libraries: they want malloc, which is an arena here, the stack protector's word at %fs:0x28, and
 * SSE. They run with interrupts off, once, at start of day, and none of them stays in memory.
 *
 * The size of what comes out is known before: Linux appends it to every payload (gzip carries its
 * own). Output goes straight into one buffer of that size, so even large dictionaries need no
 * memory of their own.
 */
#include "boot/boot.h"
#include "mm/page_alloc.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/hvmap.h"
#include "boot/unpack_libs.h"

#define MAX_UNPACKED (1ul << 30)
#define ARENA_BYTES  (8ul << 20) /* state of the decoders */
#define LARGE        (1ul << 20)

struct piece {
    void *start; /* NULL: none */
    size_t bytes;
};
static struct piece output, arena, large[4];
static unsigned nr_large;
static size_t arena_used;
static bool out_of_memory;

static bool piece_alloc(struct piece *p, size_t bytes)
{
    p->start = hvmap_alloc_large(bytes);
    p->bytes = bytes;
    return p->start;
}

static void piece_free(struct piece *p)
{
    if (p->start)
        hvmap_free_large(p->start, p->bytes);
    p->start = NULL;
}

/* What the decoders needed, which is more than what they made. */
static void free_state(void)
{
    piece_free(&arena);
    while (nr_large)
        piece_free(&large[--nr_large]);
}

/* ---- what the libraries expect of a C library ---- */

void *malloc(size_t n)
{
    size_t at = arena_used;

    n = align_up(n, 64ul);
    if (n > LARGE) { /* a dictionary */
        if (nr_large == ARRAY_SIZE(large) || !piece_alloc(&large[nr_large], n)) {
            out_of_memory = true;
            return NULL;
        }
        return large[nr_large++].start;
    }
    if (n > arena.bytes - at) {
        out_of_memory = true;
        return NULL;
    }
    arena_used += n;
    return (char *)arena.start + at;
}

void *calloc(size_t n, size_t size)
{
    size_t bytes;
    void *p = __builtin_mul_overflow(n, size, &bytes) ? NULL : malloc(bytes);

    return p ? memset(p, 0, bytes) : NULL;
}

void free(void *p)
{
    (void)p; /* the arena goes as a whole */
}

void __stack_chk_fail(void)
{
    panic("a decompressor wrote past its stack frame: the kernel image is damaged");
}

void *__memcpy_chk(void *dst, const void *src, size_t n, size_t room)
{
    if (n > room)
        panic("a decompressor wrote past a buffer: the kernel image is damaged");
    return memcpy(dst, src, n);
}

/* libzstd calls these when they are there; weak references do not reach so far down. */
unsigned long long ZSTD_trace_decompress_begin(const void *)
{
    return 0; /* do not trace */
}

void ZSTD_trace_decompress_end(unsigned long long, const void *)
{
}

/* ---- one function a format: true when exactly out_size bytes came out ---- */

static bool unpack_xz(const uint8_t *in, size_t size, uint8_t *out, size_t out_size)
{
    uint64_t memlimit = ~0ul;
    size_t in_at = 0, out_at = 0;

    return lzma_stream_buffer_decode(&memlimit, 0, NULL, in, &in_at, size, out, &out_at,
                                     out_size) == 0 &&
           out_at == out_size;
}

static bool unpack_zstd(const uint8_t *in, size_t size, uint8_t *out, size_t out_size)
{
    return ZSTD_decompress(out, out_size, in, size) == out_size;
}

static void *zlib_alloc(void *, unsigned n, unsigned size)
{
    return calloc(n, size);
}

static void zlib_free(void *, void *p)
{
    free(p);
}

static bool unpack_gzip(const uint8_t *in, size_t size, uint8_t *out, size_t out_size)
{
    struct z_stream z = {.next_in = in,
                         .avail_in = (unsigned)size,
                         .next_out = out,
                         .avail_out = (unsigned)out_size,
                         .zalloc = zlib_alloc,
                         .zfree = zlib_free};

    /* 16: a gzip header and trailer; Z_FINISH 4, Z_STREAM_END 1 */
    return inflateInit2_(&z, 16 + 15, "1.2.11", (int)sizeof(z)) == 0 && inflate(&z, 4) == 1 &&
           z.total_out == out_size;
}

struct format {
    const char *name;
    uint8_t magic[6], magic_size;
    bool size_inside; /* the trailing size belongs to the format */
    bool (*unpack)(const uint8_t *in, size_t size, uint8_t *out, size_t out_size);
};

static const struct format formats[] = {
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, false, unpack_xz},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, false, unpack_zstd},
    {"gzip", {0x1f, 0x8b}, 2, true, unpack_gzip},
    {"bzip2", {'B', 'Z', 'h'}, 3, false, NULL},
    {"lzma", {0x5d, 0, 0}, 3, false, NULL},
    {"lzo", {0x89, 'L', 'Z', 'O'}, 4, false, NULL},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, false, NULL},
};

static const struct format *find_format(const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (size > 16 && !memcmp(p, formats[i].magic, formats[i].magic_size))
            return &formats[i];
    return NULL;
}

/* The libraries' machine: SSE on, a thread block behind %fs, the stack aligned to 16. */
static __attribute__((noinline, force_align_arg_pointer)) bool run(const struct format *f,
                                                                   const uint8_t *in, size_t size,
                                                                   uint8_t *out, size_t out_size)
{
    static uint64_t thread_block[8] __attribute__((aligned(64)));
    uint64_t fs = rdmsr(MSR_FS_BASE), cr0 = read_cr0();
    bool ok;

    thread_block[5] = rdtsc() | 1; /* %fs:0x28 */
    write_cr0(cr0 & ~(CR0_TS | 4ul /* EM */));
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    wrmsr(MSR_FS_BASE, (uint64_t)thread_block);
    for (void (*const *c)(void) = unpack_constructors; c < unpack_constructors_end; c++)
        (*c)(); /* liblzma chooses its CRC by the CPU */
    ok = f->unpack(in, size, out, out_size);
    wrmsr(MSR_FS_BASE, fs);
    write_cr0(cr0);
    return ok;
}

static const void *unpack(const uint8_t *in, size_t size, size_t *out_size, const char **why)
{
    static char sentence[96];
    const struct format *f = find_format(in, size);
    uint32_t unpacked;

    *why = "it is compressed in an unknown way";
    if (!f)
        return NULL;
    *why = sentence;
    snprintf(sentence, sizeof(sentence), "it is compressed by %s, which is not supported", f->name);
    if (!f->unpack)
        return NULL;
    unpacked = u32_at(in + size - 4);
    snprintf(sentence, sizeof(sentence), "it is damaged: a size of %u bytes cannot be", unpacked);
    if (unpacked < 4096 || unpacked > MAX_UNPACKED)
        return NULL;
    snprintf(sentence, sizeof(sentence), "there is no memory to unpack its %u bytes", unpacked);
    if (!piece_alloc(&output, unpacked) || !piece_alloc(&arena, ARENA_BYTES))
        return NULL;
    arena_used = 0;
    out_of_memory = false;
    snprintf(sentence, sizeof(sentence), "its %s data are damaged", f->name);
    if (!run(f, in, f->size_inside ? size : size - 4, output.start, unpacked)) {
        if (out_of_memory)
            snprintf(sentence, sizeof(sentence), "there is no memory to unpack its %s data",
                     f->name);
        return NULL;
    }
    *out_size = unpacked;
    free_state();
    return output.start;
}

const void *unpack_kernel(const void *image, size_t size, size_t *out_size, const char **why)
{
    const uint8_t *p = image;

    if (size > 4 && !memcmp(p, "\177ELF", 4)) {
        *out_size = size;
        return image;
    }
    if (size <= 0x250 || p[0x1fe] != 0x55 || p[0x1ff] != 0xaa || memcmp(p + 0x202, "HdrS", 4))
        return unpack(p, size, out_size, why);
    *why = "its boot protocol is older than 2.08, which has no payload";
    if ((p[0x206] | p[0x207] << 8) < 0x208)
        return NULL;

    uint64_t start = ((p[0x1f1] ? p[0x1f1] : 4u) + 1) * 512ul + u32_at(p + 0x248);
    uint64_t length = u32_at(p + 0x24c);

    *why = "it is cut short: its payload lies outside the file";
    if (start + length > size || length < 64)
        return NULL;
    if (!memcmp(p + start, "\177ELF", 4)) {
        *out_size = length;
        return p + start;
    }
    return unpack(p + start, length, out_size, why);
}

void unpack_done(void)
{
    free_state();
    piece_free(&output);
}
