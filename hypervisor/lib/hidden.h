/* SPDX-License-Identifier: MIT
 *
 * Included before everything else in the hypervisor's own build: every symbol is in the one image,
 * so none is reached through a table of addresses.
 */
#pragma once
#pragma GCC visibility push(hidden)
