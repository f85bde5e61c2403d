/* SPDX-License-Identifier: MIT */
/*
 * The network card against backends that are honest, dead for a while, or hostile (abuse cases 81
 * and 83), and the checksums that it fills in.
 */
#include "pretend_net.h"

#include "frontends/netfront.h"
#include "frontends/netfront_csum.h"
#include "frontends/xenbus.h"

#include <stdio.h>
#include <string.h>

#define MAC "00:16:3e:01:02:0f"

static struct store *store;
static struct pretend_net back;
static struct netfront *front;
static uint8_t frame[4096], got[NETFRONT_FRAME_MAX];

static int setup(void **state)
{
    if (pretend_setup(state) != 0)
        return -1;
    memset(&back, 0, sizeof(back));
    front = NULL;
    for (size_t i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)(i * 11 + i / 256);
    return store_open(&store);
}

static int teardown(void **state)
{
    if (front != NULL)
        netfront_close(front);
    pretend_net_destroy(&back);
    store_close(store);
    return pretend_teardown(state);
}

static void start(void)
{
    pretend_net_create(&back, 0, MAC);
    assert_int_equal(netfront_open(&front, store, back.bus.path), 0);
    assert_int_equal(netfront_wait(front, os_now() + PRETEND_SECOND), 0);
    os_wait(os_now() + 1);
}

static void turn(void)
{
    os_wait(os_now() + 1);
    netfront_poll(front);
}

static void test_handshake(void **state)
{
    static const uint8_t mac[6] = {0x00, 0x16, 0x3e, 0x01, 0x02, 0x0f};
    (void)state;

    start();
    assert_memory_equal(netfront_info(front)->mac, mac, 6);
    assert_int_equal(netfront_info(front)->mtu, 1500);
    assert_string_equal(pretend_read(GUEST_HOME "/device/vif/0/feature-sg"), "0");
    assert_string_equal(pretend_read(GUEST_HOME "/device/vif/0/state"), "4");
    netfront_close(front);
    front = NULL;
    assert_int_equal(pretend_pages, 0);
}

static void test_bad_beginnings(void **state)
{
    static const char *macs[] = {"",
                                 "00:16:3e:01:02",
                                 "00:16:3e:01:02:03:",
                                 "00:16:3e:01:02:0g",
                                 "00-16-3e-01-02-03",
                                 "00:16:3e:01:02:033"};
    (void)state;

    for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
        memset(&back, 0, sizeof(back));
        pretend_net_create(&back, 0, macs[i]);
        assert_int_equal(netfront_open(&front, store, back.bus.path), -XEN_EINVAL);
        pretend_net_destroy(&back);
        assert_int_equal(do_rm(pretend_dom0, NULL, back.bus.front), 0);
    }
    assert_int_equal(netfront_open(&front, store, "device/vif/7"), -XEN_ENOENT);
    memset(&back, 0, sizeof(back));
    back.no_copy = true;
    pretend_net_create(&back, 0, MAC);
    assert_int_equal(netfront_open(&front, store, back.bus.path), 0);
    assert_int_equal(netfront_wait(front, os_now() + PRETEND_SECOND), -XEN_EIO);
    assert_true(pretend_said("cannot copy"));
}

static void test_send(void **state)
{
    (void)state;
    start();
    assert_int_equal(netfront_send(front, frame, 13), -XEN_EMSGSIZE);
    assert_int_equal(netfront_send(front, frame, 1519), -XEN_EMSGSIZE);
    for (size_t len = 14; len <= 1518; len += 8) {
        frame[0] = (uint8_t)len;
        assert_int_equal(netfront_send(front, frame, len), 0);
        turn();
        assert_int_equal(back.frame_len, len);
        assert_memory_equal(back.frame, frame, len);
    }
    assert_int_equal(netfront_counts(front)->sent, 189);
    back.tx_status = NETIF_RSP_DROPPED;
    assert_int_equal(netfront_send(front, frame, 60), 0);
    turn();
    assert_int_equal(netfront_counts(front)->send_errors, 1);

    back.tx_status = 0;
    back.hold = true; /* the ring fills, and empties */
    unsigned n = 0;
    while (netfront_send(front, frame, 60) == 0)
        n++;
    assert_int_equal(n, 64);
    assert_int_equal(netfront_send(front, frame, 60), -XEN_EAGAIN);
    back.hold = false;
    turn();
    assert_int_equal(netfront_send(front, frame, 60), 0);
}

