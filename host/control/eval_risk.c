/*
 * Cases for the risk policy from JSON lines, and its verdicts as JSON lines.
 *
 * Numbers of a case are judged as they are written: prices and sizes go to the policy as doubles,
 * because the policy judges ratios; the hard limits then see the size as an exact decimal. What a
 * case leaves out has the value that refuses nothing; what it gives with the wrong type is refused.
 */
#include "base/decimal.h"
#include "base/text.h"
#include "bus/json.h"
#include "bus/schema.h"
#include "control_int.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (1024u * 1024u)
#define COUNT_MAX      1e9

static int read_number(const struct json_value *object, const char *key, bool required,
                       double *value, struct tg_error *error)
{
    const struct json_value *member = json_member(object, key);
    if (member == NULL && !required)
        return 0;
    if (member == NULL)
        return TG_FAIL(error, INVALID, "%s is missing", key);
    if (json_kind_of(member) == JSON_STRING) {
        const char *text = json_string(member);
        if (tg_text_to_double(text, strlen(text), value) == 0)
            return 0;
    }
    if (json_kind_of(member) != JSON_NUMBER)
        return TG_FAIL(error, INVALID, "%s is no number", key);
    *value = json_number(member);
    return 0;
}

/* How many; what is left out is none. */
static int read_count(const struct json_value *object, const char *key, int64_t *value,
                      struct tg_error *error)
{
    double number = 0.0;
    int code = read_number(object, key, false, &number, error);
    if (code == 0 && !(number >= 0.0 && number <= COUNT_MAX && number == floor(number)))
        return TG_FAIL(error, RANGE, "%s: must be a whole number from 0 to %.0f", key, COUNT_MAX);
    *value = (int64_t)number;
    return code;
}

static int read_flag(const struct json_value *object, const char *key, bool *value,
                     struct tg_error *error)
{
    const struct json_value *member = json_member(object, key);
    if (member != NULL && json_kind_of(member) != JSON_FLAG)
        return TG_FAIL(error, INVALID, "%s is neither true nor false", key);
    *value = member != NULL && json_flag(member);
    return 0;
}

/* A price that may be null. */
static int read_price(const struct json_value *object, const char *key, bool *present,
                      double *value, struct tg_error *error)
{
    const struct json_value *member = json_member(object, key);
    *present = member != NULL && json_kind_of(member) != JSON_NULL;
    return *present ? read_number(object, key, true, value, error) : 0;
}

static int read_text(const struct json_value *object, const char *key, const char *otherwise,
                     char *text, size_t size, struct tg_error *error)
{
    const struct json_value *member = json_member(object, key);
    const char *value = member == NULL ? otherwise : json_string(member);
    if (value == NULL)
        return TG_FAIL(error, INVALID, "%s is %s", key, member == NULL ? "missing" : "no text");
    if (!tg_text_copy(text, size, value))
        return TG_FAIL(error, INVALID, "%s is longer than %zu letters", key, size - 1);
    return 0;
}

static int read_word(const struct json_value *object, const char *key, const char *otherwise,
                     const struct schema_enum *words, uint8_t *value, struct tg_error *error)
{
    char text[32];
    int code = read_text(object, key, otherwise, text, sizeof(text), error);
    if (code != 0)
        return code;
    int found = schema_enum_value(words, text);
    if (found < 0)
        return TG_FAIL(error, INVALID, "%s: %s is no %s", key, text, words->name);
    *value = (uint8_t)found;
    return 0;
}

