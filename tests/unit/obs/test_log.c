/* Lines are bounded, clean, in one piece, and the same trouble is not told a thousand times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "obs/obs.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINES_MAX 64

struct fixture {
    struct tg_virtual_clock hands;
    struct tg_clock clock;
    struct obs_log *log;
    size_t lines; /* all that came; the first LINES_MAX are kept */
    int levels[LINES_MAX];
    char texts[LINES_MAX][OBS_LINE_MAX + 1];
    size_t wrong; /* lines that broke a rule of every line */
};

static void keep_line(void *context, int level, const char *line, size_t length)
{
    struct fixture *fixture = context;
    bool whole = length <= OBS_LINE_MAX && strlen(line) == length && tg_text_is_utf8(line, length);
    fixture->wrong += !whole;
    if (whole && fixture->lines < LINES_MAX) {
        memcpy(fixture->texts[fixture->lines], line, length + 1);
        fixture->levels[fixture->lines] = level;
    }
    fixture->lines++;
}

static void open_log(struct fixture *fixture, int level_min)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->hands.now_ns = INT64_C(1643673599123456789);
    fixture->clock = tg_virtual_clock(&fixture->hands);
    struct tg_error error = {0};
    assert_int_equal(
        obs_log_create(level_min, &fixture->clock, keep_line, fixture, &fixture->log, &error),
        TG_E_OK);
}

static void close_log(struct fixture *fixture)
{
    obs_log_destroy(fixture->log);
    assert_int_equal(fixture->wrong, 0);
}

static void create_refuses(void **state)
{
    (void)state;
    struct tg_virtual_clock hands = {0};
    struct tg_clock clock = tg_virtual_clock(&hands);
    struct obs_log *log = NULL;
    struct tg_error error = {0};
    assert_int_equal(obs_log_create(-1, &clock, keep_line, NULL, &log, &error), TG_E_INVALID);
    assert_string_equal(error.message, "log level: -1 is out of range (0 to 3)");
    assert_int_equal(obs_log_create(4, &clock, keep_line, NULL, &log, &error), TG_E_INVALID);
    assert_int_equal(obs_log_create(0, NULL, keep_line, NULL, &log, &error), TG_E_INVALID);
    assert_int_equal(obs_log_create(0, &clock, NULL, NULL, &log, &error), TG_E_INVALID);
    assert_null(log);
}

static void no_log_says_nothing(void **state)
{
    (void)state;
    OBS_ERROR(NULL, "test", "%s", "unheard");
    assert_int_equal(obs_log_count(NULL, TG_LOG_ERROR), 0);
    obs_log_destroy(NULL);
}

static void a_line_has_time_level_and_room(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    OBS_WARNING(fixture.log, "plugin", "%s took %d ms", "ta_agent", 51);
    assert_string_equal(fixture.texts[0],
                        "2022-01-31T23:59:59.123Z warning plugin: ta_agent took 51 ms");
    assert_int_equal(fixture.levels[0], TG_LOG_WARNING);
    OBS_DEBUG(fixture.log, "bus", "d");
    OBS_INFO(fixture.log, "bus", "i");
    OBS_ERROR(fixture.log, "bus", "e");
    assert_non_null(strstr(fixture.texts[1], "Z debug bus: d"));
    assert_non_null(strstr(fixture.texts[2], "Z info bus: i"));
    assert_non_null(strstr(fixture.texts[3], "Z error bus: e"));
    obs_log_write(fixture.log, 99, "bus", "a level that does not exist");
    assert_non_null(strstr(fixture.texts[4], "Z error bus: a level"));
    assert_int_equal(fixture.lines, 5);
    close_log(&fixture);
}

static void lower_levels_are_only_counted(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_ERROR);
    OBS_WARNING(fixture.log, "bus", "no");
    OBS_ERROR(fixture.log, "bus", "%s", "");
    assert_int_equal(fixture.lines, 1);
    assert_string_equal(fixture.texts[0], "2022-01-31T23:59:59.123Z error bus: ");
    close_log(&fixture);
    open_log(&fixture, TG_LOG_WARNING);
    OBS_DEBUG(fixture.log, "bus", "zero");
    OBS_INFO(fixture.log, "bus", "one");
    OBS_INFO(fixture.log, "bus", "two");
    OBS_WARNING(fixture.log, "bus", "three");
    assert_int_equal(fixture.lines, 1);
    assert_int_equal(obs_log_count(fixture.log, TG_LOG_DEBUG), 1);
    assert_int_equal(obs_log_count(fixture.log, TG_LOG_INFO), 2);
    assert_int_equal(obs_log_count(fixture.log, TG_LOG_WARNING), 1);
    assert_int_equal(obs_log_count(fixture.log, TG_LOG_ERROR), 0);
    assert_int_equal(obs_log_count(fixture.log, -1), 0);
    assert_int_equal(obs_log_count(fixture.log, 4), 0);
    close_log(&fixture);
}