static void test_receive(void **state)
{
    (void)state;
    start();
    assert_int_equal(netfront_receive(front, got), 0);
    for (unsigned i = 0; i < 1000; i++) {
        size_t len = 14 + i % 1505;
        frame[0] = (uint8_t)i;
        assert_true(pretend_net_put(&back, frame, len, i % 2 ? 256 : 0, 0));
        assert_int_equal(netfront_receive(front, got), len);
        assert_memory_equal(got, frame, len);
        assert_int_equal(netfront_receive(front, got), 0);
    }
    unsigned n = 0; /* more than the ring holds */
    while (pretend_net_put(&back, frame, 100, 0, 0))
        n++;
    assert_int_equal(n, 128);
    while (netfront_receive(front, got) == 100)
        n--;
    assert_int_equal(n, 0);
    assert_true(pretend_net_put(&back, frame, 13, 0, 0));
    assert_true(pretend_net_put(&back, frame, 1519, 0, 0));
    assert_true(pretend_net_put(&back, frame, 0, 0, 0));
    assert_true(pretend_net_put(&back, frame, (size_t)NETIF_RSP_ERROR, 5000, 0));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(netfront_receive(front, got), -XEN_EMSGSIZE);
    assert_int_equal(netfront_receive(front, got), 0);
    assert_int_equal(netfront_counts(front)->receive_errors, 4);
    assert_true(netfront_alive(front));
}

static void test_backend_restarts(void **state)
{
    (void)state;
    start();
    back.hold = true;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(netfront_send(front, frame, 60), 0);
    pretend_bus_kill(&back.bus);
    assert_int_equal(netfront_receive(front, got), 0);
    pretend_bus_state(&back.bus, 5);
    back.hold = false;
    turn();
    assert_int_equal(netfront_send(front, frame, 60), -XEN_ENOTCONN);
    pretend_bus_revive(&back.bus, 6);
    assert_int_equal(netfront_wait(front, os_now() + PRETEND_SECOND), 0);
    turn();
    assert_int_equal(netfront_send(front, frame, 99), 0);
    turn();
    assert_int_equal(back.frame_len, 99);
    assert_true(pretend_net_put(&back, frame, 100, 0, 0));
    assert_int_equal(netfront_receive(front, got), 100);
}

/* --- hostile backends */

static void tx_id(struct pretend_net *n, netif_tx_response_t *a)
{
    (void)n;
    a->id ^= 1;
}

static void tx_old(struct pretend_net *n, netif_tx_response_t *a)
{
    (void)n;
    a->id -= 64; /* the page's last use */
}

static void tx_status(struct pretend_net *n, netif_tx_response_t *a)
{
    (void)n;
    a->status = NETIF_RSP_NULL;
}

static void tx_twice(struct pretend_net *n, netif_tx_response_t *a)
{
    pretend_net_answer_tx(n, a);
}

static void tx_index(struct pretend_net *n, netif_tx_response_t *a)
{
    (void)a;
    n->tx.rsp_prod_pvt += 1000;
}

static void rx_id(struct pretend_net *n, netif_rx_response_t *a)
{
    (void)n;
    a->id ^= 0x8000;
}

static void rx_offset(struct pretend_net *n, netif_rx_response_t *a)
{
    (void)n;
    a->offset = 4000;
}

static void rx_length(struct pretend_net *n, netif_rx_response_t *a)
{
    (void)n;
    a->status = 32767;
}

