/* SPDX-License-Identifier: MIT */
/*
 * Vif specifications: key=value between commas, one table row a key. An unknown key is named in
 * a warning and passed over, as xl has always done. Rates: N[.F](G|M|K)(B|b)/s[@N(us|ms|s)],
 * decimal multipliers, b for bits, 50 ms when no interval is given.
 */
#include "dom0-tools/lib/spec.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parse {
    const char *source, *text;
    struct vif_spec *spec;
    FILE *warn;
    struct failure *why;
};

static int complain(struct parse *p, const char *reason, const char *what)
{
    return fail(p->why, EINVAL, "%s: config parsing error in vif specification: %s `%s' in `%s'",
                p->source, reason, what, p->text);
}

int mac_parse(const char *text, uint8_t mac[6])
{
    unsigned int byte;

    for (int i = 0; i < 6; i++, text += 2) {
        if (i > 0 && *text++ != ':')
            return -1;
        if (strspn(text, "0123456789abcdefABCDEF") < 2 || sscanf(text, "%2x", &byte) != 1)
            return -1;
        mac[i] = (uint8_t)byte;
    }
    return *text == '\0' ? 0 : -EINVAL;
}

static int interval_parse(const char *text, uint32_t *usecs)
{
    static const struct {
        const char *unit;
        uint64_t usecs;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}};
    char *end;
    unsigned long long n;

    if (*text < '0' || *text > '9')
        return -1;
    n = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(end, units[i].unit) == 0 && n > 0 && n <= UINT32_MAX / units[i].usecs) {
            *usecs = (uint32_t)(n * units[i].usecs);
            return 0;
        }
    return -1;
}

/* Digits with at most one point and three places behind it, in thousandths. */
static int thousandths(const char **at, uint64_t *out)
{
    uint64_t n = 0;
    int places = -1;

    if (**at < '0' || **at > '9')
        return -1;
    for (; (**at >= '0' && **at <= '9') || (**at == '.' && places < 0); (*at)++) {
        if (**at == '.') {
            places = 0;
            continue;
        }
        if (places == 3)
            continue;
        n = n * 10 + (uint64_t)(**at - '0');
        places += places >= 0;
        if (n > UINT64_C(1000000000000))
            return -1;
    }
    for (places = places < 0 ? 0 : places; places < 3; places++)
        n *= 10;
    *out = n;
    return 0;
}

int rate_parse(const char *text, uint64_t *bytes, uint32_t *usecs)
{
    uint64_t n, scale;
    const char *at = text;
    bool bits;

    if (thousandths(&at, &n) != 0)
        return -1;
    switch (*at) {
    case 'G':
        scale = 1000000;
        break;
    case 'M':
        scale = 1000;
        break;
    case 'K':
        scale = 1;
        break;
    default:
        scale = 0; /* plain bytes or bits */
    }
    at += scale != 0;
    if ((*at != 'B' && *at != 'b') || strncmp(at + 1, "/s", 2) != 0)
        return -1;
    bits = *at == 'b';
    at += 3;
    *usecs = 50000;
    if (*at == '@' ? interval_parse(at + 1, usecs) != 0 : *at != '\0')
        return -1;
    if (scale != 0 && n > UINT64_MAX / 1000000 / scale)
        return -1;
    n = scale != 0 ? n * scale : n / 1000;
    n = bits ? n / 8 : n;
    /* n bytes a second; what that makes in an interval, without overflow */
    *bytes = n / 1000000 * *usecs + n % 1000000 * *usecs / 1000000;
    return *bytes != 0 && *bytes <= UINT32_MAX ? 0 : -EINVAL;
}

static int replace(struct parse *p, char **slot, const char *value)
{
    free(*slot);
    *slot = strdup(value);
    return *slot != NULL ? 0 : fail(p->why, ENOMEM, "%s: out of memory", p->source);
}

static int key_mac(struct parse *p, const char *value)
{
    if (mac_parse(value, p->spec->mac) != 0 || (p->spec->mac[0] & 1) != 0)
        return complain(p, "not a MAC address of one machine:", value);
    p->spec->has_mac = true;
    return 0;
}

