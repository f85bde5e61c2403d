/* SPDX-License-Identifier: MIT
 *
 * The hypervisor's command line: words separated by blanks, "name", "name=value" or "no-name". The
 * last of several counts. Names that something asked for are remembered, so that the others can be
 * named.
 */
#include "boot/boot.h"

static const char *known[96];
static unsigned nr_known;

static void remember(const char *name)
{
    for (unsigned i = 0; i < nr_known; i++)
        if (!strcmp(known[i], name))
            return;
    if (nr_known < ARRAY_SIZE(known))
        known[nr_known++] = name;
}

/* The next word at or behind s; its length in *n, 0 at the end. */
static const char *next_word(const char *s, size_t *n)
{
    while (*s == ' ' || *s == '\t')
        s++;
    for (*n = 0; s[*n] && s[*n] != ' ' && s[*n] != '\t'; ++*n)
        ;
    return s;
}

static bool word_is(const char *word, size_t n, const char *name, const char **value)
{
    size_t len = strlen(name);

    if (n < len || strncmp(word, name, len) || (n > len && word[len] != '='))
        return false;
    *value = n > len ? word + len + 1 : word + len;
    return true;
}

const char *cmdline_option(const char *name, char *buf, size_t size)
{
    const char *found = NULL, *value;
    size_t n, len = 0;

    remember(name);
    for (const char *w = next_word(boot_info.cmdline, &n); n; w = next_word(w + n, &n))
        if (word_is(w, n, name, &value)) {
            found = value;
            len = (size_t)(w + n - value);
        }
    if (!found)
        return NULL;
    len = min(len, size - 1);
    memcpy(buf, found, len);
    buf[len] = '\0';
    return buf;
}

bool cmdline_bool(const char *name, bool dflt)
{
    static const char *const no[] = {"0", "no", "off", "false", "disable"};
    static const char *const yes[] = {"1", "yes", "on", "true", "enable", ""};
    char buf[16];
    const char *value;
    size_t n;

    for (const char *w = next_word(boot_info.cmdline, &n); n; w = next_word(w + n, &n))
        if (n > 3 && !strncmp(w, "no-", 3) && word_is(w + 3, n - 3, name, &value))
            dflt = false;
    if (!cmdline_option(name, buf, sizeof(buf)))
        return dflt;
    for (size_t i = 0; i < ARRAY_SIZE(no); i++)
        if (!strcmp(buf, no[i]))
            return false;
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        if (!strcmp(buf, yes[i]))
            return true;
    log_warn("option %s=%s: neither yes nor no; taken as %s", name, buf, dflt ? "yes" : "no");
    return dflt;
}

bool parse_size(const char *s, char **end, uint64_t *out)
{
    static const char suffix[] = "bkmgt";
    uint64_t v = strtoul(s, end, 0);
    const char *unit = *end > s && **end ? strchr(suffix, **end | 0x20) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - suffix) : 10;

    if (*end == s || v > ~0ul >> shift)
        return false;
    *end += unit != NULL;
    *out = v << shift;
    return true;
}

uint64_t cmdline_size(const char *name, uint64_t dflt)
{
    char buf[32], *end;
    uint64_t v;

    if (!cmdline_option(name, buf, sizeof(buf)))
        return dflt;
    if (parse_size(buf, &end, &v) && !*end)
        return v;
    log_warn("option %s=%s: not a size; ignored", name, buf);
    return dflt;
}

void cmdline_warn_unknown(void)
{
    const char *value;
    size_t n;

    for (const char *w = next_word(boot_info.cmdline, &n); n; w = next_word(w + n, &n)) {
        bool ok = n == 2 && !strncmp(w, "--", 2);

        for (unsigned i = 0; i < nr_known && !ok; i++)
            ok = word_is(w, n, known[i], &value) ||
                 (n > 3 && !strncmp(w, "no-", 3) && word_is(w + 3, n - 3, known[i], &value));
        if (!ok)
            log_warn("unknown option '%.*s' ignored", (int)n, w);
    }
}
