/* SPDX-License-Identifier: MIT */
/*
 * Linux's Xen devices: /dev/xen/{privcmd,hypercall,evtchn,gntdev} and dom0's
 * /proc/xen/xsd_{kva,port}. The layouts are Linux's ioctl ABI and Xen's domctl, interface version
 * 0x15.
 */
#include "xenstore/xen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define __XEN_TOOLS__ /* domctl is for tools */
#include "xen/domctl.h"
#include "xen/grant_table.h"
#include "xen/xen.h"

#include "xenstore/log.h"

struct ioctl_bind_virq {
    uint32_t virq;
};
struct ioctl_bind_interdomain {
    uint32_t domain, port;
};
struct ioctl_port {
    uint32_t port;
};
struct ioctl_map_grant {
    uint32_t count, pad;
    uint64_t index;
    uint32_t domid, ref;
};
struct ioctl_unmap_grant {
    uint64_t index;
    uint32_t count, pad;
};
struct ioctl_hypercall {
    uint64_t op, arg[5];
};
struct ioctl_map_batch {
    uint32_t num;
    uint16_t domid;
    uint64_t addr;
    const uint64_t *frames;
    int *errors;
};
_Static_assert(sizeof(struct ioctl_map_grant) == 24, "gntdev");
_Static_assert(sizeof(struct ioctl_hypercall) == 48, "privcmd");
_Static_assert(sizeof(struct ioctl_map_batch) == 32, "privcmd");

#define EVTCHN_BIND_VIRQ        _IOC(_IOC_NONE, 'E', 0, sizeof(struct ioctl_bind_virq))
#define EVTCHN_BIND_INTERDOMAIN _IOC(_IOC_NONE, 'E', 1, sizeof(struct ioctl_bind_interdomain))
#define EVTCHN_UNBIND           _IOC(_IOC_NONE, 'E', 3, sizeof(struct ioctl_port))
#define EVTCHN_NOTIFY           _IOC(_IOC_NONE, 'E', 4, sizeof(struct ioctl_port))
#define GNTDEV_MAP              _IOC(_IOC_NONE, 'G', 0, sizeof(struct ioctl_map_grant))
#define GNTDEV_UNMAP            _IOC(_IOC_NONE, 'G', 1, sizeof(struct ioctl_unmap_grant))
#define PRIVCMD_HYPERCALL       _IOC(_IOC_NONE, 'P', 0, sizeof(struct ioctl_hypercall))
#define PRIVCMD_MMAPBATCH_V2    _IOC(_IOC_NONE, 'P', 4, sizeof(struct ioctl_map_batch))

static int privcmd = -1, evtchn = -1, gntdev = -1;
static struct xen_domctl *buffer; /* a page that a hypercall may use */

static int open_device(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        log_line("cannot open %s: %s", path, strerror(errno));
    return fd;
}

