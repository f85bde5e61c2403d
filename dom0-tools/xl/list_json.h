/* SPDX-License-Identifier: MIT */
/*
 * The long form of xl list: the configuration kept beside each domain, with what has changed since.
 */
#ifndef BONSAI_XL_LIST_JSON_H
#define BONSAI_XL_LIST_JSON_H

#include "dom0-tools/xl/xl.h"

/* Prints an array of {"domid", "config"}. An exit status. */
int list_json(struct xl *xl, const struct hv_dominfo *list, long n);

#endif
