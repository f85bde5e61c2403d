/* SPDX-License-Identifier: MIT */
/*
 * Who operates on which VM; see power.h. A list, and one lock over it and the claims in it.
 */
#include "dom0-tools/xapid/power.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct power_claim *claims; /* under lock */

/* lock is held. */
static void unlink_claim(struct power_claim *claim)
{
    struct power_claim **at = &claims;

    while (*at != NULL && *at != claim)
        at = &(*at)->next;
    if (*at != NULL)
        *at = claim->next;
}

bool power_claim(struct power_claim *claim, const char *ref, bool hard)
{
    struct power_claim *other;
    bool mine;

    *claim = (struct power_claim){.waiting = false};
    snprintf(claim->ref, sizeof(claim->ref), "%s", ref);
    pthread_mutex_lock(&lock);
    other = claims;
    while (other != NULL && strcmp(other->ref, claim->ref) != 0)
        other = other->next;
    mine = other == NULL || (hard && other->waiting);
    if (mine && other != NULL) {
        other->lost = true;
        unlink_claim(other);
    }
    if (mine) {
        claim->next = claims;
        claims = claim;
    }
    pthread_mutex_unlock(&lock);
    return mine;
}

bool power_claim_call(struct power_claim *claim, struct call *c, bool hard)
{
    const char *ref = call_string(c, 0);

    if (power_claim(claim, ref, hard))
        return true;
    call_fail(c, "OTHER_OPERATION_IN_PROGRESS", "VM", ref, NULL);
    return false;
}

void power_release(struct power_claim *claim)
{
    pthread_mutex_lock(&lock);
    if (!claim->lost)
        unlink_claim(claim);
    pthread_mutex_unlock(&lock);
}

bool power_wait_mode(struct power_claim *claim, bool waiting)
{
    bool mine;

    pthread_mutex_lock(&lock);
    mine = !claim->lost;
    claim->waiting = waiting;
    pthread_mutex_unlock(&lock);
    return mine;
}
