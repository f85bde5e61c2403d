/* SPDX-License-Identifier: MIT */
/*
 * xenstore MODE, or xenstore-MODE by a link: finds the mode, reads its options, opens the store,
 * and repeats the mode's work until its transaction commits.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/tools/tool.h"

static const struct mode {
    const char *name;
    const char *options; /* getopt's, without -h */
    const char *usage;
    int min_args, step; /* at least, and in groups of */
    bool transaction;
    int (*run)(struct run *r);
} modes[] = {
    {"read", "psR", "[-h] [-p] [-s] [-R] key [...]", 1, 1, true, tool_read},
    {"write", "sR", "[-h] [-s] [-R] key value [...]", 2, 2, true, tool_write},
    {"list", "ps", "[-h] [-p] [-s] key [...]", 1, 1, true, tool_list},
    {"ls", "fps", "[-h] [-f] [-p] [-s] [key ...]", 0, 1, false, tool_ls},
    {"rm", "st", "[-h] [-s] [-t] key [...]", 1, 1, true, tool_rm},
    {"exists", "s", "[-h] [-s] key [...]", 1, 1, true, tool_exists},
    {"chmod", "rsu", "[-h] [-r] [-s] [-u] key mode [modes...]", 2, 1, true, tool_chmod},
    {"watch", "n:s", "[-h] [-n COUNT] key [...]", 1, 1, false, tool_watch},
};

int tool_fail(const struct run *r, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "%s: ", r->prog);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static int usage(const struct run *r, const struct mode *m)
{
    return tool_fail(r, "Usage: %s %s", r->prog, m->usage);
}

/* Reads the options. Letters it does not know are warned of by getopt, and no more. */
static bool read_options(struct run *r, const struct mode *m, int argc, char **argv)
{
    char letters[16], *end;
    int opt;
    snprintf(letters, sizeof(letters), "h%s", m->options);
    r->opt.count = -1;
    while ((opt = getopt(argc, argv, letters)) != -1)
        switch (opt) {
        case 'h':
            return false;
        case 'p':
            r->opt.prefix = true;
            break;
        case 'R':
            r->opt.raw = true;
            break;
        case 't':
            r->opt.tidy = true;
            break;
        case 'f':
            r->opt.full = true;
            break;
        case 'r':
            r->opt.recursive = true;
            break;
        case 'u':
            r->opt.upto = true;
            break;
        case 'n':
            r->opt.count = strtol(optarg, &end, 10);
            if (end == optarg || *end != '\0' || r->opt.count < 0)
                return false;
            break;
        default: /* -s chose the socket once; it is the first choice anyway */
            break;
        }
    r->n = argc - optind;
    r->arg = argv + optind;
    return r->n >= m->min_args && r->n % m->step == 0;
}

/* One attempt: 0 done, 1 failed, -1 conflict. */
static int attempt(struct run *r, const struct mode *m)
{
    char *text = NULL;
    size_t len = 0;
    r->out = m->transaction ? open_memstream(&text, &len) : stdout;
    if (r->out == NULL)
        return tool_fail(r, "%s", strerror(errno));
    r->tx = m->transaction ? store_begin(r->store) : STORE_NO_TX;
    int rc = m->transaction && r->tx == STORE_NO_TX
                 ? tool_fail(r, "couldn't start transaction: %s", strerror(errno))
                 : m->run(r);
    if (!m->transaction) {
        if (fflush(stdout) != 0 && rc == 0)
            rc = tool_fail(r, "cannot write the output: %s", strerror(errno));
        return rc;
    }
    if (r->tx != STORE_NO_TX && rc != 0)
        store_abort(r->store, r->tx);
    else if (r->tx != STORE_NO_TX && store_end(r->store, r->tx) != 0)
        rc = errno == EAGAIN ? -1 : tool_fail(r, "couldn't end transaction: %s", strerror(errno));
    fclose(r->out);
    if (rc >= 0 && (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0))
        rc = tool_fail(r, "cannot write the output: %s", strerror(errno));
    free(text);
    return rc;
}

static int run_mode(const char *prog, const struct mode *m, int argc, char **argv)
{
    struct run r = {.prog = prog};
    int rc;
    if (!read_options(&r, m, argc, argv))
        return usage(&r, m);
    r.store = store_open();
    if (r.store == NULL)
        return tool_fail(&r, "cannot connect to the store: %s; is its daemon running?",
                         strerror(errno));
    do
        rc = attempt(&r, m);
    while (rc < 0);
    store_close(r.store);
    return rc;
}

static int run_control(const char *prog, int argc, char **argv)
{
    struct run r = {.prog = prog, .n = argc - 1, .arg = argv + 1, .out = stdout};
    if (argc < 2) {
        fprintf(stderr, "Usage:\n%s <command> [<arg>...]\n", prog);
        return 2;
    }
    r.store = store_open();
    if (r.store == NULL)
        return tool_fail(&r, "cannot connect to the store: %s; is its daemon running?",
                         strerror(errno));
    int rc = tool_control(&r);
    store_close(r.store);
    return rc;
}

static int dispatch(const char *name, const char *prog, int argc, char **argv)
{
    if (strcmp(name, "control") == 0)
        return run_control(prog, argc, argv);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(name, modes[i].name) == 0)
            return run_mode(prog, &modes[i], argc, argv);
    fprintf(stderr, "xenstore: unknown mode %s\n\nModes:", name);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        fprintf(stderr, " %s", modes[i].name);
    fputs(" control\n", stderr);
    return 1;
}

int main(int argc, char **argv)
{
    static const char prefix[] = "xenstore-";
    char prog[64];
    const char *base = strrchr(argv[0], '/');
    base = base != NULL ? base + 1 : argv[0];
    if (strncmp(base, prefix, sizeof(prefix) - 1) == 0)
        return dispatch(base + sizeof(prefix) - 1, base, argc, argv);
    if (argc < 2) {
        fputs("xenstore: Usage: xenstore MODE [...]\n", stderr);
        return 1;
    }
    snprintf(prog, sizeof(prog), "%s%s", prefix, argv[1]);
    return dispatch(argv[1], prog, argc - 1, argv + 1);
}
