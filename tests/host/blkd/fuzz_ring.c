/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ring: a guest that writes anything anywhere it may. The input is a script of small steps:
 * bytes into the ring's page, into pages with segments, access to pages taken and given, I/O ended
 * in any order, the daemon killed and taking over. It is libFuzzer's entry point; damage_test.c
 * calls it too. What must hold is checked here and by the sanitizers: no I/O outside the disk, no
 * write to one that is read-only, everything given back at the end.
 */
#include "fuzz_ring.h"
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTORS 256u

static char folder[] = "/dev/shm/blkd-fuzz-XXXXXX"; /* in memory: many a second */

static void remove_folder(void)
{
    rmdir(folder);
}

static void expect(bool good, const char *what)
{
    if (good)
        return;
    dprintf(2, "fuzz_ring: %s\n", what);
    abort();
}

struct script {
    const uint8_t *at, *end;
};

static uint8_t byte(struct script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

/* n bytes of the script to some place of a page; requests are worth hitting. */
static void scribble(struct script *s, uint32_t page)
{
    size_t at = byte(s) % 2 ? 64 + (size_t)(byte(s) % 32) * 112 : (size_t)byte(s) * 16;
    size_t n = byte(s) % 113;

    for (size_t i = 0; i < n && at + i < 4096; i++)
        fake.pages[page][at + i] = byte(s);
}

/* A request that is nearly right. */
static void nearly(struct script *s, struct vbd *v)
{
    uint32_t index = v->ring.req_cons + byte(s) % 4;
    blkif_request_t r = front_rw(byte(s) % 8, byte(s), byte(s), 2 + byte(s) % 16, byte(s) % 13);
    uint8_t *bytes = (uint8_t *)&r;

    for (uint8_t n = byte(s) % 4; n; n--)
        bytes[byte(s) % sizeof(r)] = byte(s);
    memcpy(RING_GET_REQUEST(&v->ring, index), &r, sizeof(r));
    v->ring.sring->req_prod = index + 1;
}

static void end_vbd(struct vbd *v, struct vbd_host *host, bool keep_journal)
{
    fake_complete_all();
    vbd_drain(v);
    while (host->awake) {
        vbd_run_all(host);
        fake_complete_all();
    }
    expect(vbd_is_idle(v), "a drained disk comes to rest");
    vbd_end(v, keep_journal);
}

/* As if killed: what was under way is gone with the process, or ends unseen. */
static bool killed(struct vbd *v, struct vbd_host *host, const struct vbd_setup *setup)
{
    struct failure why;

    fake.pending = 0;
    v->in_flight = 0;
    vbd_end(v, true);
    return vbd_start(v, host, setup, true, &why) == 0;
}

static bool take_step(struct script *s, struct vbd *v, struct vbd_host *host,
                      const struct vbd_setup *setup)
{
    switch (byte(s) % 9) {
    case 0:
        scribble(s, 1);
        break;
    case 1:
        scribble(s, 2 + byte(s) % 16);
        break;
    case 2:
        v->ring.sring->req_prod += byte(s) % 40;
        break;
    case 3:
        fake.access[2 + byte(s) % 16] = byte(s) % 3;
        break;
    case 4:
        if (fake.pending)
            fake_complete(byte(s) % fake.pending);
        break;
    case 5:
        fake.io_error = byte(s) % 4 ? 0 : -5;
        break;
    case 6:
        if (v->mode == VBD_RUNNING)
            return killed(v, host, setup);
        break;
    default:
        nearly(s, v);
    }
    vbd_wake(v);
    vbd_run_all(host);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct image *images[2];
    static struct vbd_host host;
    struct script s = {data, data + size};
    struct vbd_setup setup;
    struct front front;
    struct failure why;
    struct vbd vbd;
    bool alive = true, readonly = byte(&s) % 2;

    if (!images[0]) {
        expect(mkdtemp(folder) && !atexit(remove_folder), "a folder for journals");
        fake_place = "/dev/shm";
        images[0] = fake_image(SECTORS, true);
        images[1] = fake_image(SECTORS, false);
    }
    fake_reset();
    host.folder = folder;
    setup = fake_setup(SECTORS, 1);
    setup.image = images[readonly];
    setup.limits.readonly = readonly;
    setup.persistent = byte(&s) % 2;
    front_init(&front, 1);
    memset(fake.access + 2, FAKE_WRITE, 64);
    expect(vbd_start(&vbd, &host, &setup, false, &why) == 0, "an honest ring can be served");
    while (alive && s.at < s.end)
        alive = take_step(&s, &vbd, &host, &setup);
    if (alive)
        end_vbd(&vbd, &host, false);
    expect(!fake.mapped && !fake.bound, "nothing is held at the end");
    expect(!host.all && !host.awake, "no disk is left");
    expect(!readonly || fake.writes + fake.discards == 0, "nothing writes to a read-only disk");
    return 0;
}
