/* SPDX-License-Identifier: MIT */
/*
 * Run inside an unprivileged guest (static, over /dev/xen/xenbus): asks the store what a guest may
 * ask, and what it may not, and prints each answer. The same program under Xen's own daemon and
 * under ours must print the same, but for the differences that docs/xenstore.md names. Not a test
 * by itself: its output is compared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/client_impl.h"

static struct store *s;

static const char *err(int rc)
{
    return rc >= 0 ? "OK" : wire_error_name(errno);
}

/* At most max bytes, NUL as '|'. */
static void show(const char *data, size_t len, size_t max)
{
    for (const char *end = data + (len < max ? len : max); data < end; data++)
        putchar(*data == '\0' ? '|' : *data);
}

static void raw(uint32_t type, const char *name, const char *body, size_t len)
{
    struct client_part part = {body, len};
    const char *answer;
    size_t n;
    printf("%s(", name);
    show(body, len, 60);
    if (client_call(s, STORE_NO_TX, type, &part, 1, &answer, &n) != 0) {
        printf(") -> %s\n", wire_error_name(errno));
        return;
    }
    printf(") -> ");
    show(answer, n, 100);
    putchar('\n');
}
#define RAW(type, body) raw(XS_##type, #type, body, sizeof(body))

static void events(const char *what)
{
    struct store_event *e;
    printf("events %s:", what);
    while (store_wait_event(s, 300, &e) > 0) {
        printf(" %s:%.20s", e->path, e->token);
        free(e);
    }
    putchar('\n');
}

static void rights(void)
{
    RAW(READ, "name");
    RAW(READ, "domid");
    RAW(READ, "/local/domain/0/name");
    RAW(READ, "/local/domain/0/nope");
    RAW(READ, "/local/domain/0");
    RAW(READ, "/");
    RAW(READ, "/nope");
    RAW(READ, "nope");
    RAW(READ, "nope/nope");
    RAW(READ, "data/nope/nope");
    RAW(READ, "/libxl");
    RAW(READ, "/vm");
    RAW(READ, "/tool");
    RAW(DIRECTORY, "/");
    RAW(DIRECTORY, "/local/domain");
    RAW(DIRECTORY, "/local/domain/0/backend");
    RAW(DIRECTORY, "data");
    RAW(GET_PERMS, "data");
    RAW(GET_PERMS, "name");
    RAW(GET_PERMS, "/");
    RAW(GET_PERMS, "nope");
    RAW(WRITE, "name\0x");
    RAW(WRITE, "new\0x");
    RAW(WRITE, "/new\0x");
    RAW(WRITE, "/local/domain/0/new\0x");
    RAW(WRITE, "data/a/b\0x");
    RAW(WRITE, "data\0x");
    RAW(GET_PERMS, "data/a/b");
    RAW(MKDIR, "data/dir");
    RAW(MKDIR, "data/dir");
    RAW(MKDIR, "name");
    RAW(MKDIR, "name/x");
    RAW(RM, "name");
    RAW(RM, "nope");
    RAW(RM, "nope/x");
    RAW(RM, "data/nope");
    RAW(RM, "data/nope/x");
    RAW(RM, "data/dir");
    RAW(RM, "/");
    RAW(SET_PERMS, "data/a\0n0");
    RAW(SET_PERMS, "data/a\0n99");
    RAW(SET_PERMS, "name\0n0");
    RAW(SET_PERMS, "nope\0n0");
    RAW(SET_PERMS, "data/nope\0n0");
    RAW(SET_PERMS, "@releaseDomain\0n0");
    RAW(RM, "data/a");
}

static void domains(void)
{
    RAW(INTRODUCE, "1\0"
                   "2\0"
                   "3");
    RAW(RELEASE, "1");
    RAW(RESUME, "1");
    RAW(SET_TARGET, "1\0"
                    "0");
    RAW(GET_DOMAIN_PATH, "0");
    RAW(GET_DOMAIN_PATH, "32752");
    RAW(IS_DOMAIN_INTRODUCED, "0");
    RAW(IS_DOMAIN_INTRODUCED, "55");
    RAW(IS_DOMAIN_INTRODUCED, "32752");
    RAW(CONTROL, "check");
    RAW(CONTROL, "print\0x");
}

static void own_perms(const char *domid)
{
    char body[256];
    for (int n = 1; n <= 8; n++) {
        size_t len = (size_t)sprintf(body, "data/p") + 1;
        for (int i = 0; i < n; i++)
            len +=
                (size_t)sprintf(body + len, "%c%s", i == 0 ? 'n' : 'r', i == 0 ? domid : "0") + 1;
        store_write(s, STORE_NO_TX, "data/p", "", 0);
        raw(XS_SET_PERMS, "SET_PERMS", body, len);
    }
    RAW(GET_PERMS, "data/p");
    RAW(RM, "data/p");
}

