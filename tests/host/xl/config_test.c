/* SPDX-License-Identifier: MIT */
/*
 * Keys of xl.cfg: what a whole configuration comes to, which defaults it gets, what is warned
 * about, at and past every limit; and the JSON of it.
 */
#include "tests/host/xl/check.h"
#include "dom0-tools/lib/guest_config.h"

#define BASE "name='g'\nkernel='/k'\nmemory=64\n"

static char said[2048];

/* Reads text after BASE (or alone when it begins with '!'); warnings are left in said. */
static int read_text(const char *text, struct guest_config *g, struct failure *why)
{
    char whole[4096];
    struct cfg *cfg;
    FILE *warn = fmemopen(said, sizeof(said), "w");
    int rc;

    snprintf(whole, sizeof(whole), "%s%s", *text == '!' ? "" : BASE,
             *text == '!' ? text + 1 : text);
    memset(said, 0, sizeof(said));
    rc = cfg_parse("t", whole, strlen(whole), &cfg, why);
    if (rc == 0) {
        rc = guest_config_read(cfg, g, warn, why);
        cfg_free(cfg);
    }
    fclose(warn);
    return rc;
}

static void good(const char *text, struct guest_config *g)
{
    struct failure why = {0};

    if (read_text(text, g, &why) != 0)
        fail_msg("%s: %s", text, why.text);
}

static void defaults(void **state)
{
    struct guest_config g;

    (void)state;
    good("", &g);
    assert_string_equal(g.name, "g");
    assert_int_equal(g.memory_kib, 65536);
    assert_int_equal(g.max_memory_kib, 65536);
    assert_int_equal(g.vcpus, 1);
    assert_int_equal(g.max_vcpus, 1);
    assert_int_equal(g.on_poweroff, ACTION_DESTROY);
    assert_int_equal(g.on_reboot, ACTION_RESTART);
    assert_int_equal(g.on_crash, ACTION_DESTROY);
    assert_int_equal(g.uuid[6] >> 4, 4);
    assert_null(g.cmdline);
    assert_string_equal(said, "");
    guest_config_free(&g);
}

static void whole(void **state)
{
    struct guest_config g;

    (void)state;
    good("uuid='11111111-2222-3333-4444-555555555555'\nvcpus=2\nmaxvcpus=4\nmaxmem=128\n"
         "ramdisk='/r'\nroot='/dev/xvda1'\nextra='ro quiet'\non_crash='preserve'\n"
         "on_poweroff='rename-restart'\ncpus='0-3,^2'\ncpu_weight=512\ncap=50\n"
         "disk=['/a,raw,xvda','/b,raw,xvdb,r',]\nvif=['','bridge=b1']\ntype='pv'\n"
         "max_grant_frames=128\nmax_event_channels=2047",
         &g);
    assert_string_equal(g.cmdline, "root=/dev/xvda1 ro quiet");
    assert_int_equal(g.max_vcpus, 4);
    assert_int_equal(g.max_memory_kib, 131072);
    assert_int_equal(g.on_crash, ACTION_PRESERVE);
    assert_int_equal(g.on_poweroff, ACTION_RENAME_RESTART);
    assert_int_equal(g.hard[0].cpus[0], 0x0b);
    assert_int_equal(g.n_disks, 2);
    assert_true(g.disks[1].readonly);
    assert_int_equal(g.n_vifs, 2);
    assert_string_equal(g.vifs[1].bridge, "b1");
    assert_int_equal(g.max_grant_frames, 128);
    assert_int_equal(g.max_event_channels, 2047);
    assert_int_equal(g.uuid[15], 0x55);
    guest_config_free(&g);
}

