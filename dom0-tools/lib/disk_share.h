/* SPDX-License-Identifier: MIT */
/*
 * Two guests that write one disk destroy what is on it. This looks for another guest's disk on the
 * same block device or file. Access "w!" says that it is meant so.
 */
#ifndef BONSAI_DISK_SHARE_H
#define BONSAI_DISK_SHARE_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/lib/spec.h"
#include "xenstore/client.h"

/* 0, or -1 with a sentence: another disk served by this domain has the target, and one of the two
 * would write. */
int disk_check_share(struct store *s, const struct disk_spec *d, struct failure *why);

#endif
