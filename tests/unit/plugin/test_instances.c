/* The life of an instance, and what is left when it does not come to life: nothing. */
#include "plugin_world.h"

static void assert_not_created(struct world *world, struct plugin_instance_options options,
                               int code, const char *sentence)
{
    struct plugin_instance *instance = NULL;
    size_t count = plugin_instance_count(world->host);
    tg_error_clear(&world->error);
    assert_int_equal(plugin_instance_create(world->host, &options, &instance, &world->error), code);
    assert_string_equal(world->error.message, sentence);
    assert_null(instance);
    assert_int_equal(plugin_instance_count(world->host), count);
    assert_int_equal(plugin_calls_waiting(world->host), 0);
}

static void test_refusals(void **state)
{
    struct world world;
    char sentence[TG_ERROR_MESSAGE_SIZE];
    const struct plugin_instance_options good = {
        .name = "mine", .plugin = "echo", .kind = TG_KIND_AGENT};
    struct plugin_instance_options options = good;
    (void)state;
    world_open(&world, 0);
    world_scan(&world, "echo");
    world_scan(&world, "missing_run");
    options.plugin = "ecko";
    assert_not_created(&world, options, TG_E_NOT_FOUND, "there is no plugin ecko (is it echo?)");
    options.plugin = "something_else";
    assert_not_created(&world, options, TG_E_NOT_FOUND,
                       "there is no plugin something_else in any plugin folder");
    options.plugin = "missing_run";
    (void)snprintf(sentence, sizeof(sentence),
                   "plugin missing_run was refused: %.300s: has no function run",
                   zoo_file("missing_run"));
    assert_not_created(&world, options, TG_E_REFUSED, sentence);
    options = good;
    options.kind = TG_KIND_VENUE;
    assert_not_created(&world, options, TG_E_INVALID,
                       "mine: plugin echo is of kind agent, not venue");
    options = good;
    options.name = "Not A Name";
    assert_not_created(&world, options, TG_E_INVALID, "Not A Name: a name is 1 to 63 of a-z 0-9 _");
    options = good;
    options.symbol = "A/SYMBOL/THAT/IS/FAR/TOO/LONG";
    assert_not_created(&world, options, TG_E_INVALID, "mine: the symbol is too long");
    (void)world_agent(&world, "echo", "mine", PLUGIN_LANE_AUTO, NULL, 0);
    assert_not_created(&world, good, TG_E_EXISTS, "mine: the name is taken");
    world_close(&world);
}

static void test_lanes_chosen(void **state)
{
    struct world world;
    struct plugin_instance_options options = {
        .name = "not_safe", .plugin = "settings", .kind = TG_KIND_AGENT, .lane = PLUGIN_LANE_CORE};
    (void)state;
    world_open(&world, 0);
    assert_true(view_of(world_agent(&world, "echo", "auto", PLUGIN_LANE_AUTO, NULL, 0)).on_core);
    assert_true(view_of(world_agent(&world, "echo", "core", PLUGIN_LANE_CORE, NULL, 0)).on_core);
    assert_false(
        view_of(world_agent(&world, "echo", "thread", PLUGIN_LANE_THREAD, NULL, 0)).on_core);
    world_scan(&world, "settings");
    assert_not_created(&world, options, TG_E_REFUSED,
                       "not_safe: plugin settings must run on the core thread, but does not "
                       "declare that it is core_safe");
    world_close(&world);
    world_open(&world, 2);
    assert_false(view_of(world_agent(&world, "echo", "auto", PLUGIN_LANE_AUTO, NULL, 0)).on_core);
    assert_true(view_of(world_agent(&world, "echo", "core", PLUGIN_LANE_CORE, NULL, 0)).on_core);
    plugin_host_destroy(world.host);
    struct plugin_host_options bare = {
        .bus = world.bus, .clock = tg_virtual_clock(&world.time), .real_clock = loop_real_clock()};
    assert_int_equal(plugin_host_create(&bare, &world.host, &world.error), 0);
    world_scan(&world, "echo");
    options = (struct plugin_instance_options){
        .name = "core2", .plugin = "echo", .kind = TG_KIND_AGENT, .lane = PLUGIN_LANE_CORE};
    assert_not_created(&world, options, TG_E_REFUSED,
                       "core2: plugin echo must run on the core thread, but is not named under "
                       "plugins.core_safe");
    world_close(&world);
}

static void test_host_refusals(void **state)
{
    struct plugin_host *host = NULL;
    struct tg_error error = {0};
    struct plugin_host_options options = {.lanes = PLUGIN_LANES_MAX + 1};
    (void)state;
    assert_int_equal(plugin_host_create(&options, &host, &error), TG_E_RANGE);
    assert_string_equal(error.message, "lanes: 65 is out of range (0 to 64)");
    options = (struct plugin_host_options){.core_safe_count = 257};
    assert_int_equal(plugin_host_create(&options, &host, &error), TG_E_RANGE);
    assert_string_equal(error.message, "core_safe: more than 256 names");
    plugin_host_destroy(NULL);
}

/* Every function, once, in order; an instance that is NULL is an instance too. */
static void test_life(void **state)
{
    struct world world;
    struct meeting meeting;
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        meeting_open(&meeting);
        world_open(&world, lanes);
        struct plugin_instance *life =
            world_agent(&world, "life", "life", PLUGIN_LANE_AUTO, meeting.settings, 2);
        assert_string_equal(letters(&meeting), "cs");
        (void)world_do(&world, life, "live", PLUGIN_SUCCEEDED);
        world_publish_reading(&world, "BTC/USDT");
        world_pump(&world);
        struct plugin_result none;
        assert_false(plugin_collect(world.host, true, &none));
        assert_string_equal(letters(&meeting), "rm");
        assert_int_equal(view_of(life).calls, 2);
        world_close(&world);
        assert_string_equal(letters(&meeting), "dtf");
        meeting_close(&meeting);
    }
}

