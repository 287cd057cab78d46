/*
 * A decision in words: who said what, what each step made of it, and why it ended as it did.
 *
 * Works on the JSON form, so that a decision in memory, in a file and in a store are explained by
 * the same words. `triplegain explain ID --decisions FILE` looks for any of a decision's ids.
 */
#include "base/check.h"
#include "base/text.h"
#include "base/uuid.h"
#include "bus/json.h"
#include "control_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const struct json_value *object, const char *key)
{
    const struct json_value *member = object != NULL ? json_member(object, key) : NULL;
    const char *text = member != NULL ? json_string(member) : NULL;
    return text != NULL ? text : "-";
}

static double number_of(const struct json_value *object, const char *key)
{
    const struct json_value *member = json_member(object, key);
    return member != NULL ? json_number(member) : 0.0;
}

static void print_votes(const struct json_value *signal, FILE *out)
{
    const struct json_value *votes = json_member(signal, "votes");
    if (votes == NULL || json_kind_of(votes) != JSON_ARRAY)
        return;
    for (size_t i = 0; i < json_count(votes); i++) {
        const struct json_value *vote = json_item(votes, i);
        (void)fprintf(out, "      %-16s %-11s %.2f\n", text_of(vote, "voter"),
                      text_of(vote, "action"), number_of(vote, "confidence"));
    }
}

static void print_signal(const struct json_value *decision, FILE *out)
{
    const struct json_value *signal = json_member(decision, "signal");
    (void)fprintf(out, "\n  1. %s said %s %s with confidence %.2f\n", text_of(decision, "agent"),
                  text_of(signal, "action"), text_of(decision, "symbol"),
                  number_of(signal, "confidence"));
    if (json_member(signal, "reasoning") != NULL)
        (void)fprintf(out, "      %s\n", text_of(signal, "reasoning"));
    print_votes(signal, out);
    if (json_member(signal, "entry_price") != NULL)
        (void)fprintf(out, "      entry %s, stop-loss %s, take-profit %s\n",
                      text_of(signal, "entry_price"), text_of(signal, "stop_loss"),
                      text_of(signal, "take_profit"));
}

static void print_consensus(const struct json_value *step, FILE *out)
{
    const struct json_value *opinions = json_member(step, "opinions");
    (void)fprintf(out, "      %.0f of %.0f agents agree: confidence %.2f x %.3f = %.2f\n",
                  number_of(step, "agreeing"), number_of(step, "present"),
                  number_of(step, "confidence_before"), number_of(step, "multiplier"),
                  number_of(step, "confidence_after"));
    if (opinions == NULL)
        return;
    if (json_member(opinions, "ta_bias") != NULL)
        (void)fprintf(out, "      technical analysis: %s (%.2f)\n", text_of(opinions, "ta_bias"),
                      number_of(opinions, "ta_confidence"));
    if (json_member(opinions, "regime") != NULL)
        (void)fprintf(out, "      regime: %s (%.2f), entries judged %s\n",
                      text_of(opinions, "regime"), number_of(opinions, "regime_confidence"),
                      text_of(opinions, "entry_strictness"));
    if (json_member(opinions, "sentiment") != NULL)
        (void)fprintf(out, "      sentiment: %s (%.2f)\n", text_of(opinions, "sentiment"),
                      number_of(opinions, "sentiment_confidence"));
}

static void print_context(const struct json_value *step, FILE *out)
{
    (void)fprintf(
        out, "      last price %s, equity %s, day %+.2f %%, week %+.2f %%, drawdown %.2f %%\n",
        text_of(step, "last_price"), text_of(step, "equity"), number_of(step, "daily_pnl_pct"),
        number_of(step, "weekly_pnl_pct"), number_of(step, "drawdown_pct"));
    const struct json_value *positions = json_member(step, "positions");
    for (size_t i = 0; positions != NULL && i < json_count(positions); i++) {
        const struct json_value *seen = json_item(positions, i);
        (void)fprintf(out, "      open: %s %s, %.1f %% of equity\n", text_of(seen, "side"),
                      text_of(seen, "symbol"), number_of(seen, "exposure_pct"));
    }
}

static void print_conflicts(const struct json_value *step, FILE *out)
{
    const struct json_value *conflicts = json_member(step, "conflicts");
    size_t count = conflicts != NULL ? json_count(conflicts) : 0;
    (void)fprintf(out, "      ");
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string(json_item(conflicts, i));
        (void)fprintf(out, "%s%s", i > 0 ? ", " : "", name != NULL ? name : "?");
    }
    (void)fprintf(out, "%s: %s\n", count == 0 ? "none" : "", text_of(step, "resolution"));
}

static void print_adjustments(const struct json_value *step, const char *key, const char *word,
                              FILE *out)
{
    const struct json_value *list = json_member(step, key);
    for (size_t i = 0; list != NULL && i < json_count(list); i++) {
        const struct json_value *item = json_item(list, i);
        (void)fprintf(out, "      %s %s: %.2f -> %.2f (limit %.2f)\n", word, text_of(item, "rule"),
                      number_of(item, "before"), number_of(item, "after"),
                      number_of(item, "limit"));
    }
}

static void print_risk(const struct json_value *step, FILE *out)
{
    (void)fprintf(out, "      %s %s at %s, leverage %.0f, confidence %.2f\n", text_of(step, "side"),
                  text_of(step, "size_usd_before"), text_of(step, "entry_price"),
                  number_of(step, "leverage_before"), number_of(step, "confidence"));
    print_adjustments(step, "reductions", "reduced by", out);
    print_adjustments(step, "warnings", "warning of", out);
    (void)fprintf(out, "      %s", text_of(step, "status"));
    if (json_member(step, "code") != NULL)
        (void)fprintf(out, " by %s", text_of(step, "code"));
    else
        (void)fprintf(out, ": size %s, leverage %.0f", text_of(step, "size_usd"),
                      number_of(step, "leverage"));
    (void)fprintf(out, "\n");
}

