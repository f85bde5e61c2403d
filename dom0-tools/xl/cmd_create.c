/* SPDX-License-Identifier: MIT */
/*
 * xl create: configuration in, running guest out. Arguments with a '=' are more lines of
 * configuration, the first other one is the file. The guest is made paused; a monitor is left
 * behind before it first runs; then we wait for its devices and say which did not connect.
 */
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/lib/guest_console.h"
#include "dom0-tools/lib/guest_power.h"
#include "dom0-tools/lib/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text {
    char *bytes;
    size_t len;
};

static int add_line(struct text *t, const char *line)
{
    size_t len = strlen(line);
    char *grown = realloc(t->bytes, t->len + len + 3);

    if (grown == NULL) {
        fprintf(stderr, "out of memory\n");
        return -1;
    }
    t->bytes = grown;
    if (t->len > 0 && grown[t->len - 1] != '\n')
        grown[t->len++] = '\n';
    memcpy(grown + t->len, line, len);
    t->len += len;
    grown[t->len++] = '\n';
    grown[t->len] = '\0';
    return 0;
}

/* The text of the configuration: file, then the command line's settings. An exit status. */
static int read_text(struct xl *xl, const char **source, struct text *out)
{
    const char *file = xl->value['f'];
    struct failure why;

    for (int i = 0; i < xl->n_args; i++) {
        if (strchr(xl->args[i], '=') != NULL)
            continue;
        if (file != NULL) {
            fprintf(stderr, "xl create: one configuration file is enough, and `%s' is another\n",
                    xl->args[i]);
            return XL_USAGE;
        }
        file = xl->args[i];
    }
    if (file == NULL) {
        fprintf(stderr, "Config file not specified and none in save file\n");
        return XL_NO_CONFIG;
    }
    *source = file;
    if (cfg_read_file(file, &out->bytes, &out->len, &why) != 0) {
        xl_complain(&why);
        return XL_CREATE_FAIL;
    }
    for (int i = 0; i < xl->n_args; i++)
        if (strchr(xl->args[i], '=') != NULL && add_line(out, xl->args[i]) != 0)
            return XL_CREATE_FAIL;
    return XL_OK;
}

/* An exit status; on XL_OK *g is to be freed. */
static int read_config(struct xl *xl, struct guest_config *g)
{
    struct text text = {0};
    struct failure why;
    struct cfg *cfg = NULL;
    const char *source;
    int status = read_text(xl, &source, &text);

    if (status != XL_OK) {
        free(text.bytes);
        return status;
    }
    if (xl->count['q'] == 0)
        fprintf(stderr, "Parsing config from %s\n", source);
    if (cfg_parse(source, text.bytes, text.len, &cfg, &why) != 0) {
        xl_complain(&why);
        status = XL_FAIL;
    } else if (guest_config_read(cfg, g, stderr, &why) != 0) {
        xl_complain(&why);
        status = XL_FAIL;
    }
    cfg_free(cfg);
    free(text.bytes);
    return status;
}

static int show(const struct guest_config *g)
{
    char *json = guest_config_json(g, false);

    if (json == NULL)
        return XL_FAIL;
    printf("%s", json);
    free(json);
    return XL_OK;
}

/* Half a guest is nobody's: the first ^C takes effect when it is made and before it runs, a second
 * one at once. */
static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void handle_signals(void (*handler)(int))
{
    const struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

struct creation {
    struct xl *xl;
    int tty; /* for -c; -1: none */
};

/* The guest is made and does not run yet: a monitor for it, and an ear for its first word. */
static int prepare(void *arg, struct guest_config *g, uint32_t domid, struct failure *why)
{
    struct creation *c = arg;
    struct xl *xl = c->xl;

    if (interrupted)
        return fail(why, EINTR, "interrupted");
    if (xl->count['e'] == 0 && xl->count['F'] == 0 &&
        monitor_start(g, &xl->conf.host, domid, MONITOR_CLAIM_MS, why) != 0)
        return -1;
    if (xl->count['c'] != 0)
        c->tty = xl_open_console(xl->t.store, domid, 0);
    return 0;
}

/* The monitor's work in the foreground. */
static int follow(struct xl *xl, struct guest_config *g, uint32_t domid)
{
    const int claim = monitor_claim(g->uuid, MONITOR_CLAIM_MS);
    int status;

    if (claim < 0) {
        fprintf(stderr, "cannot be the monitor of %s: %s\n", g->name, strerror(errno));
        return XL_FAIL;
    }
    status = monitor_run(g, &xl->conf.host, domid);
    monitor_release(g->uuid, claim);
    return status;
}

static void warn_unserved(struct store *s, const struct guest_config *g, uint32_t domid)
{
    char *tty = guest_console_terminal(s, domid, 0);

    if (tty == NULL)
        fprintf(stderr,
                "warning: domain %s (%u): no console daemon serves it; it stops when it has "
                "printed 2 KiB\n",
                g->name, domid);
    free(tty);
}

/* The guest runs: everything that follows is its life. */
static int accompany(struct xl *xl, struct guest_config *g, uint32_t domid, int tty)
{
    const bool paused = xl->count['p'] != 0;
    struct failure why;

    if (xl->count['c'] == 0)
        warn_unserved(xl->t.store, g, domid);
    if (tty >= 0)
        xl_use_console(tty, XL_ESCAPE);
    else if (!paused &&
             guest_wait_devices(&xl->t, domid, xl->conf.connect_seconds * 1000, &why) != 0) {
        fprintf(stderr, "warning: domain %s (%u): ", g->name, domid);
        xl_complain(&why);
    }
    return xl->count['F'] != 0 ? follow(xl, g, domid) : XL_OK;
}

static int create(struct xl *xl, struct guest_config *g)
{
    struct creation c = {.xl = xl, .tty = -1};
    const struct guest_start how = {
        .host = &xl->conf.host, .paused = xl->count['p'] != 0, .prepare = prepare, .arg = &c};
    struct failure why;
    uint32_t domid;
    int rc;

    if (xl->count['d'] != 0 && show(g) != XL_OK)
        return XL_FAIL;
    if (xl_open(xl) != 0)
        return XL_FAIL;
    handle_signals(note_interrupt);
    rc = guest_start(&xl->t, g, &how, &domid, &why);
    handle_signals(SIG_DFL);
    if (rc != 0) {
        if (c.tty >= 0)
            close(c.tty);
        xl_complain(&why);
        return XL_CREATE_FAIL;
    }
    return accompany(xl, g, domid, c.tty);
}

int cmd_create(struct xl *xl)
{
    struct guest_config g;
    int status;

    if (xl->count['V'] != 0 || xl->count['A'] != 0) {
        fprintf(stderr, "xl create: there is no graphical console here, and so no -V\n");
        return XL_FAIL;
    }
    status = read_config(xl, &g);
    if (status != XL_OK)
        return status;
    if (xl->count['n'] != 0 || (xl->global & XL_DRYRUN))
        status = show(&g);
    else
        status = create(xl, &g);
    guest_config_free(&g);
    return status;
}
