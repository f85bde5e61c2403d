/* SPDX-License-Identifier: MIT */
/*
 * Disk specifications. A specification is words between commas: up to four bare ones (target,
 * format, vdev, access), key=value in any place, and flags. target= takes all that follows, commas
 * included. Older forms still stand in users' files: prefixes before the target (phy:, file:,
 * tap:aio:) and target,vdev[:cdrom],mode with two or three words. One table row a key, a flag, a
 * prefix.
 */
#include "dom0-tools/lib/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse {
    const char *source, *text;
    struct disk_spec *spec;
    struct failure *why;
    bool access_given, readonly;
    unsigned int positionals;
};

static int complain(struct parse *p, const char *reason, const char *what)
{
    return fail(p->why, EINVAL, "%s: config parsing error in disk specification: %s `%s' in `%s'",
                p->source, reason, what, p->text);
}

static const struct {
    const char *name;
    enum disk_format format;
} formats[] = {
    {"raw", DISK_FORMAT_RAW}, {"qcow", DISK_FORMAT_QCOW}, {"qcow2", DISK_FORMAT_QCOW2},
    {"vhd", DISK_FORMAT_VHD}, {"qed", DISK_FORMAT_QED},   {"empty", DISK_FORMAT_EMPTY},
    {"aio", DISK_FORMAT_RAW}, /* historical spelling of raw */
};

const char *disk_format_name(enum disk_format format)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (formats[i].format == format)
            return formats[i].name;
    return "unknown";
}

static int replace(struct parse *p, char **slot, const char *value)
{
    free(*slot);
    *slot = NULL;
    if (*value == '\0')
        return 0;
    *slot = strdup(value);
    return *slot != NULL ? 0 : fail(p->why, ENOMEM, "%s: out of memory", p->source);
}

int disk_format_parse(const char *text, enum disk_format *out)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(text, formats[i].name) == 0) {
            *out = formats[i].format;
            return 0;
        }
    return -1;
}

static const struct {
    const char *name;
    enum disk_backend type;
} backends[] = {
    {"phy", DISK_PHY},      {"qdisk", DISK_QDISK},
    {"bonsai", DISK_QDISK}, /* who serves qdisk here */
    {"tap", DISK_TAP},      {"standalone", DISK_STANDALONE},
};

int disk_backend_parse(const char *text, enum disk_backend *out)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
        if (strcmp(text, backends[i].name) == 0) {
            *out = backends[i].type;
            return 0;
        }
    return -1;
}

static bool find_access(struct parse *p, const char *value)
{
    static const struct {
        const char *name;
        bool readonly;
    } modes[] = {{"r", true}, {"ro", true}, {"rw", false}, {"w", false}, {"w!", false}};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(value, modes[i].name) == 0) {
            p->readonly = modes[i].readonly;
            p->spec->shared = strchr(value, '!') != NULL;
            return true;
        }
    return false;
}

/* Values of keys. */
static int key_target(struct parse *p, const char *value)
{
    return replace(p, &p->spec->target, value);
}

static int key_format(struct parse *p, const char *value)
{
    if (*value == '\0')
        return 0;
    return disk_format_parse(value, &p->spec->format) == 0 ? 0
                                                           : complain(p, "unknown format", value);
}

static int key_vdev(struct parse *p, const char *value)
{
    return replace(p, &p->spec->vdev, value);
}

static int key_access(struct parse *p, const char *value)
{
    if (*value == '\0')
        return 0;
    p->access_given = true;
    return find_access(p, value) ? 0 : complain(p, "unknown access mode", value);
}

static int key_devtype(struct parse *p, const char *value)
{
    if (strcmp(value, "cdrom") == 0)
        p->spec->cdrom = true;
    else if (strcmp(value, "disk") == 0)
        p->spec->cdrom = false;
    else
        return complain(p, "unknown devtype", value);
    return 0;
}

static int key_backend(struct parse *p, const char *value)
{
    return replace(p, &p->spec->backend_domain, value);
}

static int key_backendtype(struct parse *p, const char *value)
{
    return disk_backend_parse(value, &p->spec->backend) == 0
               ? 0
               : complain(p, "unknown backendtype", value);
}

static int key_script(struct parse *p, const char *value)
{
    return replace(p, &p->spec->script, value);
}

static int key_specification(struct parse *p, const char *value)
{
    return strcmp(value, "xen") == 0 ? 0 : complain(p, "not supported here: specification", value);
}

static const struct {
    const char *name;
    int (*set)(struct parse *p, const char *value);
} keys[] = {
    {"target", key_target}, {"format", key_format},           {"vdev", key_vdev},
    {"access", key_access}, {"devtype", key_devtype},         {"backend", key_backend},
    {"script", key_script}, {"backendtype", key_backendtype}, {"specification", key_specification},
};

static bool set_flag(struct parse *p, const char *word)
{
    struct disk_spec *s = p->spec;
    const struct {
        const char *name;
        bool *field;
        bool value;
    } flags[] = {
        {"cdrom", &s->cdrom, true},
        {"disk", &s->cdrom, false},
        {"direct-io-safe", &s->direct_io_safe, true},
        {"discard", &s->no_discard, false},
        {"no-discard", &s->no_discard, true},
        {"trusted", &s->untrusted, false},
        {"untrusted", &s->untrusted, true},
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(word, flags[i].name) == 0) {
            *flags[i].field = flags[i].value;
            return true;
        }
    return false;
}

