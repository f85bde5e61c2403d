/* SPDX-License-Identifier: MIT */
/*
 * systemd's protocol for services that tell how they are: one datagram to $NOTIFY_SOCKET.
 */
#ifndef COMMON_READY_H
#define COMMON_READY_H

/* "READY=1", "STOPPING=1", ...: 0 when told, or when nobody asked to be; -1 with errno. */
int tell_systemd(const char *text);

#endif
