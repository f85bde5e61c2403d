/* SPDX-License-Identifier: MIT */
/*
 * Finding, naming and asking guests, and the configuration kept beside them; see guest.h.
 */
#include "dom0-tools/lib/guest.h"
#include "common/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_DIR "/var/lib/xen"
#define REVIVE_S  5

int toolstack_open(struct toolstack *t, struct failure *why)
{
    *t = (struct toolstack){.hv = hv_open()};
    if (t->hv == NULL)
        return fail(why, errno, "cannot talk to the hypervisor: %s%s", strerror(errno),
                    errno == EACCES || errno == EPERM ? " (are you root?)"
                                                      : " (is this a Xen dom0 with its modules "
                                                        "loaded?)");
    t->store = store_open();
    if (t->store == NULL) {
        fail(why, errno, "cannot talk to the store: %s (is its daemon running?)", strerror(errno));
        toolstack_close(t);
        return -1;
    }
    return 0;
}

void toolstack_close(struct toolstack *t)
{
    if (t->store != NULL)
        store_close(t->store);
    if (t->hv != NULL)
        hv_close(t->hv);
    *t = (struct toolstack){0};
}

int toolstack_revive(struct toolstack *t)
{
    for (int i = 0; i < REVIVE_S; i++) {
        struct store *fresh;

        if (store_exists(t->store, STORE_NO_TX, "/") >= 0)
            return 0;
        fresh = store_open();
        if (fresh == NULL) {
            sleep(1);
            continue;
        }
        store_close(t->store);
        t->store = fresh;
    }
    return -1;
}

char *guest_name(struct store *s, uint32_t domid)
{
    return store_readf(s, STORE_NO_TX, "/local/domain/%u/name", domid);
}

int guest_find_name(struct store *s, const char *name, uint32_t *domid)
{
    size_t n;
    char **ids = store_directory(s, STORE_NO_TX, "/local/domain", &n);
    int rc = -1;

    if (ids == NULL)
        return -1;
    for (size_t i = 0; i < n && rc != 0; i++) {
        char *found = store_readf(s, STORE_NO_TX, "/local/domain/%s/name", ids[i]);

        if (found != NULL && strcmp(found, name) == 0) {
            *domid = (uint32_t)strtoul(ids[i], NULL, 10);
            rc = 0;
        }
        free(found);
    }
    free(ids);
    if (rc != 0)
        errno = ENOENT;
    return rc;
}

int guest_find(struct store *s, const char *name_or_id, uint32_t *domid)
{
    if (*name_or_id >= '0' && *name_or_id <= '9') {
        char *end;
        unsigned long n = strtoul(name_or_id, &end, 10);

        if (*end == '\0' && n < HV_DOMID_FIRST_RESERVED) {
            *domid = (uint32_t)n;
            return 0;
        }
    }
    return guest_find_name(s, name_or_id, domid);
}

int guest_rename(struct store *s, uint32_t domid, const char *name, struct failure *why)
{
    const char *trouble = guest_name_trouble(name);
    char *old = guest_name(s, domid);
    char *vm = store_readf(s, STORE_NO_TX, "/local/domain/%u/vm", domid);
    uint32_t other;
    int rc = -1;

    if (trouble != NULL)
        fail(why, EINVAL, "the name `%s' %s", name, trouble);
    else if (old == NULL)
        fail(why, ENOENT, "there is no domain %u", domid);
    else if (guest_find_name(s, name, &other) == 0 && other != domid)
        fail(why, EEXIST, "Domain with name \"%s\" already exists.", name);
    else if (store_writef(s, STORE_NO_TX, name, "/local/domain/%u/name", domid) != 0 ||
             (vm != NULL && store_writef(s, STORE_NO_TX, name, "%s/name", vm) != 0))
        fail(why, errno, "cannot write the name of domain %u: %s", domid, strerror(errno));
    else
        rc = 0;
    free(old);
    free(vm);
    return rc;
}

int guest_request(struct store *s, uint32_t domid, const char *request, struct failure *why)
{
    char *name = guest_name(s, domid);

    if (name == NULL)
        return fail(why, ENOENT, "there is no domain %u", domid);
    free(name);
    if (store_writef(s, STORE_NO_TX, request, "/local/domain/%u/control/shutdown", domid) != 0)
        return fail(why, errno, "cannot ask domain %u to %s: %s", domid, request, strerror(errno));
    return 0;
}

static void config_path(uint32_t domid, const uint8_t uuid[16], char path[128])
{
    char text[37];

    uuid_format(uuid, text);
    snprintf(path, 128, STATE_DIR "/userdata-d.%u.%s.libxl-json", domid, text);
}

static int write_file(const char *path, const char *text)
{
    char temporary[160];
    size_t len = strlen(text), done = 0;
    int fd, err;

    snprintf(temporary, sizeof(temporary), "%s.new", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    while (done < len) {
        ssize_t n = write(fd, text + done, len - done);

        if (n <= 0)
            break;
        done += (size_t)n;
    }
    err = errno;
    if (close(fd) == 0 && done == len && rename(temporary, path) == 0)
        return 0;
    err = done == len ? errno : err;
    unlink(temporary);
    errno = err;
    return -1;
}

int guest_save_config(uint32_t domid, const struct guest_config *g, struct failure *why)
{
    char path[128];
    char *json = guest_config_json(g, true);
    int rc;

    if (json == NULL)
        return fail(why, ENOMEM, "out of memory");
    config_path(domid, g->uuid, path);
    rc = make_folders(STATE_DIR) != 0 ? -1 : write_file(path, json);
    if (rc != 0)
        fail(why, errno, "cannot write %s: %s", path, strerror(errno));
    free(json);
    return rc;
}

char *guest_load_config(uint32_t domid, const uint8_t uuid[16])
{
    struct failure why;
    char path[128], *text;
    size_t len;

    config_path(domid, uuid, path);
    if (cfg_read_file(path, &text, &len, &why) != 0) {
        errno = why.error;
        return NULL;
    }
    return text;
}

void guest_drop_config(uint32_t domid, const uint8_t uuid[16])
{
    char path[128];

    config_path(domid, uuid, path);
    unlink(path);
}
