/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces and bridges by ioctl; see net_link.h.
 */
#include "dom0-tools/lib/net_link.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool net_link_exists(const char *name)
{
    return if_nametoindex(name) != 0;
}

bool net_link_is_bridge(const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/class/net/%.*s/bridge", IFNAMSIZ, name);
    return access(path, F_OK) == 0;
}

static int request(unsigned long code, struct ifreq *r)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc, err;

    if (fd < 0)
        return -1;
    rc = ioctl(fd, code, r);
    err = errno;
    close(fd);
    errno = err;
    return rc;
}

static struct ifreq named(const char *name)
{
    struct ifreq r = {0};

    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    return r;
}

int net_link_rename(const char *name, const char *to, struct failure *why)
{
    struct ifreq r = named(name);

    snprintf(r.ifr_newname, sizeof(r.ifr_newname), "%s", to);
    if (request(SIOCSIFNAME, &r) != 0)
        return fail(why, errno, "cannot rename network interface %s to %s: %s", name, to,
                    strerror(errno));
    return 0;
}

int net_link_get_mtu(const char *name, int *mtu, struct failure *why)
{
    struct ifreq r = named(name);

    if (request(SIOCGIFMTU, &r) != 0)
        return fail(why, errno, "cannot read the MTU of %s: %s", name, strerror(errno));
    *mtu = r.ifr_mtu;
    return 0;
}

int net_link_set_mtu(const char *name, int mtu, struct failure *why)
{
    struct ifreq r = named(name);

    r.ifr_mtu = mtu;
    if (request(SIOCSIFMTU, &r) != 0)
        return fail(why, errno, "cannot set the MTU of %s to %d: %s", name, mtu, strerror(errno));
    return 0;
}

int net_link_up(const char *name, struct failure *why)
{
    struct ifreq r = named(name);

    if (request(SIOCGIFFLAGS, &r) == 0) {
        r.ifr_flags |= IFF_UP;
        if (request(SIOCSIFFLAGS, &r) == 0)
            return 0;
    }
    return fail(why, errno, "cannot bring up network interface %s: %s", name, strerror(errno));
}

int net_link_enslave(const char *name, const char *bridge, struct failure *why)
{
    struct ifreq r = named(bridge);

    r.ifr_ifindex = (int)if_nametoindex(name);
    if (r.ifr_ifindex != 0 && request(SIOCBRADDIF, &r) == 0)
        return 0;
    return fail(why, errno, "cannot add network interface %s to bridge %s: %s", name, bridge,
                strerror(errno));
}
