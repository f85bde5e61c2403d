/* SPDX-License-Identifier: MIT */
/*
 * The table of defined VMs and its folder; see vmfile.h. A change is written before it is seen.
 */
#include "dom0-tools/xapid/vmfile.h"
#include "dom0-tools/xapid/files.h"
#include "dom0-tools/xapid/vmfile_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_MAX (1 << 20) /* bytes; no definition comes near it */

static struct {
    char *path;             /* fixed after open */
    int fd, claim;          /* fixed after open */
    pthread_mutex_t change; /* around a change and its write; before `lock` */
    pthread_mutex_t lock;
    /* under lock: */
    struct vmfile **files;
    size_t n;
} vms = {
    .fd = -1, .claim = -1, .change = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER};

/* lock is held, or nobody else knows f. */
static void drop(struct vmfile *f)
{
    if (--f->references > 0)
        return;
    value_free(f->record);
    free(f);
}

void vmfile_put(struct vmfile *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&vms.lock);
    drop(f);
    pthread_mutex_unlock(&vms.lock);
}

/* Where it is, or n. lock is held. */
static size_t find(const uint8_t uuid[16])
{
    size_t i = 0;

    while (i < vms.n && memcmp(vms.files[i]->uuid, uuid, 16) != 0)
        i++;
    return i;
}

struct vmfile *vmfile_get(const uint8_t uuid[16])
{
    struct vmfile *f = NULL;
    size_t i;

    pthread_mutex_lock(&vms.lock);
    i = find(uuid);
    if (i < vms.n) {
        f = vms.files[i];
        f->references++;
    }
    pthread_mutex_unlock(&vms.lock);
    return f;
}

struct vmfile **vmfile_list(size_t *n)
{
    struct vmfile **list;

    pthread_mutex_lock(&vms.lock);
    *n = vms.n;
    list = calloc(vms.n + 1, sizeof(*list));
    for (size_t i = 0; list != NULL && i < vms.n; i++) {
        list[i] = vms.files[i];
        list[i]->references++;
    }
    pthread_mutex_unlock(&vms.lock);
    return list;
}

void vmfile_list_free(struct vmfile **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        vmfile_put(list[i]);
    free(list);
}

/* Room for one more, and where it goes: the place of one of the same UUID, or a new one. lock is
 * held. NULL: no memory. */
static struct vmfile **place_for(const uint8_t uuid[16])
{
    struct vmfile **grown = realloc(vms.files, (vms.n + 1) * sizeof(*grown));
    size_t i;

    if (grown == NULL)
        return NULL;
    vms.files = grown;
    i = find(uuid);
    if (i < vms.n)
        drop(grown[i]);
    else
        vms.n++;
    return &grown[i];
}

/* Puts it into the table. 0, or -1: no memory. */
static int enter(const uint8_t uuid[16], struct value *record)
{
    struct vmfile *f = calloc(1, sizeof(*f)), **place;

    if (f == NULL)
        return -1;
    *f = (struct vmfile){.record = record, .references = 1};
    memcpy(f->uuid, uuid, 16);
    pthread_mutex_lock(&vms.lock);
    place = place_for(uuid);
    if (place != NULL)
        *place = f;
    else
        free(f);
    pthread_mutex_unlock(&vms.lock);
    return place != NULL ? 0 : -1;
}

static int write_record(const uint8_t uuid[16], const struct value *record, struct failure *why)
{
    char ref[37], name[48], *text = vmfile_print(uuid, record);
    int rc;

    if (text == NULL)
        return fail(why, ENOMEM, "out of memory");
    uuid_format(uuid, ref);
    snprintf(name, sizeof(name), "%s.json", ref);
    rc = file_replace(vms.fd, vms.path, name, text, why);
    free(text);
    return rc;
}

/* change is held. The record is taken over. */
static int keep(const uint8_t uuid[16], struct value *record, struct failure *why)
{
    if (write_record(uuid, record, why) == 0) {
        if (enter(uuid, record) == 0)
            return 0;
        fail(why, ENOMEM, "out of memory");
    }
    value_free(record);
    return -1;
}

int vmfile_add(const uint8_t uuid[16], struct value *record, struct failure *why)
{
    int rc;

    pthread_mutex_lock(&vms.change);
    rc = keep(uuid, record, why);
    pthread_mutex_unlock(&vms.change);
    return rc;
}

int vmfile_change(const uint8_t uuid[16],
                  struct value *(*change)(const struct value *record, void *arg), void *arg,
                  struct failure *why)
{
    struct vmfile *old;
    struct value *record;
    int rc;

