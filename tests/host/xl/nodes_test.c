/* SPDX-License-Identifier: MIT */
/*
 * The store nodes of guests and devices, held against what Xen 4.17's tools write: paths, values
 * and permissions. Then listing, waiting and removing, with a backend played by the test, and a
 * guest that writes what it should not.
 */
#include "tests/host/xl/check.h"
#include "tests/host/xl/fake_store.h"
#include "dom0-tools/lib/device.h"
#include "dom0-tools/lib/guest_nodes.h"

static const struct device disk = {.kind = "vbd", .backend_domid = 0, .domid = 1, .id = 51712};

static struct guest_config guest(void)
{
    return (struct guest_config){
        .name = (char *)"pv1",
        .uuid = {0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x55, 0x55,
                 0x55, 0x55},
        .kernel = (char *)"/g/vmlinuz",
        .ramdisk = (char *)"/g/dui.gz",
        .cmdline = (char *)"console=hvc0 quiet",
        .memory_kib = 204800,
        .max_memory_kib = 262144,
        .vcpus = 1,
        .max_vcpus = 2,
    };
}

static void expect(struct store *s, const char *path, const char *listing)
{
    char *text = fake_store_list(s, path);

    assert_string_equal(text, listing);
    free(text);
}

static void home(void **state)
{
    const struct guest_rings rings = {46081, 46082, 1, 2, "linux"};
    struct guest_config g = guest();
    struct store *s = fake_store();
    struct failure why;

    (void)state;
    assert_int_equal(guest_nodes_write(s, 1, &g, &why), 0);
    assert_int_equal(guest_nodes_built(s, 1, &g, &rings, &why), 0);
    expect(s, "/local/domain/1",
           "/local/domain/1 = \"\"   (n0,r1)\n"
           "/local/domain/1/attr = \"\"   (n1)\n"
           "/local/domain/1/console = \"\"   (n0,r1)\n"
           "/local/domain/1/console/backend = \"/local/domain/0/backend/console/1/0\"   (n0,r1)\n"
           "/local/domain/1/console/backend-id = \"0\"   (n1,r0)\n"
           "/local/domain/1/console/limit = \"1048576\"   (n0,r1)\n"
           "/local/domain/1/console/output = \"pty\"   (n0,r1)\n"
           "/local/domain/1/console/port = \"2\"   (n0,r1)\n"
           "/local/domain/1/console/ring-ref = \"46082\"   (n0,r1)\n"
           "/local/domain/1/console/tty = \"\"   (n0,r1)\n"
           "/local/domain/1/console/type = \"xenconsoled\"   (n0,r1)\n"
           "/local/domain/1/control = \"\"   (n0,r1)\n"
           "/local/domain/1/control/feature-poweroff = \"\"   (n1)\n"
           "/local/domain/1/control/feature-reboot = \"\"   (n1)\n"
           "/local/domain/1/control/feature-suspend = \"\"   (n1)\n"
           "/local/domain/1/control/platform-feature-multiprocessor-suspend = \"1\"   (n0,r1)\n"
           "/local/domain/1/control/platform-feature-xs_reset_watches = \"1\"   (n0,r1)\n"
           "/local/domain/1/control/shutdown = \"\"   (n1)\n"
           "/local/domain/1/control/sysrq = \"\"   (n1)\n"
           "/local/domain/1/cpu = \"\"   (n0,r1)\n"
           "/local/domain/1/cpu/0 = \"\"   (n0,r1)\n"
           "/local/domain/1/cpu/0/availability = \"online\"   (n0,r1)\n"
           "/local/domain/1/cpu/1 = \"\"   (n0,r1)\n"
           "/local/domain/1/cpu/1/availability = \"offline\"   (n0,r1)\n"
           "/local/domain/1/data = \"\"   (n1)\n"
           "/local/domain/1/device = \"\"   (n0,r1)\n"
           "/local/domain/1/device/suspend = \"\"   (n0,r1)\n"
           "/local/domain/1/device/suspend/event-channel = \"\"   (n1)\n"
           "/local/domain/1/domid = \"1\"   (n0,r1)\n"
           "/local/domain/1/drivers = \"\"   (n1)\n"
           "/local/domain/1/error = \"\"   (n1)\n"
           "/local/domain/1/feature = \"\"   (n1)\n"
           "/local/domain/1/memory = \"\"   (n0,r1)\n"
           "/local/domain/1/memory/static-max = \"262144\"   (n0,r1)\n"
           "/local/domain/1/memory/target = \"204800\"   (n0,r1)\n"
           "/local/domain/1/memory/videoram = \"0\"   (n0,r1)\n"
           "/local/domain/1/name = \"pv1\"   (n0,r1)\n"
           "/local/domain/1/store = \"\"   (n0,r1)\n"
           "/local/domain/1/store/port = \"1\"   (n0,r1)\n"
           "/local/domain/1/store/ring-ref = \"46081\"   (n0,r1)\n"
           "/local/domain/1/vm = \"/vm/11111111-2222-3333-4444-555555555555\"   (n0,r1)\n");
    expect(s, "/local/domain/0/backend/console",
           "/local/domain/0/backend/console = \"\"   (n0)\n"
           "/local/domain/0/backend/console/1 = \"\"   (n0)\n"
           "/local/domain/0/backend/console/1/0 = \"\"   (n0,r1)\n"
           "/local/domain/0/backend/console/1/0/frontend = \"/local/domain/1/console\"   (n0,r1)\n"
           "/local/domain/0/backend/console/1/0/frontend-id = \"1\"   (n0,r1)\n"
           "/local/domain/0/backend/console/1/0/online = \"1\"   (n0,r1)\n"
           "/local/domain/0/backend/console/1/0/protocol = \"vt100\"   (n0,r1)\n"
           "/local/domain/0/backend/console/1/0/state = \"1\"   (n0,r1)\n");
    store_close(s);
}

