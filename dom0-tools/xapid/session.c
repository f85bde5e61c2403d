/* SPDX-License-Identifier: MIT */
/*
 * session: the table of sessions, the messages of class session, and the lists of methods; see
 * session.h.
 *
 * Passwords are checked one at a time (a check costs memory and CPU by design), and whoever fails
 * waits FAIL_DELAY_S in its own connection's thread, outside of all locks: with the HTTP server's
 * bound on connections that bounds guesses a second, and the wait of those who know their password.
 */
#include "dom0-tools/xapid/session.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/uuid.h"
#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/method.h"
#include "dom0-tools/xapid/password.h"

#define FAIL_DELAY_S 2

struct session {
    char ref[SESSION_REF_BYTES]; /* empty: the place is free */
    char user[SESSION_USER_MAX + 1];
    time_t last_active; /* the calendar's, for clients */
    int64_t used;       /* seconds of CLOCK_BOOTTIME, which nobody sets */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session sessions[SESSION_MAX]; /* under lock */

static pthread_mutex_t check_lock = PTHREAD_MUTEX_INITIALIZER; /* never with the other one */
static pthread_mutex_t stop_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stopped = PTHREAD_COND_INITIALIZER;
static bool stopping; /* under stop_lock */

static const char *password_path;

void session_use_passwords(const char *file)
{
    password_path = file;
}

static int64_t boot_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec;
}

/* Under lock. NULL when there is none, or it has expired. */
static struct session *find(const char *ref)
{
    int64_t now = boot_seconds();

    if (strlen(ref) != SESSION_REF_BYTES - 1)
        return NULL;
    for (struct session *s = sessions; s < sessions + SESSION_MAX; s++) {
        if (s->ref[0] && now - s->used > SESSION_IDLE_S)
            *s = (struct session){0};
        if (s->ref[0] && secret_equal(s->ref, ref))
            return s;
    }
    return NULL;
}

void session_start(const char *user, char ref[SESSION_REF_BYTES])
{
    struct session *place = sessions;
    uint8_t uuid[16];

    uuid_random(uuid);
    uuid_format(uuid, ref);
    pthread_mutex_lock(&lock);
    for (struct session *s = sessions; s < sessions + SESSION_MAX; s++)
        if (!s->ref[0] || (place->ref[0] && s->used < place->used))
            place = s;
    *place = (struct session){.last_active = time(NULL), .used = boot_seconds()};
    memcpy(place->ref, ref, SESSION_REF_BYTES);
    snprintf(place->user, sizeof(place->user), "%s", user);
    pthread_mutex_unlock(&lock);
}

bool session_use(const char *ref, char user[SESSION_USER_MAX + 1])
{
    struct session *s;

    pthread_mutex_lock(&lock);
    s = find(ref);
    if (s) {
        s->last_active = time(NULL);
        s->used = boot_seconds();
        memcpy(user, s->user, sizeof(s->user));
    }
    pthread_mutex_unlock(&lock);
    return s != NULL;
}

void session_end(const char *ref)
{
    struct session *s;

    pthread_mutex_lock(&lock);
    s = find(ref);
    if (s)
        *s = (struct session){0};
    pthread_mutex_unlock(&lock);
}

void session_stop(void)
{
    pthread_mutex_lock(&stop_lock);
    stopping = true;
    pthread_cond_broadcast(&stopped);
    pthread_mutex_unlock(&stop_lock);
}

static void wait_after_failure(void)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end); /* the calendar may be set meanwhile */
    end.tv_sec += FAIL_DELAY_S;
    pthread_mutex_lock(&stop_lock);
    while (!stopping && pthread_cond_clockwait(&stopped, &stop_lock, CLOCK_MONOTONIC, &end) == 0)
        ;
    pthread_mutex_unlock(&stop_lock);
}

/* Under check_lock. The same sentence at most once a minute. */
static void log_refusal(const char *sentence)
{
    static char last[sizeof(((struct failure *)NULL)->text)];
    static int64_t when;

    if (!strcmp(last, sentence) && boot_seconds() - when < 60)
        return;
    snprintf(last, sizeof(last), "%s", sentence);
    when = boot_seconds();
    fprintf(stderr, "bonsai-xapid: a login is refused: %s\n", sentence);
}

static bool password_right(const char *user, const char *password)
{
    struct failure why;
    int r;

    pthread_mutex_lock(&check_lock);
    r = password_check(password_path, user, password, &why);
    if (r < 0)
        log_refusal(why.text);
    pthread_mutex_unlock(&check_lock);
    return r > 0;
}

/* --- class session */

/* Whoever reaches the unix socket is root, who could as well write the password file: the name is
 * taken down, the password not looked at. */
static void login_with_password(struct call *c)
{
    const char *user = call_string(c, 0);
    char ref[SESSION_REF_BYTES];

    if (strlen(user) > SESSION_USER_MAX ||
        (!call_local(c) && !password_right(user, call_string(c, 1)))) {
        wait_after_failure();
        call_fail(c, "SESSION_AUTHENTICATION_FAILED", NULL);
    } else {
        session_start(user, ref);
        call_return(c, value_string(ref));
    }
}

static void logout(struct call *c)
{
    session_end(call_session(c));
}

/* A client may look at its own session only. */
static bool own(struct call *c)
{
    if (!strcmp(call_string(c, 0), call_session(c)))
        return true;
    call_handle_invalid(c, "session", call_string(c, 0));
    return false;
}

static void get_uuid(struct call *c)
{
    if (own(c))
        call_return(c, value_string(call_session(c)));
}

static void get_this_host(struct call *c)
{
    if (own(c))
        call_return(c, value_string(host_ref()));
}

static void get_this_user(struct call *c)
{
    if (own(c))
        call_return(c, value_string(call_user(c)));
}

static struct value *last_active_of(const char *ref)
{
    struct session *s;
    time_t when = 0;

    pthread_mutex_lock(&lock);
    s = find(ref);
    if (s)
        when = s->last_active;
    pthread_mutex_unlock(&lock);
    return value_time(when);
}

static void get_last_active(struct call *c)
{
    if (own(c))
        call_return(c, last_active_of(call_session(c)));
}

static void get_record(struct call *c)
{
    struct value *v;

    if (!own(c))
        return;
    v = value_struct();
    value_set(v, "uuid", value_string(call_session(c)));
    value_set(v, "this_host", value_string(host_ref()));
    value_set(v, "this_user", value_string(call_user(c)));
    value_set(v, "last_active", last_active_of(call_session(c)));
    call_return(c, v);
}

static void list_methods(struct call *c)
{
    call_return(c, method_names());
}

const struct method session_methods[] = {
    {"session.login_with_password",
     login_with_password,
     {{"uname", PARAM_STRING},
      {"pwd", PARAM_STRING},
      {"version", PARAM_STRING, true},
      {"originator", PARAM_STRING, true}},
     .open = true},
    {"session.logout", logout},
    {"session.get_uuid", get_uuid, {{"self", PARAM_REF}}},
    {"session.get_by_uuid", get_uuid, {{"uuid", PARAM_STRING}}},
    {"session.get_this_host", get_this_host, {{"self", PARAM_REF}}},
    {"session.get_this_user", get_this_user, {{"self", PARAM_REF}}},
    {"session.get_last_active", get_last_active, {{"self", PARAM_REF}}},
    {"session.get_record", get_record, {{"self", PARAM_REF}}},
    {"system.listMethods", list_methods, .open = true},
    {"host.list_methods", list_methods},
    {0},
};
