/* A file of lines is there when it is complete, and an older one until then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/triplegain_lines_XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void assert_content(const char *path, const char *wanted)
{
    char text[64] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, wanted);
}

static void add(struct store__lines *lines, const char *text)
{
    assert_int_equal(store__lines_add(lines, text, strlen(text), NULL), 0);
}

static void test_not_there_before_it_is_finished(void **state)
{
    (void)state;
    struct store__lines lines;
    const char *path = path_of("new");
    assert_int_equal(store__lines_open(&lines, path, NULL), 0);
    add(&lines, "one");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(store__lines_finish(&lines, NULL), 0);
    assert_content(path, "one\n");
    add(&lines, "two");
    assert_int_equal(store__lines_finish(&lines, NULL), 0);
    store__lines_close(&lines);
    assert_content(path, "one\ntwo\n");
    assert_int_not_equal(access(path_of("new.part"), F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_nothing_is_left_of_what_was_not_finished(void **state)
{
    (void)state;
    struct store__lines lines;
    const char *path = path_of("old");
    FILE *old = fopen(path, "we");
    assert_non_null(old);
    assert_true(fputs("older\n", old) >= 0);
    assert_int_equal(fclose(old), 0);
    assert_int_equal(store__lines_open(&lines, path, NULL), 0);
    add(&lines, "newer");
    store__lines_close(&lines);
    assert_content(path, "older\n");
    assert_int_not_equal(access(path_of("old.part"), F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_what_is_no_ordinary_file_is_written_to(void **state)
{
    (void)state;
    struct store__lines lines;
    struct stat there;
    const char *target = path_of("target");
    const char *link = path_of("link");
    FILE *file = fopen(target, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(store__lines_open(&lines, link, NULL), 0);
    add(&lines, "through the link");
    assert_int_equal(store__lines_finish(&lines, NULL), 0);
    store__lines_close(&lines);
    assert_content(target, "through the link\n");
    assert_int_equal(lstat(link, &there), 0);
    assert_true(S_ISLNK(there.st_mode));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(target), 0);

    assert_int_equal(store__lines_open(&lines, "/dev/null", NULL), 0);
    add(&lines, "away");
    assert_int_equal(store__lines_finish(&lines, NULL), 0);
    store__lines_close(&lines);
    assert_int_equal(lstat("/dev/null", &there), 0);
    assert_true(S_ISCHR(there.st_mode));
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails where something was left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_there_before_it_is_finished),
        cmocka_unit_test(test_nothing_is_left_of_what_was_not_finished),
        cmocka_unit_test(test_what_is_no_ordinary_file_is_written_to),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