static void set_fail(struct plugin_setting *settings, const struct meeting *meeting,
                     const char *fail)
{
    memcpy(settings, meeting->settings, sizeof(meeting->settings));
    settings[2] = (struct plugin_setting){"fail", fail, "test"};
    settings[3] = (struct plugin_setting){"publish", "true", "test"};
}

/* A create that fails has no destroy, even where it left an instance; its messages are dropped. */
static void test_nothing_left_behind(void **state)
{
    static const struct {
        const char *fail, *letters, *sentence;
    } cases[] = {
        {"create", "c+", "life: plugin life: create: the moon is in the wrong place"},
        {"create_left", "c+", "life: plugin life: create: the moon is in the wrong place"},
        {"start", "c+s+f-", "life: plugin life: start: no light"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_END(cases); i++) {
        struct world world;
        struct meeting meeting;
        struct plugin_setting settings[4];
        struct bus_stats before;
        struct bus_stats after;
        meeting_open(&meeting);
        set_fail(settings, &meeting, cases[i].fail);
        world_open(&world, 0);
        world_scan(&world, "life");
        world_listen(&world, "x.life.said");
        bus_get_stats(world.bus, &before);
        struct plugin_instance_options options = {.name = "life",
                                                  .plugin = "life",
                                                  .kind = TG_KIND_AGENT,
                                                  .lane = PLUGIN_LANE_THREAD,
                                                  .settings = settings,
                                                  .setting_count = 4};
        assert_not_created(&world, options, TG_E_FAILED, cases[i].sentence);
        assert_string_equal(letters(&meeting), cases[i].letters);
        assert_int_equal(world.host->lane_count, 0); /* no thread */
        world_pump(&world);
        assert_int_equal(world.heard_count, i == 2 ? 1 : 0); /* of a create that succeeded */
        /* not subscribed */
        world_publish_reading(&world, "BTC/USDT");
        world_pump(&world);
        bus_get_stats(world.bus, &after);
        assert_int_equal(after.failed, before.failed);
        assert_string_equal(letters(&meeting), "");
        /* the name is free again */
        settings[2].text = "none";
        assert_int_equal(
            plugin_instance_create(world.host, &options, &(struct plugin_instance *){NULL}, NULL),
            0);
        world_close(&world);
        assert_string_equal(letters(&meeting), "c+s+dt+f-");
        meeting_close(&meeting);
    }
}

static void test_reverse_order(void **state)
{
    struct world world;
    struct meeting meeting[2];
    (void)state;
    world_open(&world, 0);
    for (int i = 0; i < 2; i++) {
        meeting_open(&meeting[i]);
        (void)world_agent(&world, "gated", i == 0 ? "first" : "second", PLUGIN_LANE_AUTO,
                          (struct plugin_setting[]){meeting[i].settings[0], meeting[0].settings[1]},
                          i == 0 ? 2 : 1);
    }
    assert_int_equal(plugin_instance_count(world.host), 2);
    assert_string_equal(view_of(plugin_instance_at(world.host, 0)).name, "first");
    assert_null(plugin_instance_at(world.host, 2));
    assert_ptr_equal(plugin_instance_find(world.host, "second"), plugin_instance_at(world.host, 1));
    assert_null(plugin_instance_find(world.host, "third"));
    assert_string_equal(plugin_instance_descriptor(plugin_instance_at(world.host, 1))->name,
                        "gated");
    world_close(&world);
    for (int i = 0; i < 2; i++)
        meeting_close(&meeting[i]);
}

static void test_too_many_instances(void **state)
{
    struct world world;
    char name[16];
    struct plugin_instance_options options = {
        .name = "one_more", .plugin = "echo", .kind = TG_KIND_AGENT};
    (void)state;
    world_open(&world, 0);
    for (unsigned i = 0; i < PLUGIN_INSTANCES_MAX - 60; i++) { /* the bus has room for 256 names */
        (void)snprintf(name, sizeof(name), "e%u", i);
        (void)world_agent(&world, "steady", name, PLUGIN_LANE_AUTO, NULL, 0);
    }
    for (unsigned i = 0; i < 60; i++) {
        (void)snprintf(name, sizeof(name), "s%u", i);
        (void)world_agent(&world, "steady", name, PLUGIN_LANE_THREAD, NULL, 0);
    }
    world_scan(&world, "echo");
    assert_not_created(&world, options, TG_E_FULL, "more than 256 plugin instances");
    world_close(&world);
    /* threads of their own: 64 */
    world_open(&world, 0);
    for (unsigned i = 0; i < PLUGIN_LANES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "e%u", i);
        (void)world_agent(&world, "echo", name, PLUGIN_LANE_THREAD, NULL, 0);
    }
    options.lane = PLUGIN_LANE_THREAD;
    assert_not_created(&world, options, TG_E_FULL, "more than 64 lanes");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_lanes_chosen),
        cmocka_unit_test(test_host_refusals),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_nothing_left_behind),
        cmocka_unit_test(test_reverse_order),
        cmocka_unit_test(test_too_many_instances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
