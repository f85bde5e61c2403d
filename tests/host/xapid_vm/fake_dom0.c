/* SPDX-License-Identifier: MIT */
/* fake_dom0: see fake_dom0.h. */
#include "tests/host/xapid_vm/fake_dom0.h"
#include "tests/host/xl/check.h"
#include "tests/host/xl/fake_store.h"

#include "dom0-tools/lib/domain.h"
#include "dom0-tools/lib/monitor.h"
#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/method.h"
#include "dom0-tools/xapid/power.h"
#include "dom0-tools/xapid/session.h"
#include "dom0-tools/xapid/vm.h"

#include <errno.h>
#include <stdarg.h>

struct fake_dom0 dom0;

static const struct method *const tables[] = {host_methods,       host_parts_methods, vm_methods,
                                              vm_metrics_methods, vm_device_methods,  NULL};
static char session[SESSION_REF_BYTES];

void fake_dom0_start(void (*on_wait)(struct store *s))
{
    dom0 = (struct fake_dom0){.store = fake_store()};
    fake_store_on_wait(dom0.store, on_wait);
    dom0.domains[dom0.n++] = (struct hv_dominfo){.domid = 0,
                                                 .running = true,
                                                 .tot_pages = 65536,
                                                 .max_pages = UINT64_MAX >> 20,
                                                 .nr_online_vcpus = 1};
    store_writef(dom0.store, STORE_NO_TX, "Domain-0", "/local/domain/0/name");
    method_use_tables(tables);
    session_start("root", session);
}

void fake_dom0_stop(void)
{
    assert_int_equal(dom0.open, 0);
    guest_config_free(&dom0.started);
    store_close(dom0.store);
    session_end(session);
}

char fake_folder[sizeof("/tmp/xapid-vm-XXXXXX")];

void fake_daemon_start(void (*on_wait)(struct store *s))
{
    struct failure why;

    strcpy(fake_folder, "/tmp/xapid-vm-XXXXXX");
    assert_non_null(mkdtemp(fake_folder));
    fake_dom0_start(on_wait);
    assert_int_equal(host_open(fake_folder, &why), 0);
    assert_int_equal(vm_open(fake_folder, &why), 0);
}

int fake_daemon_stop(void)
{
    char command[96];

    vm_close();
    host_close();
    fake_dom0_stop();
    snprintf(command, sizeof(command), "rm -rf %s", fake_folder);
    return system(command);
}

static uint16_t next_domid(void)
{
    static uint16_t last;

    return ++last;
}

size_t fake_domain(const char *name, const char *uuid)
{
    struct hv_dominfo *d = &dom0.domains[dom0.n];

    assert_true(dom0.n < FAKE_DOMAINS);
    *d = (struct hv_dominfo){.domid = next_domid(),
                             .blocked = true,
                             .tot_pages = 32768,
                             .max_pages = 33024,
                             .nr_online_vcpus = 1};
    assert_int_equal(uuid_parse(uuid, d->handle), 0);
    store_writef(dom0.store, STORE_NO_TX, name, "/local/domain/%u/name", d->domid);
    store_writef(dom0.store, STORE_NO_TX, "131072", "/local/domain/%u/memory/target", d->domid);
    store_writef(dom0.store, STORE_NO_TX, "262144", "/local/domain/%u/memory/static-max", d->domid);
    return dom0.n++;
}

struct hv_dominfo *fake_domain_of(const char *uuid)
{
    uint8_t bytes[16];

    assert_int_equal(uuid_parse(uuid, bytes), 0);
    for (size_t i = 0; i < dom0.n; i++)
        if (memcmp(dom0.domains[i].handle, bytes, 16) == 0)
            return &dom0.domains[i];
    return NULL;
}

static struct hv_dominfo *by_id(uint32_t domid)
{
    for (size_t i = 0; i < dom0.n; i++)
        if (dom0.domains[i].domid == domid)
            return &dom0.domains[i];
    errno = ESRCH;
    return NULL;
}

static void end(struct hv_dominfo *d)
{
    char path[48];

    snprintf(path, sizeof(path), "/local/domain/%u", d->domid);
    store_rm(dom0.store, STORE_NO_TX, path);
    *d = dom0.domains[--dom0.n];
}

void fake_domain_end(const char *uuid)
{
    assert_non_null(fake_domain_of(uuid));
    end(fake_domain_of(uuid));
}

/* --- the library */

int toolstack_open(struct toolstack *t, struct failure *why)
{
    (void)why;
    *t = (struct toolstack){.hv = (struct hv *)&dom0, .store = dom0.store};
    dom0.open++;
    return 0;
}

void toolstack_close(struct toolstack *t)
{
    dom0.open -= t->hv != NULL;
    *t = (struct toolstack){0};
}

int toolstack_revive(struct toolstack *t)
{
    (void)t;
    return 0;
}

long domain_list(struct hv *hv, struct hv_dominfo **list)
{
    (void)hv;
    *list = malloc(sizeof(dom0.domains));
    memcpy(*list, dom0.domains, sizeof(dom0.domains));
    return (long)dom0.n;
}

int guest_create(struct toolstack *t, struct guest_config *g, const struct guest_host *host,
                 uint32_t *domid, struct failure *why)
{
    char uuid[37];

    (void)t;
    (void)host;
    if (dom0.create_fails.error != 0) {
        *why = dom0.create_fails;
        return -1;
    }
    uuid_format(g->uuid, uuid);
    *domid = dom0.domains[fake_domain(g->name, uuid)].domid;
    by_id(*domid)->paused = true;
    dom0.starts++;
    return 0;
}

