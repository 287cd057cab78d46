/* Commands: what each does, how it is refused, and that its answer finds who sent it. */
#include "coord_fixture.h"
#include "sched/sched.h"

struct desk {
    struct world *w;
    struct sched *sched;
    struct tg_uuid command; /* the last one's id */
    uint32_t answers;
    struct tg_system_events answer;
    uint8_t priority;
    struct tg_uuid correlation_id;
    bool agent_missing;
    uint32_t reloads;
    int reload_code;
};

static int take_answer(void *context, const struct tg_message *message)
{
    struct desk *desk = context;
    const struct tg_system_events *event = message->payload;
    if (strncmp(event->event, "command_", 8) != 0)
        return 0;
    desk->answers++;
    desk->answer = *event;
    desk->priority = message->priority;
    desk->correlation_id = message->correlation_id;
    return 0;
}

static bool has_agent(void *context, uint32_t task)
{
    const struct desk *desk = context;
    (void)task;
    return !desk->agent_missing;
}

static int reload(void *context, const char *actor, struct tg_error *error)
{
    struct desk *desk = context;
    assert_string_equal(actor, "control");
    desk->reloads++;
    return desk->reload_code == 0 ? 0 : TG_FAIL(error, FAILED, "scripts/risk.lua:3: odd");
}

