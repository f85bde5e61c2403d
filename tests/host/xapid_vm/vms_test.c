/* SPDX-License-Identifier: MIT */
/*
 * VMs as the API shows and changes them: records of defined VMs, of guests that another tool made
 * and of dom0; create, setters, maps, destroy; metrics, disks, cards, console; the host.
 */
#include "tests/host/xl/check.h"
#include "tests/host/xapid_vm/fake_dom0.h"

#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/vm.h"
#include "dom0-tools/xapid/vm_methods.h"
#include "dom0-tools/xapid/vm_record.h"

#include <unistd.h>

#define DOM0_REF "00000000-0000-0000-0000-000000000000"
#define GUEST    "11111111-2222-4333-8444-555555555555"

static int begin(void **state)
{
    (void)state;
    fake_daemon_start(NULL);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    return fake_daemon_stop();
}

static struct value *map(const char *key, const char *text)
{
    struct value *m = value_struct();

    value_set(m, key, value_string(text));
    return m;
}

static struct value *given(const char *name)
{
    struct value *g = map("name_label", name);

    value_set(g, "memory_static_max", value_string("268435456"));
    value_set(g, "PV_kernel", value_string("/boot/vmlinuz"));
    return g;
}

/* The reference of a new VM, which is to be freed. */
static char *create(struct value *g)
{
    struct value *v = api_value("VM.create", g, NULL);
    char *ref = strdup(value_as_string(v));

    value_free(v);
    return ref;
}

static void expect_field(const char *ref, const char *method, const char *text)
{
    expect_text(api(method, value_string(ref), NULL), text);
}

/* Texts of an array, joined by ','. */
static void expect_set(struct value *array, const char *text)
{
    char got[1024] = "";

    for (size_t i = 0; i < value_count(array); i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i != 0 ? "," : "",
                 value_as_string(value_at(array, i)));
    value_free(array);
    assert_string_equal(got, text);
}

static void test_create_and_look(void **state)
{
    char *ref = create(given("web"));
    struct value *record = api_value("VM.get_record", value_string(ref), NULL), *v;
    bool b = true;

    (void)state;
    assert_string_equal(value_as_string(value_get(record, "uuid")), ref);
    assert_string_equal(value_as_string(value_get(record, "name_label")), "web");
    assert_string_equal(value_as_string(value_get(record, "power_state")), "Halted");
    assert_string_equal(value_as_string(value_get(record, "memory_static_max")), "268435456");
    assert_string_equal(value_as_string(value_get(record, "memory_dynamic_max")), "268435456");
    assert_string_equal(value_as_string(value_get(record, "memory_dynamic_min")), "0");
    assert_string_equal(value_as_string(value_get(record, "VCPUs_at_startup")), "1");
    assert_string_equal(value_as_string(value_get(record, "domid")), "-1");
    assert_string_equal(value_as_string(value_get(record, "resident_on")), "");
    assert_string_equal(value_as_string(value_get(record, "actions_after_reboot")), "restart");
    assert_true(value_as_boolean(value_get(record, "is_control_domain"), &b));
    assert_false(b);
    /* every getter says what the record says */
    for (size_t i = 0; i < value_count(record); i++) {
        char method[64];

        snprintf(method, sizeof(method), "VM.get_%s", value_name(record, i));
        v = api_value(method, value_string(ref), NULL);
        assert_int_equal(value_kind(v), value_kind(value_at(record, i)));
        if (value_as_string(v) != NULL)
            assert_string_equal(value_as_string(v), value_as_string(value_at(record, i)));
        assert_int_equal(value_count(v), value_count(value_at(record, i)));
        value_free(v);
    }
    value_free(record);
    expect_text(api("VM.get_by_uuid", value_string(ref), NULL), ref);
    expect_set(api_value("VM.get_by_name_label", value_string("web"), NULL), ref);
    expect_set(api_value("VM.get_by_name_label", value_string("we"), NULL), "");
    v = api_value("VM.get_all_records", NULL);
    assert_int_equal(value_count(v), 2);
    assert_non_null(value_get(v, ref));
    assert_non_null(value_get(v, DOM0_REF));
    value_free(v);
    free(ref);
}