static void warnings(void **state)
{
    static const struct {
        const char *text, *warning;
    } cases[] = {
        {"foo=1", "t:4: warning: parameter `foo' is unknown, and is ignored\n"},
        {"vcpus='two'", "t:4: warning: parameter `vcpus' is not a valid number\n"},
        {"pci=['0:1']",
         "t:4: warning: parameter `pci' is known to Xen but not supported here, and is ignored\n"},
        {"pci=[]", ""},
        {"e820_host=0", ""},
        {"e820_host=1", "t:4: warning: parameter `e820_host' is known to Xen but not supported "
                        "here, and is ignored\n"},
        {"nomigrate=1", ""},
        {"cmdline='a'\nextra='b'",
         "t: warning: ignoring root and extra, as cmdline is specified\n"},
        {"on_crash='coredump-restart'", "t:4: warning: parameter `on_crash' asks for a core dump, "
                                        "which is not available here: none is written\n"},
        {"vif=['zzz=1']", "unrecognized argument `zzz=1'\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct guest_config g;

        good(cases[i].text, &g);
        assert_string_equal(said, cases[i].warning);
        guest_config_free(&g);
    }
}

static void complaints(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"!kernel='/k'", "Domain name must be specified."},
        {"!name='g'", "Neither kernel nor bootloader specified"},
        {"!name='g'\nbootloader='pygrub'",
         "t:2: `bootloader' cannot be run here: name the kernel in kernel="},
        {"type='zzz'", "Invalid domain type zzz."},
        {"type='pvh'",
         "t:4: `type' asks for a kind of guest that is not available here: only pv is"},
        {"builder='hvm'",
         "t:4: `builder' asks for a kind of guest that is not available here: only pv is"},
        {"on_crash='zzz'", "Unknown on_crash action \"zzz\" specified"},
        {"memory=0", "t:4: `memory' must be between 1 and 16777216"},
        {"memory=16777217", "t:4: `memory' must be between 1 and 16777216"},
        {"memory='-1'", "t:4: `memory' must be between 1 and 16777216"},
        {"memory=99999999999999999999", "t:4: `memory' must be between 1 and 16777216"},
        {"memory=[1]", "t:4: `memory' takes a number, not a list"},
        {"maxmem=32", "t: memory (64 MiB) is more than maxmem (32 MiB)"},
        {"vcpus=0", "t:4: `vcpus' must be between 1 and 8192"},
        {"vcpus=8193", "t:4: `vcpus' must be between 1 and 8192"},
        {"vcpus=4\nmaxvcpus=2", "t: vcpus (4) is more than maxvcpus (2)"},
        {"uuid='123'", "t:4: Failed to parse UUID: 123"},
        {"name='a/b'", "t:4: `name' cannot hold a '/' or a control character"},
        {"name='a\\nb'", "t:4: `name' cannot hold a '/' or a control character"},
        {"name='..'", "t:4: `name' cannot be \".\" or \"..\""},
        {"name=''", "Domain name must be specified."},
        {"disk='/a,raw,xvda'", "t:4: `disk' takes a list of strings in [ ]"},
        {"disk=[['/a']]", "t:4: `disk' takes a list of strings, and item 1 is not one"},
        {"disk=['/a,raw,xvda',\n'/b,raw,51712']", "t:5: two disks have the vdev 51712"},
        {"disk=['x']", "t:4: config parsing error in disk specification: no vdev specified in `x'"},
        {"cpus='0-300'", "t:4: `cpus' is not a set of CPUs such as \"0-3,^2\" or \"all\""},
        {"pool='p1'", "t:4: `pool' names a CPU pool, and only Pool-0 is available here"},
        {"max_grant_version=3", "t:4: `max_grant_version' must be between 1 and 2"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct failure why = {0};
        struct guest_config g;

        if (read_text(cases[i].text, &g, &why) != -1)
            fail_msg("%s was taken", cases[i].text);
        assert_string_equal(why.text, cases[i].sentence);
    }
}