static void print_step(const struct json_value *step, size_t number, FILE *out)
{
    const char *name = text_of(step, "step");
    const char *note = text_of(step, "note");
    (void)fprintf(out, "  %zu. %s: %s\n", number, name, text_of(step, "outcome"));
    if (tg_text_equal(name, "consensus"))
        print_consensus(step, out);
    else if (tg_text_equal(name, "context") && tg_text_equal(text_of(step, "outcome"), "complete"))
        print_context(step, out);
    else if (tg_text_equal(name, "conflicts") || tg_text_equal(name, "risk_override"))
        print_conflicts(step, out);
    else if (tg_text_equal(name, "risk"))
        print_risk(step, out);
    if (note[0] != '-' && !tg_text_equal(name, "consensus") && !tg_text_equal(name, "conflicts"))
        (void)fprintf(out, "      %s\n", note);
}

int control_explain_decision(const char *json, size_t length, FILE *out, struct tg_error *error)
{
    struct json_value *root = NULL;
    int code = json_parse(json, length, &root, error);
    if (code != 0)
        return code;
    (void)fprintf(out, "Decision %s\n  %s at %s\n", text_of(root, "id"), text_of(root, "symbol"),
                  text_of(root, "opened_at"));
    print_signal(root, out);
    const struct json_value *steps = json_member(root, "steps");
    for (size_t i = 0; steps != NULL && i < json_count(steps); i++)
        print_step(json_item(steps, i), i + 2, out);
    (void)fprintf(out, "\n  Outcome: %s", text_of(root, "outcome"));
    if (json_member(root, "code") != NULL)
        (void)fprintf(out, " (%s)", text_of(root, "code"));
    (void)fprintf(out, "\n  %s\n", text_of(root, "reason"));
    if (json_string(json_member(root, "order_id")) != NULL)
        (void)fprintf(out, "  Order %s, position %s\n", text_of(root, "order_id"),
                      text_of(root, "position_id"));
    (void)fprintf(out, "  Judged by policies %.12s\n", text_of(root, "policy_version"));
    json_free(root);
    return 0;
}

static bool has_id(const char *line, size_t length, const char *id)
{
    static const char *const keys[] = {"id", "order_id", "position_id"};
    struct json_value *root = NULL;
    bool found = false;
    if (strstr(line, id) == NULL || json_parse(line, length, &root, NULL) != 0)
        return false;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(keys) && !found; i++)
        found = tg_text_equal(text_of(root, keys[i]), id);
    json_free(root);
    return found;
}

static int find_in_file(const char *path, const char *id, bool as_json, struct tg_error *error)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int code = TG_E_NOT_FOUND;
    if (file == NULL)
        return TG_FAIL(error, IO, "%s: cannot be read: %s", path, strerror(errno));
    while (code == TG_E_NOT_FOUND && (length = getline(&line, &size, file)) >= 0) {
        if (!has_id(line, (size_t)length, id))
            continue;
        line[strcspn(line, "\n")] = '\0';
        if (as_json)
            (void)printf("%s\n", line);
        code = as_json ? 0 : control_explain_decision(line, strlen(line), stdout, error);
    }
    if (code == TG_E_NOT_FOUND && ferror(file))
        code = TG_FAIL(error, IO, "%s: reading failed: %s", path, strerror(errno));
    else if (code == TG_E_NOT_FOUND)
        (void)TG_FAIL(error, NOT_FOUND, "%s: no decision has the id %s", path, id);
    free(line);
    (void)fclose(file);
    return code;
}

int control_explain(const struct control_context *context)
{
    const char *decisions = NULL;
    struct control_option options[] = {
        {.name = "decisions",
         .value = "FILE",
         .meaning = "decisions, as replay --decisions FILE wrote them",
         .values = &decisions},
        {.name = "json", .meaning = "prints the decision's JSON"}};
    struct control_command command = {
        .name = "explain",
        .arguments = "ID",
        .meaning = "Explains one decision: each step, and why it ended as it did.",
        .more = "  ID is that of the signal, of the order or of the position.\n",
        .options = options,
        .option_count = TG_ARRAY_LENGTH(options),
        .arguments_min = 1,
        .arguments_max = 1};
    struct tg_error error = {0};
    struct tg_uuid id;
    char text[TG_UUID_TEXT_SIZE];
    int code =
        control_read_arguments(&command, context->argc, context->argv, context->first, &error);
    if (code == 0 && decisions == NULL)
        code = TG_FAIL(&error, INVALID, "explain: needs --decisions FILE");
    if (code == 0 && tg_uuid_parse(command.given[0], strlen(command.given[0]), &id) != 0)
        code = TG_FAIL(&error, INVALID,
                       "explain: %.64s is no id; ids look like "
                       "01890a5d-ac96-774b-bcce-b302099a8057",
                       command.given[0]);
    if (code != 0)
        return code == TG_E_UNSUPPORTED ? CONTROL_DONE : control_say_error(&error, CONTROL_USAGE);
    tg_uuid_format(&id, text);
    code = find_in_file(decisions, text, control_flag(&command, "json"), &error);
    return code == 0 ? CONTROL_DONE : control_say_error(&error, CONTROL_FAILED);
}
