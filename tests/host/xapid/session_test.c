/* SPDX-License-Identifier: MIT */
/*
 * Logging in and out: the password file with its rights, right and wrong passwords at both doors,
 * and the bounded table of sessions.
 */
#include "tests/host/xapid/check.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dom0-tools/xapid/classes.h"
#include "dom0-tools/xapid/password.h"
#include "dom0-tools/xapid/session.h"

/* A calendar that is an hour late: who measures a time by it has none to wait for. The linker's
 * names: what --wrap makes of our objects' calls. */
int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
    const int r = __real_clock_gettime(clock, t);

    t->tv_sec -= clock == CLOCK_REALTIME ? 3600 : 0;
    return r;
}

static char folder[] = "/tmp/xapid-session-XXXXXX", file[64];

static int begin(void **state)
{
    (void)state;
    method_use_tables(classes);
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof(file), "%s/passwd", folder);
    session_use_passwords(file);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder); /* nothing else is left in it */
}

static int no_file(void **state)
{
    (void)state;
    unlink(file);
    return 0;
}

static void set(const char *user, const char *password)
{
    struct failure why;

    if (password_set(file, user, password, &why))
        fail_msg("%s", why.text);
}

static int check(const char *user, const char *password)
{
    struct failure why;

    return password_check(file, user, password, &why);
}

static void write_file(const char *text, mode_t mode)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(file, mode), 0);
}

static void passwords(void **state)
{
    struct stat st;

    (void)state;
    set("root", "secret");
    set("ann", "other");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(check("root", "secret"), 1);
    assert_int_equal(check("ann", "other"), 1);
    assert_int_equal(check("ann", "secret"), 0);
    assert_int_equal(check("root", ""), 0);
    assert_int_equal(check("roo", "secret"), 0);
    assert_int_equal(check("", ""), 0);
    assert_int_equal(check("bob", "secret"), 0);
    set("root", "new one"); /* replaces */
    assert_int_equal(check("root", "secret"), 0);
    assert_int_equal(check("root", "new one"), 1);
    assert_int_equal(check("ann", "other"), 1);
}

/* Hashes that are none let nobody in, and other lines survive. */
static void odd_lines(void **state)
{
    char text[4096] = "";
    FILE *f;

    (void)state;
    write_file("# a remark\n\nempty:\nstar:*\nbang:!\nplain:secret\nlocked:*0\nno colon", 0600);
    for (const char *user = "empty\0star\0bang\0plain\0locked\0# a remark\0no colon\0"; *user;
         user += strlen(user) + 1) {
        assert_int_equal(check(user, ""), 0);
        assert_int_equal(check(user, "secret"), 0);
        assert_int_equal(check(user, "*0"), 0);
    }
    set("root", "x");
    assert_int_equal(check("root", "x"), 1);
    f = fopen(file, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
    fclose(f);
    assert_non_null(strstr(text, "# a remark\n"));
    assert_non_null(strstr(text, "\nno colon\nroot:$y$"));
}

static void unusable_files(void **state)
{
    struct failure why;
    char longer[PASSWORD_MAX + 2];

    (void)state;
    assert_int_equal(check("root", "secret"), -1); /* none */
    set("root", "secret");
    for (mode_t bit = 1; bit < 0100; bit <<= 1) {
        assert_int_equal(chmod(file, 0600 | bit), 0);
        assert_int_equal(password_check(file, "root", "secret", &why), -1);
        assert_non_null(strstr(why.text, file));
        assert_int_equal(password_set(file, "root", "x", &why), -1);
    }
    assert_int_equal(chmod(file, 0400), 0);
    assert_int_equal(check("root", "secret"), 1);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("/etc/passwd", file), 0);
    assert_int_equal(check("root", "secret"), -1);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_int_equal(check("root", "secret"), -1);
    assert_int_equal(unlink(file), 0);

    assert_int_equal(password_set(file, "a:b", "x", &why), -1);
    assert_int_equal(password_set(file, "", "x", &why), -1);
    assert_int_equal(password_set(file, "a\nb", "x", &why), -1);
    assert_int_equal(password_set(file, "root", "", &why), -1);
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(password_set(file, "root", longer, &why), -1);
    assert_int_equal(access(file, F_OK), -1);
}

