/* Settings: texts of the configuration read as the plugin's types, or refused with their place. */
#include "plugin_world.h"

/* Creates one from these settings and gives the sentence; "": it was created. */
static const char *try(const struct plugin_setting *settings, size_t count)
{
    static char sentence[TG_ERROR_MESSAGE_SIZE];
    struct world world;
    struct plugin_instance *instance = NULL;
    struct plugin_instance_options options = {.name = "mine",
                                              .plugin = "settings",
                                              .kind = TG_KIND_AGENT,
                                              .folder = "/etc/somewhere",
                                              .settings = settings,
                                              .setting_count = count};
    world_open(&world, 1);
    world_scan(&world, "settings");
    int code = plugin_instance_create(world.host, &options, &instance, &world.error);
    assert_int_equal(code == 0, world.error.message[0] == '\0');
    assert_int_equal(plugin_instance_count(world.host), code == 0 ? 1 : 0);
    (void)tg_text_copy(sentence, sizeof(sentence), world.error.message);
    if (code == 0)
        (void)tg_text_copy(sentence, sizeof(sentence),
                           world_do(&world, instance, "say", PLUGIN_FAILED).message);
    world_close(&world);
    return sentence;
}

#define GREETING                                                                                   \
    {                                                                                              \
        "greeting", "hello", "my.yaml:3:5"                                                         \
    }

static void test_defaults(void **state)
{
    static const struct plugin_setting settings[] = {GREETING};
    (void)state;
    assert_string_equal(try(settings, 1),
                        "mine failed: 6 hello 14 1.5 1 0 2=both in /etc/somewhere");
}

static void test_all_given(void **state)
{
    static const struct plugin_setting settings[] = {
        {"side", "short", "f:1:1"}, {"loud", "true", "f:2:1"},  {"amount", "12.5", "f:3:1"},
        {"factor", "0.5", "f:4:1"}, {"period", "200", "f:5:1"}, {"greeting", "", "f:6:1"}};
    (void)state;
    assert_string_equal(try(settings, 6),
                        "mine failed: 6  200 0.5 1250000000 1 1=short in /etc/somewhere");
}

static void test_missing(void **state)
{
    (void)state;
    assert_string_equal(try(NULL, 0),
                        "mine: plugin settings needs the key greeting: a word of welcome");
}

static void test_refusals(void **state)
{
    static const struct {
        const char *key, *text, *sentence;
    } cases[] = {
        {"perod", "7", "plugin settings has no key perod (is it period?)"},
        {"nothing_like_it", "7", "plugin settings has no key nothing_like_it"},
        {"period", "1", "period: 1 is out of range (2 to 200)"},
        {"period", "201", "period: 201 is out of range (2 to 200)"},
        {"period", "99999999999999999999", "period: 99999999999999999999 is no whole number"},
        {"period", "ten", "period: ten is no whole number"},
        {"period", "", "period:  is no whole number"},
        {"factor", "0.49", "factor: 0.49 is out of range (0.5 to 4)"},
        {"factor", "nan", "factor: nan is no number"},
        {"factor", "inf", "factor: inf is no number"},
        {"factor", "0x1p1", "factor: 0x1p1 is no number"},
        {"amount", "-1", "amount: -1 is out of range (0 to 1000)"},
        {"loud", "yes", "loud: yes is not true or false"},
        {"side", "LONG", "side: LONG is not one of long|short|both"},
        {"side", "long|short", "side: long|short is not one of long|short|both"},
        {"side", "", "side:  is not one of long|short|both"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_END(cases); i++) {
        const struct plugin_setting settings[] = {GREETING,
                                                  {cases[i].key, cases[i].text, "my.yaml:4:7"}};
        char expected[TG_ERROR_MESSAGE_SIZE];
        (void)snprintf(expected, sizeof(expected), "my.yaml:4:7: mine: %s", cases[i].sentence);
        assert_string_equal(try(settings, 2), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_given),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
