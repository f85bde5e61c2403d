/* SPDX-License-Identifier: MIT */
/*
 * xl's common part: global options, finding the verb, its options and arguments, help. See xl.h.
 */
#include "dom0-tools/xl/xl.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void xl_complain(const struct failure *why)
{
    for (const char *c = why->text; *c != '\0'; c++)
        fputc((unsigned char)*c < ' ' || *c == 127 ? '?' : *c, stderr);
    fputc('\n', stderr);
}

int xl_open(struct xl *xl)
{
    struct failure why;

    if (toolstack_open(&xl->t, &why) == 0)
        return 0;
    fprintf(stderr, "cannot init xl context: ");
    xl_complain(&why);
    return -1;
}

void xl_usage(void)
{
    printf("Usage xl [-vfNtT] <subcommand> [args]\n\nxl full list of subcommands:\n\n");
    for (const struct verb *v = verbs; v->name != NULL; v++) {
        printf(" %-19s ", v->name);
        if (strlen(v->name) > 19)
            printf("\n %-19s ", "");
        printf("%s\n", v->summary);
    }
}

static void print_option(const struct xl_option *o)
{
    char left[64];

    if ((unsigned char)o->letter >= ' ')
        snprintf(left, sizeof(left), "-%c%s%s%s%s", o->letter, o->name != NULL ? ", --" : "",
                 o->name != NULL ? o->name : "", o->value != NULL ? " " : "",
                 o->value != NULL ? o->value : "");
    else
        snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value != NULL ? " " : "",
                 o->value != NULL ? o->value : "");
    if (strlen(left) > 22)
        printf("%s\n%-24s%s\n", left, "", o->help);
    else
        printf("%-24s%s\n", left, o->help);
}

void xl_help(const struct verb *v)
{
    printf("Usage: xl [-vtT%s%s] %s %s\n\n%s.\n\n", v->flags & VERB_MODIFIES ? "f" : "",
           v->flags & VERB_DRYRUN ? "N" : "", v->name, v->usage, v->summary);
    if (v->options[0].letter == 0)
        return;
    printf("Options:\n\n");
    for (const struct xl_option *o = v->options; o->letter != 0; o++)
        print_option(o);
    printf("\n");
}

const struct verb *xl_find_verb(const char *word)
{
    const struct verb *found = NULL;
    int n = 0;

    for (const struct verb *v = verbs; v->name != NULL; v++) {
        if (strcmp(v->name, word) == 0)
            return v;
        if (strncmp(v->name, word, strlen(word)) == 0) {
            found = v;
            n++;
        }
    }
    return n == 1 ? found : NULL;
}

int xl_domain(struct xl *xl, int i, uint32_t *domid)
{
    if (guest_find(xl->t.store, xl->args[i], domid) == 0)
        return 0;
    fprintf(stderr, "%s is an invalid domain identifier (rc=-6)\n", xl->args[i]);
    return -1;
}

#define MAX_OPTIONS 12
#define HELP        127

/* The verb's options for getopt_long(); short_form needs 3 bytes an option and 4 more. */
static void build_options(const struct verb *v, char *short_form, struct option *long_form)
{
    *short_form++ = ':';
    *short_form++ = 'h';
    for (const struct xl_option *o = v->options; o->letter != 0; o++) {
        if ((unsigned char)o->letter >= ' ') {
            *short_form++ = o->letter;
            if (o->value != NULL)
                *short_form++ = ':';
        }
        if (o->name != NULL)
            *long_form++ =
                (struct option){.name = o->name,
                                .has_arg = o->value != NULL ? required_argument : no_argument,
                                .val = o->letter};
    }
    *short_form = '\0';
    *long_form++ = (struct option){.name = "help", .has_arg = no_argument, .val = HELP};
    *long_form = (struct option){0};
}

