/* SPDX-License-Identifier: MIT */
/*
 * fuzz_config: libFuzzer's entry point for configurations; damage_test.c calls it too. A good one
 * must hold what guest_config.h promises, a bad one must leave a sentence.
 */
#include "tests/host/xl/fuzz_config.h"
#include "dom0-tools/lib/guest_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_promises(const struct guest_config *g)
{
    struct vdev vdev;
    char *json;

    if (g->name == NULL || guest_name_trouble(g->name) != NULL || g->kernel == NULL ||
        *g->kernel != '/')
        abort();
    if (g->memory_kib == 0 || g->memory_kib > g->max_memory_kib || g->vcpus == 0 ||
        g->vcpus > g->max_vcpus || g->max_vcpus > GUEST_MAX_VCPUS)
        abort();
    for (size_t i = 0; i < g->n_disks; i++)
        if (vdev_parse(g->disks[i].vdev, &vdev) != 0 ||
            (g->disks[i].target == NULL && g->disks[i].format != DISK_FORMAT_EMPTY))
            abort();
    for (size_t i = 0; i < g->n_vifs; i++)
        if (g->vifs[i].bridge != NULL && strchr(g->vifs[i].bridge, '/') != NULL)
            abort();
    json = guest_config_json(g, true);
    free(json);
}

bool fuzz_config_usable(const uint8_t *data, size_t size)
{
    struct failure why = {0};
    struct guest_config g;
    struct cfg *cfg;
    bool usable = false;

    if (cfg_parse("fuzz", (const char *)data, size, &cfg, &why) == 0) {
        usable = guest_config_read(cfg, &g, NULL, &why) == 0;
        cfg_free(cfg);
    }
    if (!usable && why.text[0] == '\0')
        abort();
    if (usable) {
        check_promises(&g);
        guest_config_free(&g);
    }
    return usable;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_config_usable(data, size);
    return 0;
}