/* Two of one name are two VMs; the UUID of a record that is given counts for nothing. */
static void test_create_makes_a_new_one(void **state)
{
    struct value *record;
    char *one = create(given("same")), *two;

    (void)state;
    record = api_value("VM.get_record", value_string(one), NULL);
    two = create(record);
    assert_string_not_equal(one, two);
    free(one);
    free(two);
}

static void test_create_refuses(void **state)
{
    static const struct {
        const char *field, *text, *words;
    } cases[] = {
        {"name_label", "", "VALUE_NOT_SUPPORTED|name_label||must have 1 to 128 bytes"},
        {"name_label", "a/b", "VALUE_NOT_SUPPORTED|name_label|a/b|*"},
        {"memory_static_max", "lots", "FIELD_TYPE_ERROR|memory_static_max"},
        {"memory_static_max", "-4096", "VALUE_NOT_SUPPORTED|memory_static_max|-4096|*"},
        {"memory_static_max", "1000", "VALUE_NOT_SUPPORTED|memory_static_max|1000|*"},
        {"memory_static_max", "0", "VALUE_NOT_SUPPORTED|memory_dynamic_max|0|*"},
        {"memory_dynamic_max", "536870912", "VALUE_NOT_SUPPORTED|memory_static_max|268435456|*"},
        {"memory_static_min", "8192", "VALUE_NOT_SUPPORTED|memory_dynamic_min|0|*"},
        {"VCPUs_max", "0", "VALUE_NOT_SUPPORTED|VCPUs_max|0|*"},
        {"VCPUs_max", "9999999", "VALUE_NOT_SUPPORTED|VCPUs_max|*"},
        {"VCPUs_at_startup", "2", "VALUE_NOT_SUPPORTED|VCPUs_at_startup|2|*"},
        {"actions_after_shutdown", "preserve", "VALUE_NOT_SUPPORTED|actions_after_shutdown|*"},
        {"actions_after_crash", "coredump_and_destroy",
         "VALUE_NOT_SUPPORTED|actions_after_crash|coredump_and_destroy|no core dump can be written "
         "here"},
        {"PV_kernel", "vmlinuz", "VALUE_NOT_SUPPORTED|PV_kernel|vmlinuz|*"},
        {"PV_bootloader", "pygrub", "VALUE_NOT_SUPPORTED|PV_bootloader|pygrub|*"},
        {"HVM_boot_policy", "BIOS order", "VALUE_NOT_SUPPORTED|HVM_boot_policy|*"},
        {"PCI_bus", "x", "VALUE_NOT_SUPPORTED|PCI_bus|*"},
        {"other_config", "text", "FIELD_TYPE_ERROR|other_config"},
        {"is_a_template", "true", "FIELD_TYPE_ERROR|is_a_template"},
    };
    static const char *const maps[][4] = {
        {"other_config", VM_DISKS, "phy:/dev/x", "VALUE_NOT_SUPPORTED|other_config|phy:/dev/x|*"},
        {"other_config", VM_DISKS, "/a,raw,xvda,w\n/b,raw,xvda,w",
         "VALUE_NOT_SUPPORTED|other_config|/b,raw,xvda,w|two disks have the same vdev"},
        {"other_config", VM_VIFS, "mac=zz", "VALUE_NOT_SUPPORTED|other_config|mac=zz|*"},
        {"other_config", VM_VIFS, "color=red", "VALUE_NOT_SUPPORTED|other_config|color=red|*"},
        {"VCPUs_params", "weight", "0", "VALUE_NOT_SUPPORTED|VCPUs_params|0|*"},
        {"VCPUs_params", "mask", "x", "VALUE_NOT_SUPPORTED|VCPUs_params|x|*"},
        {"VCPUs_params", "speed", "9", "VALUE_NOT_SUPPORTED|VCPUs_params|speed|*"},
        {"HVM_boot_params", "order", "cd", "VALUE_NOT_SUPPORTED|HVM_boot_params||*"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct value *g = given("bad");

        value_set(g, cases[i].field, value_string(cases[i].text));
        expect_failure(api("VM.create", g, NULL), cases[i].words);
    }
    for (size_t i = 0; i < COUNT(maps); i++) {
        struct value *g = given("bad");

        value_set(g, maps[i][0], map(maps[i][1], maps[i][2]));
        expect_failure(api("VM.create", g, NULL), maps[i][3]);
    }
    expect_failure(api("VM.create", value_struct(), NULL), "FIELD_TYPE_ERROR|name_label");
    expect_failure(api("VM.create", value_string("x"), NULL), "FIELD_TYPE_ERROR|args");
    expect_set(api_value("VM.get_all", NULL), DOM0_REF);
}

/* So many devices and no more, however many lines there are: the answer comes at once. */
static void test_too_many_devices(void **state)
{
    static char lines[1 << 20];
    size_t len = 0;
    char *ref = create(given("many"));
    struct value *v;

    (void)state;
    for (int i = 0; i < VM_DISKS_MAX; i++)
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "/d,raw,0x%x,w\n",
                                0x10000000 + (i << 8));
    expect_text(api("VM.set_other_config", value_string(ref), map(VM_DISKS, lines), NULL), "");
    v = api_value("VM.get_VBDs", value_string(ref), NULL);
    assert_int_equal(value_count(v), VM_DISKS_MAX);
    value_free(v);
    while (len + 10 < sizeof(lines))
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "/e,,xvda\n");
    expect_failure(api("VM.set_other_config", value_string(ref), map(VM_DISKS, lines), NULL),
                   "VALUE_NOT_SUPPORTED|other_config|/e,,xvda|a VM has at most 256 disks here");
    len = 0;
    for (int i = 0; i < VM_VIFS_MAX; i++)
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "bridge=b\n");
    expect_text(api("VM.set_other_config", value_string(ref), map(VM_VIFS, lines), NULL), "");
    snprintf(lines + len, sizeof(lines) - len, "bridge=c\n");
    expect_failure(api("VM.set_other_config", value_string(ref), map(VM_VIFS, lines), NULL),
                   "VALUE_NOT_SUPPORTED|other_config|bridge=c|a VM has at most 256 network cards "
                   "here");
    free(ref);
}