static void sizes(void)
{
    char big[4096];
    int last_ok = -1;
    memset(big, 'x', sizeof(big));
    for (int n = 1900; n <= 2100; n++)
        if (store_write(s, STORE_NO_TX, "data/big", big, (size_t)n) == 0)
            last_ok = n;
    printf("largest value: %d\n", last_ok);
    printf("value of 4000: %s\n", err(store_write(s, STORE_NO_TX, "data/big", big, 4000)));
    store_rm(s, STORE_NO_TX, "data/big");
    for (size_t n = 2040; n <= 2052; n++) {
        big[n] = '\0';
        printf("path of %zu: ", n);
        char *value = store_read(s, STORE_NO_TX, big, NULL);
        printf("%s\n", value != NULL ? "OK" : wire_error_name(errno));
        free(value);
        big[n] = 'x';
    }
    static const size_t tokens[] = {1000, 1022, 1023, 2000, 2025, 2026, 2027, 2046, 2047, 3000};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        big[tokens[i]] = '\0';
        printf("token of %zu: absolute %s", tokens[i], err(store_watch(s, "/x", big)));
        printf(", relative %s\n", err(store_watch(s, "data", big)));
        big[tokens[i]] = 'x';
    }
    store_reset_watches(s);
    events("dropped");
}

static void counts(void)
{
    int n, rc = 0;
    store_reset_watches(s);
    for (n = 0; rc == 0 && n < 3000; n++)
        rc = store_writef(s, STORE_NO_TX, "", "data/q/d%d/n%d", n / 100, n);
    printf("nodes: about %d, then %s\n", (n + 25) / 50 * 50, err(rc));
    RAW(RM, "data/q");
    for (rc = 0, n = 0; rc == 0 && n < 3000; n++)
        rc = store_writef(s, STORE_NO_TX, "", "data/q/long-long-long-name-%d", n);
    printf("children of one node: about %d, then %s\n", (n + 5) / 10 * 10, err(rc));
    RAW(RM, "data/q");
    for (rc = 0, n = 0; rc == 0 && n < 3000; n++)
        rc = store_watchf(s, "t", "data/%d", n);
    printf("watches: about %d, then %s\n", (n + 5) / 10 * 10, err(rc));
    store_reset_watches(s);
    events("dropped too");
    store_tx tx[64], t = 1;
    for (n = 0; t != STORE_NO_TX && n < 64; n++)
        tx[n] = t = store_begin(s);
    printf("transactions: %d, then %s\n", n - 1, wire_error_name(errno));
    while (--n > 0)
        store_abort(s, tx[n - 1]);
    t = store_begin(s);
    for (rc = 0, n = 0; n < 3000; n++) {
        char *v = store_readf(s, t, "data/none%d", n);
        free(v);
        if (v == NULL && errno != ENOENT)
            break;
    }
    printf("nodes of a transaction: %d, then %s\n", n, wire_error_name(errno));
    store_abort(s, t);
}

static void watching(void)
{
    printf("watch data: %s\n", err(store_watch(s, "data", "rel")));
    events("first");
    store_write(s, STORE_NO_TX, "data/x/y", "", 0);
    events("nested");
    store_rm(s, STORE_NO_TX, "data/x");
    events("rm");
    printf("watch /: %s\n", err(store_watch(s, "/", "root")));
    printf("watch @releaseDomain: %s\n", err(store_watch(s, "@releaseDomain", "r")));
    printf("watch /local/domain/0: %s\n", err(store_watch(s, "/local/domain/0", "zero")));
    printf("again: %s\n", err(store_watch(s, "/local/domain/0", "zero")));
    events("first");
    store_write(s, STORE_NO_TX, "data/x/y", "", 0);
    events("two watches");
    store_tx tx = store_begin(s);
    store_write(s, tx, "data/x/z", "", 0);
    store_rm(s, tx, "data/x/y");
    printf("commit: %s\n", err(store_end(s, tx)));
    events("transaction");
    tx = store_begin(s);
    store_write(s, tx, "data/x/z", "1", 1);
    store_write(s, STORE_NO_TX, "data/x/z", "2", 1);
    printf("conflict: %s\n", err(store_end(s, tx)));
    events("conflict");
    printf("unwatch: %s\n", err(store_unwatch(s, "data", "rel")));
    printf("unwatch: %s\n", err(store_unwatch(s, "data", "rel")));
    store_write(s, STORE_NO_TX, "data/x/z", "2", 1);
    events("after unwatch");
}

int main(void)
{
    s = store_open();
    if (s == NULL) {
        perror("guest-probe: cannot open the store");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    char *domid = store_read(s, STORE_NO_TX, "domid", NULL);
    if (domid == NULL) {
        perror("guest-probe: no domid");
        return 1;
    }
    rights();
    domains();
    own_perms(domid);
    sizes();
    watching();
    counts();
    free(domid);
    store_close(s);
    puts("guest-probe: done");
    return 0;
}
