/* A decision in words, and finding it by any of its ids. */
#include "control_fixture.h"

#include "base/uuid.h"
#include "coord/coord.h"

#define SIGNAL_ID   "01890a5d-ac96-774b-bcce-b302099a8057"
#define ORDER_ID    "01890a5d-ac96-874b-bcce-b302099a8058"
#define POSITION_ID "01890a5d-ac96-874b-bcce-b302099a8059"

static struct tg_uuid id_of(const char *text)
{
    struct tg_uuid id;
    assert_int_equal(tg_uuid_parse(text, strlen(text), &id), 0);
    return id;
}

static void step(struct coord_decision *decision, enum coord_step which, const char *outcome,
                 const char *note)
{
    struct coord_step_record *record = &decision->steps[which];
    record->done = true;
    (void)snprintf(record->outcome, sizeof(record->outcome), "%s", outcome);
    (void)snprintf(record->note, sizeof(record->note), "%s", note);
}

static struct tg_decimal whole(int64_t units)
{
    return (struct tg_decimal){units * TG_DECIMAL_ONE};
}

static void fill_signal(struct tg_trading_signals *signal)
{
    (void)snprintf(signal->symbol, sizeof(signal->symbol), "BTC/USDT");
    signal->action = TG_ACTION_BUY;
    signal->confidence = 0.7;
    signal->entry_price = whole(40000);
    signal->stop_loss = whole(39200);
    signal->take_profit = whole(42000);
    (void)snprintf(signal->reasoning, sizeof(signal->reasoning), "the trend is up");
    (void)snprintf(signal->votes, sizeof(signal->votes),
                   "[{\"voter\":\"trend\",\"action\":\"BUY\",\"confidence\":0.8}]");
    TG_SET(signal, TRADING_SIGNALS, entry_price);
    TG_SET(signal, TRADING_SIGNALS, stop_loss);
    TG_SET(signal, TRADING_SIGNALS, take_profit);
    TG_SET(signal, TRADING_SIGNALS, reasoning);
    TG_SET(signal, TRADING_SIGNALS, votes);
}

static struct coord_decision executed(void)
{
    struct coord_decision decision;
    memset(&decision, 0, sizeof(decision));
    decision.id = id_of(SIGNAL_ID);
    decision.order_id = id_of(ORDER_ID);
    decision.position_id = id_of(POSITION_ID);
    decision.opened_at = decision.closed_at = INT64_C(1641772800) * TG_NS_PER_SEC;
    decision.outcome = COORD_OUTCOME_EXECUTED;
    decision.confidence = 0.77;
    decision.last_price = whole(40001);
    decision.portfolio.equity = whole(10000);
    (void)snprintf(decision.agent, sizeof(decision.agent), "trading_decision");
    (void)snprintf(decision.reason, sizeof(decision.reason), "the venue accepted the order");
    (void)snprintf(decision.policy_version, sizeof(decision.policy_version),
                   "0123456789abcdef0123");
    fill_signal(&decision.signal);
    step(&decision, COORD_STEP_STATE, "RUNNING", "level NORMAL");
    step(&decision, COORD_STEP_CONSENSUS, "adjusted", "");
    decision.consensus_case.opinions = (struct coord_opinions){.has_ta = true,
                                                               .ta_bias = TG_BIAS_LONG,
                                                               .ta_confidence = 0.9,
                                                               .has_regime = true,
                                                               .regime = TG_REGIME_RANGING,
                                                               .regime_confidence = 0.6};
    decision.consensus =
        (struct coord_consensus_verdict){.present = 2, .agreeing = 1, .multiplier = 1.1};
    step(&decision, COORD_STEP_CONTEXT, "complete", "");
    decision.risk_case.position_count = 1;
    decision.risk_case.positions[0] = (struct coord_seen_position){
        .symbol = "XRP/USDT", .side = TG_SIDE_SELL, .exposure_pct = 12.5};
    step(&decision, COORD_STEP_CONFLICTS, "proceed", "");
    decision.conflicts = (struct coord_conflict_verdict){
        .conflict_count = 1, .conflicts = {COORD_CONFLICT_CROSS_SYMBOL}};
    step(&decision, COORD_STEP_SIZING, "sized", "10 % of equity");
    step(&decision, COORD_STEP_RISK, "modified", "");
    (void)snprintf(decision.risk_case.side, sizeof(decision.risk_case.side), "buy");
    decision.risk_case.size_usd = 1000.0;
    decision.risk_case.entry_price = 40000.0;
    decision.risk_case.leverage = 2.0;
    decision.risk_case.confidence = 0.77;
    decision.risk = (struct coord_risk_verdict){.status = COORD_RISK_MODIFIED,
                                                .size_usd = 800.0,
                                                .leverage = 1,
                                                .reduction_count = 1,
                                                .reductions = {{"POSITION_SIZE", 1000, 800, 800}}};
    step(&decision, COORD_STEP_ORDER, "open", "");
    return decision;
}

