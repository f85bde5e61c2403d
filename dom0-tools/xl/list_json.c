/* SPDX-License-Identifier: MIT */
/*
 * JSON of running domains: the kept configuration is read into a tree and printed again, with
 * memory and scheduling as they are now. A domain without a kept configuration, dom0 to begin with,
 * shows what the hypervisor knows of it.
 */
#include "dom0-tools/xl/list_json.h"
#include "dom0-tools/lib/guest_power.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

/* What replaces the kept values. */
struct now {
    uint64_t max_kib, target_kib;
    const char *scheduler; /* NULL: unknown */
    unsigned int weight, cap;
};

static void text(yajl_gen gen, const char *s)
{
    yajl_gen_string(gen, (const unsigned char *)s, strlen(s));
}

static void put_scheduling(yajl_gen gen, const struct now *now)
{
    text(gen, "sched_params");
    yajl_gen_map_open(gen);
    if (now->scheduler != NULL) {
        text(gen, "sched");
        text(gen, now->scheduler);
        text(gen, "weight");
        yajl_gen_integer(gen, now->weight);
        text(gen, "cap");
        yajl_gen_integer(gen, now->cap);
    }
    yajl_gen_map_close(gen);
}

static void put(yajl_gen gen, yajl_val v, const struct now *now);

static void put_member(yajl_gen gen, const char *key, yajl_val v, const struct now *now)
{
    if (strcmp(key, "sched_params") == 0) {
        put_scheduling(gen, now);
        return;
    }
    text(gen, key);
    if (strcmp(key, "max_memkb") == 0)
        yajl_gen_integer(gen, (long long)now->max_kib);
    else if (strcmp(key, "target_memkb") == 0)
        yajl_gen_integer(gen, (long long)now->target_kib);
    else
        put(gen, v, now);
}

static void put(yajl_gen gen, yajl_val v, const struct now *now)
{
    switch (v->type) {
    case yajl_t_string:
        text(gen, v->u.string);
        break;
    case yajl_t_number:
        yajl_gen_number(gen, v->u.number.r, strlen(v->u.number.r));
        break;
    case yajl_t_object:
        yajl_gen_map_open(gen);
        for (size_t i = 0; i < v->u.object.len; i++)
            put_member(gen, v->u.object.keys[i], v->u.object.values[i], now);
        yajl_gen_map_close(gen);
        break;
    case yajl_t_array:
        yajl_gen_array_open(gen);
        for (size_t i = 0; i < v->u.array.len; i++)
            put(gen, v->u.array.values[i], now);
        yajl_gen_array_close(gen);
        break;
    case yajl_t_true:
    case yajl_t_false:
        yajl_gen_bool(gen, v->type == yajl_t_true);
        break;
    default:
        yajl_gen_null(gen);
    }
}

/* A domain of which nothing is kept. */
static void put_bare(yajl_gen gen, const char *name, const struct now *now)
{
    static const char *const empties[] = {"type.pv", "arch_arm", "arch_x86"};

    yajl_gen_map_open(gen);
    text(gen, "c_info");
    yajl_gen_map_open(gen);
    text(gen, "type");
    text(gen, "pv");
    if (name != NULL) {
        text(gen, "name");
        text(gen, name);
    }
    yajl_gen_map_close(gen);
    text(gen, "b_info");
    yajl_gen_map_open(gen);
    text(gen, "max_memkb");
    yajl_gen_integer(gen, (long long)now->max_kib);
    text(gen, "target_memkb");
    yajl_gen_integer(gen, (long long)now->target_kib);
    put_scheduling(gen, now);
    for (size_t i = 0; i < sizeof(empties) / sizeof(empties[0]); i++) {
        text(gen, empties[i]);
        yajl_gen_map_open(gen);
        yajl_gen_map_close(gen);
    }
    yajl_gen_map_close(gen);
    yajl_gen_map_close(gen);
}

static void look(struct xl *xl, const struct hv_dominfo *d, struct now *now)
{
    uint16_t weight, cap;
    uint32_t id;

    *now = (struct now){0};
    guest_memory(xl->t.store, d, &now->max_kib, &now->target_kib);
    if (hv_scheduler_id(xl->t.hv, &id) == 0 && id == HV_SCHEDULER_CREDIT2 &&
        hv_sched_credit2_get(xl->t.hv, d->domid, &weight, &cap) == 0) {
        now->scheduler = hv_scheduler_name(id);
        now->weight = weight;
        now->cap = cap;
    }
}

static void put_domain(struct xl *xl, yajl_gen gen, const struct hv_dominfo *d)
{
    char *kept = guest_load_config(d->domid, d->handle);
    yajl_val tree = kept != NULL && d->domid != 0 ? yajl_tree_parse(kept, NULL, 0) : NULL;
    char *name = guest_name(xl->t.store, d->domid);
    struct now now;

    look(xl, d, &now);
    yajl_gen_map_open(gen);
    text(gen, "domid");
    yajl_gen_integer(gen, d->domid);
    text(gen, "config");
    if (tree != NULL)
        put(gen, tree, &now);
    else
        put_bare(gen, name, &now);
    yajl_gen_map_close(gen);
    yajl_tree_free(tree);
    free(kept);
    free(name);
}

int list_json(struct xl *xl, const struct hv_dominfo *list, long n)
{
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *buffer;
    size_t len;

    if (gen == NULL) {
        fprintf(stderr, "out of memory\n");
        return XL_FAIL;
    }
    yajl_gen_config(gen, yajl_gen_beautify, 1);
    yajl_gen_config(gen, yajl_gen_indent_string, "    ");
    yajl_gen_array_open(gen);
    for (long i = 0; i < n; i++)
        put_domain(xl, gen, &list[i]);
    yajl_gen_array_close(gen);
    if (yajl_gen_get_buf(gen, &buffer, &len) != yajl_gen_status_ok) {
        fprintf(stderr, "cannot print the list as JSON\n");
        yajl_gen_free(gen);
        return XL_FAIL;
    }
    printf("%s\n", (const char *)buffer);
    yajl_gen_free(gen);
    return XL_OK;
}
