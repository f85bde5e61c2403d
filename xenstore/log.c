/* SPDX-License-Identifier: MIT */
/* Lines and trace; see log.h. A trace line: time, direction, connection, operation, transaction,
 * body. */
#include "xenstore/log.h"
#include "common/folders.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

bool log_tracing;
static bool use_syslog;
static FILE *trace;
static char *trace_path;

void log_line(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (use_syslog) {
        vsyslog(LOG_NOTICE, fmt, args);
    } else {
        fputs("bonsai-xenstored: ", stderr);
        vfprintf(stderr, fmt, args);
        fputc('\n', stderr);
    }
    va_end(args);
}

void log_to_syslog(void)
{
    openlog("bonsai-xenstored", LOG_PID, LOG_DAEMON);
    use_syslog = true;
}

int log_trace(bool on)
{
    if (!on) {
        if (trace != NULL)
            fclose(trace);
        trace = NULL;
        log_tracing = false;
        return 0;
    }
    if (trace == NULL && trace_path == NULL)
        make_folders("/var/log/xen"); /* if that fails, fopen() says why */
    if (trace == NULL)
        trace = fopen(trace_path != NULL ? trace_path : "/var/log/xen/xenstored-trace.log", "ae");
    if (trace == NULL)
        return errno;
    setvbuf(trace, NULL, _IOLBF, 0);
    log_tracing = true;
    return 0;
}

int log_trace_file(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return ENOMEM;
    free(trace_path);
    trace_path = copy;
    bool on = log_tracing;
    log_trace(false);
    return on ? log_trace(true) : 0;
}

void log_message(const char *dir, const char *who, const char *what, uint32_t tx, const char *body,
                 size_t len)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    if (trace == NULL)
        return;
    strftime(stamp, sizeof(stamp), "%Y%m%d %T", localtime_r(&now, &tm));
    fprintf(trace, "%s %s %s %s %u (", stamp, dir, who, what, tx);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)body[i];
        if (c == '\0')
            fputc(' ', trace);
        else if (c < ' ' || c >= 127)
            fprintf(trace, "\\%03o", c);
        else
            fputc(c, trace);
    }
    fputs(")\n", trace);
}
