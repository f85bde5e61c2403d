/* SPDX-License-Identifier: MIT */
/*
 * xl's tables, byte by byte as Xen 4.17's xl printed them.
 */
#include "tests/host/xl/check.h"
#include "dom0-tools/xl/format.h"

static char out[1024];

static FILE *begin(void)
{
    memset(out, 0, sizeof(out));
    return fmemopen(out, sizeof(out), "w");
}

static void expect(FILE *f, const char *text)
{
    fclose(f);
    assert_string_equal(out, text);
}

static const struct hv_dominfo dom0 = {
    .tot_pages = 1024 * 256, .running = true, .cpu_time_ns = 8040000000, .nr_online_vcpus = 1};
static const struct hv_dominfo stopped = {.domid = 5,
                                          .tot_pages = 180 * 256,
                                          .paused = true,
                                          .shutdown = true,
                                          .cpu_time_ns = 3700000000,
                                          .nr_online_vcpus = 2,
                                          .handle = {0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33,
                                                     0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55,
                                                     0x55}};

static void list(void **state)
{
    FILE *f = begin();
    struct hv_dominfo crashed = stopped;

    (void)state;
    format_list_header(f, 0);
    format_list_row(f, &dom0, "Domain-0", 0, "", "");
    format_list_row(f, &stopped, "pv1", 0, "", "");
    crashed.shutdown_reason = HV_SHUTDOWN_CRASH;
    format_list_row(f, &crashed, NULL, 0, "", "");
    expect(f, "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
              "Domain-0                                     0  1024     1     r-----       8.0\n"
              "pv1                                          5   180     2     --ps--       3.7\n"
              "(null)                                       5   180     2     --psc-       3.7\n");
}

static void list_columns(void **state)
{
    FILE *f = begin();

    (void)state;
    format_list_header(f, LIST_VERBOSE);
    format_list_row(f, &dom0, "Domain-0", LIST_VERBOSE, "", "");
    format_list_row(f, &stopped, "pv1", LIST_VERBOSE, "", "");
    expect(f,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID     "
           "                       Reason-Code\tSecurity Label\n"
           "Domain-0                                     0  1024     1     r-----       8.0 "
           "00000000-0000-0000-0000-000000000000        -                -\n"
           "pv1                                          5   180     2     --ps--       3.7 "
           "11111111-2222-3333-4444-555555555555        0                -\n");
    f = begin();
    format_list_header(f, LIST_CPUPOOL | LIST_NUMA);
    format_list_row(f, &dom0, "Domain-0", LIST_CPUPOOL | LIST_NUMA, "Pool-0", "all");
    expect(f,
           "Name                                        ID   Mem VCPUs\tState\tTime(s)         "
           "Cpupool NODE Affinity\n"
           "Domain-0                                     0  1024     1     r-----       8.0      "
           "    Pool-0 all\n");
}

static void block(void **state)
{
    const struct block_row row = {51712, 0, 1, 4, 9, 8, "/local/domain/0/backend/vbd/1/51712"};
    const struct block_row bare = {51712, 0, 1, 1, -1, -1, "/local/domain/0/backend/vbd/1/51712"};
    FILE *f = begin();

    (void)state;
    format_block_header(f);
    format_block_row(f, &bare);
    format_block_row(f, &row);
    expect(f, "Vdev  BE  handle state evt-ch ring-ref BE-path                       \n"
              "51712 0   1      1     -1     -1       /local/domain/0/backend/vbd/1/51712\n"
              "51712 0   1      4     9      8        /local/domain/0/backend/vbd/1/51712\n");
}

static void network(void **state)
{
    const struct network_row row = {
        0, 0, 4, 0, "00:16:3e:01:02:03", -1, 522, 523, "/local/domain/0/backend/vif/1/0"};
    const struct network_row bare = {
        0, 0, 1, 0, "00:16:3e:01:02:03", -1, -1, -1, "/local/domain/0/backend/vif/1/0"};
    FILE *f = begin();

    (void)state;
    format_network_header(f);
    format_network_row(f, &bare);
    format_network_row(f, &row);
    expect(f, "Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref BE-path              "
              "         \n"
              "0   0  00:16:3e:01:02:03     0     1     -1    -1/-1          "
              "/local/domain/0/backend/vif/1/0\n"
              "0   0  00:16:3e:01:02:03     0     4     -1   522/523         "
              "/local/domain/0/backend/vif/1/0\n");
}

static void words(void **state)
{
    static const uint8_t none[2], all[2] = {0xff, 0x03}, some[2] = {0x2f, 0x02};
    char text[64];

    (void)state;
    format_bitmap(none, 10, text, sizeof(text));
    assert_string_equal(text, "none");
    format_bitmap(all, 10, text, sizeof(text));
    assert_string_equal(text, "all");
    format_bitmap(some, 10, text, sizeof(text));
    assert_string_equal(text, "0-3,5,9");
    format_bitmap(some, 10, text, 5);
    assert_string_equal(text, "0-3,");
    format_uptime(31, text, sizeof(text));
    assert_string_equal(text, " 0:00:31");
    format_uptime(86400 + 3661, text, sizeof(text));
    assert_string_equal(text, "1 day,  1:01:01");
    format_uptime(2 * 86400, text, sizeof(text));
    assert_string_equal(text, "2 days,  0:00:00");
    format_capabilities(HV_CAP_PV | HV_CAP_HVM | HV_CAP_HAP | HV_CAP_GNTTAB_V1 | HV_CAP_GNTTAB_V2,
                        text, sizeof(text));
    assert_string_equal(text, "pv hvm hap gnttab-v1 gnttab-v2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list),    cmocka_unit_test(list_columns), cmocka_unit_test(block),
        cmocka_unit_test(network), cmocka_unit_test(words),
    };

    return cmocka_run_group_tests_name("xl_format", tests, NULL, NULL);
}
