/* SPDX-License-Identifier: MIT */
/*
 * Names of virtual disks and their numbers in xenbus. The classic forms pack a Linux major and
 * minor: xvd is major 202 and sd major 8 with 16 disks of 16 minors, hd majors 3 and 22 with two
 * disks of 64 minors each; what does not fit there takes the extended form, bit 28 with 20 bits of
 * disk and 8 of partition.
 */
#include "dom0-tools/lib/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENDED            (1u << 28)
#define EXTENDED_DISKS      (1u << 20)
#define EXTENDED_PARTITIONS 256u
#define XVD_MAJOR           202u
#define SD_MAJOR            8u

/* Decimal digits only, below limit; moves *at past them. */
static bool number(const char **at, uint32_t limit, uint32_t *out)
{
    char *end;
    unsigned long n;

    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    n = strtoul(*at, &end, 10);
    if (errno != 0 || n >= limit)
        return false;
    *at = end;
    *out = (uint32_t)n;
    return true;
}

/* a..z, aa..zz, …: counted in letters, 'a' is 0. */
static bool letters(const char **at, uint32_t *out)
{
    uint32_t n = 0;
    const char *p = *at;

    for (; *p >= 'a' && *p <= 'z'; p++) {
        n = n * 26 + (uint32_t)(*p - 'a') + 1;
        if (n > EXTENDED_DISKS)
            return false;
    }
    if (p == *at)
        return false;
    *at = p;
    *out = n - 1;
    return true;
}

static int xvd_number(struct vdev *v)
{
    if (v->disk < 16 && v->partition < 16)
        v->number = XVD_MAJOR << 8 | v->disk << 4 | v->partition;
    else
        v->number = EXTENDED | v->disk << 8 | v->partition;
    return 0;
}

static int sd_number(struct vdev *v)
{
    if (v->disk >= 16 || v->partition >= 16)
        return -1;
    v->number = SD_MAJOR << 8 | v->disk << 4 | v->partition;
    return 0;
}

static int hd_number(struct vdev *v)
{
    if (v->disk >= 4 || v->partition >= 64)
        return -1;
    v->number = (v->disk < 2 ? 3u : 22u) << 8 | (v->disk & 1) << 6 | v->partition;
    return 0;
}

int vdev_parse(const char *name, struct vdev *out)
{
    static const struct {
        const char *prefix;
        int (*pack)(struct vdev *);
    } families[] = {{"xvd", xvd_number}, {"sd", sd_number}, {"hd", hd_number}};
    const char *at = name;

    *out = (struct vdev){0};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (strncmp(name, families[i].prefix, strlen(families[i].prefix)) != 0)
            continue;
        at += strlen(families[i].prefix);
        if (!letters(&at, &out->disk) ||
            (*at != '\0' && !number(&at, EXTENDED_PARTITIONS, &out->partition)) || *at != '\0')
            return -1;
        return families[i].pack(out);
    }
    if (*at == 'd') {
        at++;
        if (!number(&at, EXTENDED_DISKS, &out->disk) || *at++ != 'p' ||
            !number(&at, EXTENDED_PARTITIONS, &out->partition) || *at != '\0')
            return -1;
        return xvd_number(out);
    }
    if (*at >= '0' && *at <= '9') {
        char *end;
        unsigned long n = strtoul(at, &end, 0);

        if (*end != '\0' || n == 0 || n >= 2 * EXTENDED)
            return -1;
        out->number = (uint32_t)n;
        if (n & EXTENDED) {
            out->disk = (uint32_t)(n >> 8) & (EXTENDED_DISKS - 1);
            out->partition = (uint32_t)n & 0xff;
        } else {
            out->disk = (uint32_t)(n >> 4) & 0xf;
            out->partition = (uint32_t)n & 0xf;
        }
        return 0;
    }
    return -1;
}

static void write_letters(char *name, const char *prefix, uint32_t disk, uint32_t partition)
{
    char reversed[8];
    size_t n = 0;

    name = stpcpy(name, prefix);
    for (uint32_t left = disk + 1; left != 0; left = (left - 1) / 26)
        reversed[n++] = (char)('a' + (left - 1) % 26);
    while (n > 0)
        *name++ = reversed[--n];
    *name = '\0';
    if (partition != 0)
        sprintf(name, "%u", partition);
}

void vdev_name(uint32_t number_, char *name)
{
    const uint32_t major = number_ >> 8, minor = number_ & 0xff;

    if (number_ & EXTENDED)
        write_letters(name, "xvd", (number_ >> 8) & (EXTENDED_DISKS - 1), minor);
    else if (major == XVD_MAJOR)
        write_letters(name, "xvd", minor >> 4, minor & 15);
    else if (major == SD_MAJOR)
        write_letters(name, "sd", minor >> 4, minor & 15);
    else if (major == 3 || major == 22)
        write_letters(name, "hd", (major == 3 ? 0 : 2) + (minor >> 6), minor & 63);
    else
        sprintf(name, "%u", number_);
}