static int read_proposal(const struct json_value *proposal, struct coord_risk_case *given,
                         struct tg_error *error)
{
    int code = read_text(proposal, "symbol", NULL, given->symbol, sizeof(given->symbol), error);
    if (code == 0)
        code = read_text(proposal, "side", NULL, given->side, sizeof(given->side), error);
    if (code == 0)
        code =
            read_text(proposal, "profile", "normal", given->profile, sizeof(given->profile), error);
    if (code == 0)
        code = read_number(proposal, "size_usd", true, &given->size_usd, error);
    if (code == 0)
        code = read_number(proposal, "entry_price", true, &given->entry_price, error);
    if (code == 0)
        code = read_number(proposal, "leverage", true, &given->leverage, error);
    if (code == 0)
        code = read_number(proposal, "confidence", true, &given->confidence, error);
    if (code == 0)
        code = read_price(proposal, "stop_loss", &given->has_stop_loss, &given->stop_loss, error);
    if (code == 0)
        code = read_price(proposal, "take_profit", &given->has_take_profit, &given->take_profit,
                          error);
    if (code == 0)
        code = read_word(proposal, "regime", "unknown", &schema_enum_REGIME, &given->regime, error);
    given->last_price = given->entry_price;
    if (code == 0)
        code = read_number(proposal, "last_price", false, &given->last_price, error);
    if (code == 0)
        code = read_flag(proposal, "reduces", &given->reduces, error);
    return code;
}

static int read_positions(const struct json_value *positions, struct coord_risk_case *given,
                          struct tg_error *error)
{
    const char *symbol;
    if (positions == NULL)
        return 0;
    if (json_kind_of(positions) != JSON_OBJECT)
        return TG_FAIL(error, INVALID, "positions is no object");
    if (json_count(positions) > COORD_POSITIONS_SEEN_MAX)
        return TG_FAIL(error, RANGE, "positions: more than %u", COORD_POSITIONS_SEEN_MAX);
    for (size_t i = 0; i < json_count(positions); i++) {
        const struct json_value *value = json_member_at(positions, i, &symbol);
        struct coord_seen_position *seen = &given->positions[i];
        if (json_kind_of(value) != JSON_NUMBER)
            return TG_FAIL(error, INVALID, "positions.%.32s is no number", symbol);
        if (json_number(value) < 0.0)
            return TG_FAIL(error, RANGE, "positions.%.32s is less than 0", symbol);
        if (!tg_text_copy(seen->symbol, sizeof(seen->symbol), symbol))
            return TG_FAIL(error, INVALID, "positions: a symbol is too long");
        seen->exposure_pct = json_number(value);
        seen->side = TG_SIDE_BUY;
        seen->regime_at_open = TG_REGIME_UNKNOWN;
        seen->same_symbol = tg_text_equal(seen->symbol, given->symbol);
        given->positions_of_symbol += seen->same_symbol;
        given->position_count++;
    }
    given->positions_open = given->position_count;
    return 0;
}

static int read_state(const struct json_value *state, struct coord_risk_case *given,
                      struct tg_error *error)
{
    int code = read_number(state, "current_equity", true, &given->equity, error);
    given->margin_available = given->equity;
    if (code == 0)
        code = read_number(state, "available_margin", false, &given->margin_available, error);
    if (code == 0)
        code = read_number(state, "daily_pnl_pct", false, &given->daily_pnl_pct, error);
    if (code == 0)
        code = read_number(state, "weekly_pnl_pct", false, &given->weekly_pnl_pct, error);
    if (code == 0)
        code = read_number(state, "current_drawdown_pct", false, &given->drawdown_pct, error);
    if (code == 0)
        code = read_number(state, "total_exposure_pct", false, &given->exposure_pct, error);
    if (code == 0)
        code = read_count(state, "consecutive_losses", &given->consecutive_losses, error);
    if (code == 0)
        code = read_count(state, "entry_orders_minute", &given->entry_orders_minute, error);
    if (code == 0)
        code = read_count(state, "entry_orders_day", &given->entry_orders_day, error);
    if (code == 0)
        code = read_flag(state, "volatility_spike_active", &given->volatility_spike, error);
    return code != 0 ? code : read_positions(json_member(state, "positions"), given, error);
}

/* The smallest order in money, where the symbol is quoted in the account's currency. */
static double smallest_order(const struct conf *conf, const struct coord_risk_case *given)
{
    const char *quote = strchr(given->symbol, '/');
    const char *name;
    char path[128];
    for (size_t i = 0; (name = conf_name_at(conf, "symbols", i)) != NULL; i++) {
        if (!tg_text_equal(name, given->symbol) || quote == NULL ||
            !tg_text_equal(quote + 1, conf_text(conf, "account.currency")))
            continue;
        (void)snprintf(path, sizeof(path), "symbols.%s.size_min", name);
        return tg_decimal_to_double(conf_decimal(conf, path)) * given->entry_price;
    }
    return 0.0;
}