static void repeats_are_written_at_powers_of_ten(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    for (int i = 1; i <= 12345; i++)
        OBS_ERROR(fixture.log, "store", "row %d of %s refused", i, "a.csv");
    assert_int_equal(fixture.lines, 5);
    assert_non_null(strstr(fixture.texts[0], "row 1 of a.csv refused"));
    assert_null(strstr(fixture.texts[0], "times"));
    assert_non_null(strstr(fixture.texts[1], "row 10 of a.csv refused (10 times)"));
    assert_non_null(strstr(fixture.texts[4], "row 10000 of a.csv refused (10000 times)"));
    assert_int_equal(obs_log_count(fixture.log, TG_LOG_ERROR), 12345);
    close_log(&fixture);
}

static void different_troubles_do_not_hide_each_other(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    static const char *const texts[] = {"agent_1 failed", "agent_2 failed", "agent_1 hangs"};
    static const char format[] = "%s";
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < 3; i++)
            obs_log_write(fixture.log, TG_LOG_ERROR, "plugin", format, texts[i]);
        obs_log_write(fixture.log, TG_LOG_WARNING, "plugin", format, texts[0]); /* another level */
        obs_log_write(fixture.log, TG_LOG_ERROR, "control", format, texts[0]);  /* another room */
    }
    assert_int_equal(fixture.lines, 5);
    close_log(&fixture);
}

static void numbers_and_ids_make_no_difference(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    static const char *const same[] = {
        "message 017eb2a1-0c53-7abc-8def-0123456789ff at 45123.45 took 7 ms",
        "message 117eb2a1-0c53-7abc-8def-aaaabbbbcccc at 9.1 took 70000 ms",
        "message aaaaaaaa-0c53-7abc-8def-aaaabbbbcccc at 100.0 took 0 ms",
    };
    for (size_t i = 0; i < 3; i++)
        OBS_WARNING(fixture.log, "bus", "%s", same[i]);
    assert_int_equal(fixture.lines, 1);
    static const char *const same_again[] = {
        "7 of 017eb2a1-0c53-7abc-8def-0123456789ff",
        "8 of a17eb2a1-0c53-7abc-8def-0123456789ff",
        "9 of 017eb2a1-0c53-7abc-8def-0123456789fe",
    };
    for (size_t i = 0; i < 3; i++)
        OBS_ERROR(fixture.log, "bus", "%s", same_again[i]);
    assert_int_equal(fixture.lines, 2);
    static const char *const different[] = {
        "a1",
        "a2",
        "z1",
        "z2",
        "A1",
        "A2",
        "Z1",
        "Z2",
        "_1",
        "_2",
        "017eb2a1-0c53-7abc-8def-0123456789ffa",
        "017eb2a1-0c53-7abc-8def-0123456789ffb",
    };
    for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++)
        OBS_ERROR(fixture.log, "bus", "%s", different[i]);
    assert_int_equal(fixture.lines, 2 + sizeof(different) / sizeof(different[0]));
    close_log(&fixture);
}

static void info_is_always_written(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    for (int i = 0; i < 500; i++) {
        OBS_INFO(fixture.log, "coord", "policies reloaded");
        OBS_DEBUG(fixture.log, "coord", "turn");
    }
    assert_int_equal(fixture.lines, 1000);
    close_log(&fixture);
}

static void a_quiet_hour_makes_it_new(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    int64_t waits[] = {0, 0, TG_NS_PER_HOUR, TG_NS_PER_HOUR + 1, 0};
    size_t lines[] = {1, 1, 1, 2, 2}; /* an hour exactly is not yet over an hour */
    for (size_t i = 0; i < 5; i++) {
        fixture.hands.now_ns += waits[i];
        OBS_ERROR(fixture.log, "store", "the store is away");
        assert_int_equal(fixture.lines, lines[i]);
    }
    assert_null(strstr(fixture.texts[1], "times"));
    close_log(&fixture);
}

static void write_distinct(struct fixture *fixture, int number)
{
    char text[3] = {(char)('a' + number / 26 % 26), (char)('a' + number % 26), '\0'};
    OBS_ERROR(fixture->log, "test", "trouble %s", text);
}

