/* SPDX-License-Identifier: MIT */
/*
 * xl.cfg's keys: THE table is keys[] below, one row a key. A row says what kind of value it takes,
 * where it goes and within which bounds. Rows that say KEY_QUIET are known and change nothing for a
 * PV guest; KEY_UNSERVED are known, would change something, and are named in a warning when they
 * carry a value that asks for anything. See guest_config.h.
 */
#include "dom0-tools/lib/guest_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum key_kind {
    KEY_TEXT,   /* char * at offset */
    KEY_PATH,   /* char * at offset, made absolute */
    KEY_U32,    /* uint32_t at offset, least..most */
    KEY_MIB,    /* uint64_t KiB at offset */
    KEY_ACTION, /* enum guest_action at offset */
    KEY_CALL,   /* call() reads the value */
    KEY_QUIET,
    KEY_UNSERVED,
};

/* What keys say that only makes sense together. */
struct reader {
    struct cfg *cfg;
    struct guest_config *g;
    FILE *warn;
    struct failure *why;
    char *root, *extra, *cmdline;
    bool uuid_given, vcpus_given, memory_given;
};

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;
    uint64_t least, most;
    int (*call)(struct reader *r, const struct cfg_setting *s);
};

static void warn(const struct reader *r, const struct cfg_setting *s, const char *text)
{
    if (r->warn != NULL)
        fprintf(r->warn, "%s:%u: warning: parameter `%s' %s\n", r->cfg->source, s->line, s->key,
                text);
}

static int bad(const struct reader *r, const struct cfg_setting *s, const char *reason)
{
    return fail(r->why, EINVAL, "%s:%u: `%s' %s", r->cfg->source, s->line, s->key, reason);
}

static int no_memory(const struct reader *r)
{
    return fail(r->why, ENOMEM, "%s: out of memory", r->cfg->source);
}

static int take_text(struct reader *r, const struct cfg_setting *s, char **slot)
{
    if (s->value->kind == CFG_LIST)
        return bad(r, s, "takes a string, not a list");
    free(*slot);
    *slot = s->value->text[0] != '\0' ? strdup(s->value->text) : NULL;
    return *slot != NULL || s->value->text[0] == '\0' ? 0 : no_memory(r);
}

/* Paths are kept absolute: a restarted guest reads them again from another working directory. */
static int take_path(struct reader *r, const struct cfg_setting *s, char **slot)
{
    char *whole = NULL, *cwd;

    if (take_text(r, s, slot) != 0)
        return -1;
    if (*slot == NULL || **slot == '/')
        return 0;
    cwd = get_current_dir_name();
    if (cwd == NULL || asprintf(&whole, "%s/%s", cwd, *slot) < 0) {
        free(cwd);
        return no_memory(r);
    }
    free(cwd);
    free(*slot);
    *slot = whole;
    return 0;
}

/* 0: *out is set; 1: not a number, which xl passes over with a warning; -1. */
static int take_number(struct reader *r, const struct cfg_setting *s, const struct key *key,
                       uint64_t *out)
{
    unsigned long long n;
    char *end;

    if (s->value->kind == CFG_LIST)
        return bad(r, s, "takes a number, not a list");
    errno = 0;
    n = strtoull(s->value->text, &end, 0);
    if (end == s->value->text || *end != '\0') {
        warn(r, s, "is not a valid number");
        return 1;
    }
    if (errno != 0 || strchr(s->value->text, '-') != NULL || n < key->least || n > key->most)
        return fail(r->why, ERANGE, "%s:%u: `%s' must be between %llu and %llu", r->cfg->source,
                    s->line, s->key, (unsigned long long)key->least, (unsigned long long)key->most);
    *out = n;
    return 0;
}

static const struct {
    const char *name;
    enum guest_action action;
} actions[] = {
    {"destroy", ACTION_DESTROY},
    {"restart", ACTION_RESTART},
    {"rename-restart", ACTION_RENAME_RESTART},
    {"preserve", ACTION_PRESERVE},
    {"coredump-destroy", ACTION_COREDUMP_DESTROY},
    {"coredump-restart", ACTION_COREDUMP_RESTART},
    {"soft-reset", ACTION_SOFT_RESET},
};

