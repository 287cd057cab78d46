/* A decision as JSON: it parses, amounts are strings, steps stand in the order they were taken. */
#include "coord_fixture.h"

#include "bus/json.h"

#include <math.h>

static struct json_value *written(const struct coord_decision *decision)
{
    struct tg_buffer buffer;
    struct tg_json_writer json;
    struct json_value *root = NULL;
    struct tg_error error = {0};
    tg_buffer_init(&buffer, 0);
    tg_json_begin(&json, &buffer);
    coord_decision_write_json(decision, &json);
    assert_false(buffer.failed);
    assert_null(strchr(buffer.data, '\n')); /* one line of a file */
    if (json_parse(buffer.data, buffer.length, &root, &error) != 0)
        fail_msg("%s", error.message);
    tg_buffer_fini(&buffer);
    return root;
}

static const char *text_at(const struct json_value *object, const char *key)
{
    const struct json_value *member = json_member(object, key);
    assert_non_null(member);
    const char *text = json_string(member);
    assert_non_null(text);
    return text;
}

static double real_at(const struct json_value *object, const char *key)
{
    const struct json_value *member = json_member(object, key);
    assert_non_null(member);
    assert_int_equal(json_kind_of(member), JSON_NUMBER);
    return json_number(member);
}

static const struct json_value *step_of(const struct json_value *root, const char *name)
{
    const struct json_value *steps = json_member(root, "steps");
    for (size_t i = 0; i < json_count(steps); i++)
        if (strcmp(text_at(json_item(steps, i), "step"), name) == 0)
            return json_item(steps, i);
    return NULL;
}

/* Executed: every step is there. */
static struct coord_decision executed(void)
{
    struct world *w = world_open();
    world_ta(w, "BTC/USDT", TG_BIAS_LONG, 0.9);
    world_regime(w, "BTC/USDT", TG_REGIME_RANGING);
    world_sentiment(w, "BTC/USDT", TG_SENTIMENT_BULLISH);
    world_open_position(w, "XRP/USDT", TG_ACTION_SELL);
    w->consensus = (struct coord_consensus_verdict){
        .present = 3, .agreeing = 2, .ratio = 2.0 / 3.0, .multiplier = 1.1, .confidence = 0.77};
    w->conflicts = (struct coord_conflict_verdict){.conflict_count = 1,
                                                   .conflicts = {COORD_CONFLICT_CROSS_SYMBOL},
                                                   .resolution = COORD_PROCEED,
                                                   .reason = "weak"};
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_MODIFIED,
        .size_usd = 800.29,
        .leverage = 1,
        .reduction_count = 1,
        .reductions = {{"POSITION_SIZE", 1000.0, 800.29, 800.29}},
        .warning_count = 1,
        .warnings = {{"CORRELATED_EXPOSURE", 35.0, 35.0, (double)INFINITY}}};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    world_venue(w, TG_EXECUTION_ACCEPTED);
    struct coord_decision decision = *expect_outcome(w, 2, COORD_OUTCOME_EXECUTED, "");
    world_close(w);
    return decision;
}

static void test_head(void **state)
{
    (void)state;
    struct coord_decision decision = executed();
    struct json_value *root = written(&decision);
    char id[TG_UUID_TEXT_SIZE];
    tg_uuid_format(&decision.id, id);
    assert_string_equal(text_at(root, "id"), id);
    tg_uuid_format(&decision.order_id, id);
    assert_string_equal(text_at(root, "order_id"), id);
    assert_string_equal(text_at(root, "agent"), "trading_decision");
    assert_string_equal(text_at(root, "symbol"), "BTC/USDT");
    assert_string_equal(text_at(root, "opened_at"), "2022-01-10T00:00:00Z");
    assert_string_equal(text_at(root, "outcome"), "executed");
    assert_string_equal(text_at(root, "reason"), "the venue accepted the order");
    assert_string_equal(text_at(root, "policy_version"), "0123456789abcdef");
    assert_null(json_member(root, "code"));
    const struct json_value *signal = json_member(root, "signal");
    assert_string_equal(text_at(signal, "action"), "BUY");
    assert_string_equal(text_at(signal, "entry_price"), "40000");
    assert_true(real_at(signal, "confidence") == 0.7);
    json_free(root);
}

