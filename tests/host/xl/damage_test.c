/* SPDX-License-Identifier: MIT */
/*
 * xl_damage: a configuration with everything in it, damaged in many thousand reproducible ways:
 * bytes changed, pieces cut, doubled and moved, numbers and words swapped in that break things. All
 * under the sanitizers; what is still accepted must hold its promises.
 */
#include "tests/host/xl/check.h"
#include "tests/host/xl/fuzz_config.h"

#define ROUNDS 20000

static const char whole[] =
    "name = \"web\"\nuuid='11111111-2222-3333-4444-555555555555'\ntype='pv'\n"
    "kernel = '/boot/vmlinuz'; ramdisk = \"/boot/initrd\\x2eimg\"\nroot='/dev/xvda1' # why\n"
    "extra='ro quiet'\nmemory = 0x200\nmaxmem=1024\nvcpus=2\nmaxvcpus='4'\ncpus=['0-3,^2','all']\n"
    "disk = [ '/srv/web.img,raw,xvda,rw',\n 'phy:/dev/vg/lv,xvdb1:cdrom,r',\n"
    " 'format=raw,vdev=d17p3,access=w!,no-discard,target=/a,b=c', ]\ndisk += ['file:/x,hdc,w']\n"
    "vif = [ 'mac=00:16:3e:01:02:03,bridge=br0,rate=1.5MB/s@20ms', 'mtu=9000,devid=7', '' ]\n"
    "on_crash = 'rename-restart'\nmax_grant_frames=64\ncap=50\n";

static uint64_t seed = 88172645463325252u;

static size_t below(size_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % n);
}

static size_t splice(char *text, size_t len, size_t at, const char *piece, size_t n)
{
    memmove(text + at + n, text + at, len - at);
    memcpy(text + at, piece, n);
    return len + n;
}

/* One damage; room for 64 bytes more. Returns the new length. */
static size_t damage(char *text, size_t len)
{
    static const char *const pieces[] = {"99999999999999999999",
                                         "-1",
                                         "[",
                                         "]",
                                         ",",
                                         "'",
                                         "\"",
                                         "\\",
                                         "=",
                                         "+=",
                                         "\n",
                                         "0x",
                                         "00:",
                                         "target=",
                                         ":",
                                         "xvda",
                                         "xvdaaaaaa",
                                         "d1048575p255",
                                         "\\x",
                                         "^all",
                                         "all,",
                                         "@1us",
                                         "#",
                                         ";",
                                         "4294967296"};
    const size_t at = below(len), n = 1 + below(len - at < 32 ? len - at : 32);
    const char *piece;
    char copy[32];

    switch (below(4)) {
    case 0:
        text[at] = (char)below(256);
        return len;
    case 1:
        memmove(text + at, text + at + n, len - at - n);
        return len - n;
    case 2:
        memcpy(copy, text + at, n);
        return splice(text, len, below(len), copy, n);
    default:
        piece = pieces[below(COUNT(pieces))];
        return splice(text, len, at, piece, strlen(piece));
    }
}

static void damaged(void **state)
{
    unsigned int usable = 0;

    (void)state;
    assert_true(fuzz_config_usable((const uint8_t *)whole, sizeof(whole) - 1));
    for (int i = 0; i < ROUNDS; i++) {
        size_t len = sizeof(whole) - 1;
        char *text = malloc(len + 64 * 5), *exact;

        memcpy(text, whole, len);
        for (size_t n = 1 + below(4); n > 0 && len > 64; n--)
            len = damage(text, len);
        exact = malloc(len); /* so that a read past the end is seen */
        memcpy(exact, text, len);
        usable += fuzz_config_usable((const uint8_t *)exact, len);
        free(exact);
        free(text);
    }
    /* comments, white space and names take damage well: both kinds must have been met */
    assert_true(usable > 100 && usable < ROUNDS / 2);
}

static void prefixes(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(whole); len++) {
        char *exact = malloc(len + 1);

        memcpy(exact, whole, len);
        fuzz_config_usable((const uint8_t *)exact, len);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged), cmocka_unit_test(prefixes)};

    return cmocka_run_group_tests_name("xl_damage", tests, NULL, NULL);
}
