/* SPDX-License-Identifier: MIT */
/* Event channels by /dev/xen/evtchn: see evtchn.h. */
#include "backends/lib/evtchn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/evtchn.h>

int evtchn_open(void)
{
    return open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

int evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t remote_port)
{
    struct ioctl_evtchn_bind_interdomain b = {.remote_domain = domid, .remote_port = remote_port};

    return ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &b);
}

int evtchn_bind_virq(int fd, uint32_t virq)
{
    struct ioctl_evtchn_bind_virq b = {.virq = virq};

    return ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &b);
}

int evtchn_unbind(int fd, uint32_t port)
{
    struct ioctl_evtchn_unbind b = {.port = port};

    return ioctl(fd, IOCTL_EVTCHN_UNBIND, &b);
}

int evtchn_notify(int fd, uint32_t port)
{
    struct ioctl_evtchn_notify b = {.port = port};

    return ioctl(fd, IOCTL_EVTCHN_NOTIFY, &b);
}

int evtchn_next(int fd, uint32_t *port)
{
    ssize_t n = read(fd, port, sizeof(*port));

    if (n == (ssize_t)sizeof(*port))
        return 1;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

int evtchn_unmask(int fd, uint32_t port)
{
    return write(fd, &port, sizeof(port)) == (ssize_t)sizeof(port) ? 0 : -1;
}

int evtchn_take(int fd, uint32_t *ports, size_t room)
{
    ssize_t n = read(fd, ports, room * sizeof(*ports));

    if (n >= 0)
        return (int)((size_t)n / sizeof(*ports));
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

int evtchn_unmask_all(int fd, const uint32_t *ports, size_t n)
{
    return write(fd, ports, n * sizeof(*ports)) == (ssize_t)(n * sizeof(*ports)) ? 0 : -1;
}
