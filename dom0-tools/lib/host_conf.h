/* SPDX-License-Identifier: MIT */
/*
 * /etc/xen/xl.conf, where there is one: the host's defaults for every program that makes guests, in
 * the language of xl.cfg. Only keys that change something here are read; the others are Xen's and
 * are left alone.
 */
#ifndef BONSAI_HOST_CONF_H
#define BONSAI_HOST_CONF_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/lib/guest.h"

struct host_conf {
    char *lock_file, *bridge;
    int connect_seconds;    /* how long the guest's half of its devices is waited for */
    struct guest_host host; /* points to the texts above */
};

/* 0, or -1 with a sentence; host_conf_free() is for both. */
int host_conf_read(struct host_conf *conf, struct failure *why);
void host_conf_free(struct host_conf *conf);

#endif