/* The line of the store's file. */
static void line_of(const struct coord_decision *decision, char *line, size_t size)
{
    struct tg_buffer buffer;
    struct tg_json_writer json;
    tg_buffer_init(&buffer, 0);
    tg_json_begin(&json, &buffer);
    coord_decision_write_json(decision, &json);
    assert_false(buffer.failed);
    assert_true(buffer.length < size);
    memcpy(line, buffer.data, buffer.length + 1);
    tg_buffer_fini(&buffer);
}

static void test_words_of_each_step(void **state)
{
    (void)state;
    static char line[16384];
    static char text[SAID_MAX];
    struct coord_decision decision = executed();
    struct tg_error error = {0};
    line_of(&decision, line, sizeof(line));
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_int_equal(control_explain_decision(line, strlen(line), out, &error), 0);
    read_all(out, text);
    assert_says(text, "Decision " SIGNAL_ID "\n  BTC/USDT at 2022-01-10T00:00:00Z");
    assert_says(text, "1. trading_decision said BUY BTC/USDT with confidence 0.70");
    assert_says(text, "the trend is up");
    assert_says(text, "trend            BUY         0.80");
    assert_says(text, "entry 40,000.00, stop-loss 39,200.00, take-profit 42,000.00");
    assert_says(text, "2. state: RUNNING");
    assert_says(text, "1 of 2 agents agree: confidence 0.700 x 1.100 = 0.770");
    assert_says(text, "technical analysis: long (0.90)");
    assert_says(text, "regime: ranging (0.60), entries judged relaxed");
    assert_null(strstr(text, "sentiment:"));
    assert_says(text, "last price 40,001.00, equity 10,000.00");
    assert_says(text, "open: sell XRP/USDT, 12.5 % of equity");
    assert_says(text, "cross_symbol_conflict: proceed");
    assert_says(text, "10 % of equity");
    assert_says(text, "asked for: buy 1,000.00 at 40,000.00, leverage 2, confidence 0.770");
    assert_says(text, "reduced by POSITION_SIZE: 1,000.00 -> 800.00 (limit 800)");
    assert_says(text, "modified: 800.00, leverage 1");
    assert_says(text, "Outcome: executed\n  the venue accepted the order");
    assert_says(text, "Order    " ORDER_ID "\n  Position " POSITION_ID);
    assert_says(text, "Judged by policies 0123456789ab\n");
}

static void test_refused_decision(void **state)
{
    (void)state;
    static char line[16384];
    static char text[SAID_MAX];
    struct coord_decision decision = executed();
    struct tg_error error = {0};
    decision.order_id = decision.position_id = (struct tg_uuid){{0}};
    decision.outcome = COORD_OUTCOME_REJECTED;
    decision.steps[COORD_STEP_ORDER].done = false;
    decision.risk = (struct coord_risk_verdict){.status = COORD_RISK_REJECTED, .code = "LOW_RR"};
    (void)snprintf(decision.code, sizeof(decision.code), "LOW_RR");
    (void)snprintf(decision.reason, sizeof(decision.reason), "reward/risk is 1.2");
    line_of(&decision, line, sizeof(line));
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_int_equal(control_explain_decision(line, strlen(line), out, &error), 0);
    read_all(out, text);
    assert_says(text, "rejected by LOW_RR");
    assert_says(text, "Outcome: rejected (LOW_RR)\n  reward/risk is 1.2");
    assert_null(strstr(text, "Order "));
}