/* A Linux interface name: short, and no byte that means something in a path. */
static int interface(struct parse *p, char **slot, const char *value)
{
    if (*value == '\0' || strlen(value) >= IFNAMSIZ || strpbrk(value, "/ \t\n:%") != NULL ||
        strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
        return complain(p, "not an interface name:", value);
    return replace(p, slot, value);
}

static int key_bridge(struct parse *p, const char *value)
{
    return interface(p, &p->spec->bridge, value);
}

static int key_gatewaydev(struct parse *p, const char *value)
{
    return interface(p, &p->spec->gatewaydev, value);
}

static int key_vifname(struct parse *p, const char *value)
{
    return interface(p, &p->spec->ifname, value);
}

static int key_ip(struct parse *p, const char *value)
{
    return replace(p, &p->spec->ip, value);
}

static int key_script(struct parse *p, const char *value)
{
    return replace(p, &p->spec->script, value);
}

static int key_backend(struct parse *p, const char *value)
{
    return replace(p, &p->spec->backend_domain, value);
}

static int key_type(struct parse *p, const char *value)
{
    return strcmp(value, "vif") == 0 ? 0 : complain(p, "not supported here: type", value);
}

static int key_rate(struct parse *p, const char *value)
{
    if (rate_parse(value, &p->spec->rate_bytes, &p->spec->rate_usecs) != 0)
        return complain(p, "not a rate (such as 10MB/s or 1Gb/s@20ms):", value);
    return replace(p, &p->spec->rate_text, value);
}

static int small_number(const char *value, unsigned long limit, unsigned long *n)
{
    char *end;

    if (*value < '0' || *value > '9')
        return -1;
    *n = strtoul(value, &end, 10);
    return *end == '\0' && *n <= limit ? 0 : -EINVAL;
}

static int key_devid(struct parse *p, const char *value)
{
    unsigned long n;

    if (small_number(value, 65535, &n) != 0)
        return complain(p, "not a device id:", value);
    p->spec->devid = (int)n;
    return 0;
}

static int key_mtu(struct parse *p, const char *value)
{
    unsigned long n;

    if (small_number(value, 65535, &n) != 0 || n < 68)
        return complain(p, "not an MTU:", value);
    p->spec->mtu = (uint32_t)n;
    return 0;
}

static int key_passed_over(struct parse *p, const char *value)
{
    (void)value; /* model= is for emulated cards, accel= was never read */
    (void)p;
    return 0;
}

static int key_no(struct parse *p, const char *value)
{
    return complain(p, "not supported here:", value);
}

static const struct {
    const char *name;
    int (*set)(struct parse *p, const char *value);
} keys[] = {
    {"mac", key_mac},           {"bridge", key_bridge},   {"gatewaydev", key_gatewaydev},
    {"netdev", key_gatewaydev}, {"ip", key_ip},           {"script", key_script},
    {"backend", key_backend},   {"vifname", key_vifname}, {"model", key_passed_over},
    {"rate", key_rate},         {"type", key_type},       {"devid", key_devid},
    {"mtu", key_mtu},           {"vlan", key_no},         {"forwarddev", key_no},
    {"accel", key_passed_over},
};

static int parse_word(struct parse *p, char *word)
{
    char *equals = strchr(word, '=');

    if (strcmp(word, "trusted") == 0 || strcmp(word, "untrusted") == 0) {
        p->spec->untrusted = *word == 'u';
        return 0;
    }
    if (equals != NULL) {
        size_t len = (size_t)(equals - word);

        while (len > 0 && (word[len - 1] == ' ' || word[len - 1] == '\t'))
            len--;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            if (strlen(keys[i].name) == len && strncmp(word, keys[i].name, len) == 0)
                return keys[i].set(p, equals + 1 + strspn(equals + 1, " \t"));
    }
    if (p->warn != NULL)
        fprintf(p->warn, "unrecognized argument `%s'\n", word);
    return 0;
}

int vif_spec_parse(const char *source, const char *text, struct vif_spec *out, FILE *warn,
                   struct failure *why)
{
    struct parse p = {.source = source, .text = text, .spec = out, .warn = warn, .why = why};
    char *copy = strdup(text);
    char *at = copy, *word;
    int rc = 0;

    *out = (struct vif_spec){.devid = -1};
    if (copy == NULL)
        return fail(why, ENOMEM, "%s: out of memory", source);
    while (rc == 0 && (word = strsep(&at, ",")) != NULL) {
        char *end;

        word += strspn(word, " \t");
        end = word + strlen(word);
        while (end > word && (end[-1] == ' ' || end[-1] == '\t'))
            *--end = '\0';
        if (*word != '\0')
            rc = parse_word(&p, word);
    }
    free(copy);
    if (rc != 0)
        vif_spec_free(out);
    return rc;
}

void vif_spec_free(struct vif_spec *spec)
{
    free(spec->bridge);
    free(spec->gatewaydev);
    free(spec->ip);
    free(spec->script);
    free(spec->backend_domain);
    free(spec->ifname);
    free(spec->rate_text);
    *spec = (struct vif_spec){0};
}
