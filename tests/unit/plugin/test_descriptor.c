/* What a descriptor may say: one thing spoilt at a time, each refused with its whole sentence. */
#include "plugin_world.h"

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    (void)host;
    (void)config;
    (void)instance;
    (void)failure;
    return 0;
}

static void destroy(void *instance)
{
    (void)instance;
}

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    (void)instance;
    (void)given;
    (void)failure;
    return 0;
}

static int32_t describe(void *instance, struct tg_feed_info *info, struct tg_failure *failure)
{
    (void)instance;
    (void)info;
    (void)failure;
    return 0;
}

static int32_t read_bars(void *instance, struct tg_bar *bars, uint32_t capacity, uint32_t *count,
                         struct tg_failure *failure)
{
    (void)instance;
    (void)bars;
    (void)capacity;
    (void)count;
    (void)failure;
    return 0;
}

static int32_t submit(void *instance, const struct tg_order *order, struct tg_failure *failure)
{
    (void)instance;
    (void)order;
    (void)failure;
    return 0;
}

static int32_t cancel(void *instance, const struct tg_uuid *id, struct tg_failure *failure)
{
    (void)instance;
    (void)id;
    (void)failure;
    return 0;
}

static int32_t amend(void *instance, const struct tg_uuid *id, struct tg_decimal size,
                     struct tg_decimal price, struct tg_failure *failure)
{
    (void)instance;
    (void)id;
    (void)size;
    (void)price;
    (void)failure;
    return 0;
}

static struct tg_plugin good(void)
{
    return (struct tg_plugin){.magic = TG_ABI_MAGIC,
                              .size = sizeof(struct tg_plugin),
                              .major = TG_ABI_MAJOR,
                              .minor = TG_ABI_MINOR,
                              .fingerprint = TG_ABI_FINGERPRINT,
                              .name = "odd",
                              .version = "1",
                              .kind = TG_KIND_AGENT,
                              .create = create,
                              .destroy = destroy,
                              .run = run};
}

static void assert_judged(const struct tg_plugin *plugin, const char *sentence)
{
    struct tg_error error = {0};
    char expected[TG_ERROR_MESSAGE_SIZE];
    int code = plugin__judge_descriptor("/x/odd.so", plugin, &error);
    (void)snprintf(expected, sizeof(expected), "%s%s", sentence[0] != '\0' ? "/x/odd.so: " : "",
                   sentence);
    assert_string_equal(error.message, expected);
    assert_int_equal(code != 0, sentence[0] != '\0');
}

static void test_head(void **state)
{
    struct tg_plugin plugin = good();
    char long_name[65];
    (void)state;
    assert_judged(&plugin, "");
    plugin.size += 64; /* a newer header of the same minor may have grown */
    assert_judged(&plugin, "");
    plugin.major = 2;
    assert_judged(&plugin, "is made for plugin interface 2.0; this program has 1.0");
    plugin = good();
    plugin.name = NULL;
    assert_judged(&plugin, "its name is not 1 to 63 of a-z 0-9 _");
    memset(long_name, 'a', 64);
    long_name[64] = '\0';
    plugin.name = long_name;
    assert_judged(&plugin, "its name is not 1 to 63 of a-z 0-9 _");
    plugin.name = long_name + 1;
    assert_judged(&plugin, "");
    plugin = good();
    plugin.version = NULL;
    assert_judged(&plugin, "its version is missing or too long");
    plugin.version = "";
    assert_judged(&plugin, "its version is missing or too long");
    plugin.version = long_name;
    assert_judged(&plugin, "its version is missing or too long");
    plugin = good();
    plugin.kind = 0;
    assert_judged(&plugin, "its kind is 0; known are 1 (agent) to 4 (service)");
    plugin = good();
    plugin.capabilities = TG_CAPABILITY_CORE_SAFE | 4u;
    assert_judged(&plugin, "asks for capabilities that this program lacks");
}

