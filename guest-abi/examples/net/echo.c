/* SPDX-License-Identifier: MIT */
/*
 * The echo service over lwIP's raw TCP. A connection holds the bytes that wait to go out in
 * `pending`; it ends when the peer has ended and nothing waits, or by lwIP's error callback, after
 * which its pcb must not be touched.
 */
#include "guest-abi/examples/net/echo.h"

#include <lwip/mem.h>
#include <lwip/tcp.h>

struct echo {
    struct pbuf *pending;
    bool ended; /* the peer will send no more */
};

static void forget(struct echo *e)
{
    if (e->pending != NULL)
        pbuf_free(e->pending);
    mem_free(e);
}

static err_t finish(struct tcp_pcb *pcb, struct echo *e)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    tcp_err(pcb, NULL);
    forget(e);
    if (tcp_close(pcb) == ERR_OK)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

/* Sends what the connection takes now. */
static err_t push(struct tcp_pcb *pcb, struct echo *e)
{
    while (e->pending != NULL) {
        u16_t n = e->pending->len, room = tcp_sndbuf(pcb);
        if (n > room)
            n = room;
        if (n == 0 || tcp_write(pcb, e->pending->payload, n, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break; /* on_sent() or on_poll() goes on */
        e->pending = pbuf_free_header(e->pending, n);
        tcp_recved(pcb, n);
    }
    tcp_output(pcb);
    return e->ended && e->pending == NULL ? finish(pcb, e) : ERR_OK;
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct echo *e = arg;

    (void)err; /* lwIP passes nothing but ERR_OK */
    if (p == NULL)
        e->ended = true;
    else if (e->pending == NULL)
        e->pending = p;
    else
        pbuf_cat(e->pending, p);
    return push(pcb, e);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)len;
    return push(pcb, arg);
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    return push(pcb, arg);
}

static void on_error(void *arg, err_t err)
{
    (void)err;
    forget(arg);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || pcb == NULL)
        return ERR_VAL;
    struct echo *e = mem_calloc(1, sizeof(*e));
    if (e == NULL)
        return ERR_MEM; /* lwIP resets the connection */
    tcp_arg(pcb, e);
    tcp_recv(pcb, on_receive);
    tcp_sent(pcb, on_sent);
    tcp_poll(pcb, on_poll, 2); /* half seconds, twice */
    tcp_err(pcb, on_error);
    return ERR_OK;
}

bool echo_start(uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new(), *listener;

    if (pcb == NULL)
        return false;
    if (tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK) {
        tcp_abort(pcb);
        return false;
    }
    listener = tcp_listen(pcb); /* which frees pcb, if it can */
    if (listener == NULL) {
        tcp_abort(pcb);
        return false;
    }
    tcp_accept(listener, on_accept);
    return true;
}
