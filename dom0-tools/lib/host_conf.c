/* SPDX-License-Identifier: MIT */
/*
 * The host's defaults; see host_conf.h.
 */
#include "dom0-tools/lib/host_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XL_CONF         "/etc/xen/xl.conf"
#define CONNECT_SECONDS 60

static char *text_of(struct cfg *cfg, const char *key)
{
    const struct cfg_setting *s = cfg_find(cfg, key);

    return s != NULL && s->value->kind == CFG_STRING && s->value->text[0] != '\0'
               ? strdup(s->value->text)
               : NULL;
}

int host_conf_read(struct host_conf *conf, struct failure *why)
{
    const struct cfg_setting *seconds;
    struct cfg *cfg;
    char *text;
    size_t len;
    int rc;

    *conf = (struct host_conf){.connect_seconds = CONNECT_SECONDS};
    if (cfg_read_file(XL_CONF, &text, &len, why) != 0)
        return why->error == ENOENT ? 0 : -1;
    rc = cfg_parse(XL_CONF, text, len, &cfg, why);
    free(text);
    if (rc != 0)
        return -1;
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

void host_conf_free(struct host_conf *conf)
{
    free(conf->lock_file);
    free(conf->bridge);
    *conf = (struct host_conf){0};
}
