/* SPDX-License-Identifier: MIT */
/*
 * Operations: what each may start from (a table of state and operation), what they do, how they
 * wait for a guest that acts, acts late or never, and what happens when two meet on one VM. The
 * guest and its monitor are played in the hook that waiting calls.
 */
#include "tests/host/xl/check.h"
#include "tests/host/xapid_vm/fake_dom0.h"

#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/power.h"
#include "dom0-tools/xapid/vm.h"

#include <errno.h>

#define DOM0_REF "00000000-0000-0000-0000-000000000000"
#define GUEST    "11111111-2222-4333-8444-555555555555"

static char *ref;
static void (*guest)(void); /* what it does when somebody waits for it */
static unsigned int waits;

static void on_wait(struct store *s)
{
    (void)s;
    waits++;
    if (guest != NULL)
        guest();
}

static int begin(void **state)
{
    struct value *given = value_struct(), *v;

    (void)state;
    fake_daemon_start(on_wait);
    value_set(given, "name_label", value_string("vm"));
    value_set(given, "memory_static_max", value_string("134217728"));
    value_set(given, "PV_kernel", value_string("/proc/self/exe"));
    v = api_value("VM.create", given, NULL);
    ref = strdup(value_as_string(v));
    value_free(v);
    power_times = (struct power_times){.ack = 60, .end = 60, .again = 60, .monitor = 100};
    guest = NULL;
    waits = 0;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    free(ref);
    power_stopping = false;
    return fake_daemon_stop();
}

static struct value *start(bool paused)
{
    return api("VM.start", value_string(ref), value_boolean(paused), NULL);
}

static struct value *operate(const char *operation)
{
    char method[40];

    snprintf(method, sizeof(method), "VM.%s", operation);
    return strcmp(operation, "start") == 0 ? start(false) : api(method, value_string(ref), NULL);
}

static void expect_state(const char *state)
{
    expect_text(api("VM.get_power_state", value_string(ref), NULL), state);
}

static struct hv_dominfo *domain(void)
{
    return fake_domain_of(ref);
}

/* --- gates */

enum state { HALTED, RUNNING, PAUSED, CRASHED, SUSPENDED, STOPPED, N_STATES };

static void bring_into(enum state state)
{
    if (domain() != NULL)
        fake_domain_end(ref);
    if (state == HALTED)
        return;
    fake_domain("vm", ref);
    domain()->paused = state == PAUSED;
    domain()->shutdown = state >= CRASHED;
    domain()->shutdown_reason = state == CRASHED     ? HV_SHUTDOWN_CRASH
                                : state == SUSPENDED ? HV_SHUTDOWN_SUSPEND
                                                     : HV_SHUTDOWN_POWEROFF;
}

static void end_at_once(void)
{
    if (domain() != NULL)
        fake_domain_end(ref);
}

static void test_gates(void **state)
{
    static const struct {
        const char *operation, *expected;
        const char
            *allowed[N_STATES + 1]; /* by state: 1 allowed, 0 bad power state, n not allowed */
    } rows[] = {
        {"start", "Halted", {"1", "0", "0", "0", "0", "n"}},
        {"pause", "Running", {"0", "1", "0", "0", "0", "0"}},
        {"unpause", "Paused", {"0", "0", "1", "0", "0", "0"}},
        {"clean_shutdown", "Running", {"0", "1", "0", "0", "0", "0"}},
        {"clean_reboot", "Running", {"0", "1", "0", "0", "0", "0"}},
        {"hard_shutdown", "Running", {"0", "1", "1", "1", "1", "1"}},
        {"hard_reboot", "Running", {"0", "1", "1", "1", "1", "1"}},
    };
    static const char *const names[] = {"Halted",  "Running",   "Paused",
                                        "Crashed", "Suspended", "Halted"};
    char words[128];

    (void)state;
    guest = end_at_once;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (enum state s = HALTED; s < N_STATES; s++) {
            struct value *answer;
            bool listed = false;
            struct value *operations;

            bring_into(s);
            expect_state(names[s]);
            operations = api_value("VM.get_allowed_operations", value_string(ref), NULL);
            for (size_t j = 0; j < value_count(operations); j++)
                listed |= strcmp(value_as_string(value_at(operations, j)), rows[i].operation) == 0;
            value_free(operations);
            answer = operate(rows[i].operation);
            switch (*rows[i].allowed[s]) {
            case '1':
                expect_text(answer, "");
                assert_true(listed);
                break;
            case '0':
                snprintf(words, sizeof(words), "VM_BAD_POWER_STATE|%s|%s|%s", ref, rows[i].expected,
                         names[s]);
                expect_failure(answer, words);
                assert_false(listed);
                break;
            default:
                expect_failure(answer, "OPERATION_NOT_ALLOWED|*");
            }
        }
}