const char *guest_action_name(enum guest_action action)
{
    return actions[action].name;
}

static int take_action(struct reader *r, const struct cfg_setting *s, enum guest_action *out)
{
    if (s->value->kind == CFG_LIST)
        return bad(r, s, "takes a string, not a list");
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(s->value->text, actions[i].name) == 0) {
            *out = actions[i].action;
            if (*out == ACTION_COREDUMP_DESTROY || *out == ACTION_COREDUMP_RESTART)
                warn(r, s, "asks for a core dump, which is not available here: none is written");
            return 0;
        }
    return fail(r->why, EINVAL, "Unknown %s action \"%s\" specified", s->key, s->value->text);
}

static int take_name(struct reader *r, const struct cfg_setting *s)
{
    const char *trouble;

    if (take_text(r, s, &r->g->name) != 0)
        return -1;
    trouble = r->g->name != NULL ? guest_name_trouble(r->g->name) : NULL;
    return trouble == NULL ? 0 : bad(r, s, trouble);
}

static int take_uuid(struct reader *r, const struct cfg_setting *s)
{
    if (s->value->kind == CFG_LIST || uuid_parse(s->value->text, r->g->uuid) != 0)
        return fail(r->why, EINVAL, "%s:%u: Failed to parse UUID: %s", r->cfg->source, s->line,
                    s->value->kind == CFG_LIST ? "a list" : s->value->text);
    r->uuid_given = true;
    return 0;
}

static int take_type(struct reader *r, const struct cfg_setting *s)
{
    const char *text = s->value->kind == CFG_LIST ? "[list]" : s->value->text;

    if (strncmp(text, "pvh", 3) == 0 || strncmp(text, "hvm", 3) == 0)
        return bad(r, s, "asks for a kind of guest that is not available here: only pv is");
    if (strncmp(text, "pv", 2) == 0 || strcmp(text, "generic") == 0)
        return 0;
    return fail(r->why, EINVAL, "Invalid domain type %s.", text);
}

static int take_root(struct reader *r, const struct cfg_setting *s)
{
    return take_text(r, s, &r->root);
}

static int take_extra(struct reader *r, const struct cfg_setting *s)
{
    return take_text(r, s, &r->extra);
}

static int take_cmdline(struct reader *r, const struct cfg_setting *s)
{
    return take_text(r, s, &r->cmdline);
}

static int take_firmware(struct reader *r, const struct cfg_setting *s)
{
    return bad(r, s, "names a firmware, and none is available here: set kernel");
}

static int take_pool(struct reader *r, const struct cfg_setting *s)
{
    if (s->value->kind != CFG_LIST && strcmp(s->value->text, "Pool-0") == 0)
        return 0;
    return bad(r, s, "names a CPU pool, and only Pool-0 is available here");
}

static int list_of_strings(struct reader *r, const struct cfg_setting *s)
{
    if (s->value->kind != CFG_LIST)
        return bad(r, s, "takes a list of strings in [ ]");
    for (size_t i = 0; i < s->value->count; i++)
        if (s->value->items[i]->kind != CFG_STRING)
            return fail(r->why, EINVAL,
                        "%s:%u: `%s' takes a list of strings, and item %zu is not one",
                        r->cfg->source, s->value->items[i]->line, s->key, i + 1);
    return 0;
}

static int take_disks(struct reader *r, const struct cfg_setting *s)
{
    struct guest_config *g = r->g;

    if (list_of_strings(r, s) != 0)
        return -1;
    g->disks = calloc(s->value->count + 1, sizeof(struct disk_spec));
    if (g->disks == NULL)
        return no_memory(r);
    for (size_t i = 0; i < s->value->count; i++) {
        const struct cfg_value *item = s->value->items[i];
        struct vdev mine, other;
        char where[512];

        snprintf(where, sizeof(where), "%s:%u", r->cfg->source, item->line);
        if (disk_spec_parse(where, item->text, &g->disks[i], r->why) != 0)
            return -1;
        g->n_disks++;
        vdev_parse(g->disks[i].vdev, &mine);
        for (size_t j = 0; j < i; j++)
            if (vdev_parse(g->disks[j].vdev, &other) == 0 && other.number == mine.number)
                return fail(r->why, EINVAL, "%s: two disks have the vdev %s", where,
                            g->disks[i].vdev);
    }
    return 0;
}