static void nothing_left(void **state)
{
    const struct guest_rings rings = {46081, 46082, 1, 2, ""};
    const struct device console = {.kind = "console", .domid = 1};
    struct guest_config g = guest();
    struct store *s = fake_store();
    struct failure why;

    (void)state;
    store_write(s, 0, "/local/domain/0/name", "Domain-0", 8);
    assert_int_equal(guest_nodes_write(s, 1, &g, &why), 0);
    assert_int_equal(guest_nodes_built(s, 1, &g, &rings, &why), 0);
    assert_int_equal(device_remove(s, &console, true, 1000, &why), 0);
    assert_int_equal(guest_nodes_remove(s, 1), 0);
    expect(s, "/local",
           "/local = \"\"   (n0)\n"
           "/local/domain = \"\"   (n0)\n"
           "/local/domain/0 = \"\"   (n0)\n"
           "/local/domain/0/name = \"Domain-0\"   (n0)\n");
    expect(s, "/vm", "");
    expect(s, "/libxl", "");
    store_close(s);
}

static struct store *with_disk(void)
{
    static const struct device_node nodes[] = {
        {"params", "/dev/loop0", DEVICE_BACK},
        {"script", NULL, DEVICE_BACK},
        {"virtual-device", "51712", DEVICE_FRONT},
        {"mtu", "1500", DEVICE_FRONT_READONLY},
    };
    struct guest_config g = guest();
    struct store *s = fake_store();
    struct failure why;

    assert_int_equal(guest_nodes_write(s, 1, &g, &why), 0);
    assert_int_equal(device_publish(s, &disk, nodes, COUNT(nodes), &why), 0);
    return s;
}

static void published(void **state)
{
    struct store *s = with_disk();

    (void)state;
    expect(s, "/local/domain/1/device/vbd",
           "/local/domain/1/device/vbd = \"\"   (n0,r1)\n"
           "/local/domain/1/device/vbd/51712 = \"\"   (n1,r0)\n"
           "/local/domain/1/device/vbd/51712/backend = \"/local/domain/0/backend/vbd/1/51712\"   "
           "(n1,r0)\n"
           "/local/domain/1/device/vbd/51712/backend-id = \"0\"   (n1,r0)\n"
           "/local/domain/1/device/vbd/51712/mtu = \"1500\"   (n0,r1)\n"
           "/local/domain/1/device/vbd/51712/state = \"1\"   (n1,r0)\n"
           "/local/domain/1/device/vbd/51712/virtual-device = \"51712\"   (n1,r0)\n");
    expect(s, "/local/domain/0/backend/vbd/1/51712",
           "/local/domain/0/backend/vbd/1/51712 = \"\"   (n0,r1)\n"
           "/local/domain/0/backend/vbd/1/51712/frontend = \"/local/domain/1/device/vbd/51712\"   "
           "(n0,r1)\n"
           "/local/domain/0/backend/vbd/1/51712/frontend-id = \"1\"   (n0,r1)\n"
           "/local/domain/0/backend/vbd/1/51712/online = \"1\"   (n0,r1)\n"
           "/local/domain/0/backend/vbd/1/51712/params = \"/dev/loop0\"   (n0,r1)\n"
           "/local/domain/0/backend/vbd/1/51712/state = \"1\"   (n0,r1)\n");
    expect(s, "/libxl/1/device/vbd/51712",
           "/libxl/1/device/vbd/51712 = \"\"   (n0)\n"
           "/libxl/1/device/vbd/51712/backend = \"/local/domain/0/backend/vbd/1/51712\"   (n0)\n"
           "/libxl/1/device/vbd/51712/frontend = \"/local/domain/1/device/vbd/51712\"   (n0)\n"
           "/libxl/1/device/vbd/51712/frontend-id = \"1\"   (n0)\n"
           "/libxl/1/device/vbd/51712/online = \"1\"   (n0)\n"
           "/libxl/1/device/vbd/51712/params = \"/dev/loop0\"   (n0)\n"
           "/libxl/1/device/vbd/51712/state = \"1\"   (n0)\n");
    store_close(s);
}

