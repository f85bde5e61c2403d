/* SPDX-License-Identifier: MIT
 *
 * What the hypervisor printed, for xl dmesg. LOCK_CONSOLE.
 */
#pragma once

void ring_put(const char *s, size_t n);
/* XEN_SYSCTL_readconsole: copies from the oldest byte kept, or from *index when incremental and
 * that is newer; *index is where to go on. clear: the next reads start behind what is there now. */
size_t ring_get(char *buf, size_t size, uint32_t *index, bool clear, bool incremental);