static int take_vifs(struct reader *r, const struct cfg_setting *s)
{
    struct guest_config *g = r->g;

    if (list_of_strings(r, s) != 0)
        return -1;
    g->vifs = calloc(s->value->count + 1, sizeof(struct vif_spec));
    if (g->vifs == NULL)
        return no_memory(r);
    for (size_t i = 0; i < s->value->count; i++) {
        const struct cfg_value *item = s->value->items[i];
        char where[512];

        snprintf(where, sizeof(where), "%s:%u", r->cfg->source, item->line);
        if (vif_spec_parse(where, item->text, &g->vifs[i], r->warn, r->why) != 0)
            return -1;
        g->n_vifs++;
    }
    return 0;
}

static int take_affinity(struct reader *r, const struct cfg_setting *s, struct guest_affinity **out,
                         size_t *n)
{
    const size_t count = s->value->kind == CFG_LIST ? s->value->count : 1;

    free(*out);
    *n = 0;
    *out = calloc(count + 1, sizeof(struct guest_affinity));
    if (*out == NULL)
        return no_memory(r);
    for (size_t i = 0; i < count; i++) {
        const struct cfg_value *item = s->value->kind == CFG_LIST ? s->value->items[i] : s->value;

        if (item->kind == CFG_LIST || affinity_parse(item->text, &(*out)[i]) != 0)
            return bad(r, s, "is not a set of CPUs such as \"0-3,^2\" or \"all\"");
    }
    *n = count;
    return 0;
}

static int take_cpus(struct reader *r, const struct cfg_setting *s)
{
    return take_affinity(r, s, &r->g->hard, &r->g->n_hard);
}

static int take_cpus_soft(struct reader *r, const struct cfg_setting *s)
{
    return take_affinity(r, s, &r->g->soft, &r->g->n_soft);
}

#define AT(member) offsetof(struct guest_config, member)
#define MIB_MOST   (UINT64_C(1) << 24) /* 16 TiB */

