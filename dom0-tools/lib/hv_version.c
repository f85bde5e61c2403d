/* SPDX-License-Identifier: MIT */
/* hv_version: what hypervisor this is (hypercall xen_version). See hv.h. */
#include "dom0-tools/lib/hv_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xen/version.h>

#define BUILD_ID_MAX 20 /* SHA-1 */

static long version_call(struct hv *hv, unsigned cmd, void *arg, size_t size)
{
    return hv_call_arg(hv, __HYPERVISOR_xen_version, cmd, arg, size);
}

/* A text that the hypervisor may fill to the last byte. */
static int get_text(struct hv *hv, unsigned cmd, char *text, size_t size)
{
    if (version_call(hv, cmd, text, size) < 0)
        return -1;
    text[size - 1] = 0;
    return 0;
}

static int get_compile_info(struct hv *hv, struct hv_version *v)
{
    struct xen_compile_info info = {0};

    if (version_call(hv, XENVER_compile_info, &info, sizeof(info)) < 0)
        return -1;
    snprintf(v->compiler, sizeof(v->compiler), "%.63s", info.compiler);
    snprintf(v->compile_by, sizeof(v->compile_by), "%.15s", info.compile_by);
    snprintf(v->compile_domain, sizeof(v->compile_domain), "%.31s", info.compile_domain);
    snprintf(v->compile_date, sizeof(v->compile_date), "%.31s", info.compile_date);
    return 0;
}

/* Not every hypervisor was linked with one: then it stays empty. */
static int get_build_id(struct hv *hv, char *hex)
{
    struct {
        uint32_t len;
        uint8_t bytes[BUILD_ID_MAX];
    } id = {BUILD_ID_MAX, {0}};
    long n = version_call(hv, XENVER_build_id, &id, sizeof(id));

    if (n < 0)
        return errno == EACCES || errno == EPERM ? -1 : 0;
    for (long i = 0; i < n && i < BUILD_ID_MAX; i++)
        sprintf(hex + 2 * i, "%02x", id.bytes[i]);
    return 0;
}

int hv_get_version(struct hv *hv, struct hv_version *v)
{
    struct xen_platform_parameters platform = {0};
    long number = hv_nop(hv), page_size;

    memset(v, 0, sizeof(*v));
    if (number < 0)
        return -1;
    v->major = (unsigned)number >> 16;
    v->minor = (unsigned)number & 0xffff;
    page_size = hv_call(hv, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0);
    if (page_size < 0)
        return -1;
    v->page_size = (unsigned)page_size;
    if (version_call(hv, XENVER_platform_parameters, &platform, sizeof(platform)) < 0)
        return -1;
    v->virt_start = platform.virt_start;
    if (get_text(hv, XENVER_extraversion, v->extra, sizeof(v->extra)) < 0 ||
        get_text(hv, XENVER_capabilities, v->capabilities, sizeof(v->capabilities)) < 0 ||
        get_text(hv, XENVER_changeset, v->changeset, sizeof(v->changeset)) < 0 ||
        get_text(hv, XENVER_commandline, v->commandline, sizeof(v->commandline)) < 0)
        return -1;
    if (get_compile_info(hv, v) < 0)
        return -1;
    return get_build_id(hv, v->build_id);
}

int hv_get_features(struct hv *hv, unsigned submap, uint32_t *bits)
{
    struct xen_feature_info info = {.submap_idx = submap};

    if (version_call(hv, XENVER_get_features, &info, sizeof(info)) < 0)
        return -1;
    *bits = info.submap;
    return 0;
}

int hv_nop(struct hv *hv)
{
    return (int)hv_call(hv, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
}
