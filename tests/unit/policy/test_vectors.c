/*
 * The shipped risk policy with the shipped numbers against 200 verdicts of another engine with the
 * same rules. The file is looked for in $TRIPLEGAIN_SHARED/vectors; without it the test is skipped.
 */
#include "support.h"

#include "bus/json.h"

#include <math.h>

static double real_of(const struct json_value *object, const char *key)
{
    const struct json_value *value = json_member(object, key);
    if (!value || json_kind_of(value) != JSON_NUMBER)
        fail_msg("%s is no number", key);
    return json_number(value);
}

static const char *text_of(const struct json_value *object, const char *key)
{
    const char *text = json_string(json_member(object, key));
    if (!text)
        fail_msg("%s is no text", key);
    return text;
}

static uint8_t word_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return (uint8_t)i;
    fail_msg("%s is no word", text);
    return 0;
}

static bool optional_real(const struct json_value *object, const char *key, double *value)
{
    const struct json_value *member = json_member(object, key);
    if (!member || json_kind_of(member) == JSON_NULL)
        return false;
    *value = json_number(member);
    return true;
}

static void read_positions(const struct json_value *positions, struct coord_risk_case *given)
{
    for (size_t i = 0; i < json_count(positions); i++) {
        const char *symbol;
        const struct json_value *exposure = json_member_at(positions, i, &symbol);
        struct coord_seen_position *position = &given->positions[given->position_count++];
        tg_text_copy(position->symbol, sizeof position->symbol, symbol);
        position->exposure_pct = json_number(exposure);
        position->regime_at_open = TG_REGIME_UNKNOWN;
        position->same_symbol = strcmp(symbol, given->symbol) == 0;
        given->positions_of_symbol += position->same_symbol;
        given->positions_open++;
    }
}

static struct coord_risk_case read_case(const struct json_value *root)
{
#define WORD_TEXT(NAME, text) text,
    static const char *const regimes[] = {TG_ENUM_REGIME(WORD_TEXT)};
    static const char *const strictnesses[] = {TG_ENUM_STRICTNESS(WORD_TEXT)};
#undef WORD_TEXT
    const struct json_value *proposal = json_member(root, "proposal");
    const struct json_value *state = json_member(root, "state");
    struct coord_risk_case given = {.profile = "normal"};
    tg_text_copy(given.symbol, sizeof given.symbol, text_of(proposal, "symbol"));
    tg_text_copy(given.side, sizeof given.side, text_of(proposal, "side"));
    given.size_usd = real_of(proposal, "size_usd");
    given.entry_price = given.last_price = real_of(proposal, "entry_price");
    given.has_stop_loss = optional_real(proposal, "stop_loss", &given.stop_loss);
    given.has_take_profit = optional_real(proposal, "take_profit", &given.take_profit);
    given.leverage = real_of(proposal, "leverage");
    given.confidence = real_of(proposal, "confidence");
    given.regime = word_of(text_of(proposal, "regime"), regimes, TG_REGIME_COUNT);
    given.strictness = word_of(text_of(root, "strictness"), strictnesses, TG_STRICTNESS_COUNT);
    given.equity = real_of(state, "current_equity");
    given.margin_available = real_of(state, "available_margin");
    given.daily_pnl_pct = real_of(state, "daily_pnl_pct");
    given.weekly_pnl_pct = real_of(state, "weekly_pnl_pct");
    given.drawdown_pct = real_of(state, "current_drawdown_pct");
    given.consecutive_losses = (int64_t)real_of(state, "consecutive_losses");
    given.exposure_pct = real_of(state, "total_exposure_pct");
    given.volatility_spike = json_flag(json_member(state, "volatility_spike_active"));
    read_positions(json_member(state, "positions"), &given);
    return given;
}

static void compare(const struct json_value *root, const struct coord_risk_verdict *verdict)
{
    const struct json_value *expect = json_member(root, "expect");
    int id = (int)real_of(root, "id");
    const char *status = coord_risk_status_text(verdict->status);
    if (strcmp(status, text_of(expect, "status")) != 0)
        fail_msg("case %d: %s (%s: %s), expected %s", id, status, verdict->code, verdict->reason,
                 text_of(expect, "status"));
    if (json_member(expect, "code")) {
        if (strcmp(verdict->code, text_of(expect, "code")) != 0)
            fail_msg("case %d: %s, expected %s", id, verdict->code, text_of(expect, "code"));
        return;
    }
    double size = real_of(expect, "size_usd");
    if (fabs(verdict->size_usd - size) > 1e-6 * size ||
        (double)verdict->leverage != real_of(expect, "leverage"))
        fail_msg("case %d: size %.9g x %lld, expected %.9g x %g", id, verdict->size_usd,
                 (long long)verdict->leverage, size, real_of(expect, "leverage"));
    assert_int_equal(verdict->status == COORD_RISK_MODIFIED, verdict->reduction_count > 0);
}

static void all_verdicts_agree(void **state)
{
    (void)state;
    const char *folder = getenv("TRIPLEGAIN_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/vectors/risk.jsonl", folder ? folder : "../shared");
    FILE *stream = fopen(path, "r");
    if (!stream) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    struct fixture fixture;
    open_shipped(&fixture);
    char line[8192];
    int count = 0;
    for (; fgets(line, sizeof line, stream); count++) {
        struct json_value *root;
        if (json_parse(line, strlen(line), &root, &fixture.error))
            fail_msg("line %d: %s", count + 1, fixture.error.message);
        struct coord_risk_case given = read_case(root);
        struct coord_risk_verdict verdict;
        if (fixture.judge.risk(fixture.judge.context, &given, &verdict, &fixture.error))
            fail_msg("line %d: %s", count + 1, fixture.error.message);
        compare(root, &verdict);
        json_free(root);
    }
    fclose(stream);
    assert_int_equal(count, 200);
    close_policy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_verdicts_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