static const struct prefix {
    const char *name;
    bool sets_format;
    enum disk_format format;
    const char *script;
} prefixes[] = {
    {"phy:", false, 0, NULL},
    {"file:", false, 0, NULL},
    {"aio:", false, 0, NULL},
    {"tapdisk:", false, 0, NULL},
    {"tap2:", false, 0, NULL},
    {"tap:", false, 0, NULL},
    {"ioemu:", false, 0, NULL},
    {"raw:", true, DISK_FORMAT_RAW, NULL},
    {"qcow2:", true, DISK_FORMAT_QCOW2, NULL},
    {"qcow:", true, DISK_FORMAT_QCOW, NULL},
    {"vhd:", true, DISK_FORMAT_VHD, NULL},
    {"iscsi:", false, 0, "block-iscsi"},
    {"nbd:", false, 0, "block-nbd"},
    {"enbd:", false, 0, "block-enbd"},
    {"drbd:", false, 0, "block-drbd"},
};

/* Takes the old prefixes off the front of the specification. */
static int strip_prefixes(struct parse *p, char **at)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const struct prefix *prefix = &prefixes[i];

        if (strncmp(*at, prefix->name, strlen(prefix->name)) != 0)
            continue;
        *at += strlen(prefix->name);
        if (prefix->sets_format)
            p->spec->format = prefix->format;
        if (prefix->script != NULL && replace(p, &p->spec->script, prefix->script) != 0)
            return -1;
        i = (size_t)-1; /* prefixes may stand in a row */
    }
    return 0;
}

/* A bare word. The second one of the oldest form is a vdev, the third one then an access mode. */
static int positional(struct parse *p, char *word)
{
    static int (*const set[])(struct parse *, const char *) = {key_target, key_format, key_vdev,
                                                               key_access};
    struct vdev vdev;
    enum disk_format format;

    if (p->positionals == 1 && *word != '\0' && disk_format_parse(word, &format) != 0) {
        char *colon = strchr(word, ':');

        if (colon != NULL)
            *colon = '\0';
        if (vdev_parse(word, &vdev) == 0) {
            p->positionals = 3;
            if (colon != NULL && key_devtype(p, colon + 1) != 0)
                return -1;
            return key_vdev(p, word);
        }
        if (colon != NULL)
            *colon = ':';
    }
    if (p->positionals >= sizeof(set) / sizeof(set[0]))
        return complain(p, "one word too many:", word);
    return set[p->positionals++](p, word);
}

static char *trim(char *word)
{
    char *end;

    while (*word == ' ' || *word == '\t')
        word++;
    end = word + strlen(word);
    while (end > word && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return word;
}

/* One word between commas. */
static int parse_word(struct parse *p, char *word)
{
    char *equals = strchr(word, '=');

    if (equals != NULL &&
        strspn(word, "abcdefghijklmnopqrstuvwxyz-_0123456789") == (size_t)(equals - word)) {
        *equals = '\0';
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            if (strcmp(word, keys[i].name) == 0)
                return keys[i].set(p, equals + 1);
        *equals = '=';
        return complain(p, "unknown parameter", word);
    }
    if (set_flag(p, word))
        return 0;
    return positional(p, word);
}

static int parse_words(struct parse *p, char *at)
{
    int rc = strip_prefixes(p, &at);

    while (rc == 0 && at != NULL) {
        char *word;

        at += strspn(at, " \t");
        if (strncmp(at, "target=", 7) == 0)
            return key_target(p, trim(at + 7));
        word = strsep(&at, ",");
        rc = parse_word(p, trim(word));
    }
    return rc;
}

/* What the words together must mean. */
static int finish(struct parse *p)
{
    struct disk_spec *s = p->spec;
    struct vdev vdev;

    if (vdev_parse(s->vdev, &vdev) != 0)
        return complain(p, "unknown vdev", s->vdev);
    s->readonly = p->readonly;
    if (s->cdrom) {
        if (p->access_given && !p->readonly)
            return complain(p, "a cdrom cannot be writable; vdev", s->vdev);
        s->readonly = s->removable = true;
        if (s->target == NULL)
            s->format = DISK_FORMAT_EMPTY;
    }
    if (s->format == DISK_FORMAT_EMPTY && s->target != NULL)
        return complain(p, "format=empty has no target, yet there is", s->target);
    if (s->target == NULL && s->format != DISK_FORMAT_EMPTY)
        return complain(p, "no target specified for vdev", s->vdev);
    return 0;
}

int disk_spec_parse(const char *source, const char *text, struct disk_spec *out,
                    struct failure *why)
{
    struct parse p = {.source = source, .text = text, .spec = out, .why = why};
    char *copy = strdup(text);
    int rc;

    *out = (struct disk_spec){.format = DISK_FORMAT_RAW};
    if (copy == NULL)
        return fail(why, ENOMEM, "%s: out of memory", source);
    rc = parse_words(&p, copy);
    if (rc == 0 && out->vdev == NULL)
        rc = fail(why, EINVAL,
                  "%s: config parsing error in disk specification: no vdev specified in `%s'",
                  source, text);
    if (rc == 0)
        rc = finish(&p);
    free(copy);
    if (rc != 0)
        disk_spec_free(out);
    return rc;
}

void disk_spec_free(struct disk_spec *spec)
{
    free(spec->target);
    free(spec->vdev);
    free(spec->backend_domain);
    free(spec->script);
    *spec = (struct disk_spec){0};
}
