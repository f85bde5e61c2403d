/* SPDX-License-Identifier: MIT */
/*
 * xl: what its verbs share. A verb is a row in verbs.c and a function in cmd_*.c; the row says its
 * arguments, its options and what it needs, and the common part does the rest: options, help, usage
 * errors, dry run, opening hypervisor and store. A verb returns the program's exit status.
 * Output formats and short error lines are an interface that scripts read: docs/man/xl.1.
 */
#ifndef BONSAI_XL_H
#define BONSAI_XL_H

#include "dom0-tools/lib/failure.h"
#include "dom0-tools/lib/guest.h"
#include "dom0-tools/lib/host_conf.h"

#include <stdbool.h>

enum { XL_OK = 0, XL_FAIL = 1, XL_USAGE = 2, XL_CREATE_FAIL = 3, XL_NO_CONFIG = 6 };

enum { XL_VERBOSE = 1, XL_FORCE = 2, XL_DRYRUN = 4, XL_CARRIAGE = 8, XL_TIMESTAMP = 16 };

/* An option of a verb. letter is also where its count and value stand in struct xl; options without
 * a short form have a control character there. */
struct xl_option {
    char letter;
    const char *name;  /* long form, NULL: none */
    const char *value; /* what its value is called in the help, NULL: it takes none */
    const char *help;
};

enum {
    VERB_MODIFIES = 1, /* shows -f in its usage */
    VERB_DRYRUN = 2,   /* obeys -N */
    VERB_ALONE = 4,    /* opens hypervisor and store itself, if at all */
};

struct xl;

struct verb {
    const char *name;
    int (*run)(struct xl *xl);
    int flags;
    int least; /* positional arguments */
    const char *usage, *summary;
    struct xl_option options[12];
};

struct xl {
    const struct verb *verb;
    unsigned int global; /* XL_* flags before the verb */
    struct host_conf conf;
    struct toolstack t; /* open unless VERB_ALONE */
    unsigned int count[128];
    const char *value[128];
    char **args;
    int n_args;
};

extern const struct verb verbs[]; /* ends with a row without name */

/* Prints the sentence on stderr, control characters made harmless. */
void xl_complain(const struct failure *why);
/* Opens hypervisor and store; prints what is wrong. 0 or -1. */
int xl_open(struct xl *xl);
/* Prints the verb's help on stdout. */
void xl_help(const struct verb *verb);
void xl_usage(void); /* the list of verbs, on stdout */
/* The verb that word names or abbreviates; NULL when none or several do. */
const struct verb *xl_find_verb(const char *word);
/* Argument i as a domain; prints "X is an invalid domain identifier (rc=-6)" when it is none. */
int xl_domain(struct xl *xl, int i, uint32_t *domid);
/* The domain's console, to be given to xl_use_console(); -1 after saying why not. From then on
 * nothing that the domain prints passes us by. */
int xl_open_console(struct store *s, uint32_t domid, unsigned int number);
/* Attaches this terminal to it until escape is typed or the console ends, and closes it. */
void xl_use_console(int tty, char escape);
#define XL_ESCAPE 0x1d /* ^] */

int cmd_create(struct xl *xl);
int cmd_list(struct xl *xl);
int cmd_vm_list(struct xl *xl);
int cmd_vcpu_list(struct xl *xl);
int cmd_uptime(struct xl *xl);
int cmd_info(struct xl *xl);
int cmd_console(struct xl *xl);
int cmd_shutdown(struct xl *xl);
int cmd_reboot(struct xl *xl);
int cmd_destroy(struct xl *xl);
int cmd_pause(struct xl *xl);
int cmd_unpause(struct xl *xl);
int cmd_domid(struct xl *xl);
int cmd_domname(struct xl *xl);
int cmd_rename(struct xl *xl);
int cmd_sysrq(struct xl *xl);
int cmd_dmesg(struct xl *xl);
int cmd_debug_keys(struct xl *xl);
int cmd_block_list(struct xl *xl);
int cmd_network_list(struct xl *xl);
int cmd_monitor(struct xl *xl);
int cmd_help(struct xl *xl);

#endif
