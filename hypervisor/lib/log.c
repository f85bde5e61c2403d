/* SPDX-License-Identifier: MIT
 *
 * Messages of the hypervisor. Each is one line, made on the caller's stack and handed to the
 * console in one piece, so that lines of two CPUs do not mix. Before the console has given its
 * backend, messages go nowhere.
 */
#include "lib/log.h"
#include "x86/percpu.h"

bool guest_log_on;

static enum log_level level = LOG_INFO;
static bool quiet; /* loglvl=none */
static const struct log_backend *backend;

void log_set_backend(const struct log_backend *b)
{
    backend = b;
}

static bool parse_level(const char *name, int *out)
{
    static const struct {
        const char *name;
        int level;
    } names[] = {{"none", -1},       {"error", LOG_ERROR}, {"warning", LOG_WARNING},
                 {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {"all", LOG_DEBUG}};
    const char *slash = strchr(name, '/');
    size_t n = slash ? (size_t)(slash - name) : strlen(name);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strlen(names[i].name) == n && !strncmp(names[i].name, name, n)) {
            *out = names[i].level;
            return true;
        }
    return false;
}

bool log_set_level(const char *name)
{
    int l;

    if (!parse_level(name, &l))
        return false;
    quiet = l < 0;
    level = quiet ? LOG_ERROR : (enum log_level)l;
    return true;
}

/* Guests' mistakes are all of one kind here, debugging aids: they show at info and above. */
bool log_set_guest_level(const char *name)
{
    int l;

    if (!parse_level(name, &l))
        return false;
    guest_log_on = l >= LOG_INFO;
    return true;
}

static void emit(const char *prefix, const char *fmt, __builtin_va_list ap)
{
    char line[512];
    size_t n = (size_t)snprintf(line, sizeof(line), "(bonsai) %s", prefix);

    n += (size_t)vsnprintf(line + n, sizeof(line) - n, fmt, ap);
    n = min(n, sizeof(line) - 2); /* a longer one is cut */
    line[n++] = '\n';
    if (backend)
        backend->write(line, n);
}

void log_msg(enum log_level l, const char *fmt, ...)
{
    __builtin_va_list ap;

    if (l > level || quiet)
        return;
    __builtin_va_start(ap, fmt);
    emit(l == LOG_ERROR ? "error: " : l == LOG_WARNING ? "warning: " : "", fmt, ap);
    __builtin_va_end(ap);
}

void guest_log_at(const char *file, int line, const char *fmt, ...)
{
    char where[96];
    uint32_t left_out = 0;
    __builtin_va_list ap;

    if (backend && !backend->guest_line(&left_out))
        return;
    if (left_out)
        log_warn("%u lines about guests left out", left_out);
    snprintf(where, sizeof(where), "guest: %s:%d: ", file, line);
    __builtin_va_start(ap, fmt);
    emit(where, fmt, ap);
    __builtin_va_end(ap);
}

void panic(const char *fmt, ...)
{
    static bool again;
    char where[32];
    __builtin_va_list ap;

    if (backend && !__atomic_exchange_n(&again, true, __ATOMIC_SEQ_CST)) {
        backend->panic_begin();
        quiet = false;
        snprintf(where, sizeof(where), "panic on CPU %u: ", this_cpu()->id);
        __builtin_va_start(ap, fmt);
        emit(where, fmt, ap);
        __builtin_va_end(ap);
        backtrace(__builtin_frame_address(0));
        backend->panic_end();
    }
    for (;;)
        __asm__ volatile("cli; hlt");
}