static void refuse(struct coord_risk_verdict *verdict, const char *code, const char *reason)
{
    verdict->status = COORD_RISK_REJECTED;
    (void)snprintf(verdict->code, sizeof(verdict->code), "%s", code);
    (void)snprintf(verdict->reason, sizeof(verdict->reason), "%.180s", reason);
}

/* What stands behind the policy in the host stands behind it here. */
static void hold_against_limits(const struct conf *conf, const struct coord_risk_case *given,
                                struct coord_risk_verdict *verdict)
{
    struct trade_limits limits;
    struct tg_error error = {0};
    struct trade_limit_case hard = {.leverage = verdict->leverage,
                                    .daily_pnl_pct = given->daily_pnl_pct,
                                    .weekly_pnl_pct = given->weekly_pnl_pct,
                                    .drawdown_pct = given->drawdown_pct,
                                    .positions_of_symbol = given->positions_of_symbol,
                                    .positions_open = given->positions_open,
                                    .entry_orders_minute = (uint32_t)given->entry_orders_minute,
                                    .entry_orders_day = (uint32_t)given->entry_orders_day};
    if (given->reduces || verdict->status == COORD_RISK_REJECTED ||
        verdict->status == COORD_RISK_HALTED)
        return;
    control_read_limits(conf, &limits);
    if (tg_decimal_from_double(given->equity, TG_ROUND_HALF_EVEN, &hard.equity) != 0 ||
        tg_decimal_from_double(verdict->size_usd, TG_ROUND_DOWN, &hard.size_usd) != 0 ||
        tg_decimal_from_double(given->equity * given->exposure_pct / 100.0, TG_ROUND_HALF_EVEN,
                               &hard.exposure) != 0 ||
        tg_decimal_from_double(given->margin_available, TG_ROUND_HALF_EVEN,
                               &hard.margin_available) != 0) {
        refuse(verdict, "INVALID_PROPOSAL", "an amount is out of range");
        return;
    }
    if (trade_limits_check(&limits, &hard, &error) != 0)
        refuse(verdict, "HARD_LIMIT", error.message);
}

static void write_adjustments(struct tg_json_writer *json, const char *key,
                              const struct coord_adjustment *adjustments, uint32_t count)
{
    tg_json_key(json, key);
    tg_json_array_open(json);
    for (uint32_t i = 0; i < count; i++) {
        tg_json_object_open(json);
        tg_json_put_string(json, "rule", adjustments[i].rule);
        tg_json_put_real(json, "before", adjustments[i].before);
        tg_json_put_real(json, "after", adjustments[i].after);
        tg_json_put_real(json, "limit", adjustments[i].limit);
        tg_json_object_close(json);
    }
    tg_json_array_close(json);
}

static void write_id(const struct json_value *id, struct tg_json_writer *json)
{
    tg_json_key(json, "id");
    if (id != NULL && json_kind_of(id) == JSON_STRING)
        tg_json_string(json, json_string(id));
    else if (id != NULL && json_is_whole(id))
        tg_json_whole(json, json_whole(id));
    else
        tg_json_null(json);
}

static void write_verdict(const struct json_value *id, const struct coord_risk_verdict *verdict,
                          struct tg_buffer *line)
{
    struct tg_json_writer json;
    tg_buffer_clear(line);
    tg_json_begin(&json, line);
    tg_json_object_open(&json);
    write_id(id, &json);
    tg_json_put_string(&json, "status",
                       coord_risk_status_text((enum coord_risk_status)verdict->status));
    tg_json_key(&json, "code");
    if (verdict->code[0] != '\0')
        tg_json_string(&json, verdict->code);
    else
        tg_json_null(&json);
    tg_json_put_real(&json, "size_usd", verdict->size_usd);
    tg_json_put_whole(&json, "leverage", verdict->leverage);
    write_adjustments(&json, "reductions", verdict->reductions, verdict->reduction_count);
    write_adjustments(&json, "warnings", verdict->warnings, verdict->warning_count);
    if (verdict->reason[0] != '\0')
        tg_json_put_string(&json, "reason", verdict->reason);
    tg_json_object_close(&json);
}