static void long_name(void **state)
{
    char text[256] = "name='";
    struct failure why = {0};
    struct guest_config g;

    (void)state;
    memset(text + 6, 'n', GUEST_NAME_MAX);
    strcpy(text + 6 + GUEST_NAME_MAX, "'");
    good(text, &g);
    guest_config_free(&g);
    strcpy(text + 6 + GUEST_NAME_MAX, "n'");
    assert_int_equal(read_text(text, &g, &why), -1);
    assert_string_equal(why.text, "t:4: `name' must have 1 to 128 bytes");
}

static void json(void **state)
{
    static const char expected[] = "{\n"
                                   "    \"c_info\": {\n"
                                   "        \"type\": \"pv\",\n"
                                   "        \"name\": \"pv1\",\n"
                                   "        \"uuid\": \"11111111-2222-3333-4444-555555555555\",\n"
                                   "        \"run_hotplug_scripts\": \"True\"\n"
                                   "    },\n"
                                   "    \"b_info\": {\n"
                                   "        \"max_vcpus\": 2,\n"
                                   "        \"avail_vcpus\": [\n"
                                   "            0\n"
                                   "        ],\n"
                                   "        \"max_memkb\": 262144,\n"
                                   "        \"target_memkb\": 204800,\n"
                                   "        \"sched_params\": {\n"
                                   "\n"
                                   "        },\n"
                                   "        \"claim_mode\": \"True\",\n"
                                   "        \"kernel\": \"/g/vmlinuz\",\n"
                                   "        \"cmdline\": \"console=hvc0 quiet\",\n"
                                   "        \"ramdisk\": \"/g/dui.gz\",\n"
                                   "        \"type.pv\": {\n"
                                   "\n"
                                   "        },\n"
                                   "        \"arch_arm\": {\n"
                                   "\n"
                                   "        },\n"
                                   "        \"arch_x86\": {\n"
                                   "\n"
                                   "        }\n"
                                   "    },\n"
                                   "    \"disks\": [\n"
                                   "        {\n"
                                   "            \"pdev_path\": \"/dev/loop0\",\n"
                                   "            \"vdev\": \"xvda\",\n"
                                   "            \"format\": \"raw\",\n"
                                   "            \"readwrite\": 1\n"
                                   "        }\n"
                                   "    ],\n"
                                   "    \"nics\": [\n"
                                   "        {\n"
                                   "            \"devid\": 0,\n"
                                   "            \"mac\": \"00:16:3e:01:02:03\",\n"
                                   "            \"bridge\": \"br0\"\n"
                                   "        }\n"
                                   "    ],\n"
                                   "    \"on_reboot\": \"restart\",\n"
                                   "    \"on_crash\": \"preserve\",\n"
                                   "    \"on_soft_reset\": \"soft_reset\"\n"
                                   "}\n";
    struct guest_config g;
    char *text;

    (void)state;
    good("!name='pv1'\nuuid='11111111-2222-3333-4444-555555555555'\nmaxvcpus=2\nmemory=200\n"
         "maxmem=256\nkernel='/g/vmlinuz'\nextra='console=hvc0 quiet'\nramdisk='/g/dui.gz'\n"
         "disk=['phy:/dev/loop0,xvda,w']\nvif=['mac=00:16:3e:01:02:03,bridge=br0']\n"
         "on_crash='preserve'",
         &g);
    text = guest_config_json(&g, false);
    assert_string_equal(text, expected);
    free(text);
    guest_config_free(&g);
}