static void the_table_is_bounded(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    for (int i = 0; i < OBS_REPEATS_MAX; i++)
        write_distinct(&fixture, i);
    assert_int_equal(fixture.lines, OBS_REPEATS_MAX);
    for (int i = OBS_REPEATS_MAX; i < OBS_REPEATS_MAX + 100; i++)
        write_distinct(&fixture, i); /* all of them together: at 1, 10 and 100 */
    assert_int_equal(fixture.lines, OBS_REPEATS_MAX + 3);
    write_distinct(&fixture, 0); /* the old ones are still told apart */
    assert_int_equal(fixture.lines, OBS_REPEATS_MAX + 3);
    fixture.hands.now_ns += TG_NS_PER_HOUR + 1; /* now the slots are free again */
    for (int i = 300; i < 310; i++)
        write_distinct(&fixture, i);
    assert_int_equal(fixture.lines, OBS_REPEATS_MAX + 13);
    close_log(&fixture);
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    OBS_INFO(fixture.log, "test",
             "a\n2022 error fake: b\x1b[31m\x7f\t\xC2\x9B \xFF \xC2\xA0\xC3\xA4");
    const char *text = strstr(fixture.texts[0], "test: ");
    assert_string_equal(text, "test: a\\x0a2022 error fake: b\\x1b[31m\\x7f\\x09\\xc2\\x9b \\xff "
                              "\xC2\xA0\xC3\xA4");
    OBS_INFO(fixture.log, "ro\nom", "x");
    assert_non_null(strstr(fixture.texts[1], "ro\\x0aom: x"));
    close_log(&fixture);
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    char text[3000];
    size_t head = strlen("2022-01-31T23:59:59.123Z error test: ");
    memset(text, 'x', sizeof(text));
    text[OBS_LINE_MAX - head] = '\0';
    OBS_ERROR(fixture.log, "test", "%s", text);
    assert_int_equal(strlen(fixture.texts[0]), OBS_LINE_MAX);
    assert_string_equal(fixture.texts[0] + OBS_LINE_MAX - 3, "xxx"); /* just fits */
    text[OBS_LINE_MAX - head] = 'x';
    text[OBS_LINE_MAX - head + 1] = '\0';
    OBS_ERROR(fixture.log, "test", "%s", text);
    assert_int_equal(strlen(fixture.texts[1]), OBS_LINE_MAX);
    assert_string_equal(fixture.texts[1] + OBS_LINE_MAX - 4, "x...");
    /* escapes and characters of several bytes are not cut in half */
    for (int shift = 0; shift < 4; shift++) {
        memset(text, 'x', 4);
        for (size_t i = (size_t)shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 3);
        text[sizeof(text) - 1] = '\0';
        OBS_INFO(fixture.log, "test", "%s", text);
        memset(text + shift, '\n', sizeof(text) - 1 - (size_t)shift);
        OBS_INFO(fixture.log, "test", "%s", text);
    }
    for (size_t i = 2; i < fixture.lines; i++) {
        size_t length = strlen(fixture.texts[i]);
        assert_true(length > OBS_LINE_MAX - 7 && length <= OBS_LINE_MAX);
        assert_string_equal(fixture.texts[i] + length - 3, "...");
        if (i % 2 != 0)
            assert_string_equal(fixture.texts[i] + length - 7, "\\x0a...");
    }
    assert_int_equal(fixture.lines, 10);
    close_log(&fixture);
}

static void a_count_survives_the_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    char text[3000];
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 10; i++)
        OBS_ERROR(fixture.log, "test", "%s", text);
    assert_int_equal(fixture.lines, 2);
    assert_int_equal(strlen(fixture.texts[1]), OBS_LINE_MAX);
    assert_string_equal(fixture.texts[1] + OBS_LINE_MAX - 15, "y... (10 times)");
    char room[2000];
    memset(room, 'r', sizeof(room) - 1);
    room[sizeof(room) - 1] = '\0';
    OBS_INFO(fixture.log, room, "a room's name that is no name");
    assert_non_null(strstr(fixture.texts[2], "info: a room's name"));
    close_log(&fixture);
}

#define THREADS          4
#define LINES_PER_THREAD 2000

static void *log_much(void *argument)
{
    struct obs_log *log = argument;
    for (int i = 0; i < LINES_PER_THREAD; i++) {
        OBS_ERROR(log, "thread", "failure %d", i);
        OBS_INFO(log, "thread", "line %d", i);
    }
    return NULL;
}

static void any_thread_may_log(void **state)
{
    (void)state;
    struct fixture fixture;
    open_log(&fixture, TG_LOG_DEBUG);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_much, fixture.log), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(obs_log_count(fixture.log, TG_LOG_ERROR), THREADS * LINES_PER_THREAD);
    /* 8,000 errors: at 1, 10, 100 and 1,000 */
    assert_int_equal(fixture.lines, THREADS * LINES_PER_THREAD + 4);
    close_log(&fixture);
}

static void the_sink_for_people_writes_to_standard_error(void **state)
{
    (void)state;
    int pipe_ends[2];
    char text[64] = "";
    assert_int_equal(pipe(pipe_ends), 0);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    dup2(pipe_ends[1], STDERR_FILENO);
    obs_log_stderr(NULL, TG_LOG_INFO, "a line and more", 6);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_ends[1]);
    ssize_t got = read(pipe_ends[0], text, sizeof(text) - 1);
    close(pipe_ends[0]);
    assert_int_equal(got, 7);
    assert_string_equal(text, "a line\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_refuses),
        cmocka_unit_test(no_log_says_nothing),
        cmocka_unit_test(a_line_has_time_level_and_room),
        cmocka_unit_test(lower_levels_are_only_counted),
        cmocka_unit_test(repeats_are_written_at_powers_of_ten),
        cmocka_unit_test(different_troubles_do_not_hide_each_other),
        cmocka_unit_test(numbers_and_ids_make_no_difference),
        cmocka_unit_test(info_is_always_written),
        cmocka_unit_test(a_quiet_hour_makes_it_new),
        cmocka_unit_test(the_table_is_bounded),
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(a_count_survives_the_cut),
        cmocka_unit_test(any_thread_may_log),
        cmocka_unit_test(the_sink_for_people_writes_to_standard_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
