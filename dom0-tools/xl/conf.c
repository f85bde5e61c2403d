/* SPDX-License-Identifier: MIT */
/*
 * /etc/xen/xl.conf, where there is one: the host's defaults, in the language of xl.cfg. Only keys
 * that change something here are read; the others are Xen's and are left alone.
 */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XL_CONF         "/etc/xen/xl.conf"
/* How long create waits for the guest's half of its devices. */
#define CONNECT_SECONDS 60

static char *text_of(struct cfg *cfg, const char *key)
{
    const struct cfg_setting *s = cfg_find(cfg, key);

    return s != NULL && s->value->kind == CFG_STRING && s->value->text[0] != '\0'
               ? strdup(s->value->text)
               : NULL;
}

int xl_conf_read(struct xl_conf *conf)
{
    const struct cfg_setting *seconds;
    struct failure why;
    struct cfg *cfg;
    char *text;
    size_t len;
    int rc;

    conf->connect_seconds = CONNECT_SECONDS;
    if (cfg_read_file(XL_CONF, &text, &len, &why) != 0) {
        if (why.error == ENOENT)
            return 0;
        xl_complain(&why);
        return -1;
    }
    rc = cfg_parse(XL_CONF, text, len, &cfg, &why);
    free(text);
    if (rc != 0) {
        xl_complain(&why);
        return -1;
    }
    conf->lock_file = text_of(cfg, "lockfile");
    conf->bridge = text_of(cfg, "vif.default.bridge");
    if (conf->bridge == NULL)
        conf->bridge = text_of(cfg, "defaultbridge");
    seconds = cfg_find(cfg, "connect_timeout");
    if (seconds != NULL && seconds->value->kind != CFG_LIST)
        conf->connect_seconds = atoi(seconds->value->text);
    cfg_free(cfg);
    conf->host = (struct guest_host){.lock_file = conf->lock_file, .bridge = conf->bridge};
    return 0;
}
