/* SPDX-License-Identifier: MIT
 *
 * The few functions of liblzma, libzstd and zlib that boot/unpack.c calls, declared here because
 * those libraries' own headers want a C library's; and what they call of one.
 */
#pragma once

int lzma_stream_buffer_decode(uint64_t *memlimit, uint32_t flags, const void *allocator,
                              const uint8_t *in, size_t *in_pos, size_t in_size, uint8_t *out,
                              size_t *out_pos, size_t out_size);

size_t ZSTD_decompress(void *dst, size_t dst_size, const void *src, size_t src_size);

struct z_stream {
    const uint8_t *next_in;
    unsigned avail_in;
    unsigned long total_in;
    uint8_t *next_out;
    unsigned avail_out;
    unsigned long total_out;
    const char *msg;
    void *state;
    void *(*zalloc)(void *opaque, unsigned n, unsigned size);
    void (*zfree)(void *opaque, void *p);
    void *opaque;
    int data_type;
    unsigned long adler, reserved;
};
_Static_assert(sizeof(struct z_stream) == 112, "z_stream of zlib 1.x");
int inflateInit2_(struct z_stream *z, int window_bits, const char *version, int size);
int inflate(struct z_stream *z, int flush);

/* boot/unpack.lds: the libraries' constructors */
extern void (*const unpack_constructors[])(void), (*const unpack_constructors_end[])(void);

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void free(void *p);
unsigned long long ZSTD_trace_decompress_begin(const void *ctx);
void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace);
void __stack_chk_fail(void) __attribute__((noreturn));
void *__memcpy_chk(void *dst, const void *src, size_t n, size_t room);