static void test_setters(void **state)
{
    static const char *const sets[][3] = {
        {"VM.set_name_label", "VM.get_name_label", "db"},
        {"VM.set_name_description", "VM.get_name_description", "the data"},
        {"VM.set_memory_dynamic_max", "VM.get_memory_dynamic_max", "134217728"},
        {"VM.set_VCPUs_max", "VM.get_VCPUs_max", "8"},
        {"VM.set_actions_after_crash", "VM.get_actions_after_crash", "preserve"},
        {"VM.set_PV_args", "VM.get_PV_args", "quiet"},
    };
    char *ref = create(given("x"));
    struct failure why;
    uint8_t uuid[16];

    (void)state;
    for (size_t i = 0; i < COUNT(sets); i++) {
        expect_text(api(sets[i][0], value_string(ref), value_string(sets[i][2]), NULL), "");
        expect_field(ref, sets[i][1], sets[i][2]);
    }
    expect_failure(api("VM.set_VCPUs_at_startup", value_string(ref), value_string("9"), NULL),
                   "VALUE_NOT_SUPPORTED|VCPUs_at_startup|9|*");
    expect_field(ref, "VM.get_VCPUs_at_startup", "1");
    expect_failure(api("VM.set_VCPUs_max", value_string(ref), value_boolean(true), NULL),
                   "FIELD_TYPE_ERROR|VCPUs_max");
    /* all four at once, where one after the other would pass through what is not allowed */
    expect_text(api("VM.set_memory_limits", value_string(ref), value_string("1048576"),
                    value_string("2097152"), value_string("1048576"), value_string("2097152"),
                    NULL),
                "");
    expect_field(ref, "VM.get_memory_static_max", "2097152");
    /* a reference has one spelling */
    for (char *at = ref; *at != '\0'; at++)
        if (*at == '-')
            memmove(at, at + 1, strlen(at));
    expect_failure(api("VM.set_name_label", value_string(ref), value_string("n"), NULL),
                   "HANDLE_INVALID|VM|*");
    expect_failure(api("VM.get_name_label", value_string(ref), NULL), "HANDLE_INVALID|VM|*");
    uuid_parse(ref, uuid);
    ref = realloc(ref, 37);
    uuid_format(uuid, ref);
    expect_failure(api("VM.set_domid", value_string(ref), value_string("1"), NULL),
                   "MESSAGE_METHOD_UNKNOWN|VM.set_domid");
    vm_close();
    assert_int_equal(vm_open(fake_folder, &why), 0);
    expect_field(ref, "VM.get_name_label", "db");
    expect_field(ref, "VM.get_memory_dynamic_min", "1048576");
    free(ref);
}

