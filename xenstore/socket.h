/* SPDX-License-Identifier: MIT */
/* The Unix socket where dom0's programs connect. Who may open it has dom0's rights. */
#ifndef XENSTORE_SOCKET_H
#define XENSTORE_SOCKET_H

#include "xenstore/storage.h"

/* Makes the folders and the socket, mode 0600, in place of one left behind. -1: said why in the
 * log. */
int socket_listen(struct storage *st, const char *path);
void socket_stop(void); /* closes and removes it */

#endif
