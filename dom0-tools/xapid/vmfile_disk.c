/* SPDX-License-Identifier: MIT */
/*
 * Records on the disk; see vmfile_disk.h.
 */
#include "dom0-tools/xapid/vmfile_disk.h"
#include "common/folders.h"
#include "dom0-tools/lib/guest_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#define FORMAT 1

int vmfile_make_folder(const char *folder, struct failure *why)
{
    if (*folder != '/')
        return fail(why, EINVAL, "the folder %s is not a path from the root", folder);
    if (make_folders_above(folder) != 0 || (mkdir(folder, 0700) != 0 && errno != EEXIST))
        return fail(why, errno, "cannot make the folder %s: %s", folder, strerror(errno));
    return 0;
}

static void text_to(yajl_gen gen, const char *text)
{
    yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
}

static void value_to(yajl_gen gen, const struct value *v)
{
    const char *text = value_as_string(v);
    bool b = false;

    if (value_kind(v) == VALUE_STRUCT) {
        yajl_gen_map_open(gen);
        for (size_t i = 0; i < value_count(v); i++) {
            text_to(gen, value_name(v, i));
            value_to(gen, value_at(v, i));
        }
        yajl_gen_map_close(gen);
    } else if (text != NULL) {
        text_to(gen, text);
    } else {
        value_as_boolean(v, &b);
        yajl_gen_bool(gen, b);
    }
}

char *vmfile_print(const uint8_t uuid[16], const struct value *record)
{
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *bytes;
    char ref[37], *text = NULL;
    size_t len;

    if (gen == NULL)
        return NULL;
    uuid_format(uuid, ref);
    yajl_gen_config(gen, yajl_gen_beautify, 1);
    yajl_gen_map_open(gen);
    text_to(gen, "format");
    yajl_gen_integer(gen, FORMAT);
    text_to(gen, "uuid");
    text_to(gen, ref);
    text_to(gen, "record");
    value_to(gen, record);
    yajl_gen_map_close(gen);
    if (yajl_gen_get_buf(gen, &bytes, &len) == yajl_gen_status_ok)
        text = strndup((const char *)bytes, len);
    yajl_gen_free(gen);
    return text;
}

/* A map of strings, or a leaf; NULL or incomplete when it is neither. */
static struct value *value_from(yajl_val v, bool deep)
{
    struct value *map;

    if (YAJL_IS_STRING(v))
        return value_string(v->u.string);
    if (YAJL_IS_TRUE(v) || YAJL_IS_FALSE(v))
        return value_boolean(YAJL_IS_TRUE(v));
    if (!YAJL_IS_OBJECT(v) || deep)
        return NULL;
    map = value_struct();
    for (size_t i = 0; i < v->u.object.len; i++)
        value_set(map, v->u.object.keys[i], value_from(v->u.object.values[i], true));
    return map;
}

static yajl_val member(yajl_val tree, const char *name)
{
    const char *path[] = {name, NULL};

    return yajl_tree_get(tree, path, yajl_t_any);
}

/* NULL with half a sentence. */
static struct value *read_record(yajl_val kept, struct failure *why)
{
    struct value *record = value_struct();

    for (size_t i = 0; i < kept->u.object.len; i++) {
        struct value *v = value_from(kept->u.object.values[i], false);

        if (!value_complete(v)) {
            value_free(v);
            value_free(record);
            fail(why, EINVAL, "its field %.60s is of no type that a record has",
                 kept->u.object.keys[i]);
            return NULL;
        }
        value_set(record, kept->u.object.keys[i], v);
    }
    if (value_complete(record))
        return record;
    value_free(record);
    fail(why, ENOMEM, "out of memory");
    return NULL;
}

static int read_tree(yajl_val tree, uint8_t uuid[16], struct value **record, struct failure *why)
{
    yajl_val format = member(tree, "format"), id = member(tree, "uuid");
    yajl_val kept = member(tree, "record");

    if (!YAJL_IS_INTEGER(format) || format->u.number.i < 1)
        return fail(why, EINVAL, "it has no format number");
    if (format->u.number.i > FORMAT)
        return fail(why, ENOTSUP, "its format %lld is newer than this program, which knows %d",
                    format->u.number.i, FORMAT);
    if (!YAJL_IS_STRING(id) || uuid_parse(id->u.string, uuid) != 0)
        return fail(why, EINVAL, "it has no UUID");
    if (!YAJL_IS_OBJECT(kept))
        return fail(why, EINVAL, "it has no record");
    *record = read_record(kept, why);
    return *record != NULL ? 0 : -1;
}

int vmfile_parse(const char *text, uint8_t uuid[16], struct value **record, struct failure *why)
{
    char error[256] = "";
    yajl_val tree = yajl_tree_parse(text, error, sizeof(error));
    int rc;

    *record = NULL;
    if (tree == NULL) {
        error[strcspn(error, "\n")] = '\0';
        return fail(why, EINVAL, "it is not JSON (%s)", error);
    }
    rc = read_tree(tree, uuid, record, why);
    yajl_tree_free(tree);
    return rc;
}