static void test_maps(void **state)
{
    char *ref = create(given("x")), words[128];
    struct value *v;

    (void)state;
    expect_text(api("VM.add_to_other_config", value_string(ref), value_string("owner"),
                    value_string("me"), NULL),
                "");
    snprintf(words, sizeof(words), "MAP_DUPLICATE_KEY|VM|other_config|%s|owner", ref);
    expect_failure(api("VM.add_to_other_config", value_string(ref), value_string("owner"),
                       value_string("you"), NULL),
                   words);
    expect_failure(api("VM.add_to_other_config", value_string(ref), value_string(VM_DISKS),
                       value_string("nonsense"), NULL),
                   "VALUE_NOT_SUPPORTED|other_config|nonsense|*");
    v = api_value("VM.get_other_config", value_string(ref), NULL);
    assert_int_equal(value_count(v), 1);
    assert_string_equal(value_as_string(value_get(v, "owner")), "me");
    value_free(v);
    for (int i = 0; i < 2; i++) /* twice: what is not there is removed as well */
        expect_text(
            api("VM.remove_from_other_config", value_string(ref), value_string("owner"), NULL), "");
    v = api_value("VM.get_other_config", value_string(ref), NULL);
    assert_int_equal(value_count(v), 0);
    value_free(v);
    free(ref);
}

static void test_handles(void **state)
{
    static const char *const refs[] = {"", "x", "11111111-1111-1111-1111-111111111111",
                                       "OpaqueRef:NULL", "../../etc/passwd"};
    char words[128];

    (void)state;
    for (size_t i = 0; i < COUNT(refs); i++) {
        snprintf(words, sizeof(words), "HANDLE_INVALID|VM|%s", refs[i]);
        expect_failure(api("VM.get_record", value_string(refs[i]), NULL), words);
        expect_failure(api("VM.get_power_state", value_string(refs[i]), NULL), words);
        expect_failure(api("VM.set_name_label", value_string(refs[i]), value_string("n"), NULL),
                       words);
        expect_failure(api("VM.destroy", value_string(refs[i]), NULL), words);
        expect_failure(api("VM.pause", value_string(refs[i]), NULL), words);
        snprintf(words, sizeof(words), "UUID_INVALID|VM|%s", refs[i]);
        expect_failure(api("VM.get_by_uuid", value_string(refs[i]), NULL), words);
        snprintf(words, sizeof(words), "HANDLE_INVALID|VM_metrics|%s", refs[i]);
        expect_failure(api("VM_metrics.get_record", value_string(refs[i]), NULL), words);
        snprintf(words, sizeof(words), "HANDLE_INVALID|host|%s", refs[i]);
        expect_failure(api("host.get_record", value_string(refs[i]), NULL), words);
        expect_failure(api("host.set_name_label", value_string(refs[i]), value_string("n"), NULL),
                       words);
    }
}

static void test_destroy(void **state)
{
    char *ref = create(given("gone")), words[128];
    uint8_t uuid[16];
    size_t i;

    (void)state;
    i = fake_domain("gone", ref);
    snprintf(words, sizeof(words), "VM_BAD_POWER_STATE|%s|Halted|Running", ref);
    expect_failure(api("VM.destroy", value_string(ref), NULL), words);
    dom0.domains[i].dying = true;
    expect_text(api("VM.destroy", value_string(ref), NULL), "");
    snprintf(words, sizeof(words), "HANDLE_INVALID|VM|%s", ref);
    expect_failure(api("VM.destroy", value_string(ref), NULL), words);
    assert_int_equal(uuid_parse(ref, uuid), 0);
    expect_failure(api("VM.destroy", value_string(DOM0_REF), NULL), "OPERATION_NOT_ALLOWED|*");
    free(ref);
}