static void test_dom0_is_left_alone(void **state)
{
    static const char *const methods[] = {"VM.pause",          "VM.unpause",
                                          "VM.clean_shutdown", "VM.clean_reboot",
                                          "VM.hard_shutdown",  "VM.hard_reboot"};

    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++)
        expect_failure(api(methods[i], value_string(DOM0_REF), NULL), "OPERATION_NOT_ALLOWED|*");
    expect_failure(api("VM.start", value_string(DOM0_REF), value_boolean(false), NULL),
                   "OPERATION_NOT_ALLOWED|*");
    assert_int_equal(dom0.n, 1);
    assert_false(dom0.domains[0].paused);
}

/* --- start */

static void test_start(void **state)
{
    (void)state;
    expect_text(start(false), "");
    expect_state("Running");
    assert_int_equal(dom0.starts, 1);
    assert_int_equal(dom0.monitors_left, 1);
    expect_text(operate("hard_shutdown"), "");
    expect_state("Halted");
    expect_text(start(true), "");
    expect_state("Paused");
    expect_text(operate("unpause"), "");
    expect_state("Running");
}

static void test_start_fails(void **state)
{
    (void)state;
    expect_text(api("VM.set_PV_kernel", value_string(ref), value_string("/no/kernel"), NULL), "");
    expect_failure(start(false), "VALUE_NOT_SUPPORTED|PV_kernel|/no/kernel|*");
    expect_text(api("VM.set_PV_kernel", value_string(ref), value_string(""), NULL), "");
    expect_failure(start(false), "VALUE_NOT_SUPPORTED|PV_kernel||a guest needs a kernel");
    expect_text(api("VM.set_PV_kernel", value_string(ref), value_string("/proc/self/exe"), NULL),
                "");
    fail(&dom0.create_fails, EEXIST, "Domain with name \"vm\" already exists.");
    expect_failure(start(false), "OPERATION_NOT_ALLOWED|Domain with name*");
    fail(&dom0.create_fails, ENODEV, "vif: there is no bridge br7");
    expect_failure(start(false), "INTERNAL_ERROR|vif: there is no bridge br7");
    /* 256 MiB less 16 pages are free */
    fail(&dom0.create_fails, ENOMEM, "not enough");
    expect_failure(start(false), "INTERNAL_ERROR|not enough");
    expect_text(
        api("VM.set_memory_static_max", value_string(ref), value_string("1073741824"), NULL), "");
    expect_text(
        api("VM.set_memory_dynamic_max", value_string(ref), value_string("1073741824"), NULL), "");
    expect_failure(start(false), "HOST_NOT_ENOUGH_FREE_MEMORY|1074790400|268369920");
    dom0.create_fails.error = 0;
    dom0.monitor_fails = true;
    expect_failure(start(false), "INTERNAL_ERROR|no monitor today");
    expect_state("Halted");
    dom0.monitor_fails = false;
    expect_text(api("VM.set_is_a_template", value_string(ref), value_boolean(true), NULL), "");
    expect_failure(start(false), "VM_IS_TEMPLATE|*");
    assert_int_equal(dom0.n, 1);
}

/* The monitor of an ended guest is still there: it may be about to start it again. */
static void test_start_waits_for_the_last_monitor(void **state)
{
    char words[96];

    (void)state;
    dom0.monitor = true;
    snprintf(words, sizeof(words), "OTHER_OPERATION_IN_PROGRESS|VM|%s", ref);
    expect_failure(start(false), words);
    assert_int_equal(dom0.starts, 0);
}

/* --- clean shutdown */

static void take_request(void)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domain()->domid);
    store_write(dom0.store, STORE_NO_TX, path, "", 0);
}

static char *request(void)
{
    return store_readf(dom0.store, STORE_NO_TX, "/local/domain/%u/control/shutdown",
                       domain()->domid);
}

