/* SPDX-License-Identifier: MIT */
/*
 * Definitions on the disk: what was written is read again, damage is left alone, changes by many
 * threads are all there, and a process killed at any instant leaves a definition that is whole.
 */
#include "tests/host/xl/check.h"

#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/host_file.h"
#include "dom0-tools/xapid/vmfile.h"
#include "dom0-tools/xapid/vmfile_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64], vms[80];
static bool folders_fail; /* to be flushed */

/* the linker's names: what --wrap makes of our objects' calls */
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    struct stat st;

    if (folders_fail && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/xapid-vm-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(vms, sizeof(vms), "%s/a/vms", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    vmfile_close();
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static void open_vms(void)
{
    struct failure why;

    if (vmfile_open(vms, &why) != 0)
        fail_msg("%s", why.text);
}

static struct value *record_named(const char *name)
{
    struct value *given = value_struct(), *record;
    struct vm_trouble t;

    value_set(given, "name_label", value_string(name));
    value_set(given, "memory_static_max", value_string("134217728"));
    record = vm_record_make(given, &t);
    value_free(given);
    assert_non_null(record);
    return record;
}

static void add(uint8_t id, const char *name)
{
    const uint8_t uuid[16] = {id};
    struct failure why;

    assert_int_equal(vmfile_add(uuid, record_named(name), &why), 0);
}

static void path_of(uint8_t id, char path[160])
{
    const uint8_t uuid[16] = {id};
    char ref[37];

    uuid_format(uuid, ref);
    snprintf(path, 160, "%s/%s.json", vms, ref);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 65536);

    assert_non_null(f);
    assert_true(fread(text, 1, 65535, f) > 0);
    fclose(f);
    return text;
}

static void expect_name(uint8_t id, const char *name)
{
    const uint8_t uuid[16] = {id};
    struct vmfile *f = vmfile_get(uuid);

    assert_non_null(f);
    assert_string_equal(value_as_string(value_get(f->record, "name_label")), name);
    vmfile_put(f);
}

static bool is_there(uint8_t id)
{
    const uint8_t uuid[16] = {id};
    struct vmfile *f = vmfile_get(uuid);

    vmfile_put(f);
    return f != NULL;
}

/* --- */

static void test_kept_over_restarts(void **state)
{
    struct failure why;
    struct vmfile **list;
    size_t n;

    (void)state;
    open_vms();
    add(1, "one");
    add(2, "two \"quoted\" \xc3\xa4<&>");
    vmfile_close();
    open_vms();
    expect_name(1, "one");
    list = vmfile_list(&n);
    assert_int_equal(n, 2);
    vmfile_list_free(list);
    assert_int_equal(vmfile_remove((const uint8_t[16]){1}, &why), 0);
    assert_int_equal(vmfile_remove((const uint8_t[16]){1}, &why), -1);
    assert_int_equal(why.error, ENOENT);
    vmfile_close();
    open_vms();
    assert_false(is_there(1));
    expect_name(2, "two \"quoted\" \xc3\xa4<&>");
}

static const char *change_name_to;

static struct value *rename_vm(const struct value *record, void *arg)
{
    struct value *changes = value_struct(), *changed;
    struct vm_trouble t;

    (void)arg;
    value_set(changes, "name_label", value_string(change_name_to));
    changed = vm_record_with(record, changes, &t);
    value_free(changes);
    return changed;
}

static void expect_files(int count)
{
    DIR *dir = opendir(vms);
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    assert_int_equal(n, count + 3); /* ".", ".." and the lock */
}

/* The new file has its name, and the folder cannot be flushed: what is answered holds. */
static void test_folder_that_cannot_be_flushed(void **state)
{
    const uint8_t one[16] = {1}, two[16] = {2};
    struct failure why;

    (void)state;
    open_vms();
    add(1, "old");
    folders_fail = true;
    change_name_to = "new";
    assert_int_equal(vmfile_change(one, rename_vm, NULL, &why), -1);
    assert_int_equal(why.error, EIO);
    assert_non_null(strstr(why.text, "cannot flush"));
    assert_int_equal(vmfile_add(two, record_named("two"), &why), -1);
    assert_int_equal(vmfile_remove(one, &why), -1);
    assert_int_equal(why.error, EIO);
    folders_fail = false;
    expect_name(1, "old");
    assert_false(is_there(2));
    expect_files(1);
    vmfile_close();
    open_vms();
    expect_name(1, "old");
    assert_false(is_there(2));
    assert_int_equal(vmfile_change(one, rename_vm, NULL, &why), 0);
    expect_name(1, "new");
    expect_files(1);
    assert_int_equal(vmfile_remove(one, &why), 0);
    expect_files(0);
}

/* Every field that can be given, with a value that is not its default. */
static void test_every_field_survives(void **state)
{
    static const char *const texts[][2] = {
        {"name_label", "all"},
        {"name_description", "a\tb"},
        {"user_version", "-7"},
        {"memory_static_max", "536870912"},
        {"memory_dynamic_max", "268435456"},
        {"memory_dynamic_min", "134217728"},
        {"memory_static_min", "4096"},
        {"VCPUs_max", "4"},
        {"VCPUs_at_startup", "2"},
        {"actions_after_shutdown", "restart"},
        {"actions_after_reboot", "destroy"},
        {"actions_after_crash", "rename_restart"},
        {"PV_kernel", "/boot/vmlinuz"},
        {"PV_ramdisk", "/boot/initrd"},
        {"PV_args", "root=/dev/xvda ro"},
    };
    static const char *const maps[][3] = {
        {"VCPUs_params", "weight", "512"},
        {"platform", "key", "value"},
        {"other_config", VM_DISKS, "phy:/dev/loop1,xvda,w\nfile:/x,xvdb,r"},
    };
    struct value *given = value_struct(), *record, *whole;
    struct vm_trouble t;
    struct failure why;
    struct vmfile *f;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        value_set(given, texts[i][0], value_string(texts[i][1]));
    for (size_t i = 0; i < COUNT(maps); i++) {
        struct value *map = value_struct();

        value_set(map, maps[i][1], value_string(maps[i][2]));
        value_set(given, maps[i][0], map);
    }
    value_set(given, "is_a_template", value_boolean(true));
    record = vm_record_make(given, &t);
    assert_non_null(record);
    whole = value_copy(record);
    open_vms();
    assert_int_equal(vmfile_add((const uint8_t[16]){9}, record, &why), 0);
    vmfile_close();
    open_vms();
    f = vmfile_get((const uint8_t[16]){9});
    assert_non_null(f);
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_string_equal(value_as_string(value_get(f->record, texts[i][0])), texts[i][1]);
    for (size_t i = 0; i < COUNT(maps); i++)
        assert_string_equal(
            value_as_string(value_get(value_get(f->record, maps[i][0]), maps[i][1])), maps[i][2]);
    assert_int_equal(value_count(f->record), value_count(whole));
    for (unsigned int i = 0; vm_record_field(i) != NULL; i++) {
        const struct value *was = value_get(whole, vm_record_field(i));
        const struct value *is = value_get(f->record, vm_record_field(i));

        assert_non_null(is);
        assert_int_equal(value_kind(was), value_kind(is));
        if (value_as_string(was) != NULL)
            assert_string_equal(value_as_string(was), value_as_string(is));
    }
    vmfile_put(f);
    value_free(whole);
    value_free(given);
}

/* A file of the first VM with one thing replaced; "" replaces everything. */
static void damage(const char *what, const char *with, char *text, size_t size)
{
    char path[160], *good;
    const char *at;

    path_of(1, path);
    good = read_file(path);
    at = strstr(good, what);
    assert_non_null(at);
    if (*what == '\0')
        snprintf(text, size, "%s", with);
    else
        snprintf(text, size, "%.*s%s%s", (int)(at - good), good, with, at + strlen(what));
    free(good);
}

static void test_damage_is_left_alone(void **state)
{
    static const struct {
        const char *what, *with, *said;
    } cases[] = {
        {"", "", "not JSON"},
        {"", "{", "not JSON"},
        {"", "[]", "no format number"},
        {"\"format\": 1", "\"format\": 2", "newer"},
        {"\"format\": 1", "\"format\": \"1\"", "no format number"},
        {"\"record\"", "\"other\"", "no record"},
        {"\"uuid\": \"01", "\"uuid\": \"02", "not that of the UUID"},
        {"\"uuid\": \"01", "\"uuid\": \"x1", "no UUID"},
        {"\"134217728\"", "134217728", "of no type"},
        {"\"134217728\"", "\"-1\"", "must be between"},
        {"\"134217728\"", "\"lots\"", "wrong type"},
        {"\"name_label\"", "\"name_lable\"", "unknown field"},
        {"\"name_label\": \"one\"", "\"name_label\": \"a/b\"", "cannot hold"},
        {"\"platform\": {", "\"platform\": {\"a\": {\"b\": \"c\"}", "of no type"},
        {"\"is_a_template\": false", "\"is_a_template\": \"no\"", "wrong type"},
        {"\"destroy\"", "\"explode\"", "must be destroy"},
    };
    char path[160], text[8192], log[96], *after, *said;

    (void)state;
    open_vms();
    add(1, "one");
    add(2, "two");
    vmfile_close();
    path_of(1, path);
    after = read_file(path);
    snprintf(log, sizeof(log), "%s/log", folder);
    for (size_t i = 0; i < COUNT(cases); i++) {
        int saved = dup(2), to = open(log, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

        damage(cases[i].what, cases[i].with, text, sizeof(text));
        write_file(path, text);
        dup2(to, 2);
        close(to);
        open_vms();
        dup2(saved, 2);
        close(saved);
        assert_false(is_there(1));
        expect_name(2, "two");
        vmfile_close();
        said = read_file(log);
        if (strstr(said, cases[i].said) == NULL || strstr(said, path) == NULL)
            fail_msg("case %zu: %s", i, said);
        free(said);
        if (*text != '\0') {
            said = read_file(path);
            assert_string_equal(said, text);
            free(said);
        }
        write_file(path, after);
    }
    free(after);
    open_vms();
    expect_name(1, "one");
}

/* Every byte of a definition replaced, and every end of it cut off: read or refused, no more. */
static void test_every_byte_damaged(void **state)
{
    static const char with[] = {'0', '"', '{', '}', '\\', ',', '\x80'};
    struct value *record = record_named("one");
    const uint8_t id[16] = {1};
    char *text = vmfile_print(id, record);

    (void)state;
    value_free(record);
    for (size_t i = 0; text[i] != '\0'; i++)
        for (size_t j = 0; j <= sizeof(with); j++) {
            const char was = text[i];
            struct vm_trouble t;
            struct failure why;
            struct value *made;
            uint8_t uuid[16];

            text[i] = j < sizeof(with) ? with[j] : '\0';
            if (vmfile_parse(text, uuid, &record, &why) == 0) {
                made = vm_record_make(record, &t);
                value_free(made);
                value_free(record);
            } else {
                assert_null(record);
                assert_true(strlen(why.text) > 5);
            }
            text[i] = was;
        }
    free(text);
}

static void test_what_is_no_definition(void **state)
{
    char path[160];
    DIR *dir;

    (void)state;
    open_vms();
    add(1, "one");
    vmfile_close();
    snprintf(path, sizeof(path), "%s/notes.txt", vms);
    write_file(path, "mine");
    snprintf(path, sizeof(path), "%s/.x.json.new", vms);
    write_file(path, "half");
    snprintf(path, sizeof(path), "%s/folder.json", vms);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/fifo.json", vms);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/link.json", vms);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    open_vms();
    expect_name(1, "one");
    snprintf(path, sizeof(path), "%s/.x.json.new", vms);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/notes.txt", vms);
    assert_int_equal(access(path, F_OK), 0);
    dir = opendir(vms);
    closedir(dir);
}

static void test_one_process_only(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    open_vms();
    add(1, "one");
    pid = fork();
    if (pid == 0) {
        struct failure why;
        int fd = open(vms, O_RDONLY | O_DIRECTORY);

        /* this process's own descriptors would share the lock: a fresh open must not */
        close(fd);
        execl("/proc/self/exe", "files", "claim", vms, NULL);
        (void)why;
        _exit(9);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), EBUSY);
}