static void test_steps(void **state)
{
    (void)state;
    static const char *const order[] = {"state",  "consensus", "context",       "conflicts",
                                        "sizing", "risk",      "risk_override", "order"};
    struct coord_decision decision = executed();
    struct json_value *root = written(&decision);
    const struct json_value *steps = json_member(root, "steps");
    assert_int_equal(json_count(steps), 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(text_at(json_item(steps, i), "step"), order[i]);
        (void)text_at(json_item(steps, i), "outcome");
        (void)real_at(json_item(steps, i), "duration_ms");
    }
    const struct json_value *consensus = step_of(root, "consensus");
    assert_true(real_at(consensus, "confidence_before") == 0.7);
    assert_true(real_at(consensus, "confidence_after") == 0.77);
    assert_true(real_at(consensus, "present") == 3.0 && real_at(consensus, "agreeing") == 2.0);
    const struct json_value *opinions = json_member(consensus, "opinions");
    assert_string_equal(text_at(opinions, "ta_bias"), "long");
    assert_string_equal(text_at(opinions, "regime"), "ranging");
    assert_string_equal(text_at(opinions, "sentiment"), "bullish");
    assert_string_equal(text_at(opinions, "entry_strictness"), "strict");
    const struct json_value *context = step_of(root, "context");
    assert_string_equal(text_at(context, "last_price"), "40000");
    assert_string_equal(text_at(context, "equity"), "10000");
    const struct json_value *seen = json_item(json_member(context, "positions"), 0);
    assert_string_equal(text_at(seen, "symbol"), "XRP/USDT");
    assert_string_equal(text_at(seen, "side"), "sell");
    const struct json_value *conflicts = step_of(root, "conflicts");
    assert_string_equal(json_string(json_item(json_member(conflicts, "conflicts"), 0)),
                        "cross_symbol_conflict");
    assert_string_equal(text_at(conflicts, "resolution"), "proceed");
    assert_string_equal(text_at(step_of(root, "sizing"), "size_usd"), "1000");
    json_free(root);
}

/* Money is text, exact to the digit; ratios are numbers; what is not finite is null. */
static void test_amounts(void **state)
{
    (void)state;
    struct coord_decision decision = executed();
    struct json_value *root = written(&decision);
    const struct json_value *risk = step_of(root, "risk");
    assert_string_equal(text_at(risk, "size_usd_before"), "1000");
    assert_string_equal(text_at(risk, "size_usd"), "800.29");
    assert_string_equal(text_at(risk, "entry_price"), "40000");
    assert_string_equal(text_at(risk, "stop_loss"), "39200");
    assert_string_equal(text_at(risk, "take_profit"), "42000");
    assert_true(real_at(risk, "leverage") == 1.0 && real_at(risk, "leverage_before") == 2.0);
    assert_string_equal(text_at(risk, "status"), "modified");
    assert_null(json_member(risk, "code"));
    const struct json_value *reduction = json_item(json_member(risk, "reductions"), 0);
    assert_string_equal(text_at(reduction, "rule"), "POSITION_SIZE");
    assert_true(real_at(reduction, "after") == 800.29);
    const struct json_value *warning = json_item(json_member(risk, "warnings"), 0);
    assert_int_equal(json_kind_of(json_member(warning, "limit")), JSON_NULL);
    json_free(root);
}

static void test_refused_early(void **state)
{
    (void)state;
    struct world *w = world_open();
    (void)world_signal(w, "BTC/USDT", TG_ACTION_HOLD);
    world_settle(w);
    struct json_value *root = written(last_decision(w));
    assert_string_equal(text_at(root, "outcome"), "hold");
    assert_int_equal(json_kind_of(json_member(root, "order_id")), JSON_NULL);
    assert_int_equal(json_kind_of(json_member(root, "position_id")), JSON_NULL);
    assert_int_equal(json_count(json_member(root, "steps")), 1);
    json_free(root);
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_REJECTED, .code = "LOW_RR", .reason = "a \"quote\"\nand a \x01"};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    root = written(last_decision(w));
    assert_string_equal(text_at(root, "code"), "LOW_RR");
    assert_string_equal(text_at(root, "reason"), "a \"quote\"\nand a \x01");
    assert_string_equal(text_at(step_of(root, "risk"), "code"), "LOW_RR");
    assert_null(step_of(root, "order"));
    json_free(root);
    world_close(w);
}

/* Numbers that a broken policy gave do not break the record. */
static void test_numbers_that_are_none(void **state)
{
    (void)state;
    struct coord_decision decision = executed();
    decision.risk.size_usd = (double)NAN;
    decision.risk_case.size_usd = 1e300;
    decision.consensus.multiplier = -(double)INFINITY;
    decision.confidence = (double)NAN;
    decision.risk_case.exposure_pct = (double)NAN;
    decision.sizing.size_usd = (double)NAN;
    struct json_value *root = written(&decision);
    const struct json_value *risk = step_of(root, "risk");
    assert_int_equal(json_kind_of(json_member(risk, "size_usd")), JSON_NULL);
    assert_int_equal(json_kind_of(json_member(risk, "size_usd_before")), JSON_NULL);
    assert_int_equal(json_kind_of(json_member(step_of(root, "consensus"), "multiplier")),
                     JSON_NULL);
    assert_int_equal(json_kind_of(json_member(step_of(root, "context"), "exposure_pct")),
                     JSON_NULL);
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_refused_early),
        cmocka_unit_test(test_numbers_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