    pthread_mutex_lock(&vms.change);
    old = vmfile_get(uuid);
    if (old == NULL) {
        rc = fail(why, ENOENT, "there is no such VM");
    } else {
        record = change(old->record, arg);
        rc = record != NULL ? keep(uuid, record, why) : 1;
        vmfile_put(old);
    }
    pthread_mutex_unlock(&vms.change);
    return rc;
}

int vmfile_remove(const uint8_t uuid[16], struct failure *why)
{
    char ref[37], name[48];
    size_t i;
    int rc;

    uuid_format(uuid, ref);
    snprintf(name, sizeof(name), "%s.json", ref);
    pthread_mutex_lock(&vms.change);
    rc = file_remove(vms.fd, vms.path, name, why);
    pthread_mutex_lock(&vms.lock);
    i = find(uuid);
    if (rc == 0 && i < vms.n) {
        drop(vms.files[i]);
        vms.files[i] = vms.files[--vms.n];
    }
    pthread_mutex_unlock(&vms.lock);
    pthread_mutex_unlock(&vms.change);
    return rc;
}

/* A record of the fields that are there; a field we do not know is damage. */
static struct value *judge(const struct value *kept, struct failure *why)
{
    struct vm_trouble t;
    struct value *record;

    for (size_t i = 0; i < value_count(kept); i++)
        if (!vm_record_has(value_name(kept, i))) {
            fail(why, EINVAL, "it has an unknown field %.60s", value_name(kept, i));
            return NULL;
        }
    record = vm_record_make(kept, &t);
    if (record == NULL)
        fail(why, EINVAL, "its field %s is %s%.200s", t.field,
             t.type ? "missing or of a wrong type" : "not allowed: ", t.reason);
    return record;
}

static int load(const char *name, struct failure *why)
{
    char *text = file_read(vms.fd, name, FILE_MAX, false, why), ref[37];
    struct value *kept = NULL, *record = NULL;
    uint8_t uuid[16];
    int rc = -1;

    if (text == NULL)
        return -1;
    if (vmfile_parse(text, uuid, &kept, why) == 0) {
        uuid_format(uuid, ref);
        if (strncmp(name, ref, 36) != 0 || strcmp(name + 36, ".json") != 0)
            fail(why, EINVAL, "its name is not that of the UUID in it, %s", ref);
        else
            record = judge(kept, why);
    }
    if (record != NULL && (rc = enter(uuid, record)) != 0) {
        fail(why, ENOMEM, "out of memory");
        value_free(record);
    }
    value_free(kept);
    free(text);
    return rc;
}

static bool ends_with(const char *name, const char *end)
{
    const size_t len = strlen(name), n = strlen(end);

    return len > n && strcmp(name + len - n, end) == 0;
}

static void load_or_tell(const char *name)
{
    struct failure why;

    if (*name == '.' && (ends_with(name, ".json.new") || ends_with(name, ".json.old")))
        unlinkat(vms.fd, name, 0); /* of a change that was never finished */
    else if (*name != '.' && ends_with(name, ".json") && load(name, &why) != 0)
        fprintf(stderr, "bonsai-xapid: %s/%s is left alone, and its VM is missing: %s\n", vms.path,
                name, why.text);
}

static int load_all(struct failure *why)
{
    struct dirent **entries;
    const int n = scandir(vms.path, &entries, NULL, alphasort);

    if (n < 0)
        return fail(why, errno, "cannot read the folder %s: %s", vms.path, strerror(errno));
    for (int i = 0; i < n; i++) {
        load_or_tell(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

int vmfile_open(const char *folder, struct failure *why)
{
    if (vmfile_make_folder(folder, why) != 0)
        return -1;
    vms.path = strdup(folder);
    vms.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (vms.path == NULL || vms.fd < 0)
        fail(why, errno, "cannot open the folder %s: %s", folder, strerror(errno));
    else if ((vms.claim =
                  openat(vms.fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
        fail(why, errno, "cannot open %s/.lock: %s", folder, strerror(errno));
    else if (flock(vms.claim, LOCK_EX | LOCK_NB) != 0)
        fail(why, errno == EWOULDBLOCK ? EBUSY : errno, "cannot have %s for this process alone: %s",
             folder, errno == EWOULDBLOCK ? "another one has it" : strerror(errno));
    else if (load_all(why) == 0)
        return 0;
    vmfile_close();
    return -1;
}

void vmfile_close(void)
{
    pthread_mutex_lock(&vms.lock);
    while (vms.n > 0)
        drop(vms.files[--vms.n]);
    free(vms.files);
    vms.files = NULL;
    free(vms.path);
    vms.path = NULL;
    if (vms.fd >= 0)
        close(vms.fd);
    if (vms.claim >= 0)
        close(vms.claim);
    vms.fd = vms.claim = -1;
    pthread_mutex_unlock(&vms.lock);
}