static int read_case(const struct json_value *root, struct coord_risk_case *given,
                     struct tg_error *error)
{
    const struct json_value *proposal = json_member(root, "proposal");
    const struct json_value *state = json_member(root, "state");
    if (json_kind_of(root) != JSON_OBJECT)
        return TG_FAIL(error, INVALID, "a case is a JSON object");
    if (proposal == NULL || json_kind_of(proposal) != JSON_OBJECT)
        return TG_FAIL(error, INVALID, "proposal is missing or no object");
    if (state == NULL || json_kind_of(state) != JSON_OBJECT)
        return TG_FAIL(error, INVALID, "state is missing or no object");
    memset(given, 0, sizeof(*given));
    int code = read_proposal(proposal, given, error);
    if (code == 0)
        code = read_state(state, given, error);
    if (code == 0)
        code = read_word(root, "strictness", "normal", &schema_enum_STRICTNESS, &given->strictness,
                         error);
    return code;
}

static int eval_line(struct policy *policy, const struct conf *conf, const char *text,
                     size_t length, struct tg_buffer *line, struct tg_error *error)
{
    struct json_value *root = NULL;
    struct coord_risk_case given;
    struct coord_risk_verdict verdict;
    struct coord_judge judge = policy_judge(policy);
    struct tg_error failure = {0};
    int code = json_parse(text, length, &root, error);
    if (code == 0)
        code = read_case(root, &given, error);
    if (code == 0) {
        given.size_min = smallest_order(conf, &given);
        memset(&verdict, 0, sizeof(verdict));
        if (judge.risk(judge.context, &given, &verdict, &failure) != 0)
            (void)snprintf(verdict.reason, sizeof(verdict.reason), "%.180s", failure.message);
        hold_against_limits(conf, &given, &verdict);
        write_verdict(json_member(root, "id"), &verdict, line);
        if (line->failed)
            code = TG_FAIL(error, OVERFLOW, "the verdict has numbers that JSON has not");
    }
    json_free(root);
    return code;
}

/* The reader of JSON counts lines and columns of what it was given, which is one line. */
static void place_error(struct tg_error *error, const char *path, size_t line)
{
    bool has_column = strncmp(error->message, "1:", 2) == 0;
    if (has_column)
        memmove(error->message, error->message + 2, strlen(error->message) - 1);
    tg_error_prefix(error, has_column ? "%s:%zu:" : "%s:%zu: ", path, line);
}

int control__eval_risk(struct policy *policy, const struct conf *conf, const char *path, FILE *out,
                       struct tg_error *error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    size_t number = 0;
    ssize_t length;
    int code = 0;
    struct tg_buffer line;
    if (file == NULL)
        return TG_FAIL(error, IO, "%s: cannot be read: %s", path, strerror(errno));
    tg_buffer_init(&line, LINE_MAX_BYTES);
    while (code == 0 && (length = getline(&text, &size, file)) >= 0) {
        number++;
        while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
            text[--length] = '\0';
        if (strspn(text, " \t\r\n") == (size_t)length)
            continue;
        if ((size_t)length > LINE_MAX_BYTES)
            code = TG_FAIL(error, RANGE, "the line is longer than %u bytes", LINE_MAX_BYTES);
        else
            code = eval_line(policy, conf, text, (size_t)length, &line, error);
        if (code != 0)
            place_error(error, path, number);
        else if (fprintf(out, "%s\n", line.data) < 0)
            code = TG_FAIL(error, IO, "writing failed: %s", strerror(errno));
    }
    if (code == 0 && fflush(out) != 0)
        code = TG_FAIL(error, IO, "writing failed: %s", strerror(errno));
    if (code == 0 && ferror(file))
        code = TG_FAIL(error, IO, "%s: reading failed: %s", path, strerror(errno));
    free(text);
    tg_buffer_fini(&line);
    if (file != stdin)
        (void)fclose(file);
    return code;
}
