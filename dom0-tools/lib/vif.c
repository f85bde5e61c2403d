/* SPDX-License-Identifier: MIT */
/*
 * Network cards; see vif.h.
 */
#include "dom0-tools/lib/vif.h"
#include "dom0-tools/lib/net_link.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define VIF_SCRIPT "/etc/xen/scripts/vif-bridge" /* what stands in the node; it is not run */
#define BACKEND_MS 10000
#define POLL_MS    10

int vif_check(const struct vif_spec *v, bool remote, struct failure *why)
{
    if (v->script != NULL && strcmp(v->script, "vif-bridge") != 0 &&
        strcmp(v->script, VIF_SCRIPT) != 0)
        return fail(
            why, ENOTSUP,
            "vif: script=%s cannot be run here: cards are put on a bridge, without a script",
            v->script);
    if (remote)
        return 0;
    if (!net_link_exists(v->bridge))
        return fail(why, ENODEV,
                    "vif: there is no bridge %s: make it, or name another in bridge=", v->bridge);
    if (!net_link_is_bridge(v->bridge))
        return fail(why, ENODEV, "vif: %s is not a bridge", v->bridge);
    if (v->ifname != NULL && net_link_exists(v->ifname))
        return fail(why, EEXIST,
                    "vif: there is a network interface %s already: name another in "
                    "vifname=",
                    v->ifname);
    return 0;
}

int vif_complete(struct vif_spec *v, const char *default_bridge, struct failure *why)
{
    if (!v->has_mac) {
        v->mac[0] = 0x00; /* Xen's own range */
        v->mac[1] = 0x16;
        v->mac[2] = 0x3e;
        if (getrandom(v->mac + 3, 3, 0) != 3)
            return fail(why, EIO, "vif: the kernel gives no random numbers");
        v->mac[3] &= 0x7f;
        v->has_mac = true;
    }
    if (v->bridge == NULL)
        v->bridge = strdup(default_bridge != NULL ? default_bridge : VIF_DEFAULT_BRIDGE);
    return v->bridge != NULL ? 0 : fail(why, ENOMEM, "out of memory");
}

static int publish(struct store *s, const struct device *device, const struct vif_spec *v, int mtu,
                   struct failure *why)
{
    char mac[18], handle[16], mtu_text[16], rate[48];

    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", v->mac[0], v->mac[1], v->mac[2],
             v->mac[3], v->mac[4], v->mac[5]);
    snprintf(handle, sizeof(handle), "%u", device->id);
    snprintf(mtu_text, sizeof(mtu_text), "%d", mtu);
    snprintf(rate, sizeof(rate), "%llu,%u", (unsigned long long)v->rate_bytes, v->rate_usecs);
    const struct device_node nodes[] = {
        {"script", VIF_SCRIPT, DEVICE_BACK},
        {"mac", mac, DEVICE_BACK},
        {"ip", v->ip, DEVICE_BACK},
        {"rate", v->rate_text != NULL ? rate : NULL, DEVICE_BACK},
        {"vifname", v->ifname, DEVICE_BACK},
        {"gatewaydev", v->gatewaydev, DEVICE_BACK},
        {"bridge", v->bridge, DEVICE_BACK},
        {"handle", handle, DEVICE_BACK},
        {"type", "vif", DEVICE_BACK},
        {"hotplug-status", "", DEVICE_BACK},
        {"handle", handle, DEVICE_FRONT},
        {"mac", mac, DEVICE_FRONT},
        {"trusted", v->untrusted ? "0" : "1", DEVICE_FRONT},
        {"mtu", mtu_text, DEVICE_FRONT_READONLY},
    };

    return device_publish(s, device, nodes, sizeof(nodes) / sizeof(nodes[0]), why);
}

/* The backend makes its netdev just after it says InitWait. */
static int wait_netdev(struct store *s, const struct device *device, const char *netdev,
                       const char *name, struct failure *why)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000};

    for (int waited = 0; waited < BACKEND_MS; waited += POLL_MS) {
        if (net_link_exists(netdev))
            return 0;
        if (device_connected(s, device, name, why) < 0)
            return -1;
        nanosleep(&pause, NULL);
    }
    return fail(why, ETIMEDOUT, "%s: the network backend made no interface %s within %d s", name,
                netdev, BACKEND_MS / 1000);
}

static int plug(struct store *s, const struct device *device, const struct vif_spec *v, int mtu,
                const char *name, struct failure *why)
{
    char netdev[32], back[DEVICE_PATH];
    const char *link = v->ifname != NULL ? v->ifname : netdev;

    snprintf(netdev, sizeof(netdev), "vif%u.%u", device->domid, device->id);
    device_backend_path(device, back);
    if (device_wait_backend(s, device, XENBUS_INIT_WAIT, BACKEND_MS, name, why) != 0 ||
        wait_netdev(s, device, netdev, name, why) != 0)
        return -1;
    if (link != netdev && net_link_rename(netdev, link, why) != 0)
        return -1;
    if (net_link_set_mtu(link, mtu, why) != 0 || net_link_enslave(link, v->bridge, why) != 0 ||
        net_link_up(link, why) != 0)
        return -1;
    if (store_writef(s, STORE_NO_TX, "connected", "%s/hotplug-status", back) != 0)
        return fail(why, errno, "cannot write %s/hotplug-status: %s", back, strerror(errno));
    return 0;
}

int vif_attach(struct store *s, uint32_t domid, uint32_t backend_domid, uint32_t id,
               const struct vif_spec *v, struct device *device, struct failure *why)
{
    int mtu = v->mtu != 0 ? (int)v->mtu : 1500;
    char name[32];

    *device =
        (struct device){.kind = "vif", .backend_domid = backend_domid, .domid = domid, .id = id};
    snprintf(name, sizeof(name), "vif %u", id);
    if (backend_domid == 0 && v->mtu == 0 && net_link_get_mtu(v->bridge, &mtu, why) != 0)
        return -1;
    if (publish(s, device, v, mtu, why) != 0)
        return -1;
    if (backend_domid != 0)
        return device_wait_backend(s, device, XENBUS_INIT_WAIT, BACKEND_MS, name, why);
    return plug(s, device, v, mtu, name, why);
}
