/* SPDX-License-Identifier: MIT
 *
 * The CPUs that are up. Everything is kept per CPU; only the boot CPU is brought up so far.
 */
#include "x86/percpu.h"

struct pcpu *cpus[MAX_CPUS];
unsigned nr_cpus;