/* --- guests that xl made */

#define KEPT                                                                                     \
    "{\"c_info\": {\"type\": \"pv\", \"name\": \"old\", \"uuid\": \"" GUEST                      \
    "\"}, \"b_info\": {\"max_vcpus\": 2, \"avail_vcpus\": [0, 1], \"max_memkb\": 1, "            \
    "\"target_memkb\": 1, \"kernel\": \"/k\", \"cmdline\": \"a b\", \"sched_params\": {}}, "     \
    "\"disks\": [{\"pdev_path\": \"/dev/loop1\", \"vdev\": \"xvda\", \"format\": \"raw\", "      \
    "\"readwrite\": 1}], \"nics\": [{\"devid\": 0, \"mac\": \"00:16:3e:01:02:03\", \"bridge\": " \
    "\"br0\"}], \"on_reboot\": \"restart\", \"on_crash\": \"preserve\"}"

static void test_guest_of_xl(void **state)
{
    struct value *record, *refs, *vbd;
    char path[64];
    uint16_t domid;

    (void)state;
    dom0.kept = KEPT;
    domid = dom0.domains[fake_domain("renamed", GUEST)].domid;
    snprintf(path, sizeof(path), "/libxl/%u/device/vbd/51712", domid);
    store_writef(dom0.store, STORE_NO_TX, "/local/domain/0/backend/vbd/x", "%s/backend", path);
    record = api_value("VM.get_record", value_string(GUEST), NULL);
    assert_string_equal(value_as_string(value_get(record, "name_label")), "renamed");
    assert_string_equal(value_as_string(value_get(record, "power_state")), "Running");
    assert_string_equal(value_as_string(value_get(record, "resident_on")), host_ref());
    assert_string_equal(value_as_string(value_get(record, "memory_static_max")), "268435456");
    assert_string_equal(value_as_string(value_get(record, "memory_dynamic_max")), "134217728");
    assert_string_equal(value_as_string(value_get(record, "VCPUs_max")), "2");
    assert_string_equal(value_as_string(value_get(record, "PV_args")), "a b");
    assert_string_equal(value_as_string(value_get(record, "actions_after_crash")), "preserve");
    refs = value_copy(value_get(record, "VBDs"));
    value_free(record);
    assert_int_equal(value_count(refs), 1);
    vbd = api_value("VBD.get_record", value_string(value_as_string(value_at(refs, 0))), NULL);
    assert_string_equal(value_as_string(value_get(vbd, "VM")), GUEST);
    assert_string_equal(value_as_string(value_get(vbd, "device")), "xvda");
    assert_string_equal(value_as_string(value_get(vbd, "mode")), "RW");
    value_free(vbd);
    value_free(refs);
    refs = api_value("VIF.get_all", NULL);
    assert_int_equal(value_count(refs), 1);
    expect_field(value_as_string(value_at(refs, 0)), "VIF.get_MAC", "00:16:3e:01:02:03");
    value_free(refs);
    expect_failure(api("VM.set_name_label", value_string(GUEST), value_string("n"), NULL),
                   "OPERATION_NOT_ALLOWED|*");
    dom0.kept = "{\"c_info\": {\"type\": \"hvm\"}}";
    expect_field(GUEST, "VM.get_name_label", "renamed");
    expect_field(GUEST, "VM.get_PV_kernel", "");
    fake_domain_end(GUEST);
    expect_failure(api("VM.get_name_label", value_string(GUEST), NULL), "HANDLE_INVALID|VM|" GUEST);
}

static void test_dom0(void **state)
{
    struct value *v;
    bool b = false;

    (void)state;
    expect_field(DOM0_REF, "VM.get_name_label", "Domain-0");
    expect_field(DOM0_REF, "VM.get_domid", "0");
    expect_field(DOM0_REF, "VM.get_memory_dynamic_max", "268435456");
    v = api_value("VM.get_is_control_domain", value_string(DOM0_REF), NULL);
    assert_true(value_as_boolean(v, &b) && b);
    value_free(v);
    expect_set(api_value("VM.get_allowed_operations", value_string(DOM0_REF), NULL), "");
    expect_set(api_value("VM.get_consoles", value_string(DOM0_REF), NULL), "");
}