int guest_destroy(struct toolstack *t, uint32_t domid, struct failure *why)
{
    (void)t;
    if (by_id(domid) == NULL)
        return fail(why, ESRCH, "there is no domain %u", domid);
    end(by_id(domid));
    dom0.destroys++;
    return 0;
}

char *guest_name(struct store *s, uint32_t domid)
{
    return store_readf(s, STORE_NO_TX, "/local/domain/%u/name", domid);
}

int guest_request(struct store *s, uint32_t domid, const char *request, struct failure *why)
{
    (void)why;
    return store_writef(s, STORE_NO_TX, request, "/local/domain/%u/control/shutdown", domid);
}

char *guest_load_config(uint32_t domid, const uint8_t uuid[16])
{
    (void)uuid;
    errno = ENOENT;
    return domid != 0 && dom0.kept != NULL ? strdup(dom0.kept) : NULL;
}

bool monitor_alive(const uint8_t uuid[16])
{
    (void)uuid;
    return dom0.monitor;
}

int power_leave_monitor(uint32_t domid, struct failure *why)
{
    assert_non_null(by_id(domid));
    if (dom0.monitor_fails)
        return fail(why, EIO, "no monitor today");
    dom0.monitors_left++;
    return 0;
}

/* --- the hypervisor */

int hv_getdomaininfo(struct hv *hv, uint16_t domid, struct hv_dominfo *d)
{
    (void)hv;
    if (by_id(domid) == NULL)
        return -1;
    *d = *by_id(domid);
    return 0;
}

int hv_pausedomain(struct hv *hv, uint16_t domid)
{
    (void)hv;
    by_id(domid)->paused = true;
    return 0;
}

int hv_unpausedomain(struct hv *hv, uint16_t domid)
{
    (void)hv;
    by_id(domid)->paused = false;
    return 0;
}

int hv_physinfo(struct hv *hv, struct hv_physinfo *p)
{
    (void)hv;
    if (dom0.machine_fails) {
        errno = EPERM;
        return -1;
    }
    *p = (struct hv_physinfo){.nr_cpus = 2,
                              .cpu_khz = 2000000,
                              .total_pages = 1 << 18,
                              .free_pages = 1 << 16,
                              .outstanding_pages = 16};
    return 0;
}

int hv_get_version(struct hv *hv, struct hv_version *v)
{
    (void)hv;
    *v = (struct hv_version){.major = 4, .minor = 17, .extra = ".test", .capabilities = "a b "};
    return 0;
}

int hv_scheduler_id(struct hv *hv, uint32_t *id)
{
    (void)hv;
    *id = 6;
    return 0;
}

const char *hv_scheduler_name(uint32_t id)
{
    return id == HV_SCHEDULER_CREDIT2 ? "credit2" : "another";
}

int hv_sched_credit2_get(struct hv *hv, uint16_t domid, uint16_t *weight, uint16_t *cap)
{
    (void)hv;
    (void)domid;
    *weight = 256;
    *cap = 0;
    return 0;
}

int hv_getvcpuinfo(struct hv *hv, uint16_t domid, unsigned vcpu, struct hv_vcpuinfo *v)
{
    (void)hv;
    (void)domid;
    *v = (struct hv_vcpuinfo){.online = true, .running = domid == 0, .cpu = vcpu};
    return 0;
}

/* --- calls */

static struct value *dispatch(const char *method, va_list args)
{
    struct value *params = value_array(), *item, *answer;

    value_push(params, value_string(session));
    while ((item = va_arg(args, struct value *)) != NULL)
        value_push(params, item);
    assert_true(value_complete(params));
    answer = method_dispatch(method, params, true);
    value_free(params);
    assert_true(value_complete(answer));
    return answer;
}

struct value *api(const char *method, ...)
{
    struct value *answer;
    va_list args;

    va_start(args, method);
    answer = dispatch(method, args);
    va_end(args);
    return answer;
}

/* "CODE|parameter|parameter" of a failure, "" of a success. */
static void words_of(const struct value *answer, char *text, size_t size)
{
    const struct value *words = value_get(answer, "ErrorDescription");
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; words != NULL && i < value_count(words); i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i != 0 ? "|" : "",
                                 value_as_string(value_at(words, i)));
}

static struct value *success(struct value *answer, const char *method)
{
    struct value *v;
    char words[1024];

    words_of(answer, words, sizeof(words));
    if (*words != '\0')
        print_error("%s: %s\n", method, words);
    assert_string_equal(words, "");
    v = value_copy(value_get(answer, "Value"));
    value_free(answer);
    return v;
}

struct value *api_value(const char *method, ...)
{
    struct value *answer;
    va_list args;

    va_start(args, method);
    answer = dispatch(method, args);
    va_end(args);
    return success(answer, method);
}

void expect_failure(struct value *answer, const char *words)
{
    const char *star = strchr(words, '*');
    char got[1024];

    words_of(answer, got, sizeof(got));
    if (star != NULL)
        got[star - words] = '\0';
    if (strncmp(got, words, star != NULL ? (size_t)(star - words) : sizeof(got)) != 0)
        fail_msg("expected %s, got %s", words, got);
    value_free(answer);
}

void expect_text(struct value *answer, const char *text)
{
    struct value *v = success(answer, "call");

    assert_non_null(value_as_string(v));
    assert_string_equal(value_as_string(v), text);
    value_free(v);
}