static void act_in_steps(void)
{
    char *asked;

    if (waits == 1) {
        asked = request();
        assert_string_equal(asked, "poweroff");
        free(asked);
        take_request();
    } else if (waits == 2) {
        domain()->shutdown = true;
        domain()->shutdown_reason = HV_SHUTDOWN_POWEROFF;
    } else if (waits == 3) {
        fake_domain_end(ref); /* the monitor */
        dom0.monitor = false;
    }
}

static void test_clean_shutdown(void **state)
{
    (void)state;
    expect_text(start(false), "");
    dom0.monitor = true;
    power_times = (struct power_times){.ack = 5000, .end = 5000, .again = 5000};
    guest = act_in_steps;
    expect_text(operate("clean_shutdown"), "");
    assert_int_equal(waits, 3);
    expect_state("Halted");
}

/* A guest without a monitor ends when it has stopped. */
static void test_clean_shutdown_of_a_guest_without_monitor(void **state)
{
    (void)state;
    fake_domain("other", GUEST);
    guest = NULL;
    fake_domain_of(GUEST)->shutdown = false;
    free(ref);
    ref = strdup(GUEST);
    guest = act_in_steps;
    power_times = (struct power_times){.ack = 5000, .end = 5000, .again = 5000};
    expect_text(operate("clean_shutdown"), "");
    assert_int_equal(waits, 2);
    assert_true(domain()->shutdown);
    assert_int_equal(dom0.monitors_left, 0);
}

static void test_guest_does_not_listen(void **state)
{
    char words[96], *left;

    (void)state;
    expect_text(start(false), "");
    snprintf(words, sizeof(words), "VM_FAILED_SHUTDOWN_ACK|%s", ref);
    expect_failure(operate("clean_shutdown"), words);
    left = request();
    assert_string_equal(left, ""); /* withdrawn */
    free(left);
    expect_state("Running");
    guest = take_request;
    expect_failure(operate("clean_shutdown"), "INTERNAL_ERROR|the guest has taken the request*");
    expect_state("Running");
}

/* A defined VM whose monitor was killed gets one before it is asked to end. */
static void test_lost_monitor_is_replaced(void **state)
{
    (void)state;
    expect_text(start(false), "");
    assert_int_equal(dom0.monitors_left, 1);
    guest = end_at_once;
    expect_text(operate("clean_shutdown"), "");
    assert_int_equal(dom0.monitors_left, 2);
    expect_text(start(true), "");
    dom0.monitor_fails = true;
    expect_failure(operate("unpause"), "INTERNAL_ERROR|no monitor today");
    expect_state("Paused");
    dom0.monitor_fails = false;
    expect_text(operate("unpause"), "");
    assert_int_equal(dom0.monitors_left, 4);
}

static void test_server_ends(void **state)
{
    (void)state;
    expect_text(start(false), "");
    vm_stop();
    power_times.ack = 100000;
    expect_failure(operate("clean_shutdown"), "INTERNAL_ERROR|the server ends*");
}

/* --- reboots */

static void reboot_in_steps(void)
{
    if (waits == 1)
        take_request();
    else if (waits == 2)
        fake_domain_end(ref);
    else if (waits == 4) {
        fake_domain("vm", ref);
        domain()->paused = true;
    } else if (waits == 5)
        domain()->paused = false;
}

static void test_clean_reboot(void **state)
{
    uint16_t first;

    (void)state;
    expect_text(start(false), "");
    first = domain()->domid;
    dom0.monitor = true;
    power_times = (struct power_times){.ack = 5000, .end = 5000, .again = 5000};
    guest = reboot_in_steps;
    expect_text(operate("clean_reboot"), "");
    assert_int_equal(waits, 5);
    assert_int_not_equal(domain()->domid, first);
    expect_state("Running");
}

static void test_reboot_that_does_not_come_again(void **state)
{
    (void)state;
    expect_text(start(false), "");
    dom0.monitor = true;
    guest = end_at_once;
    expect_failure(operate("clean_reboot"), "INTERNAL_ERROR|the guest has ended and is not there*");
    expect_state("Halted");
    dom0.monitor = false;
    expect_text(
        api("VM.set_actions_after_reboot", value_string(ref), value_string("destroy"), NULL), "");
    expect_text(start(false), "");
    dom0.monitor = true;
    expect_text(operate("clean_reboot"), ""); /* its definition says: not again */
}

