/* SPDX-License-Identifier: MIT */
/*
 * A guest on the network, with lwIP over netfront: answers ARP and ICMP echo, and sends back
 * whatever a TCP connection brings. Words of the command line:
 *   ip=10.0.0.2/24   its address, needed
 *   gw=10.0.0.1      its gateway, if any
 *   port=7           the TCP port
 * It ends with xl shutdown.
 */
#include "frontends/control.h"
#include "frontends/netfront.h"
#include "frontends/xenbus.h"
#include "guest-abi/examples/net/echo.h"
#include "guest-abi/examples/words.h"
#include "guest-abi/kit/kit.h"

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include <xen/sched.h>

#define SECOND      1000000000ull
#define MILLISECOND 1000000ull
#define BURST       64 /* frames between two looks at the clock and the toolstack */

/* lwIP's clock, in milliseconds. */
u32_t sys_now(void)
{
    return (u32_t)(time_now() / MILLISECOND);
}

/* Differs from boot to boot, but can be guessed by whoever knows our clock: enough for an example,
 * too little for a service that others may want to break into. */
uint32_t net_random(void)
{
    static uint64_t state;

    state = (state + time_now() + wall_clock()) * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 32);
}

static err_t send_frame(struct netif *netif, struct pbuf *p)
{
    static uint8_t frame[NETFRONT_FRAME_MAX];

    if (p->tot_len > sizeof(frame))
        return ERR_BUF;
    pbuf_copy_partial(p, frame, p->tot_len, 0);
    int err = netfront_send(netif->state, frame, p->tot_len);
    return err == 0 ? ERR_OK : err == -XEN_ENOTCONN ? ERR_IF : ERR_BUF; /* TCP sends it again */
}

static err_t set_up(struct netif *netif)
{
    const struct netfront_info *info = netfront_info(netif->state);

    memcpy(netif->hwaddr, info->mac, 6);
    netif->hwaddr_len = 6;
    netif->mtu = (u16_t)info->mtu;
    netif->name[0] = 'x';
    netif->name[1] = 'n';
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    netif->flags =
        NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

/* Hands frames up; true when there may be more. */
static bool receive_frames(struct netif *netif)
{
    static uint8_t frame[NETFRONT_FRAME_MAX];

    for (int i = 0; i < BURST; i++) {
        long len = netfront_receive(netif->state, frame);
        if (len == 0)
            return false;
        if (len < 0)
            continue; /* netfront counts what is lost */
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);
        if (p == NULL)
            continue; /* as a full card: the other side sends again */
        if (pbuf_take(p, frame, (u16_t)len) != ERR_OK || netif->input(p, netif) != ERR_OK)
            pbuf_free(p);
    }
    return true;
}

/* "10.0.0.2/24", or without the length when there is none to be. */
static bool parse_address(char *text, ip4_addr_t *address, ip4_addr_t *mask)
{
    char *slash = text;
    unsigned bits = 0;

    while (*slash != '\0' && *slash != '/')
        slash++;
    if ((*slash == '/') != (mask != NULL))
        return false;
    if (mask != NULL) {
        *slash++ = '\0';
        for (size_t i = 0; slash[i] != '\0'; i++) {
            if (slash[i] < '0' || slash[i] > '9' || i > 1)
                return false;
            bits = bits * 10 + (unsigned)(slash[i] - '0');
        }
        if (*slash == '\0' || bits > 32)
            return false;
        mask->addr = bits == 0 ? 0 : lwip_htonl(~0u << (32 - bits));
    }
    return ip4addr_aton(text, address) != 0;
}

static bool start_network(struct netif *netif, struct netfront *front)
{
    ip4_addr_t address, mask, gateway = {0};
    char text[24];
    u16_t port = (u16_t)word_number("port", 7, 65535);

    if (!word_value("ip", text, sizeof(text)) || !parse_address(text, &address, &mask)) {
        printf("net: the command line must have ip=ADDRESS/BITS\n");
        return false;
    }
    if (word_given("gw") &&
        (!word_value("gw", text, sizeof(text)) || !parse_address(text, &gateway, NULL))) {
        printf("net: gw= wants an address\n");
        return false;
    }
    lwip_init();
    netif_add(netif, &address, &mask, &gateway, front, set_up, ethernet_input);
    netif_set_default(netif);
    netif_set_up(netif);
    if (!echo_start(port)) {
        printf("net: no memory to listen\n");
        return false;
    }
    printf("net: %s, ", ip4addr_ntoa(&address));
    printf("mac %02x:%02x:%02x:%02x:%02x:%02x, mtu %u, TCP port %u\n", netif->hwaddr[0],
           netif->hwaddr[1], netif->hwaddr[2], netif->hwaddr[3], netif->hwaddr[4], netif->hwaddr[5],
           netif->mtu, port);
    return true;
}

/* Until the toolstack asks; how the domain shall end. */
static int serve(struct netif *netif, struct netfront *front, struct control *control)
{
    bool alive = true;

    for (;;) {
        int request = control_poll(control);
        if (request > 0)
            return request;
        netfront_poll(front);
        if (alive && !netfront_alive(front)) {
            printf("net: the network is gone\n");
            alive = false;
        }
        bool more = receive_frames(netif);
        sys_check_timeouts();
        if (!more)
            os_wait(time_now() + sys_timeouts_sleeptime() * MILLISECOND);
    }
}

int guest_main(void)
{
    struct netfront *front = NULL;
    struct control control;
    struct netif netif = {0};
    struct store *store;
    char path[XENBUS_PATH];

    if (store_open(&store) != 0 || control_open(&control, store) != 0)
        guest_panic("no store to hear from the toolstack");
    int err = xenbus_nth(store, "vif", 0, path);
    if (err == 0)
        err = netfront_open(&front, store, path);
    if (err == 0)
        err = netfront_wait(front, time_now() + 60 * SECOND);
    int request;
    if (err != 0) {
        printf("net: no network: error %d\n", -err);
        request = control_wait(&control, OS_NEVER);
    } else if (!start_network(&netif, front)) {
        request = control_wait(&control, OS_NEVER);
    } else {
        request = serve(&netif, front, &control);
        const struct netfront_counts *c = netfront_counts(front);
        printf("net: %lu frames sent, %lu received, %lu and %lu lost, %lu checksums filled in\n",
               c->sent, c->received, c->send_errors, c->receive_errors, c->checksums_filled);
    }
    if (front != NULL)
        netfront_close(front);
    printf("net: asked to %s\n", request == CONTROL_REBOOT ? "reboot" : "power off");
    return request == CONTROL_REBOOT ? SHUTDOWN_reboot : SHUTDOWN_poweroff;
}