/* The text of the call's answer; the caller frees it. */
static char *call(const char *method, bool local, const char *first, const char *second)
{
    struct value *params = value_array();
    char *text;

    value_push(params, value_string(first));
    if (second)
        value_push(params, value_string(second));
    text = written(method_dispatch(method, params, local));
    value_free(params);
    return text;
}

static bool answers(const char *method, bool local, const char *first, const char *second,
                    const char *word)
{
    char *text = call(method, local, first, second);
    bool yes = strstr(text, word) != NULL;

    free(text);
    return yes;
}

#define LOGIN "session.login_with_password"

static void logins(void **state)
{
    struct timespec before, after;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_true(answers(LOGIN, false, "root", "", "SESSION_AUTHENTICATION_FAILED"));
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec >= 1); /* a failure costs time */
    session_stop();                                 /* from here on it does not */
    set("root", "secret");
    assert_true(answers(LOGIN, false, "root", "wrong", "SESSION_AUTHENTICATION_FAILED"));
    assert_true(answers(LOGIN, false, "root", "secret", "Success"));
    assert_true(answers(LOGIN, true, "root", "", "Success")); /* the unix socket */
    char longer[SESSION_USER_MAX + 2];
    memset(longer, 'u', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_true(answers(LOGIN, true, longer, "", "SESSION_AUTHENTICATION_FAILED"));
}

static void life_of_a_session(void **state)
{
    char ref[SESSION_REF_BYTES], other[SESSION_REF_BYTES], user[SESSION_USER_MAX + 1];

    (void)state;
    session_start("ann", ref);
    session_start("bob", other);
    assert_string_not_equal(ref, other);
    assert_int_equal(strlen(ref), 36);
    assert_int_equal(ref[14], '4');
    assert_true(session_use(ref, user));
    assert_string_equal(user, "ann");
    assert_true(answers("session.get_this_user", false, ref, ref, "<value>ann</value>"));
    assert_true(answers("session.get_uuid", false, ref, ref, ref));
    assert_true(answers("session.get_by_uuid", false, ref, ref, ref));
    assert_true(answers("session.get_this_host", false, ref, ref, "11111111-2222"));
    assert_true(answers("session.get_last_active", false, ref, ref, "dateTime.iso8601"));
    assert_true(answers("session.get_record", false, ref, ref, "last_active"));
    /* somebody else's is not to be seen */
    assert_true(answers("session.get_uuid", false, ref, other, "HANDLE_INVALID"));
    assert_true(answers("session.get_record", false, ref, "x", "HANDLE_INVALID"));
    assert_true(answers("session.logout", false, ref, NULL, "Success"));
    assert_true(answers("session.logout", false, ref, NULL, "SESSION_INVALID"));
    assert_false(session_use(ref, user));
    assert_true(session_use(other, user));
}

/* The longest unused one makes room. */
static void too_many(void **state)
{
    char first[SESSION_REF_BYTES], kept[SESSION_REF_BYTES], more[SESSION_REF_BYTES];
    char user[SESSION_USER_MAX + 1];
    unsigned i;

    (void)state;
    session_start("first", first);
    sleep(1);
    session_start("kept", kept);
    for (i = 0; i < SESSION_MAX - 1; i++)
        session_start("more", more);
    assert_false(session_use(first, user));
    assert_true(session_use(more, user));
    assert_true(session_use(kept, user));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(passwords, no_file),
        cmocka_unit_test_setup(odd_lines, no_file),
        cmocka_unit_test_setup(unusable_files, no_file),
        cmocka_unit_test_setup(logins, no_file),
        cmocka_unit_test(life_of_a_session),
        cmocka_unit_test(too_many),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
