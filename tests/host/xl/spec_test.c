/* SPDX-License-Identifier: MIT */
/*
 * Disk and vif specifications, disk names and rates: every form of docs/man/xl.cfg.5, old ones too,
 * and sentences for what is none.
 */
#include "tests/host/xl/check.h"
#include "dom0-tools/lib/spec.h"

static void names(void **state)
{
    static const struct {
        const char *name;
        uint32_t number;
        const char *again;
    } cases[] = {
        {"xvda", 51712, "xvda"},
        {"xvda1", 51713, "xvda1"},
        {"xvdb", 51728, "xvdb"},
        {"xvdp15", 51967, "xvdp15"},
        {"xvdq", 268439552, "xvdq"},
        {"xvda16", 268435472, "xvda16"},
        {"xvdz", 268435456 + 25 * 256, "xvdz"},
        {"xvdaa", 268435456 + 26 * 256, "xvdaa"},
        {"d0p0", 51712, "xvda"},
        {"d2p3", 51747, "xvdc3"},
        {"d17p1", 268435456 + 17 * 256 + 1, "xvdr1"},
        {"hda", 768, "hda"},
        {"hdb1", 833, "hdb1"},
        {"hdc", 5632, "hdc"},
        {"hdd5", 5701, "hdd5"},
        {"sda", 2048, "sda"},
        {"sdb2", 2066, "sdb2"},
        {"51712", 51712, "xvda"},
        {"0xca00", 51712, "xvda"},
    };
    static const char *const bad[] = {"",          "xvd",        "xvda1x",  "xvdA",     "hde",
                                      "hda64",     "sdq",        "sda16",   "d1",       "d1p",
                                      "d1p256",    "d1048576p0", "vda",     "0",        "-1",
                                      "536870912", "51712x",     "xvda256", "xvdaaaaaa"};
    struct vdev v;
    char name[32];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(vdev_parse(cases[i].name, &v), 0);
        assert_int_equal(v.number, cases[i].number);
        vdev_name(v.number, name);
        assert_string_equal(name, cases[i].again);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (vdev_parse(bad[i], &v) != -1)
            fail_msg("%s was taken for a disk", bad[i]);
}

struct disk_case {
    const char *text, *target, *vdev;
    enum disk_format format;
    enum disk_backend backend;
    unsigned int flags; /* as below */
};
enum { RO = 1, CD = 2, DIRECT = 4, NO_DISCARD = 8, UNTRUSTED = 16 };