/* A defined VM shows its definition while it runs, and its metrics what is. */
static void test_defined_and_running(void **state)
{
    char *ref = create(given("both")), *metrics;
    struct value *v;

    (void)state;
    v = api_value("VM.get_metrics", value_string(ref), NULL);
    metrics = strdup(value_as_string(v));
    value_free(v);
    expect_field(metrics, "VM_metrics.get_memory_actual", "0");
    expect_field(metrics, "VM_metrics.get_VCPUs_number", "0");
    fake_domain("both", ref);
    expect_field(ref, "VM.get_power_state", "Running");
    expect_field(ref, "VM.get_memory_static_max", "268435456");
    expect_field(metrics, "VM_metrics.get_memory_actual", "134217728");
    expect_field(metrics, "VM_metrics.get_VCPUs_number", "1");
    expect_set(api_value("VM_metrics.get_state", value_string(metrics), NULL), "blocked");
    expect_text(api("VM_metrics.get_by_uuid", value_string(metrics), NULL), metrics);
    expect_set(api_value("VM.get_by_name_label", value_string("both"), NULL), ref);
    v = api_value("VM.get_all", NULL);
    assert_int_equal(value_count(v), 2);
    value_free(v);
    v = api_value("console.get_all_records", NULL);
    assert_int_equal(value_count(v), 1);
    assert_string_equal(value_as_string(value_get(value_at(v, 0), "VM")), ref);
    value_free(v);
    fake_domain_of(ref)->shutdown = true;
    fake_domain_of(ref)->shutdown_reason = HV_SHUTDOWN_CRASH;
    expect_field(ref, "VM.get_power_state", "Crashed");
    fake_domain_end(ref);
    expect_field(ref, "VM.get_power_state", "Halted");
    free(metrics);
    free(ref);
}

/* Addresses that nobody gave are the same tomorrow, and others for another card and VM. */
static void test_devices_of_a_definition(void **state)
{
    struct value *g = given("dev"), *other, *refs, *again;
    char *ref, first[18];

    (void)state;
    other = map(VM_DISKS, "phy:/dev/loop1,xvda,w\n\n/x.iso,raw,xvdb,cdrom\n");
    value_set(other, VM_VIFS, value_string("bridge=br0\nbridge=br0"));
    value_set(g, "other_config", other);
    ref = create(g);
    refs = api_value("VM.get_VBDs", value_string(ref), NULL);
    assert_int_equal(value_count(refs), 2);
    expect_field(value_as_string(value_at(refs, 0)), "VBD.get_device", "xvda");
    expect_field(value_as_string(value_at(refs, 1)), "VBD.get_mode", "RO");
    value_free(refs);
    refs = api_value("VM.get_VIFs", value_string(ref), NULL);
    assert_int_equal(value_count(refs), 2);
    again = api_value("VIF.get_MAC", value_string(value_as_string(value_at(refs, 0))), NULL);
    snprintf(first, sizeof(first), "%s", value_as_string(again));
    assert_memory_equal(first, "00:16:3e:", 9);
    value_free(again);
    again = api_value("VIF.get_MAC", value_string(value_as_string(value_at(refs, 1))), NULL);
    assert_string_not_equal(value_as_string(again), first);
    value_free(again);
    expect_text(api("VM.set_name_label", value_string(ref), value_string("another"), NULL), "");
    expect_field(value_as_string(value_at(refs, 0)), "VIF.get_MAC", first);
    value_free(refs);
    free(ref);
}