/* -1: go on; else the exit status. */
static int read_options(struct xl *xl, int argc, char **argv)
{
    struct option long_form[MAX_OPTIONS + 2];
    char short_form[2 * MAX_OPTIONS + 4];
    int c;

    build_options(xl->verb, short_form, long_form);
    opterr = 0;
    optind = 0; /* starts over, for glibc */
    while ((c = getopt_long(argc, argv, short_form, long_form, NULL)) != -1) {
        if (c == 'h' || c == HELP) {
            xl_help(xl->verb);
            return XL_OK;
        }
        if (c == '?' || c == ':') {
            const char *word = argv[optind - 1];

            if (c == ':')
                fprintf(stderr, "option `%s' needs a value.\n", word);
            else if (optopt == 0)
                fprintf(stderr, "option `%s' not supported.\n", word);
            else
                fprintf(stderr, "option `%c' not supported.\n", optopt);
            return XL_USAGE;
        }
        xl->count[c]++;
        xl->value[c] = optarg;
    }
    xl->args = argv + optind;
    xl->n_args = argc - optind;
    if (xl->n_args >= xl->verb->least)
        return -1;
    fprintf(stderr, "'xl %s' requires at least %d argument%s.\n\n", xl->verb->name, xl->verb->least,
            xl->verb->least == 1 ? "" : "s");
    xl_help(xl->verb);
    return XL_USAGE;
}

/* Flags before the verb; -1 for a bad one. */
static int read_globals(struct xl *xl, int argc, char **argv)
{
    static const struct {
        char letter;
        unsigned int flag;
    } globals[] = {{'v', XL_VERBOSE},
                   {'f', XL_FORCE},
                   {'N', XL_DRYRUN},
                   {'t', XL_CARRIAGE},
                   {'T', XL_TIMESTAMP}};
    int c;

    while ((c = getopt(argc, argv, "+vftTN")) != -1) {
        size_t i = 0;

        while (i < sizeof(globals) / sizeof(globals[0]) && globals[i].letter != c)
            i++;
        if (i == sizeof(globals) / sizeof(globals[0])) {
            fprintf(stderr, "unknown global option\n");
            return -1;
        }
        xl->global |= globals[i].flag;
    }
    return 0;
}

int cmd_help(struct xl *xl)
{
    const struct verb *v;

    if (xl->n_args == 0) {
        xl_usage();
        return XL_OK;
    }
    v = xl_find_verb(xl->args[0]);
    if (v == NULL) {
        fprintf(stderr, "command not implemented\n");
        return XL_FAIL;
    }
    xl_help(v);
    return XL_OK;
}

static int run(struct xl *xl, int argc, char **argv)
{
    struct failure why;
    int status;

    xl->verb = xl_find_verb(argv[0]);
    if (xl->verb == NULL) {
        fprintf(stderr, "command not implemented\n");
        return XL_FAIL;
    }
    if ((xl->global & XL_DRYRUN) && !(xl->verb->flags & VERB_DRYRUN)) {
        fprintf(stderr, "command does not implement -N (dryrun) option\n");
        return XL_FAIL;
    }
    status = read_options(xl, argc, argv);
    if (status >= 0)
        return status;
    if (host_conf_read(&xl->conf, &why) != 0) {
        xl_complain(&why);
        return XL_FAIL;
    }
    if (!(xl->verb->flags & VERB_ALONE) && xl_open(xl) != 0)
        return XL_FAIL;
    return xl->verb->run(xl);
}

int main(int argc, char **argv)
{
    struct xl xl = {0};
    int status;

    if (read_globals(&xl, argc, argv) != 0)
        return XL_FAIL;
    if (optind >= argc) {
        xl_usage();
        return XL_FAIL;
    }
    status = run(&xl, argc - optind, argv + optind);
    toolstack_close(&xl.t);
    host_conf_free(&xl.conf);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("xl: standard output");
        return status == XL_OK ? XL_FAIL : status;
    }
    return status;
}