static void test_functions(void **state)
{
    struct tg_feed_functions feed = {.size = sizeof(feed)};
    struct tg_venue_functions venue = {.size = 8};
    struct tg_plugin plugin = good();
    (void)state;
    plugin.create = NULL;
    assert_judged(&plugin, "has no function create");
    plugin = good();
    plugin.destroy = NULL;
    assert_judged(&plugin, "has no function destroy");
    plugin = good();
    plugin.run = NULL;
    assert_judged(&plugin, "has no function run");
    plugin.kind = TG_KIND_SERVICE;
    assert_judged(&plugin, "");
    plugin.kind = TG_KIND_FEED;
    assert_judged(&plugin, "has no function feed.describe and feed.read");
    plugin.feed = &feed;
    assert_judged(&plugin, "has no function feed.describe and feed.read");
    plugin.kind = TG_KIND_VENUE;
    plugin.venue = &venue;
    assert_judged(&plugin, "has no function venue.submit, venue.cancel and venue.amend");
}

static void test_topics(void **state)
{
    static const struct {
        const char *topic, *published, *read; /* what is said of it; "": fine */
    } cases[] = {
        {"trading_signals", "", ""},
        {"x.odd.mine", "", ""},
        {"x.other.theirs",
         "publishes x.other.theirs, which is no topic; own topics are x.odd.<name>", ""},
        {"x.odd.", "publishes x.odd., which is no topic; own topics are x.odd.<name>",
         "reads x.odd., which is no topic; own topics are x.odd.<name>"},
        {"x.odd", "publishes x.odd, which is no topic; own topics are x.odd.<name>",
         "reads x.odd, which is no topic; own topics are x.odd.<name>"},
        {"x.oddly.mine", "publishes x.oddly.mine, which is no topic; own topics are x.odd.<name>",
         ""},
        {"x.odd.Mine", "publishes x.odd.Mine, which is no topic; own topics are x.odd.<name>",
         "reads x.odd.Mine, which is no topic; own topics are x.odd.<name>"},
        {"market_date",
         "publishes market_date, which is no topic (is it market_data?); own topics are "
         "x.odd.<name>",
         "reads market_date, which is no topic (is it market_data?); own topics are x.odd.<name>"},
        {"market_data", "publishes market_data, which is not for a plugin of kind agent", ""},
        {"risk_alerts", "publishes risk_alerts, which is not for a plugin of kind agent", ""},
        {"coordinator_commands",
         "publishes coordinator_commands, which is not for a plugin of kind agent", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_END(cases); i++) {
        const char *topics[] = {"ta_signals", cases[i].topic, NULL};
        struct tg_plugin plugin = good();
        plugin.publishes = topics;
        assert_judged(&plugin, cases[i].published);
        plugin.publishes = NULL;
        plugin.reads = topics;
        assert_judged(&plugin, cases[i].read);
    }
}

/* Only the kind that is believed for a topic may publish it; nobody gives commands. */
static void test_topics_of_kinds(void **state)
{
    static const struct {
        const char *topic, *kinds; /* letters of the kinds that may: a f v s */
    } cases[] = {
        {"market_data", "f"},         {"ta_signals", "a"},        {"regime_updates", "a"},
        {"sentiment_updates", "as"},  {"trading_signals", "a"},   {"risk_alerts", "s"},
        {"execution_events", "v"},    {"portfolio_updates", "a"}, {"system_events", "afvs"},
        {"coordinator_commands", ""},
    };
    (void)state;
    assert_int_equal(ARRAY_END(cases), TG_TOPIC_COUNT - 1);
    for (size_t i = 0; i < ARRAY_END(cases); i++)
        for (uint32_t kind = TG_KIND_AGENT; kind <= TG_KIND_SERVICE; kind++) {
            const char *topics[] = {cases[i].topic, NULL};
            struct tg_feed_functions feed = {
                .size = sizeof(feed), .describe = describe, .read = read_bars};
            struct tg_venue_functions venue = {
                .size = sizeof(venue), .submit = submit, .cancel = cancel, .amend = amend};
            struct tg_plugin plugin = good();
            struct tg_error error = {0};
            plugin.kind = kind;
            plugin.publishes = topics;
            plugin.feed = &feed;
            plugin.venue = &venue;
            bool may = strchr(cases[i].kinds, "?afvs"[kind]) != NULL;
            assert_int_equal(plugin__judge_descriptor("x", &plugin, &error),
                             may ? 0 : TG_E_REFUSED);
        }
}

static void test_keys(void **state)
{
    static const struct {
        struct tg_config_key key;
        const char *sentence;
    } cases[] = {
        {{.name = "a", .type = TG_CONFIG_TEXT, .default_text = ""}, ""},
        {{.name = "a", .type = TG_CONFIG_TEXT},
         "configuration key a is not required and has no "
         "default"},
        {{.name = "a", .type = TG_CONFIG_TEXT, .required = 1, .default_text = "x"},
         "configuration key a is required and has a default"},
        {{.name = NULL, .type = TG_CONFIG_TEXT, .default_text = ""},
         "configuration key 1 has no right name or type"},
        {{.name = "A", .type = TG_CONFIG_TEXT, .default_text = ""},
         "configuration key 1 has no right name or type"},
        {{.name = "a", .type = 0, .default_text = ""},
         "configuration key 1 has no right name or type"},
        {{.name = "a", .type = 7, .default_text = ""},
         "configuration key 1 has no right name or type"},
        {{.name = "a", .type = TG_CONFIG_CHOICE, .default_text = "x"},
         "configuration key 1 has no right name or type"},
        {{.name = "a", .type = TG_CONFIG_CHOICE, .default_text = "x", .choices = "y|xx|z"},
         "the default of configuration key a: x is not one of y|xx|z"},
        {{.name = "a", .type = TG_CONFIG_FLAG, .default_text = "yes"},
         "the default of configuration key a: yes is not true or false"},
        {{.name = "a", .type = TG_CONFIG_WHOLE, .default_text = "1", .minimum = 2, .maximum = 1},
         "configuration key a has no range"},
        {{.name = "a",
          .type = TG_CONFIG_REAL,
          .default_text = "1",
          .minimum = (double)__builtin_nanf(""),
          .maximum = 1},
         "configuration key a has no range"},
        {{.name = "a", .type = TG_CONFIG_REAL, .default_text = "nan", .maximum = 1},
         "the default of configuration key a: nan is no number"},
        {{.name = "a", .type = TG_CONFIG_DECIMAL, .default_text = "1e400", .maximum = 1},
         "the default of configuration key a: 1e400 is no decimal number"},
        {{.name = "a", .type = TG_CONFIG_WHOLE, .default_text = "1.5", .maximum = 2},
         "the default of configuration key a: 1.5 is no whole number"},
    };
    struct tg_plugin plugin = good();
    (void)state;
    for (size_t i = 0; i < ARRAY_END(cases); i++) {
        plugin.config_keys = &cases[i].key;
        plugin.config_key_count = 1;
        assert_judged(&plugin, cases[i].sentence);
    }
    const struct tg_config_key twice[] = {cases[0].key, cases[0].key};
    plugin.config_keys = twice;
    plugin.config_key_count = 2;
    assert_judged(&plugin, "declares the configuration key a twice");
    plugin.config_keys = NULL;
    assert_judged(&plugin, "its list of configuration keys is wrong");
    plugin.config_keys = twice;
    plugin.config_key_count = 1000;
    assert_judged(&plugin, "its list of configuration keys is wrong");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),   cmocka_unit_test(test_functions),
        cmocka_unit_test(test_topics), cmocka_unit_test(test_topics_of_kinds),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