static void test_hard_reboot(void **state)
{
    uint16_t first;

    (void)state;
    expect_text(start(true), "");
    first = domain()->domid;
    expect_text(operate("hard_reboot"), "");
    assert_int_not_equal(domain()->domid, first);
    expect_state("Running");
    assert_int_equal(dom0.destroys, 1);
    assert_int_equal(dom0.starts, 2);
    expect_text(api("VM.set_PV_kernel", value_string(ref), value_string("/no/kernel"), NULL), "");
    expect_failure(operate("hard_reboot"), "VALUE_NOT_SUPPORTED|PV_kernel|*");
    expect_state("Running"); /* not ended for nothing */
    /* a guest of another tool of which nothing is kept cannot be started again, and is left */
    free(ref);
    ref = strdup(GUEST);
    fake_domain("other", GUEST);
    expect_failure(operate("hard_reboot"), "INTERNAL_ERROR|*");
    expect_state("Running");
}

/* --- two at once */

static void meddle(void)
{
    char words[96];

    snprintf(words, sizeof(words), "OTHER_OPERATION_IN_PROGRESS|VM|%s", ref);
    if (waits == 1) {
        expect_failure(operate("pause"), words);
        expect_failure(operate("clean_reboot"), words);
        expect_failure(operate("destroy"), words);
        expect_failure(start(false), words);
        /* another VM is free */
        expect_text(api("VM.pause", value_string(GUEST), NULL), "");
        /* and looking always is */
        expect_state("Running");
    } else if (waits == 2) {
        expect_text(operate("hard_shutdown"), "");
        expect_state("Halted");
    }
}

static void test_hard_shutdown_ends_the_waiting(void **state)
{
    char words[96];

    (void)state;
    expect_text(start(false), "");
    fake_domain("other", GUEST);
    power_times = (struct power_times){.ack = 5000, .end = 5000, .again = 5000};
    guest = meddle;
    snprintf(words, sizeof(words), "OTHER_OPERATION_IN_PROGRESS|VM|%s", ref);
    expect_failure(operate("clean_shutdown"), words);
    guest = NULL;
    expect_state("Halted");
    expect_text(start(false), ""); /* nobody holds the VM any longer */
}

static void test_claims(void **state)
{
    struct power_claim one, two, three;

    (void)state;
    assert_true(power_claim(&one, "a", false));
    assert_false(power_claim(&two, "a", false));
    assert_false(power_claim(&two, "a", true)); /* it works, and does not wait */
    assert_true(power_claim(&three, "b", false));
    power_release(&three);
    assert_true(power_wait_mode(&one, true));
    assert_true(power_claim(&two, "a", true));
    assert_false(power_wait_mode(&one, true));
    power_release(&one); /* does not free the other's */
    assert_false(power_claim(&three, "a", false));
    power_release(&two);
    assert_true(power_claim(&three, "a", false));
    power_release(&three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gates, begin, finish),
        cmocka_unit_test_setup_teardown(test_dom0_is_left_alone, begin, finish),
        cmocka_unit_test_setup_teardown(test_start, begin, finish),
        cmocka_unit_test_setup_teardown(test_start_fails, begin, finish),
        cmocka_unit_test_setup_teardown(test_start_waits_for_the_last_monitor, begin, finish),
        cmocka_unit_test_setup_teardown(test_clean_shutdown, begin, finish),
        cmocka_unit_test_setup_teardown(test_clean_shutdown_of_a_guest_without_monitor, begin,
                                        finish),
        cmocka_unit_test_setup_teardown(test_guest_does_not_listen, begin, finish),
        cmocka_unit_test_setup_teardown(test_lost_monitor_is_replaced, begin, finish),
        cmocka_unit_test_setup_teardown(test_server_ends, begin, finish),
        cmocka_unit_test_setup_teardown(test_clean_reboot, begin, finish),
        cmocka_unit_test_setup_teardown(test_reboot_that_does_not_come_again, begin, finish),
        cmocka_unit_test_setup_teardown(test_hard_reboot, begin, finish),
        cmocka_unit_test_setup_teardown(test_hard_shutdown_ends_the_waiting, begin, finish),
        cmocka_unit_test_setup_teardown(test_claims, begin, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