static void test_host(void **state)
{
    struct value *v = api_value("host.get_all", NULL);
    const char *ref = host_ref();

    (void)state;
    expect_set(v, ref);
    expect_field(ref, "host.get_API_version_major", "1");
    expect_field(ref, "host.get_sched_policy", "credit2");
    expect_set(api_value("host.get_capabilities", value_string(ref), NULL), "a,b");
    expect_set(api_value("host.get_resident_VMs", value_string(ref), NULL), DOM0_REF);
    v = api_value("host.get_software_version", value_string(ref), NULL);
    assert_string_equal(value_as_string(value_get(v, "xen")), "4.17.test");
    value_free(v);
    expect_text(api("host.set_name_label", value_string(ref), value_string("rack 4"), NULL), "");
    expect_set(api_value("host.get_by_name_label", value_string("rack 4"), NULL), ref);
    expect_text(api("host.add_to_other_config", value_string(ref), value_string("k"),
                    value_string("v"), NULL),
                "");
    expect_failure(api("host.add_to_other_config", value_string(ref), value_string("k"),
                       value_string("w"), NULL),
                   "MAP_DUPLICATE_KEY|host|other_config|*");
    v = api_value("host.get_all_records", NULL);
    assert_int_equal(value_count(v), 1);
    assert_string_equal(value_as_string(value_get(value_get(value_at(v, 0), "other_config"), "k")),
                        "v");
    value_free(v);
    expect_text(api("host.remove_from_other_config", value_string(ref), value_string("k"), NULL),
                "");
    v = api_value("host.get_metrics", value_string(ref), NULL);
    expect_field(value_as_string(v), "host_metrics.get_memory_total", "1073741824");
    expect_field(value_as_string(v), "host_metrics.get_memory_free", "268369920");
    value_free(v);
    v = api_value("host.get_host_CPUs", value_string(ref), NULL);
    assert_int_equal(value_count(v), 2);
    expect_field(value_as_string(value_at(v, 1)), "host_cpu.get_number", "1");
    expect_field(value_as_string(value_at(v, 1)), "host_cpu.get_host", ref);
    value_free(v);
    expect_failure(api("host.get_PIFs", value_string(ref), NULL),
                   "MESSAGE_METHOD_UNKNOWN|host.get_PIFs");
}

/* What could not be looked at is answered with its reason. */
static void test_hypervisor_refuses(void **state)
{
    static const char *const methods[] = {"host_metrics.get_all", "host_metrics.get_all_records",
                                          "host_cpu.get_all_records"};

    (void)state;
    dom0.machine_fails = true;
    for (size_t i = 0; i < COUNT(methods); i++)
        expect_failure(api(methods[i], NULL), "INTERNAL_ERROR|the hypervisor does not tell of the "
                                              "machine: Operation not permitted");
}

/* Every getter of every class is of a field that the records have, and the other way round. */
static void test_getters_and_records_agree(void **state)
{
    static const struct method *const classes[] = {host_methods, host_parts_methods, vm_methods,
                                                   vm_metrics_methods, vm_device_methods};
    struct value *record, *records;
    unsigned int getters = 0;

    (void)state;
    dom0.kept = KEPT;
    fake_domain("guest", GUEST);
    for (size_t i = 0; i < COUNT(classes); i++)
        for (const struct method *m = classes[i]; m->name != NULL; m++) {
            const char *get = strstr(m->name, ".get_");
            char all[64];

            if (get == NULL || m->params[0].type != PARAM_REF || strcmp(get, ".get_record") == 0 ||
                strcmp(get, ".get_by_uuid") == 0)
                continue;
            snprintf(all, sizeof(all), "%.*s.get_all_records", (int)(get - m->name), m->name);
            records = api_value(all, NULL);
            record = value_copy(value_at(records, 0));
            if (value_get(record, get + 5) == NULL)
                fail_msg("%s: no such field", m->name);
            value_free(api_value(m->name, value_string(value_name(records, 0)), NULL));
            value_free(record);
            value_free(records);
            getters++;
        }
    assert_true(getters > 100);
}

static bool has_row(const char *verb, const char *field)
{
    char name[64];

    snprintf(name, sizeof(name), "VM.%s_%s", verb, field);
    for (const struct method *m = vm_methods; m->name != NULL; m++)
        if (strcmp(m->name, name) == 0)
            return true;
    return false;
}

static void expect_row(const char *verb, const char *field, bool wanted)
{
    if (has_row(verb, field) != wanted)
        fail_msg("VM.%s_%s: %s", verb, field, wanted ? "missing" : "of no such field");
}

/* The table of methods and those of fields: a field is read; one that a client gives is also set;
 * a map of those has its two verbs, and nothing else has. */