static void rx_more(struct pretend_net *n, netif_rx_response_t *a)
{
    (void)n;
    a->flags = NETRXF_more_data;
}

static void rx_extra(struct pretend_net *n, netif_rx_response_t *a)
{
    (void)n;
    a->flags = NETRXF_extra_info;
}

static void rx_index(struct pretend_net *n, netif_rx_response_t *a)
{
    (void)a;
    n->rx.rsp_prod_pvt += 129;
}

static void test_hostile(void **state)
{
    static const struct {
        void (*tx)(struct pretend_net *n, netif_tx_response_t *answer);
        void (*rx)(struct pretend_net *n, netif_rx_response_t *answer);
        const char *sentence;
    } evils[] = {{tx_id, NULL, "not waited for"}, {tx_old, NULL, "not waited for"},
                 {tx_status, NULL, "not exist"},  {tx_twice, NULL, "answers to"},
                 {tx_index, NULL, "answers to"},  {NULL, rx_id, "not waited for"},
                 {NULL, rx_offset, "at offset"},  {NULL, rx_length, "of 32767 bytes"},
                 {NULL, rx_more, "not offered"},  {NULL, rx_extra, "not offered"},
                 {NULL, rx_index, "answers to"}};
    (void)state;

    for (size_t i = 0; i < sizeof(evils) / sizeof(evils[0]); i++) {
        memset(&back, 0, sizeof(back));
        pretend_forget_log();
        start();
        back.evil_tx = evils[i].tx;
        back.evil_rx = evils[i].rx;
        assert_int_equal(netfront_send(front, frame, 200), 0);
        turn();
        (void)pretend_net_put(&back, frame, 200, 0, 0);
        assert_int_equal(netfront_receive(front, got), 0);
        assert_false(netfront_alive(front));
        if (!pretend_said(evils[i].sentence))
            fail_msg("hostile backend %zu: expected \"%s\": %s", i, evils[i].sentence,
                     pretend_log());
        assert_int_equal(netfront_send(front, frame, 200), -XEN_ENOTCONN);
        netfront_close(front);
        front = NULL;
        pretend_net_destroy(&back);
        assert_int_equal(pretend_pages, 0);
        assert_int_equal(do_rm(pretend_dom0, NULL, back.bus.front), 0);
    }
    memset(&back, 0, sizeof(back));
}

/* As many frames as a backend likes: each call takes one, each wait one event. */
static void test_flood(void **state)
{
    (void)state;
    start();
    unsigned pages = pretend_pages;
    for (unsigned i = 0; i < 20000; i++) {
        while (pretend_net_put(&back, frame, 60, 0, 0))
            ;
        pretend_signal(back.port);
        turn();
        assert_int_equal(netfront_receive(front, got), 60);
    }
    assert_int_equal(pretend_pages, pages);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 450; n += 7) {
        memset(&back, 0, sizeof(back));
        pretend_net_create(&back, 0, MAC);
        pretend_fail_after = n;
        int err = netfront_open(&front, store, back.bus.path);
        if (err == 0)
            err = netfront_wait(front, os_now() + PRETEND_SECOND);
        pretend_fail_after = UINT32_MAX;
        assert_true(err == 0 || err == -XEN_ENOMEM || err == -XEN_EIO || err == -XEN_ENOSPC);
        if (front != NULL)
            netfront_close(front);
        front = NULL;
        pretend_net_destroy(&back);
        assert_int_equal(pretend_pages, 0);
        assert_int_equal(do_rm(pretend_dom0, NULL, back.bus.front), 0);
    }
    memset(&back, 0, sizeof(back));
}

/* --- checksums */