static void open_schedule(struct desk *desk)
{
    static const char *const tasks[] = {"ta_analysis", "portfolio_check"};
    struct sched_options options = {.runs_at_once_max = 4};
    uint32_t number;
    assert_int_equal(sched_create(&options, &desk->sched, NULL), 0);
    assert_int_equal(sched_symbol_add(desk->sched, "BTC/USDT", &number, NULL), 0);
    assert_int_equal(sched_symbol_add(desk->sched, "XRP/USDT", &number, NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        struct sched_task_options task = {.name = tasks[i],
                                          .agent = "agent",
                                          .interval_ns = TG_NS_PER_HOUR,
                                          .offset_ns = TG_NS_PER_MIN,
                                          .timeout_ns = TG_NS_PER_SEC,
                                          .enabled = true,
                                          .portfolio = i == 1,
                                          .symbols_at_once_max = 2};
        assert_int_equal(sched_task_add(desk->sched, &task, &number, NULL), 0);
    }
    assert_int_equal(sched_start(desk->sched, desk->w->time.now_ns, desk->w->time.now_ns, NULL), 0);
    coord_set_schedule(desk->w->coord, &(struct coord_schedule){desk->sched, has_agent, desk});
}

static void open_with(struct desk *desk, struct world *w)
{
    desk->w = w;
    world_start(w);
    assert_int_equal(bus_subscribe(w->bus, "control", TG_TOPIC_SYSTEM_EVENTS, take_answer, NULL,
                                   desk, &w->error),
                     0);
    open_schedule(desk);
}

static void open_desk(struct desk *desk)
{
    memset(desk, 0, sizeof(*desk));
    open_with(desk, world_new());
}

static void close_desk(struct desk *desk)
{
    struct coord_counters counters;
    coord_get_counters(desk->w->coord, &counters);
    assert_int_equal(counters.commands, desk->answers);
    coord_set_schedule(desk->w->coord, &(struct coord_schedule){0});
    sched_destroy(desk->sched);
    world_close(desk->w);
}

/* Sends it; one answer comes back, correlated and urgent, in the sender's name. */
static void send(struct desk *desk, const char *name, const char *params)
{
    struct tg_coordinator_commands command = {0};
    uint32_t before = desk->answers;
    (void)tg_text_copy(command.command, sizeof(command.command), name);
    (void)tg_text_copy(command.params, sizeof(command.params), params);
    desk->command =
        world_publish(desk->w, "control", TG_TOPIC_COORDINATOR_COMMANDS, &command, sizeof(command));
    world_settle(desk->w);
    assert_int_equal(desk->answers, before + 1);
    assert_int_equal(desk->priority, TG_PRIORITY_URGENT);
    assert_true(tg_uuid_equal(&desk->correlation_id, &desk->command));
    assert_string_equal(desk->answer.actor, "control");
}

static void expect_done(struct desk *desk, const char *name, const char *params,
                        const char *sentence)
{
    send(desk, name, params);
    assert_string_equal(desk->answer.message, sentence);
    assert_string_equal(desk->answer.event, "command_done");
}

static void expect_refused(struct desk *desk, const char *name, const char *params,
                           const char *sentence)
{
    send(desk, name, params);
    assert_string_equal(desk->answer.message, sentence);
    assert_string_equal(desk->answer.event, "command_refused");
}

static void test_states(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    struct world *w = desk.w;
    expect_done(&desk, "pause", "{\"reason\":\"lunch\"}", "the host is PAUSED");
    assert_string_equal(coord_last_transition(w->coord)->reason, "lunch");
    assert_string_equal(coord_last_transition(w->coord)->actor, "control");
    expect_refused(&desk, "pause", "{}", "pause: not possible while PAUSED, only while RUNNING");
    expect_done(&desk, "resume", "{}", "the host is RUNNING");
    assert_string_equal(coord_last_transition(w->coord)->reason, "on command");
    expect_refused(&desk, "reset", "{\"reason\":\"x\"}",
                   "reset: not possible while RUNNING, only while HALTED");
    expect_done(&desk, "halt", "{\"reason\":\"\"}", "the host is HALTED");
    expect_refused(&desk, "resume", "{}", "resume: not possible while HALTED, only while PAUSED");
    expect_refused(&desk, "reset", "{\"reason\":\"\"}", "reset: needs a reason");
    expect_done(&desk, "reset", "{\"reason\":\"looked at\"}", "the host is PAUSED");
    assert_int_equal(w->transition_count, 4);
    close_desk(&desk);
}

static void test_reset_of_a_drawdown_needs_override(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    struct world *w = desk.w;
    w->sizing.size_usd = 5000.0;
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_price(w, w->btc, "23000");
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    expect_refused(&desk, "reset", "{\"reason\":\"x\"}",
                   "reset: the max_drawdown breaker stands; --override lifts it");
    expect_refused(&desk, "reset", "{\"reason\":\"x\",\"override\":false}",
                   "reset: the max_drawdown breaker stands; --override lifts it");
    expect_done(&desk, "reset", "{\"reason\":\"x\",\"override\":true}", "the host is PAUSED");
    close_desk(&desk);
}

static void test_what_is_refused_by_its_form(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    expect_refused(&desk, "pauze", "{}",
                   "there is no command \"pauze\" (is pause meant?); known are pause, resume, "
                   "halt, reset, enable_task, disable_task, run_task, close_position, close_all, "
                   "reload");
    expect_refused(&desk, "x", "{}",
                   "there is no command \"x\"; known are pause, resume, halt, reset, "
                   "enable_task, disable_task, run_task, close_position, close_all, reload");
    expect_refused(&desk, "pause", "{\"reson\":\"x\"}",
                   "pause: there is no parameter \"reson\" (is reason meant?); known: reason");
    expect_refused(&desk, "run_task", "{\"who\":1}",
                   "run_task: there is no parameter \"who\"; known: task, symbol");
    expect_refused(&desk, "close_all", "{\"now\":true}",
                   "close_all: there is no parameter \"now\"; it takes none");
    expect_refused(&desk, "halt", "{\"reason\":7}", "halt: reason has to be a text");
    expect_refused(&desk, "halt", "{\"reason\":null}", "halt: reason has to be a text");
    expect_refused(&desk, "reset", "{\"reason\":\"x\",\"override\":\"yes\"}",
                   "reset: override has to be true or false");
    expect_refused(&desk, "reset", "{}", "reset: the parameter reason is missing");
    expect_refused(&desk, "run_task", "{\"task\":\"ta_analysis\"}",
                   "run_task: the parameter symbol is missing");
    assert_int_equal(coord_get_state(desk.w->coord), COORD_RUNNING);
    assert_int_equal(desk.w->transition_count, 0);
    struct coord_counters counters;
    coord_get_counters(desk.w->coord, &counters);
    assert_int_equal(counters.commands_refused, counters.commands);
    close_desk(&desk);
}

static void test_tasks(void **state)
{
    (void)state;
    struct desk desk;
    struct sched_run run;
    struct sched_task_view view;
    open_desk(&desk);
    int64_t now = desk.w->time.now_ns;
    expect_done(&desk, "run_task", "{\"task\":\"ta_analysis\",\"symbol\":\"XRP/USDT\"}",
                "task ta_analysis runs for XRP/USDT");
    expect_refused(&desk, "run_task", "{\"task\":\"ta_analysis\",\"symbol\":\"XRP/USDT\"}",
                   "task ta_analysis for XRP/USDT cannot run now: it is running or about to");
    assert_true(sched_next(desk.sched, now, now, &run));
    assert_true(run.forced && run.task == 0 && run.symbol == 1);
    assert_int_equal(sched_end(desk.sched, &run, SCHED_SUCCEEDED, now, now), 0);
    expect_done(&desk, "disable_task", "{\"task\":\"ta_analysis\"}",
                "task ta_analysis is disabled");
    sched_view(desk.sched, 0, 0, &view);
    assert_false(view.enabled);
    expect_refused(&desk, "run_task", "{\"symbol\":\"BTC/USDT\",\"task\":\"ta_analysis\"}",
                   "task ta_analysis for BTC/USDT cannot run now: it is disabled");
    expect_done(&desk, "enable_task", "{\"task\":\"ta_analysis\"}", "task ta_analysis is enabled");
    (void)sched_task_suspend(desk.sched, 0, true);
    expect_refused(&desk, "run_task", "{\"task\":\"ta_analysis\",\"symbol\":\"BTC/USDT\"}",
                   "task ta_analysis for BTC/USDT cannot run now: the host's state or degradation "
                   "level stops it");
    expect_refused(&desk, "run_task", "{\"task\":\"portfolio_check\",\"symbol\":\"XRP/USDT\"}",
                   "task portfolio_check runs once for all symbols, under BTC/USDT");
    expect_refused(&desk, "run_task", "{\"task\":\"ta_analysis\",\"symbol\":\"BTC\"}",
                   "there is no symbol \"BTC\"");
    expect_refused(&desk, "enable_task", "{\"task\":\"ta_analisys\"}",
                   "there is no task \"ta_analisys\"; is ta_analysis meant?");
    expect_refused(&desk, "disable_task", "{\"task\":\"\"}", "there is no task \"\"");
    desk.agent_missing = true;
    expect_refused(&desk, "enable_task", "{\"task\":\"ta_analysis\"}",
                   "task ta_analysis cannot be enabled: its agent is not running");
    expect_done(&desk, "disable_task", "{\"task\":\"ta_analysis\"}",
                "task ta_analysis is disabled");
    coord_set_schedule(desk.w->coord, &(struct coord_schedule){0});
    expect_refused(&desk, "run_task", "{\"task\":\"ta_analysis\",\"symbol\":\"BTC/USDT\"}",
                   "there is no task \"ta_analysis\"");
    close_desk(&desk);
}

/* Works while HALTED; the order reduces only. */
static void test_close_position(void **state)
{
    (void)state;
    struct desk desk;
    char id[TG_UUID_TEXT_SIZE];
    char params[128];
    open_desk(&desk);
    struct world *w = desk.w;
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    assert_int_equal(coord_halt(w->coord, "operator", "smoke", &w->error), 0);
    tg_uuid_format(&trade_position_at(w->trade, 0)->id, id);
    (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", id);
    char sentence[128];
    (void)snprintf(sentence, sizeof(sentence), "position %s is being closed", id);
    expect_done(&desk, "close_position", params, sentence);
    const struct tg_order *order = &w->sent[w->sent_count - 1];
    assert_true(order->reduce_only);
    assert_int_equal(order->size.units, dec("0.025").units);
    expect_refused(&desk, "close_position", params, "the position is being closed already");
    world_venue(w, TG_EXECUTION_FILL);
    assert_null(trade_position_at(w->trade, 0));
    assert_int_equal(events_of(w, "positions_verified"), 1);
    expect_refused(&desk, "close_position", params, "there is no open position with that id");
    expect_refused(&desk, "close_position", "{\"id\":\"7\"}",
                   "close_position: \"7\" is no id of a position");
    close_desk(&desk);
}

static void test_close_all(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    struct world *w = desk.w;
    expect_done(&desk, "close_all", "{}", "no position is open");
    world_pass(w, TG_NS_PER_MS); /* an entry of the same moment would count as one from before */
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_open_position(w, "XRP/USDT", TG_ACTION_SELL);
    uint32_t sent = w->sent_count;
    assert_non_null(trade_position_at(w->trade, 1));
    expect_done(&desk, "close_all", "{}", "2 position(s) are being closed");
    assert_int_equal(w->sent_count, sent + 2);
    assert_true(w->sent[sent].reduce_only && w->sent[sent + 1].reduce_only);
    expect_done(&desk, "close_all", "{}", "all positions are being closed already");
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    close_desk(&desk);
}

static void test_reload(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    expect_refused(&desk, "reload", "{}",
                   "reload: this program reads policies and settings at its start only");
    close_desk(&desk);
    memset(&desk, 0, sizeof(desk));
    struct world *w = world_new();
    w->options.reloader = (struct coord_reloader){reload, &desk};
    open_with(&desk, w);
    expect_done(&desk, "reload", "{}", "read anew");
    desk.reload_code = TG_E_FAILED;
    expect_refused(&desk, "reload", "{}", "scripts/risk.lua:3: odd");
    assert_int_equal(desk.reloads, 2);
    close_desk(&desk);
}

static void take_reply(void *context, int code, const struct tg_message *reply)
{
    uint32_t *replies = context;
    assert_int_equal(code, 0);
    assert_string_equal(((const struct tg_system_events *)reply->payload)->event, "command_done");
    (*replies)++;
}

/* A request on the bus gets the answer and nothing else: what the command sets off is not it. */
static void test_the_answer_is_the_reply(void **state)
{
    (void)state;
    struct desk desk;
    uint32_t replies = 0;
    open_desk(&desk);
    struct world *w = desk.w;
    struct tg_coordinator_commands command = {.command = "halt", .params = "{}"};
    struct bus_draft draft = {.topic = TG_TOPIC_COORDINATOR_COMMANDS,
                              .source = bus_source(w->bus, "control", NULL),
                              .priority = TG_PRIORITY_URGENT,
                              .payload = &command,
                              .payload_size = sizeof(command)};
    assert_int_equal(bus_request(w->bus, &draft, w->time.now_ns + TG_NS_PER_SEC, take_reply,
                                 &replies, NULL, &w->error),
                     0);
    world_settle(w);
    assert_int_equal(replies, 1);
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    close_desk(&desk);
}

/* Nothing limits commands, and an urgent one goes before what waits. */
static void test_never_limited_and_first(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    struct world *w = desk.w;
    uint32_t decided = w->decision_count;
    for (int i = 0; i < 50; i++)
        (void)world_signal(w, "BTC/USDT", TG_ACTION_HOLD);
    struct tg_coordinator_commands command = {.command = "halt", .params = "{}"};
    struct bus_draft draft = {.topic = TG_TOPIC_COORDINATOR_COMMANDS,
                              .source = bus_source(w->bus, "control", NULL),
                              .priority = TG_PRIORITY_URGENT,
                              .payload = &command,
                              .payload_size = sizeof(command)};
    assert_int_equal(bus_publish(w->bus, &draft, NULL, NULL), 0);
    assert_int_equal(bus_pump(w->bus, 1), 1);
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    world_settle(w);
    for (uint32_t i = decided; i < w->decision_count; i++)
        assert_int_equal(w->decisions[i].outcome, COORD_OUTCOME_IGNORED_STATE);
    assert_int_equal(bus_unsubscribe(w->bus, "watch", 0), 0); /* it keeps only so many */
    for (int i = 0; i < 1000; i++)
        expect_done(&desk, "close_all", "{}", "no position is open");
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_reset_of_a_drawdown_needs_override),
        cmocka_unit_test(test_what_is_refused_by_its_form),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_close_position),
        cmocka_unit_test(test_close_all),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_the_answer_is_the_reply),
        cmocka_unit_test(test_never_limited_and_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