static void disks(void **state)
{
    static const struct disk_case cases[] = {
        {"/dev/vg/lv,raw,xvda,rw", "/dev/vg/lv", "xvda", DISK_FORMAT_RAW, DISK_AUTO, 0},
        {"/dev/vg/lv,,hda", "/dev/vg/lv", "hda", DISK_FORMAT_RAW, DISK_AUTO, 0},
        {"/dev/vg/lv,raw,xvda,ro", "/dev/vg/lv", "xvda", DISK_FORMAT_RAW, DISK_AUTO, RO},
        {" /a.img , raw , xvdb , w ", "/a.img", "xvdb", DISK_FORMAT_RAW, DISK_AUTO, 0},
        {"format=raw, vdev=hda, access=r, target=/a,b=c.img", "/a,b=c.img", "hda", DISK_FORMAT_RAW,
         DISK_AUTO, RO},
        {"/a,qcow2,xvda", "/a", "xvda", DISK_FORMAT_QCOW2, DISK_AUTO, 0},
        {"/a,raw,xvda,w,backendtype=qdisk", "/a", "xvda", DISK_FORMAT_RAW, DISK_QDISK, 0},
        {"/a,raw,xvda,w,direct-io-safe,no-discard,untrusted", "/a", "xvda", DISK_FORMAT_RAW,
         DISK_AUTO, DIRECT | NO_DISCARD | UNTRUSTED},
        {"phy:/dev/loop0,xvda,w", "/dev/loop0", "xvda", DISK_FORMAT_RAW, DISK_AUTO, 0},
        {"file:/a.img,hdc:cdrom,r", "/a.img", "hdc", DISK_FORMAT_RAW, DISK_AUTO, RO | CD},
        {"file:/a.img,xvda1:disk,w", "/a.img", "xvda1", DISK_FORMAT_RAW, DISK_AUTO, 0},
        {"phy:vg/lv,xvda", "vg/lv", "xvda", DISK_FORMAT_RAW, DISK_AUTO, 0},
        {"tap:aio:/a.img,xvda,w", "/a.img", "xvda", DISK_FORMAT_RAW, DISK_AUTO, 0},
        {"tap:qcow2:/a.img,xvda,w", "/a.img", "xvda", DISK_FORMAT_QCOW2, DISK_AUTO, 0},
        {"vdev=hdc,devtype=cdrom", NULL, "hdc", DISK_FORMAT_EMPTY, DISK_AUTO, RO | CD},
        {"/a.iso,,hdc,cdrom", "/a.iso", "hdc", DISK_FORMAT_RAW, DISK_AUTO, RO | CD},
        {"/a=b.img,raw,xvda", "/a=b.img", "xvda", DISK_FORMAT_RAW, DISK_AUTO, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct disk_case *c = &cases[i];
        struct failure why = {0};
        struct disk_spec d;

        if (disk_spec_parse("t", c->text, &d, &why) != 0)
            fail_msg("%s: %s", c->text, why.text);
        if (c->target != NULL)
            assert_string_equal(d.target, c->target);
        else
            assert_null(d.target);
        assert_string_equal(d.vdev, c->vdev);
        assert_int_equal(d.format, c->format);
        assert_int_equal(d.backend, c->backend);
        assert_int_equal((d.readonly ? RO : 0) | (d.cdrom ? CD : 0) |
                             (d.direct_io_safe ? DIRECT : 0) | (d.no_discard ? NO_DISCARD : 0) |
                             (d.untrusted ? UNTRUSTED : 0),
                         c->flags);
        assert_int_equal(d.removable, d.cdrom);
        disk_spec_free(&d);
    }
}

static void disk_script(void **state)
{
    struct failure why = {0};
    struct disk_spec d;

    (void)state;
    assert_int_equal(disk_spec_parse("t", "script=block-x,vdev=xvda,target=iqn,1", &d, &why), 0);
    assert_string_equal(d.script, "block-x");
    assert_string_equal(d.target, "iqn,1");
    disk_spec_free(&d);
    assert_int_equal(disk_spec_parse("t", "drbd:r0,xvda,w", &d, &why), 0);
    assert_string_equal(d.script, "block-drbd");
    assert_string_equal(d.target, "r0");
    disk_spec_free(&d);
    assert_int_equal(disk_spec_parse("t", "/a,raw,xvda,w,backend=storage", &d, &why), 0);
    assert_string_equal(d.backend_domain, "storage");
    disk_spec_free(&d);
}

static void disk_complaints(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"nofile",
         "SRC: config parsing error in disk specification: no vdev specified in `nofile'"},
        {"", "SRC: config parsing error in disk specification: no vdev specified in `'"},
        {"/a,raw,vda", "SRC: config parsing error in disk specification: unknown vdev `vda' in "
                       "`/a,raw,vda'"},
        {"/a,zip,xvda", "SRC: config parsing error in disk specification: unknown format `zip' in "
                        "`/a,zip,xvda'"},
        {"/a,raw,xvda,x", "SRC: config parsing error in disk specification: unknown access mode "
                          "`x' in `/a,raw,xvda,x'"},
        {"/a,raw,xvda,w,zzz=1", "SRC: config parsing error in disk specification: unknown "
                                "parameter `zzz=1' in `/a,raw,xvda,w,zzz=1'"},
        {"/a,raw,xvda,w,more", "SRC: config parsing error in disk specification: one word too "
                               "many: `more' in `/a,raw,xvda,w,more'"},
        {",raw,xvda,w", "SRC: config parsing error in disk specification: no target specified for "
                        "vdev `xvda' in `,raw,xvda,w'"},
        {"/a,raw,xvda,w,backendtype=x", "SRC: config parsing error in disk specification: unknown "
                                        "backendtype `x' in `/a,raw,xvda,w,backendtype=x'"},
        {"/a,raw,hdc,w,cdrom", "SRC: config parsing error in disk specification: a cdrom cannot "
                               "be writable; vdev `hdc' in `/a,raw,hdc,w,cdrom'"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct failure why = {0};
        struct disk_spec d;

        assert_int_equal(disk_spec_parse("SRC", cases[i].text, &d, &why), -1);
        assert_string_equal(why.text, cases[i].sentence);
    }
}