/* UDP from 10.0.0.1:1000 to 10.0.0.2:2000 with "hello". */
static const uint8_t udp[] = {
    2,    0,    0,    0,    0, 2,  2,    0,    0,   0,   0,   1,   8,   0, /* Ethernet */
    0x45, 0,    0,    33,   0, 0,  0x40, 0,    64,  17,  0,   0,   10,  0,
    0,    1,    10,   0,    0, 2,                                       /* IPv4 */
    0x03, 0xe8, 0x07, 0xd0, 0, 13, 0xff, 0xff, 'h', 'e', 'l', 'l', 'o', /* UDP */
};

/* What a receiver computes over a right segment is all ones. */
static unsigned receiver_sum(const uint8_t *ip, size_t len)
{
    size_t header = (size_t)(ip[0] & 15) * 4;
    uint32_t total = ip[9] + (uint32_t)(len - header);

    for (size_t i = 12; i < 20; i += 2)
        total += (uint32_t)ip[i] << 8 | ip[i + 1];
    for (size_t i = header; i < len; i++)
        total += (i - header) % 2 == 0 ? (uint32_t)ip[i] << 8 : ip[i];
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return total;
}

static void test_checksum(void **state)
{
    uint8_t f[128];
    (void)state;

    memcpy(f, udp, sizeof(udp));
    assert_true(netfront_fill_checksum(f, sizeof(udp)));
    assert_int_equal(receiver_sum(f + 14, 33), 0xffff);

    memcpy(f, udp, 12); /* with a VLAN tag, padded */
    memset(f + sizeof(udp) + 4, 0x99, 20);
    memcpy(f + 12, "\x81\x00\x00\x05\x08\x00", 6);
    memcpy(f + 18, udp + 14, 33);
    assert_true(netfront_fill_checksum(f, sizeof(udp) + 4 + 20));
    assert_int_equal(receiver_sum(f + 18, 33), 0xffff);

    memset(f, 0, sizeof(f)); /* TCP, options in both headers */
    memcpy(f, udp, 14);
    memcpy(f + 14, (uint8_t[]){0x46, 0, 0, 24 + 20 + 3, 0, 0, 0, 0, 64, 6}, 10);
    memcpy(f + 14 + 24 + 20, "abc", 3);
    assert_true(netfront_fill_checksum(f, 14 + 24 + 23));
    assert_int_equal(receiver_sum(f + 14, 24 + 23), 0xffff);
}

static void test_no_checksum(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{12, 9},  {14, 0x65}, {14, 0x44}, {14, 0x4f}, {17, 40},
                   {17, 19}, {17, 27},   {20, 0x20}, {21, 1},    {23, 1}};
    uint8_t f[sizeof(udp)];
    (void)state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        memcpy(f, udp, sizeof(udp));
        f[changes[i].at] = changes[i].value;
        assert_false(netfront_fill_checksum(f, sizeof(udp)));
        assert_int_equal(f[40], 0xff); /* untouched */
    }
    for (size_t len = 0; len < sizeof(udp); len++) {
        memcpy(f, udp, sizeof(udp));
        assert_false(netfront_fill_checksum(f, len));
    }
}

static void test_blank_on_the_ring(void **state)
{
    (void)state;
    start();
    assert_true(
        pretend_net_put(&back, udp, sizeof(udp), 0, NETRXF_csum_blank | NETRXF_data_validated));
    assert_int_equal(netfront_receive(front, got), sizeof(udp));
    assert_int_equal(receiver_sum(got + 14, 33), 0xffff);
    assert_int_equal(netfront_counts(front)->checksums_filled, 1);
    assert_true(pretend_net_put(&back, udp, sizeof(udp), 0, NETRXF_data_validated));
    assert_int_equal(netfront_receive(front, got), sizeof(udp));
    assert_memory_equal(got, udp, sizeof(udp));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_handshake),
        TEST(test_bad_beginnings),
        TEST(test_send),
        TEST(test_receive),
        TEST(test_backend_restarts),
        TEST(test_hostile),
        TEST(test_flood),
        TEST(test_no_memory),
        TEST(test_blank_on_the_ring),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_no_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
