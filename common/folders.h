/* SPDX-License-Identifier: MIT */
/*
 * Folders that a program needs before it can write a file: all of a path that is missing is made.
 */
#ifndef COMMON_FOLDERS_H
#define COMMON_FOLDERS_H

/* mkdir -p, mode 0755; the path has at most 511 bytes. 0, or -1 with errno; a file in the place of
 * a folder is ENOTDIR. */
int make_folders(const char *path);
/* The same for all that is above path. */
int make_folders_above(const char *path);

#endif