static bool make_buffer(void)
{
    int fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
    void *p = mmap(NULL, XEN_PAGE_SIZE, PROT_READ | PROT_WRITE,
                   fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (p == MAP_FAILED) {
        log_line("no page for hypercalls: %s", strerror(errno));
        return false;
    }
    buffer = p;
    return true;
}

bool xen_open(void)
{
    if (access("/dev/xen/evtchn", F_OK) != 0 && access("/proc/xen/xsd_port", F_OK) != 0)
        return false;
    privcmd = open_device("/dev/xen/privcmd");
    gntdev = open_device("/dev/xen/gntdev");
    evtchn = open_device("/dev/xen/evtchn");
    if (privcmd < 0 || evtchn < 0 || fcntl(evtchn, F_SETFL, O_NONBLOCK) != 0 || !make_buffer()) {
        xen_close();
        return false;
    }
    return true; /* without gntdev pages are mapped by frame */
}

void xen_close(void)
{
    int *fds[] = {&privcmd, &evtchn, &gntdev};
    for (int i = 0; i < 3; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
    if (buffer != NULL)
        munmap(buffer, XEN_PAGE_SIZE);
    buffer = NULL;
}

int xen_domain(uint16_t domid, struct xen_domain_state *state)
{
    if (privcmd < 0)
        return ENODEV;
    *buffer = (struct xen_domctl){.cmd = XEN_DOMCTL_getdomaininfo,
                                  .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                                  .domain = domid};
    struct ioctl_hypercall call = {__HYPERVISOR_domctl, {(uintptr_t)buffer}};
    if (ioctl(privcmd, PRIVCMD_HYPERCALL, &call) < 0)
        return errno;
    const struct xen_domctl_getdomaininfo *info = &buffer->u.getdomaininfo;
    if (info->domain != domid) /* it answers for the next one */
        return ESRCH;
    state->dying = (info->flags & XEN_DOMINF_dying) != 0;
    state->shut_down = (info->flags & XEN_DOMINF_shutdown) != 0;
    return 0;
}

static int map_grant(uint16_t domid, struct xen_page *page)
{
    struct ioctl_map_grant map = {.count = 1, .domid = domid, .ref = GNTTAB_RESERVED_XENSTORE};
    if (gntdev < 0)
        return ENODEV;
    if (ioctl(gntdev, GNTDEV_MAP, &map) < 0)
        return errno;
    void *p =
        mmap(NULL, XEN_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, gntdev, (off_t)map.index);
    if (p == MAP_FAILED) {
        int err = errno;
        struct ioctl_unmap_grant unmap = {.index = map.index, .count = 1};
        ioctl(gntdev, GNTDEV_UNMAP, &unmap);
        return err;
    }
    *page = (struct xen_page){.at = p, .index = map.index, .granted = true};
    return 0;
}

static int map_frame(uint16_t domid, uint64_t gfn, struct xen_page *page)
{
    int error = 0;
    if (privcmd < 0)
        return ENODEV;
    void *p = mmap(NULL, XEN_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, privcmd, 0);
    if (p == MAP_FAILED)
        return errno;
    struct ioctl_map_batch map = {
        .num = 1, .domid = domid, .addr = (uintptr_t)p, .frames = &gfn, .errors = &error};
    if (ioctl(privcmd, PRIVCMD_MMAPBATCH_V2, &map) < 0 || error != 0) {
        int err = error != 0 ? -error : errno;
        munmap(p, XEN_PAGE_SIZE);
        return err;
    }
    *page = (struct xen_page){.at = p};
    return 0;
}

int xen_map_ring(uint16_t domid, uint64_t gfn, struct xen_page *page)
{
    return map_grant(domid, page) == 0 ? 0 : map_frame(domid, gfn, page);
}

static int read_own_port(uint32_t *port)
{
    char text[16] = "";
    int fd = open("/proc/xen/xsd_port", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    *port = (uint32_t)strtoul(text, NULL, 10);
    return n > 0 && *port > 0 ? 0 : EIO;
}

int xen_map_own_ring(struct xen_page *page, uint32_t *port)
{
    int err = read_own_port(port);
    if (err != 0)
        return err;
    int fd = open("/proc/xen/xsd_kva", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    void *p = mmap(NULL, XEN_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    err = errno;
    close(fd);
    if (p == MAP_FAILED)
        return err;
    *page = (struct xen_page){.at = p};
    return 0;
}

void xen_unmap_ring(struct xen_page *page)
{
    struct ioctl_unmap_grant unmap = {.index = page->index, .count = 1};
    if (page->at == NULL)
        return;
    munmap(page->at, XEN_PAGE_SIZE);
    if (page->granted && ioctl(gntdev, GNTDEV_UNMAP, &unmap) < 0)
        log_line("a grant cannot be unmapped: %s", strerror(errno));
    page->at = NULL;
}

int xen_evtchn_fd(void)
{
    return evtchn;
}

int xen_evtchn_bind(uint16_t domid, uint32_t remote_port, uint32_t *port)
{
    struct ioctl_bind_interdomain bind = {domid, remote_port};
    int n = ioctl(evtchn, EVTCHN_BIND_INTERDOMAIN, &bind);
    if (n < 0)
        return errno;
    *port = (uint32_t)n;
    return 0;
}

int xen_evtchn_bind_dom_exc(uint32_t *port)
{
    struct ioctl_bind_virq bind = {VIRQ_DOM_EXC};
    int n = ioctl(evtchn, EVTCHN_BIND_VIRQ, &bind);
    if (n < 0)
        return errno;
    *port = (uint32_t)n;
    return 0;
}

void xen_evtchn_unbind(uint32_t port)
{
    struct ioctl_port p = {port};
    if (ioctl(evtchn, EVTCHN_UNBIND, &p) < 0)
        log_line("event channel %u cannot be unbound: %s", port, strerror(errno));
}

void xen_evtchn_notify(uint32_t port)
{
    struct ioctl_port p = {port};
    if (ioctl(evtchn, EVTCHN_NOTIFY, &p) < 0)
        log_line("event channel %u cannot be notified: %s", port, strerror(errno));
}

int64_t xen_evtchn_next(void)
{
    uint32_t port;
    if (read(evtchn, &port, sizeof(port)) != (ssize_t)sizeof(port))
        return -1;
    if (write(evtchn, &port, sizeof(port)) != (ssize_t)sizeof(port)) /* unmasks it */
        log_line("event channel %u cannot be unmasked: %s", port, strerror(errno));
    return port;
}
