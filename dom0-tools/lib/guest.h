/* SPDX-License-Identifier: MIT */
/*
 * A guest as a whole: domain, store nodes and devices together, made and ended.
 *
 * guest_create() goes: check everything that can be checked without making anything, make the
 * domain, write its nodes, build it, introduce it to the store, attach its devices to their
 * backends. The guest is then complete and paused. Whatever fails, all of it is taken down again.
 * Once it runs, guest_wait_devices() waits for both halves of every device. Creations exclude each
 * other by a lock file, so that two of them neither take one name nor count one piece of free
 * memory twice. What a guest is stands in the store and the hypervisor; beside them its
 * configuration is kept in /var/lib/xen, where Xen's own tools keep and expect it.
 */
#ifndef BONSAI_GUEST_H
#define BONSAI_GUEST_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/lib/guest_config.h"
#include "dom0-tools/lib/hv.h"
#include "xenstore/client.h"

struct toolstack {
    struct hv *hv;
    struct store *store;
};

/* 0, or -1 with a sentence: no hypervisor, or no store. */
int toolstack_open(struct toolstack *t, struct failure *why);
void toolstack_close(struct toolstack *t);
/* Connects to the store again when the connection is lost, waiting some seconds for it to come
 * back. 0 when there is a connection, or -1. */
int toolstack_revive(struct toolstack *t);

struct guest_host { /* the host's defaults, from xl.conf; NULL members: built in */
    const char *lock_file;
    const char *bridge;
};
#define GUEST_LOCK_DIR  "/run/lock"
#define GUEST_LOCK_FILE GUEST_LOCK_DIR "/xl"

/* Creates the guest, paused. *g is completed first: MAC addresses, bridges, absolute paths.
 * progress goes nowhere; a failure is one sentence. 0 with *domid, or -1. */
int guest_create(struct toolstack *t, struct guest_config *g, const struct guest_host *host,
                 uint32_t *domid, struct failure *why);

/*
 * Waits until both halves of every device are Connected. 0, or -1 with a sentence that names the
 * devices which are not, and why: out of time, refused, or the domain stopped first.
 */
int guest_wait_devices(struct toolstack *t, uint32_t domid, int timeout_ms, struct failure *why);

/* Ends the guest at once and removes all that it had. Works for domains of Xen's tools as well, and
 * for what is left in the store of a domain that is gone, and connects to the
 * store again when it was lost. 0, or -1 with a sentence about what could
 * not be ended; the rest is. */
int guest_destroy(struct toolstack *t, uint32_t domid, struct failure *why);

/* Ends the devices of a stopped domain and leaves the rest of it. 0, or -1 with a sentence. */
int guest_end_devices(struct toolstack *t, uint32_t domid, struct failure *why);
/* Moves the domain's /vm directory to another UUID. 0, or -1 with a sentence. */
int guest_move_vm(struct store *s, uint32_t domid, const uint8_t uuid[16], struct failure *why);

/* The domain that name_or_id means; a decimal number is taken as an id and not looked up. 0 or -1.
 */
int guest_find(struct store *s, const char *name_or_id, uint32_t *domid);
/* The domain with that name, among those the store knows. 0 or -1 (errno ENOENT: none). */
int guest_find_name(struct store *s, const char *name, uint32_t *domid);
/* malloc'ed; NULL when it has none. */
char *guest_name(struct store *s, uint32_t domid);
/* Gives the domain another name, which no other has. 0, or -1 with a sentence. */
int guest_rename(struct store *s, uint32_t domid, const char *name, struct failure *why);
/* Asks the guest to "poweroff", "reboot", ... 0, or -1 with a sentence. */
int guest_request(struct store *s, uint32_t domid, const char *request, struct failure *why);

/* The kept configuration, JSON text: written whole or not at all. 0, or -1 with a sentence. */
int guest_save_config(uint32_t domid, const struct guest_config *g, struct failure *why);
/* malloc'ed, NULL with errno. */
char *guest_load_config(uint32_t domid, const uint8_t uuid[16]);
void guest_drop_config(uint32_t domid, const uint8_t uuid[16]);

#endif