static const struct key keys[] = {
    {"name", KEY_CALL, 0, 0, 0, take_name},
    {"uuid", KEY_CALL, 0, 0, 0, take_uuid},
    {"type", KEY_CALL, 0, 0, 0, take_type},
    {"builder", KEY_CALL, 0, 0, 0, take_type},
    {"kernel", KEY_PATH, AT(kernel), 0, 0, NULL},
    {"ramdisk", KEY_PATH, AT(ramdisk), 0, 0, NULL},
    {"cmdline", KEY_CALL, 0, 0, 0, take_cmdline},
    {"root", KEY_CALL, 0, 0, 0, take_root},
    {"extra", KEY_CALL, 0, 0, 0, take_extra},
    {"firmware", KEY_CALL, 0, 0, 0, take_firmware},
    {"memory", KEY_MIB, AT(memory_kib), 1, MIB_MOST, NULL},
    {"maxmem", KEY_MIB, AT(max_memory_kib), 1, MIB_MOST, NULL},
    {"vcpus", KEY_U32, AT(vcpus), 1, GUEST_MAX_VCPUS, NULL},
    {"maxvcpus", KEY_U32, AT(max_vcpus), 1, GUEST_MAX_VCPUS, NULL},
    {"cpus", KEY_CALL, 0, 0, 0, take_cpus},
    {"cpus_soft", KEY_CALL, 0, 0, 0, take_cpus_soft},
    {"cpu_weight", KEY_U32, AT(cpu_weight), 1, 65535, NULL},
    {"cap", KEY_U32, AT(cpu_cap), 0, 65535, NULL},
    {"pool", KEY_CALL, 0, 0, 0, take_pool},
    {"on_poweroff", KEY_ACTION, AT(on_poweroff), 0, 0, NULL},
    {"on_reboot", KEY_ACTION, AT(on_reboot), 0, 0, NULL},
    {"on_watchdog", KEY_ACTION, AT(on_watchdog), 0, 0, NULL},
    {"on_crash", KEY_ACTION, AT(on_crash), 0, 0, NULL},
    {"on_soft_reset", KEY_ACTION, AT(on_soft_reset), 0, 0, NULL},
    {"disk", KEY_CALL, 0, 0, 0, take_disks},
    {"vif", KEY_CALL, 0, 0, 0, take_vifs},
    {"max_grant_frames", KEY_U32, AT(max_grant_frames), 1, INT32_MAX, NULL},
    {"max_maptrack_frames", KEY_U32, AT(max_maptrack_frames), 1, INT32_MAX, NULL},
    {"max_grant_version", KEY_U32, AT(max_grant_version), 1, 2, NULL},
    {"max_event_channels", KEY_U32, AT(max_event_channels), 1, 131071, NULL},

    /* nothing to do for a PV guest */
    {"nomigrate", KEY_QUIET, 0, 0, 0, NULL},
    {"hap", KEY_QUIET, 0, 0, 0, NULL},
    {"nestedhvm", KEY_QUIET, 0, 0, 0, NULL},
    {"acpi", KEY_QUIET, 0, 0, 0, NULL},
    {"apic", KEY_QUIET, 0, 0, 0, NULL},
    {"pae", KEY_QUIET, 0, 0, 0, NULL},
    {"boot", KEY_QUIET, 0, 0, 0, NULL},
    {"serial", KEY_QUIET, 0, 0, 0, NULL},
    {"usb", KEY_QUIET, 0, 0, 0, NULL},
    {"usbdevice", KEY_QUIET, 0, 0, 0, NULL},
    {"device_model_version", KEY_QUIET, 0, 0, 0, NULL},
    {"xend_suspend_evtchn_compat", KEY_QUIET, 0, 0, 0, NULL},
    {"localtime", KEY_UNSERVED, 0, 0, 0, NULL},
    {"rtc_timeoffset", KEY_UNSERVED, 0, 0, 0, NULL},

    /* known to Xen, not served here */
    {"bootloader", KEY_UNSERVED, 0, 0, 0, NULL},
    {"bootloader_args", KEY_UNSERVED, 0, 0, 0, NULL},
    {"bootloader_restrict", KEY_UNSERVED, 0, 0, 0, NULL},
    {"bootloader_user", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pvshim", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pvshim_path", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pvshim_cmdline", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pvshim_extra", KEY_UNSERVED, 0, 0, 0, NULL},
    {"period", KEY_UNSERVED, 0, 0, 0, NULL},
    {"slice", KEY_UNSERVED, 0, 0, 0, NULL},
    {"latency", KEY_UNSERVED, 0, 0, 0, NULL},
    {"extratime", KEY_UNSERVED, 0, 0, 0, NULL},
    {"numa_placement", KEY_UNSERVED, 0, 0, 0, NULL},
    {"nodes", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vnuma", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vfb", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vkb", KEY_UNSERVED, 0, 0, 0, NULL},
    {"channel", KEY_UNSERVED, 0, 0, 0, NULL},
    {"p9", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pvcalls", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vtpm", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pci", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pci_msitranslate", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pci_power_mgmt", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pci_permissive", KEY_UNSERVED, 0, 0, 0, NULL},
    {"pci_seize", KEY_UNSERVED, 0, 0, 0, NULL},
    {"usbctrl", KEY_UNSERVED, 0, 0, 0, NULL},
    {"usbdev", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vdispl", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vsnd", KEY_UNSERVED, 0, 0, 0, NULL},
    {"virtio", KEY_UNSERVED, 0, 0, 0, NULL},
    {"ioports", KEY_UNSERVED, 0, 0, 0, NULL},
    {"irqs", KEY_UNSERVED, 0, 0, 0, NULL},
    {"iomem", KEY_UNSERVED, 0, 0, 0, NULL},
    {"driver_domain", KEY_UNSERVED, 0, 0, 0, NULL},
    {"seclabel", KEY_UNSERVED, 0, 0, 0, NULL},
    {"init_seclabel", KEY_UNSERVED, 0, 0, 0, NULL},
    {"device_tree", KEY_UNSERVED, 0, 0, 0, NULL},
    {"passthrough", KEY_UNSERVED, 0, 0, 0, NULL},
    {"tsc_mode", KEY_UNSERVED, 0, 0, 0, NULL},
    {"e820_host", KEY_UNSERVED, 0, 0, 0, NULL},
    {"cpuid", KEY_UNSERVED, 0, 0, 0, NULL},
    {"msr_relaxed", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vmtrace_buf_kb", KEY_UNSERVED, 0, 0, 0, NULL},
    {"xenstore_feature_mask", KEY_UNSERVED, 0, 0, 0, NULL},
    {"xenstore_quota", KEY_UNSERVED, 0, 0, 0, NULL},
    {"llc_colors", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vuart", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vnc", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vnclisten", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vncdisplay", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vncunused", KEY_UNSERVED, 0, 0, 0, NULL},
    {"vncpasswd", KEY_UNSERVED, 0, 0, 0, NULL},
    {"sdl", KEY_UNSERVED, 0, 0, 0, NULL},
    {"opengl", KEY_UNSERVED, 0, 0, 0, NULL},
    {"keymap", KEY_UNSERVED, 0, 0, 0, NULL},
};

/* 0, "" and [] ask for nothing. */
static bool asks_nothing(const struct cfg_value *value)
{
    if (value->kind == CFG_LIST)
        return value->count == 0;
    return value->text[strspn(value->text, "0")] == '\0';
}

static int read_setting(struct reader *r, const struct key *key, const struct cfg_setting *s)
{
    char *member = (char *)r->g + key->offset;
    uint64_t n;
    int rc;

    switch (key->kind) {
    case KEY_TEXT:
        return take_text(r, s, (char **)member);
    case KEY_PATH:
        return take_path(r, s, (char **)member);
    case KEY_ACTION:
        return take_action(r, s, (enum guest_action *)member);
    case KEY_CALL:
        return key->call(r, s);
    case KEY_U32:
        rc = take_number(r, s, key, &n);
        if (rc == 0)
            *(uint32_t *)member = (uint32_t)n;
        return rc < 0 ? -1 : 0;
    case KEY_MIB:
        rc = take_number(r, s, key, &n);
        if (rc == 0)
            *(uint64_t *)member = n * 1024;
        return rc < 0 ? -1 : 0;
    case KEY_UNSERVED:
        if (!asks_nothing(s->value))
            warn(r, s, "is known to Xen but not supported here, and is ignored");
        return 0;
    case KEY_QUIET:
        return 0;
    }
    return 0;
}

static int read_settings(struct reader *r)
{
    for (size_t i = 0; i < r->cfg->count; i++) {
        struct cfg_setting *s = &r->cfg->settings[i];
        size_t k = 0;

        while (k < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[k].name, s->key) != 0)
            k++;
        if (k == sizeof(keys) / sizeof(keys[0])) {
            warn(r, s, "is unknown, and is ignored");
            continue;
        }
        s->used = true;
        if (read_setting(r, &keys[k], s) != 0)
            return -1;
    }
    return 0;
}

/* cmdline wins over root and extra, which were the way before it. */
static int finish_cmdline(struct reader *r)
{
    struct guest_config *g = r->g;

    if (r->cmdline != NULL) {
        if ((r->root != NULL || r->extra != NULL) && r->warn != NULL)
            fprintf(r->warn, "%s: warning: ignoring root and extra, as cmdline is specified\n",
                    r->cfg->source);
        g->cmdline = r->cmdline;
        r->cmdline = NULL;
    } else if (r->root != NULL) {
        if (asprintf(&g->cmdline, "root=%s%s%s", r->root, r->extra != NULL ? " " : "",
                     r->extra != NULL ? r->extra : "") < 0) {
            g->cmdline = NULL;
            return no_memory(r);
        }
    } else {
        g->cmdline = r->extra;
        r->extra = NULL;
    }
    return 0;
}

/* What the keys mean together, and the defaults. */
static int finish(struct reader *r)
{
    struct guest_config *g = r->g;

    if (g->name == NULL)
        return fail(r->why, EINVAL, "Domain name must be specified.");
    if (g->kernel == NULL) {
        const struct cfg_setting *s = cfg_find(r->cfg, "bootloader");

        if (s != NULL && !asks_nothing(s->value))
            return bad(r, s, "cannot be run here: name the kernel in kernel=");
        return fail(r->why, EINVAL, "Neither kernel nor bootloader specified");
    }
    if (g->max_memory_kib == 0)
        g->max_memory_kib = g->memory_kib != 0 ? g->memory_kib : 32 * 1024;
    if (g->memory_kib == 0)
        g->memory_kib = g->max_memory_kib;
    if (g->memory_kib > g->max_memory_kib)
        return fail(r->why, EINVAL, "%s: memory (%llu MiB) is more than maxmem (%llu MiB)",
                    r->cfg->source, (unsigned long long)g->memory_kib / 1024,
                    (unsigned long long)g->max_memory_kib / 1024);
    if (g->vcpus == 0)
        g->vcpus = 1;
    if (g->max_vcpus == 0)
        g->max_vcpus = g->vcpus;
    if (g->vcpus > g->max_vcpus)
        return fail(r->why, EINVAL, "%s: vcpus (%u) is more than maxvcpus (%u)", r->cfg->source,
                    g->vcpus, g->max_vcpus);
    if (!r->uuid_given)
        uuid_random(g->uuid);
    g->cap_given = cfg_find(r->cfg, "cap") != NULL;
    return finish_cmdline(r);
}

int guest_config_read(struct cfg *cfg, struct guest_config *out, FILE *warnings,
                      struct failure *why)
{
    struct reader r = {.cfg = cfg, .g = out, .warn = warnings, .why = why};
    int rc;

    *out = (struct guest_config){
        .on_reboot = ACTION_RESTART,
        .on_soft_reset = ACTION_SOFT_RESET,
    };
    rc = read_settings(&r);
    if (rc == 0)
        rc = finish(&r);
    free(r.root);
    free(r.extra);
    free(r.cmdline);
    if (rc != 0)
        guest_config_free(out);
    return rc;
}

void guest_config_free(struct guest_config *g)
{
    for (size_t i = 0; i < g->n_disks; i++)
        disk_spec_free(&g->disks[i]);
    for (size_t i = 0; i < g->n_vifs; i++)
        vif_spec_free(&g->vifs[i]);
    free(g->disks);
    free(g->vifs);
    free(g->hard);
    free(g->soft);
    free(g->name);
    free(g->kernel);
    free(g->ramdisk);
    free(g->cmdline);
    *g = (struct guest_config){0};
}

const char *guest_name_trouble(const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return "cannot be \".\" or \"..\"";
    if (*name == '\0' || strlen(name) > GUEST_NAME_MAX)
        return "must have 1 to 128 bytes";
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127 || *c == '/')
            return "cannot hold a '/' or a control character";
    return NULL;
}

int affinity_parse(const char *text, struct guest_affinity *out)
{
    while (*text != '\0') {
        bool remove = *text == '^';
        unsigned long from, to;
        char *end;

        text += remove;
        if (strncmp(text, "all", 3) == 0) {
            from = 0;
            to = GUEST_CPUS - 1;
            end = (char *)text + 3;
        } else {
            if (*text < '0' || *text > '9')
                return -1;
            from = to = strtoul(text, &end, 10);
            if (*end == '-' && end[1] >= '0' && end[1] <= '9')
                to = strtoul(end + 1, &end, 10);
        }
        if (from > to || to >= GUEST_CPUS || (*end != '\0' && *end != ','))
            return -1;
        for (unsigned long cpu = from; cpu <= to; cpu++) {
            if (remove)
                out->cpus[cpu / 8] &= (uint8_t) ~(1u << cpu % 8);
            else
                out->cpus[cpu / 8] |= (uint8_t)(1u << cpu % 8);
        }
        text = *end == ',' ? end + 1 : end;
    }
    return 0;
}