/* --- many threads */

static struct value *add_key(const struct value *record, void *arg)
{
    const struct value *old = value_get(record, "other_config");
    struct value *changes = value_struct(), *map = value_copy(old), *made;
    struct vm_trouble t;

    value_set(map, arg, value_string("x"));
    value_set(changes, "other_config", map);
    made = vm_record_with(record, changes, &t);
    value_free(changes);
    return made;
}

static void *change_often(void *arg)
{
    for (int i = 0; i < 10; i++) {
        struct vmfile *f = vmfile_get((const uint8_t[16]){1});
        struct failure why;
        char key[16];

        snprintf(key, sizeof(key), "%s%d", (const char *)arg, i);
        if (vmfile_change((const uint8_t[16]){1}, add_key, key, &why) != 0)
            return arg;
        /* the old one is still there for who looks at it */
        if (value_as_string(value_get(f->record, "name_label")) == NULL)
            return arg;
        vmfile_put(f);
    }
    return NULL;
}

static void test_changes_by_threads_are_all_there(void **state)
{
    static char names[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    struct vmfile *f;
    void *failed;

    (void)state;
    open_vms();
    add(1, "one");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, change_often, names[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    vmfile_close();
    open_vms();
    f = vmfile_get((const uint8_t[16]){1});
    assert_int_equal(value_count(value_get(f->record, "other_config")), 40);
    vmfile_put(f);
}

/* --- killed */

static void write_for_ever(void)
{
    struct failure why;
    char name[400];

    if (vmfile_open(vms, &why) != 0)
        _exit(1);
    for (int i = 0;; i++) {
        memset(name, 'a' + i % 26, 100);
        name[100] = '\0';
        vmfile_add((const uint8_t[16]){1}, record_named(name), &why);
        if (i % 3 == 0)
            vmfile_add((const uint8_t[16]){2}, record_named("two"), &why);
        if (i % 3 == 2)
            vmfile_remove((const uint8_t[16]){2}, &why);
    }
}

static void test_killed_at_any_instant(void **state)
{
    (void)state;
    open_vms();
    add(1, "first");
    vmfile_close();
    for (int round = 0; round < 40; round++) {
        const struct timespec pause = {.tv_nsec = 1000000 + round * 370000};
        struct vmfile *f;
        const char *name;
        pid_t pid = fork();

        if (pid == 0)
            write_for_ever();
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        open_vms();
        f = vmfile_get((const uint8_t[16]){1});
        assert_non_null(f);
        name = value_as_string(value_get(f->record, "name_label"));
        if (strcmp(name, "first") != 0) {
            assert_int_equal(strlen(name), 100);
            assert_int_equal(strspn(name, (const char[]){*name, '\0'}), 100);
        }
        vmfile_put(f);
        vmfile_close();
    }
}

/* --- the host's own file */

static struct value *rename_host(const struct value *record, void *arg)
{
    struct value *made = value_struct();

    for (size_t i = 0; i < value_count(record); i++) {
        const bool it = strcmp(value_name(record, i), "name_label") == 0;

        value_set(made, value_name(record, i),
                  it ? value_string(arg) : value_copy(value_at(record, i)));
    }
    return made;
}

static void test_host_keeps_its_uuid(void **state)
{
    char name[] = "new name", first[37], path[96];
    struct value *record;
    struct failure why;

    (void)state;
    assert_int_equal(host_open(folder, &why), 0);
    strcpy(first, host_ref());
    assert_int_equal(host_file_change(rename_host, name, &why), 0);
    host_close();
    assert_int_equal(host_open(folder, &why), 0);
    assert_string_equal(host_ref(), first);
    record = host_file_record();
    assert_string_equal(value_as_string(value_get(record, "name_label")), "new name");
    value_free(record);
    host_close();
    snprintf(path, sizeof(path), "%s/host.json", folder);
    write_file(path, "{\"format\": 1, \"uuid\"");
    assert_int_equal(host_open(folder, &why), -1);
    assert_non_null(strstr(why.text, "host.json is damaged"));
}

static int claim(const char *path)
{
    struct failure why;

    return vmfile_open(path, &why) == 0 ? 0 : why.error;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept_over_restarts, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_folder_that_cannot_be_flushed, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_every_field_survives, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_damage_is_left_alone, make_folder, remove_folder),
        cmocka_unit_test(test_every_byte_damaged),
        cmocka_unit_test_setup_teardown(test_what_is_no_definition, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_one_process_only, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_changes_by_threads_are_all_there, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_killed_at_any_instant, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_host_keeps_its_uuid, make_folder, remove_folder),
    };

    if (argc == 3 && strcmp(argv[1], "claim") == 0)
        return claim(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
