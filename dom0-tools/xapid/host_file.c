/* SPDX-License-Identifier: MIT */
/*
 * The host's own file; see host_file.h.
 */
#include "dom0-tools/xapid/host_file.h"
#include "dom0-tools/lib/guest_config.h"
#include "dom0-tools/xapid/files.h"
#include "dom0-tools/xapid/vmfile_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "host.json"

static struct {
    char *path;       /* of the folder; fixed after open */
    int folder;       /* fixed after open */
    uint8_t uuid[16]; /* fixed after open */
    pthread_mutex_t lock;
    struct value *record; /* under lock */
} host = {.folder = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

void host_file_uuid(uint8_t uuid[16])
{
    memcpy(uuid, host.uuid, 16);
}

struct value *host_file_record(void)
{
    struct value *copy;

    pthread_mutex_lock(&host.lock);
    copy = value_copy(host.record);
    pthread_mutex_unlock(&host.lock);
    return copy;
}

static int write_record(const struct value *record, struct failure *why)
{
    char *text = vmfile_print(host.uuid, record);
    int rc;

    if (text == NULL)
        return fail(why, ENOMEM, "out of memory");
    rc = file_replace(host.folder, host.path, NAME, text, why);
    free(text);
    return rc;
}

int host_file_change(struct value *(*change)(const struct value *record, void *arg), void *arg,
                     struct failure *why)
{
    struct value *record;
    int rc = 1;

    pthread_mutex_lock(&host.lock);
    record = change(host.record, arg);
    if (record != NULL) {
        rc =
            value_complete(record) ? write_record(record, why) : fail(why, ENOMEM, "out of memory");
        value_free(rc == 0 ? host.record : record);
        if (rc == 0)
            host.record = record;
    }
    pthread_mutex_unlock(&host.lock);
    return rc;
}

/* The first start on this host. */
static int make(struct failure *why)
{
    char name[256] = "";

    uuid_random(host.uuid);
    gethostname(name, sizeof(name) - 1);
    host.record = value_struct();
    value_set(host.record, "name_label", value_string(name));
    value_set(host.record, "name_description", value_string(""));
    value_set(host.record, "other_config", value_struct());
    if (!value_complete(host.record))
        return fail(why, ENOMEM, "out of memory");
    return write_record(host.record, why);
}

static bool is_whole(const struct value *record)
{
    const struct value *other = value_get(record, "other_config");

    return value_as_string(value_get(record, "name_label")) != NULL &&
           value_as_string(value_get(record, "name_description")) != NULL && other != NULL &&
           value_kind(other) == VALUE_STRUCT && value_count(record) == 3;
}

static int load(struct failure *why)
{
    struct failure trouble;
    char path[512], *text;
    size_t len;

    snprintf(path, sizeof(path), "%s/" NAME, host.path);
    if (cfg_read_file(path, &text, &len, &trouble) != 0) {
        if (trouble.error == ENOENT)
            return make(why);
        *why = trouble;
        return -1;
    }
    if (vmfile_parse(text, host.uuid, &host.record, &trouble) != 0) {
        host.record = NULL;
        fail(why, trouble.error,
             "%s is damaged: %.300s; move it away, and the host gets another UUID", path,
             trouble.text);
    } else if (!is_whole(host.record)) {
        fail(
            why, EINVAL,
            "%s is damaged: fields are missing or unknown; move it away, and the host gets another "
            "UUID",
            path);
    } else {
        free(text);
        return 0;
    }
    free(text);
    return -1;
}

int host_file_open(const char *state, struct failure *why)
{
    if (vmfile_make_folder(state, why) != 0)
        return -1;
    host.path = strdup(state);
    host.folder = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (host.path == NULL || host.folder < 0)
        fail(why, errno, "cannot open the folder %s: %s", state, strerror(errno));
    else if (load(why) == 0)
        return 0;
    host_file_close();
    return -1;
}

void host_file_close(void)
{
    value_free(host.record);
    free(host.path);
    if (host.folder >= 0)
        close(host.folder);
    host.record = NULL;
    host.path = NULL;
    host.folder = -1;
}