static void test_fields_have_their_methods(void **state)
{
    struct value *v, *record;
    char *ref = create(given("x"));
    unsigned int given_fields = 0;

    (void)state;
    record = api_value("VM.get_record", value_string(ref), NULL);
    for (size_t i = 0; i < value_count(record); i++) {
        const char *field = value_name(record, i);
        const bool written = vm_record_has(field);
        const bool is_map = written && value_kind(value_at(record, i)) == VALUE_STRUCT;

        expect_row("get", field, true);
        expect_row("set", field, written);
        expect_row("add_to", field, is_map);
        expect_row("remove_from", field, is_map);
        given_fields += written;
        if (!written)
            continue;
        /* what it is may be said again, and the row leads to that field */
        v = value_copy(value_at(record, i));
        char method[64];
        snprintf(method, sizeof(method), "VM.set_%s", field);
        expect_text(api(method, value_string(ref), v, NULL), "");
        expect_failure(api(method, value_string(ref), value_array(), NULL), "FIELD_TYPE_ERROR|*");
    }
    for (unsigned int i = 0; vm_record_field(i) != NULL; i++)
        given_fields--;
    assert_int_equal(given_fields, 0);
    value_free(record);
    free(ref);
}

/* The verbs that a row of a field begins with, and those that are of the class. */
static const char *field_of(const char *name)
{
    static const char *const verbs[] = {"VM.get_", "VM.set_", "VM.add_to_", "VM.remove_from_"};
    static const char *const others[] = {"VM.get_all", "VM.get_all_records", "VM.get_record",
                                         "VM.get_by_uuid", "VM.get_by_name_label"};

    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(name, others[i]) == 0)
            return NULL;
    for (size_t i = 0; i < COUNT(verbs); i++)
        if (strncmp(name, verbs[i], strlen(verbs[i])) == 0)
            return name + strlen(verbs[i]);
    return NULL;
}

/* The way back: no row is of a field that is not there. One that sets several names them by its
 * parameters. */
static void test_methods_have_their_fields(void **state)
{
    struct value *record;
    char *ref = create(given("x"));

    (void)state;
    record = api_value("VM.get_record", value_string(ref), NULL);
    for (const struct method *m = vm_methods; m->name != NULL; m++) {
        const char *field = field_of(m->name);

        if (m->handler == vm_set_fields) {
            assert_non_null(m->params[1].name);
            for (size_t i = 1; i < METHOD_PARAMS_MAX && m->params[i].name != NULL; i++)
                if (!vm_record_has(m->params[i].name))
                    fail_msg("%s: no field %s", m->name, m->params[i].name);
        } else if (field != NULL && value_get(record, field) == NULL) {
            fail_msg("%s: no such field", m->name);
        }
    }
    value_free(record);
    free(ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_and_look, begin, finish),
        cmocka_unit_test_setup_teardown(test_create_makes_a_new_one, begin, finish),
        cmocka_unit_test_setup_teardown(test_create_refuses, begin, finish),
        cmocka_unit_test_setup_teardown(test_too_many_devices, begin, finish),
        cmocka_unit_test_setup_teardown(test_setters, begin, finish),
        cmocka_unit_test_setup_teardown(test_maps, begin, finish),
        cmocka_unit_test_setup_teardown(test_handles, begin, finish),
        cmocka_unit_test_setup_teardown(test_destroy, begin, finish),
        cmocka_unit_test_setup_teardown(test_guest_of_xl, begin, finish),
        cmocka_unit_test_setup_teardown(test_dom0, begin, finish),
        cmocka_unit_test_setup_teardown(test_defined_and_running, begin, finish),
        cmocka_unit_test_setup_teardown(test_devices_of_a_definition, begin, finish),
        cmocka_unit_test_setup_teardown(test_host, begin, finish),
        cmocka_unit_test_setup_teardown(test_hypervisor_refuses, begin, finish),
        cmocka_unit_test_setup_teardown(test_fields_have_their_methods, begin, finish),
        cmocka_unit_test_setup_teardown(test_methods_have_their_fields, begin, finish),
        cmocka_unit_test_setup_teardown(test_getters_and_records_agree, begin, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
