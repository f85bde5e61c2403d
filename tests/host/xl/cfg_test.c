/* SPDX-License-Identifier: MIT */
/*
 * The language of xl.cfg: what it accepts, with which lines, and the one sentence for what it does
 * not. Ends with damage: every prefix of a good text and every single changed byte must give a tree
 * or a sentence, never a crash.
 */
#include "tests/host/xl/check.h"
#include "dom0-tools/lib/cfg.h"

static struct cfg *good(const char *text)
{
    struct failure why = {0};
    struct cfg *cfg = NULL;

    if (cfg_parse("t", text, strlen(text), &cfg, &why) != 0)
        fail_msg("%s", why.text);
    return cfg;
}

static void expect_text(struct cfg *cfg, const char *key, const char *text)
{
    struct cfg_setting *s = cfg_find(cfg, key);

    assert_non_null(s);
    assert_int_not_equal(s->value->kind, CFG_LIST);
    assert_string_equal(s->value->text, text);
}

static void values(void **state)
{
    struct cfg *cfg = good("name = \"a b\" # no\nmemory=512;vcpus = 0x2\n\n"
                           "x.y_1 = '\\x41\\102\\n\\'\\\\'\r\nlast='#;'");

    (void)state;
    expect_text(cfg, "name", "a b");
    expect_text(cfg, "memory", "512");
    expect_text(cfg, "vcpus", "0x2");
    expect_text(cfg, "x.y_1", "AB\n'\\");
    expect_text(cfg, "last", "#;");
    assert_null(cfg_find(cfg, "nothing"));
    assert_int_equal(cfg_find(cfg, "vcpus")->line, 2);
    assert_int_equal(cfg_find(cfg, "last")->line, 5);
    cfg_free(cfg);
}

static void lists(void **state)
{
    struct cfg *cfg =
        good("a = []\nb = [ 'x',\n  # why\n  'y'\n, [1, 2,], ]\nc = [3]\nc += ['4', 5]");
    const struct cfg_value *b;

    (void)state;
    assert_int_equal(cfg_find(cfg, "a")->value->count, 0);
    b = cfg_find(cfg, "b")->value;
    assert_int_equal(b->count, 3);
    assert_string_equal(b->items[1]->text, "y");
    assert_int_equal(b->items[1]->line, 4);
    assert_int_equal(b->items[2]->count, 2);
    assert_int_equal(cfg_find(cfg, "c")->value->count, 3);
    cfg_free(cfg);
}

static void assignment(void **state)
{
    struct cfg *cfg = good("a = 1\na = 'two'\nb = 'x'\nb += 'y'\nfresh += 'z'\na += '!'");

    (void)state;
    expect_text(cfg, "a", "two!");
    expect_text(cfg, "b", "xy");
    expect_text(cfg, "fresh", "z");
    assert_int_equal(cfg->count, 3);
    assert_int_equal(cfg_find(cfg, "a")->line, 6);
    cfg_free(cfg);
}

static void complaints(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"name", "t:1: config parsing error near end of file: expected '=' or '+=' after a key"},
        {"foo bar", "t:1: config parsing error near `bar': expected '=' or '+=' after a key"},
        {"\n\nfoo = \n", "t:3: config parsing error near end of line: expected a number, a string "
                         "in quotes or a list"},
        {"a = 'x", "t:1: config parsing error near `'x': the string is not closed on its line"},
        {"a = \"x\ny\"", "t:1: config parsing error near `\"x': the string is not closed on its "
                         "line"},
        {"a = '\\q'", "t:1: config parsing error near `\\q': unknown escape in a string"},
        {"a = '\\x0", "t:1: config parsing error near `\\x': unknown escape in a string"},
        {"a = '\\000'", "t:1: config parsing error near `\\0': a string cannot hold a NUL byte"},
        {"Name = 1",
         "t:1: config parsing error near `Name': a bare word; keys are lower case, text "
         "stands in quotes"},
        {"a = [1, 2", "t:1: config parsing error near end of file: expected ',' or ']' in a list"},
        {"a = [1 2]", "t:1: config parsing error near `2': expected ',' or ']' in a list"},
        {"a = [,]",
         "t:1: config parsing error near `,': expected a number, a string in quotes or a list"},
        {"a = 1 2", "t:1: config parsing error near `2': expected the end of the line or ';'"},
        {"a = 1\na += 1", "t:2: config parsing error: += joins a string to a string or a list to a "
                          "list, and line 1 holds a number"},
        {"a = $x", "t:1: config parsing error near `$': unexpected character"},
        {"= 1", "t:1: config parsing error near `=': expected a key"},
        {"a = [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
         "t:1: config parsing error near `[': lists are nested too deep"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct failure why = {0};
        struct cfg *cfg = NULL;

        assert_int_equal(cfg_parse("t", cases[i].text, strlen(cases[i].text), &cfg, &why), -1);
        assert_string_equal(why.text, cases[i].sentence);
    }
}

static void nul_byte(void **state)
{
    struct failure why = {0};
    struct cfg *cfg = NULL;

    (void)state;
    assert_int_equal(cfg_parse("t", "a = 1\0b", 7, &cfg, &why), -1);
    assert_int_equal(cfg_parse("t", "a = '1\0b'", 9, &cfg, &why), -1);
}

static void files(void **state)
{
    struct failure why = {0};
    char *text;
    size_t len;

    (void)state;
    assert_int_equal(cfg_read_file("/nonexist", &text, &len, &why), -1);
    assert_string_equal(why.text,
                        "Failed to read config file: /nonexist: No such file or directory");
    assert_int_equal(cfg_read_file("/proc", &text, &len, &why), -1);
    assert_string_equal(why.text, "Failed to read config file: /proc: Is a directory");
    assert_int_equal(cfg_read_file("/dev/zero", &text, &len, &why), -1);
}

static void damage(void **state)
{
    static const char text[] = "name = 'g' # x\nlist = [ \"a\\n\", 1,\n ['b'] ]; list += ['c']\n";
    char copy[sizeof(text)];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        for (int byte = 0; byte < 256; byte++) {
            struct failure why = {0};
            struct cfg *cfg = NULL;
            int rc;

            memcpy(copy, text, sizeof(text));
            copy[i] = (char)byte;
            /* byte 0 stands for the text's end at i, the others for a changed byte */
            rc = cfg_parse("t", copy, byte == 0 ? i : sizeof(text) - 1, &cfg, &why);
            assert_true(rc == 0 ? cfg != NULL : why.text[0] != '\0');
            if (rc == 0)
                cfg_free(cfg);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),     cmocka_unit_test(lists),    cmocka_unit_test(assignment),
        cmocka_unit_test(complaints), cmocka_unit_test(nul_byte), cmocka_unit_test(files),
        cmocka_unit_test(damage),
    };

    return cmocka_run_group_tests_name("xl_cfg", tests, NULL, NULL);
}