/* What is kept comes back as what it was: printed again it is the same text. */
static void json_back(void **state)
{
    static const char *const cases[] = {
        "", "uuid='11111111-2222-3333-4444-555555555555'\nvcpus=2\nmaxvcpus=4\nmaxmem=128\n"
            "ramdisk='/r'\nroot='/dev/xvda1'\nextra='ro \"quiet\"'\non_crash='preserve'\n"
            "on_poweroff='rename-restart'\non_reboot='destroy'\non_watchdog='coredump-restart'\n"
            "cpus=['0-3,^2','7']\ncpus_soft='255'\ncpu_weight=512\ncap=50\n"
            "disk=['/a,raw,xvda','/b,raw,xvdb,r,no-discard,direct-io-safe,backend=x',\n"
            "'/i,,hdc,cdrom','/q,qcow2,sda,w,backendtype=qdisk','vdev=hda,cdrom']\n"
            "vif=['mac=00:16:3e:01:02:03,rate=1MB/s,ip=1.2.3.4,mtu=9000,vifname=x,netdev=e',\n"
            "'bridge=b1,backend=y,devid=5,script=vif-bridge']\n"
            "max_grant_frames=128\nmax_maptrack_frames=9\nmax_grant_version=1\n"
            "max_event_channels=2047"};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct failure why = {0};
        struct guest_config g, back;
        char *first, *second;

        good(cases[i], &g);
        first = guest_config_json(&g, true);
        if (guest_config_from_json(first, &back, &why) != 0)
            fail_msg("%s", why.text);
        second = guest_config_json(&back, true);
        assert_string_equal(first, second);
        free(first);
        free(second);
        guest_config_free(&g);
        guest_config_free(&back);
    }
}

static void json_damage(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"c_info\":{\"type\":\"pv\"},\"b_info\":{\"sched_params\":{}}}",
        "{\"c_info\":{\"type\":\"pv\",\"name\":\"../x\",\"uuid\":"
        "\"11111111-2222-3333-4444-555555555555\"},\"b_info\":{\"target_memkb\":4,"
        "\"kernel\":\"/k\"}}",
        "{\"c_info\":{\"type\":\"pv\",\"name\":\"g\",\"uuid\":"
        "\"11111111-2222-3333-4444-555555555555\"},\"b_info\":{\"target_memkb\":4,"
        "\"kernel\":\"/k\"},\"disks\":[{\"vdev\":\"zzz\",\"pdev_path\":\"/a\"}]}",
    };
    struct guest_config g;
    char *json;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct failure why = {0};

        assert_int_equal(guest_config_from_json(bad[i], &g, &why), -1);
        assert_non_null(strstr(why.text, "cannot use the kept configuration: "));
    }
    good("disk=['/a,raw,xvda']\nvif=['mac=00:16:3e:01:02:03']", &g);
    json = guest_config_json(&g, true);
    guest_config_free(&g);
    for (size_t i = 0; json[i] != '\0'; i++) {
        struct failure why = {0};
        char kept = json[i];

        json[i] = kept == '0' ? '-' : '0';
        if (guest_config_from_json(json, &g, &why) == 0)
            guest_config_free(&g);
        json[i] = kept;
    }
    free(json);
}

/* A guest that a bootloader was to start can be looked at, and not started again. */
static void json_without_kernel(void **state)
{
    static const char text[] = "{\"c_info\":{\"type\":\"pv\",\"name\":\"g\",\"uuid\":"
                               "\"11111111-2222-3333-4444-555555555555\"},\"b_info\":{"
                               "\"target_memkb\":4,\"bootloader\":\"pygrub\"}}";
    struct guest_config g;
    struct failure why;

    (void)state;
    assert_int_equal(guest_config_from_json(text, &g, &why), -1);
    assert_non_null(strstr(why.text, "names no kernel"));
    assert_int_equal(guest_config_look(text, &g, &why), 0);
    assert_string_equal(g.name, "g");
    assert_int_equal(g.memory_kib, 4);
    assert_null(g.kernel);
    guest_config_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_without_kernel),
        cmocka_unit_test(defaults),
        cmocka_unit_test(whole),
        cmocka_unit_test(warnings),
        cmocka_unit_test(complaints),
        cmocka_unit_test(long_name),
        cmocka_unit_test(json),
        cmocka_unit_test(json_back),
        cmocka_unit_test(json_damage),
    };

    return cmocka_run_group_tests_name("xl_config", tests, NULL, NULL);
}