/* The guest's own directory says what it likes: what counts is the copy it cannot write. */
static void listed(void **state)
{
    struct store *s = with_disk();
    struct device *list;

    (void)state;
    store_write(s, 0, "/local/domain/1/device/vbd/51712/backend", "/local/domain/0/backend/x", 25);
    store_write(s, 0, "/local/domain/1/device/vif/0/backend", "/local/domain/0/name", 20);
    assert_int_equal(device_list(s, 1, &list), 1);
    assert_string_equal(list[0].kind, "vbd");
    assert_int_equal(list[0].id, 51712);
    assert_int_equal(list[0].backend_domid, 0);
    free(list);
    assert_int_equal(device_list(s, 2, &list), 0);
    free(list);
    store_close(s);
}

static int turns;

static void backend_comes(struct store *s)
{
    if (++turns == 3)
        store_write(s, 0, "/local/domain/0/backend/vbd/1/51712/state", "2", 1);
}

static void backend_fails(struct store *s)
{
    static const char words[] = "2 opening\x1b[2J device";

    if (++turns == 2) {
        store_write(s, 0, "/local/domain/0/error/backend/vbd/1/51712/error", words, strlen(words));
        store_write(s, 0, "/local/domain/0/backend/vbd/1/51712/state", "5", 1);
    }
}

static void waited(void **state)
{
    struct store *s = with_disk();
    struct failure why;

    (void)state;
    turns = 0;
    fake_store_on_wait(s, backend_comes);
    assert_int_equal(device_wait_backend(s, &disk, XENBUS_INIT_WAIT, 5000, "disk xvda", &why), 0);
    assert_int_equal(turns, 3);
    turns = 0;
    fake_store_on_wait(s, backend_fails);
    assert_int_equal(device_wait_backend(s, &disk, XENBUS_CONNECTED, 5000, "disk xvda", &why), -1);
    assert_string_equal(why.text,
                        "disk xvda did not connect: 2 opening?[2J device (the guest's half "
                        "is Initialising, the backend is Closing)");
    assert_int_equal(device_wait_backend(s, &disk, XENBUS_CONNECTED, 5000, "disk xvda", &why), -1);
    store_close(s);
}

static void late(void **state)
{
    struct store *s = with_disk();
    struct failure why;

    (void)state;
    assert_int_equal(device_wait_backend(s, &disk, XENBUS_INIT_WAIT, 0, "disk xvda", &why), -1);
    assert_non_null(strstr(why.text, "disk xvda: its backend in domain 0 did not answer"));
    assert_int_equal(device_connected(s, &disk, "disk xvda", &why), 1);
    store_write(s, 0, "/local/domain/0/backend/vbd/1/51712/state", "4", 1);
    store_write(s, 0, "/local/domain/1/device/vbd/51712/state", "99999999999", 11);
    assert_int_equal(device_connected(s, &disk, "disk xvda", &why), 1);
    store_write(s, 0, "/local/domain/1/device/vbd/51712/state", "4", 1);
    assert_int_equal(device_connected(s, &disk, "disk xvda", &why), 0);
    store_close(s);
}

/* The kernel's backends close when their frontend is gone. */
static void backend_closes(struct store *s)
{
    uint64_t online = 1, closing = 0;

    store_read_u64(s, 0, &online, "/local/domain/0/backend/vbd/1/51712/online");
    store_read_u64(s, 0, &closing, "/local/domain/0/backend/vbd/1/51712/state");
    assert_int_equal(online, 0);
    assert_int_equal(closing, 5);
    if (store_exists(s, 0, "/local/domain/1/device/vbd/51712") == 0)
        store_write(s, 0, "/local/domain/0/backend/vbd/1/51712/state", "6", 1);
}

static void removed(void **state)
{
    struct store *s = with_disk();
    struct failure why;

    (void)state;
    store_write(s, 0, "/local/domain/0/name", "Domain-0", 8);
    store_write(s, 0, "/local/domain/0/error/backend/vbd/1/51712/error", "x", 1);
    fake_store_on_wait(s, backend_closes);
    assert_int_equal(device_remove(s, &disk, true, 5000, &why), 0);
    expect(s, "/local/domain/0",
           "/local/domain/0 = \"\"   (n0)\n"
           "/local/domain/0/name = \"Domain-0\"   (n0)\n");
    expect(s, "/libxl/1/device", "");
    expect(s, "/local/domain/1/device/vbd", "");
    store_close(s);
}

static void stuck(void **state)
{
    struct store *s = with_disk();
    struct failure why;

    (void)state;
    assert_int_equal(device_remove(s, &disk, true, 20, &why), -1);
    assert_string_equal(
        why.text, "device vbd/51712 of domain 1: its backend in domain 0 did not close in time");
    expect(s, "/local/domain/0/backend", "");
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(home),    cmocka_unit_test(nothing_left), cmocka_unit_test(published),
        cmocka_unit_test(listed),  cmocka_unit_test(waited),       cmocka_unit_test(late),
        cmocka_unit_test(removed), cmocka_unit_test(stuck),
    };

    return cmocka_run_group_tests_name("xl_nodes", tests, NULL, NULL);
}