static void vifs(void **state)
{
    static const uint8_t mac[6] = {0, 0x16, 0x3e, 0xaa, 0xbb, 0xcc};
    struct failure why = {0};
    struct vif_spec v;

    (void)state;
    assert_int_equal(vif_spec_parse("t", "", &v, NULL, &why), 0);
    assert_false(v.has_mac);
    assert_null(v.bridge);
    assert_int_equal(v.devid, -1);
    vif_spec_free(&v);
    assert_int_equal(vif_spec_parse("t",
                                    " mac=00:16:3E:aa:bb:cc , bridge = br0,ip=10.0.0.1 10.0.0.2,"
                                    "vifname=g1,rate=10MB/s,devid=3,mtu=9000,script=vif-bridge,"
                                    "backend=net,type=vif,model=e1000,accel=x,untrusted,netdev=e0",
                                    &v, NULL, &why),
                     0);
    assert_true(v.has_mac);
    assert_memory_equal(v.mac, mac, 6);
    assert_string_equal(v.bridge, "br0");
    assert_string_equal(v.ip, "10.0.0.1 10.0.0.2");
    assert_string_equal(v.ifname, "g1");
    assert_string_equal(v.gatewaydev, "e0");
    assert_string_equal(v.backend_domain, "net");
    assert_int_equal(v.rate_bytes, 500000);
    assert_int_equal(v.rate_usecs, 50000);
    assert_int_equal(v.devid, 3);
    assert_int_equal(v.mtu, 9000);
    assert_true(v.untrusted);
    vif_spec_free(&v);
}

static void vif_unknown(void **state)
{
    struct failure why = {0};
    struct vif_spec v;
    char said[64] = "";
    FILE *warn = fmemopen(said, sizeof(said), "w");

    (void)state;
    assert_int_equal(vif_spec_parse("t", "zzz=1,bridge=b", &v, warn, &why), 0);
    fclose(warn);
    assert_string_equal(said, "unrecognized argument `zzz=1'\n");
    assert_string_equal(v.bridge, "b");
    vif_spec_free(&v);
}

static void vif_complaints(void **state)
{
    static const char *const bad[] = {"mac=00:16:3e:aa:bb",
                                      "mac=00:16:3e:aa:bb:cc:dd",
                                      "mac=x",
                                      "mac=01:00:00:00:00:01",
                                      "mac=00:16:3e:aa:bb:c",
                                      "bridge=",
                                      "bridge=../../x",
                                      "bridge=0123456789abcdef",
                                      "rate=fast",
                                      "rate=1MB",
                                      "devid=x",
                                      "mtu=10",
                                      "mtu=65536",
                                      "type=ioemu",
                                      "vlan=3"};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct failure why = {0};
        struct vif_spec v;

        if (vif_spec_parse("SRC", bad[i], &v, NULL, &why) != -1)
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(why.text, "SRC: config parsing error in vif specification: "));
        assert_non_null(strstr(why.text, bad[i]));
    }
}

static void rates(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
        uint32_t usecs;
    } cases[] = {
        {"10MB/s", 500000, 50000},
        {"10Mb/s", 62500, 50000},
        {"1Gb/s@20ms", 2500000, 20000},
        {"250KB/s", 12500, 50000},
        {"1.5MB/s@1s", 1500000, 1000000},
        {"2000B/s@100us", 0, 0},
        {"100B/s", 5, 50000},
        {"1GB/s@4000s", 0, 0},
        {"-1MB/s", 0, 0},
        {"1MB/s@", 0, 0},
        {"1MB/s@0s", 0, 0},
        {"1..5MB/s", 0, 0},
        {"999999999999999GB/s", 0, 0},
        {"", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t bytes = 0;
        uint32_t usecs = 0;
        int rc = rate_parse(cases[i].text, &bytes, &usecs);

        if ((rc == 0) != (cases[i].bytes != 0))
            fail_msg("%s: %d", cases[i].text, rc);
        if (rc != 0)
            continue;
        assert_int_equal(bytes, cases[i].bytes);
        assert_int_equal(usecs, cases[i].usecs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),           cmocka_unit_test(disks), cmocka_unit_test(disk_script),
        cmocka_unit_test(disk_complaints), cmocka_unit_test(vifs),  cmocka_unit_test(vif_unknown),
        cmocka_unit_test(vif_complaints),  cmocka_unit_test(rates),
    };

    return cmocka_run_group_tests_name("xl_spec", tests, NULL, NULL);
}