/* What is JSON and no decision is explained as far as it goes, what is no JSON is refused. */
static void test_strange_json(void **state)
{
    (void)state;
    static const char *const strange[] = {
        "[]",
        "1",
        "{}",
        "{\"steps\":5}",
        "{\"steps\":[1,[],{}]}",
        "{\"signal\":[],\"steps\":[{\"step\":\"risk\"}]}",
        "{\"steps\":[{\"step\":\"conflicts\",\"conflicts\":[1]}]}"};
    struct tg_error error = {0};
    FILE *out = tmpfile();
    assert_non_null(out);
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
        assert_int_equal(control_explain_decision(strange[i], strlen(strange[i]), out, &error), 0);
    assert_int_equal(control_explain_decision("{", 1, out, &error), TG_E_INVALID);
    (void)fclose(out);
}

static void test_found_by_each_id(void **state)
{
    (void)state;
    static struct called called;
    static char text[40000];
    static char line[16384];
    char path[64];
    struct coord_decision decision = executed();
    struct coord_decision other = executed();
    other.id = id_of("01890a5d-ac96-774b-bcce-b302099a8050");
    other.order_id = other.position_id = (struct tg_uuid){{0}};
    /* names the id in a text, which does not make it the one */
    (void)snprintf(other.reason, sizeof(other.reason), "as " ORDER_ID);
    line_of(&other, line, sizeof(line));
    int length = snprintf(text, sizeof(text), "%s\nno JSON: " ORDER_ID "\n", line);
    line_of(&decision, line, sizeof(line));
    (void)snprintf(text + length, sizeof(text) - (size_t)length, "%s", line); /* no newline */
    temporary(path, text);
    const char *ids[] = {SIGNAL_ID, ORDER_ID, POSITION_ID, "01890A5D-AC96-774B-BCCE-B302099A8057"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char id[64];
        (void)snprintf(id, sizeof(id), "%s", ids[i]);
        CALL(&called, control_explain, id, "--decisions", path);
        assert_string_equal(called.err, "");
        assert_int_equal(called.status, CONTROL_DONE);
        assert_says(called.out, "Decision " SIGNAL_ID);
        CALL(&called, control_explain, "--json", "--decisions", path, id);
        assert_int_equal(called.status, CONTROL_DONE);
        assert_int_equal(strlen(called.out), strlen(line) + 1);
        assert_memory_equal(called.out, line, strlen(line));
    }
    (void)unlink(path);
}

static void test_not_found_and_wrong_usage(void **state)
{
    (void)state;
    static struct called called;
    static char line[16384];
    char path[64];
    char expected[256];
    struct coord_decision decision = executed();
    line_of(&decision, line, sizeof(line));
    temporary(path, line);
    CALL(&called, control_explain, "01890a5d-ac96-774b-bcce-b302099a8000", "--decisions", path);
    assert_int_equal(called.status, CONTROL_FAILED);
    (void)snprintf(expected, sizeof(expected),
                   "triplegain: %s: no decision has the id 01890a5d-ac96-774b-bcce-b302099a8000\n",
                   path);
    assert_string_equal(called.err, expected);
    CALL(&called, control_explain, SIGNAL_ID, "--decisions", "/nowhere");
    assert_int_equal(called.status, CONTROL_FAILED);
    assert_string_equal(called.err,
                        "triplegain: /nowhere: cannot be read: No such file or directory\n");
    CALL(&called, control_explain, SIGNAL_ID, "--decisions", "/tmp");
    assert_int_equal(called.status, CONTROL_FAILED);
    assert_string_equal(called.err, "triplegain: /tmp: reading failed: Is a directory\n");
    CALL(&called, control_explain, SIGNAL_ID);
    assert_int_equal(called.status, CONTROL_USAGE);
    assert_string_equal(called.err, "triplegain: explain: needs --decisions FILE\n");
    CALL(&called, control_explain, "7", "--decisions", path);
    assert_int_equal(called.status, CONTROL_USAGE);
    assert_string_equal(called.err, "triplegain: explain: 7 is no id; ids look like "
                                    "01890a5d-ac96-774b-bcce-b302099a8057\n");
    CALL(&called, control_explain, "--decisions", path);
    assert_int_equal(called.status, CONTROL_USAGE);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_each_step),
        cmocka_unit_test(test_refused_decision),
        cmocka_unit_test(test_strange_json),
        cmocka_unit_test(test_found_by_each_id),
        cmocka_unit_test(test_not_found_and_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
