/*
 * A decision in words: who said what, what each step made of it, and why it ended as it did.
 *
 * Works on the JSON form, so that a decision in memory, in a file and in a store are explained by
 * the same words. What a decision does not have, or has in another form, is left out or a dash:
 * nothing of a file that somebody else may have written is taken for granted.
 */
#include "base/decimal.h"
#include "base/text.h"
#include "bus/json.h"
#include "control/control.h"

#include <string.h>

#define WIDTH  78u
#define INDENT 7u

/* What is being written, and how prices of this decision look. */
struct page {
    FILE *out;
    unsigned places;
};

/* ---- values ---- */

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

static bool decimal_of(const struct json_value *object, const char *key, struct tg_decimal *value)
{
    const char *text = text_of(object, key);
    return tg_decimal_parse(text, strlen(text), value) == 0;
}

static const char *amount_of(char text[CONTROL_FIGURE_SIZE], const struct json_value *object,
                             const char *key, unsigned places)
{
    struct tg_decimal value;
    return decimal_of(object, key, &value) ? control_amount(text, value, places, "") : "-";
}

static const char *money_of(char text[CONTROL_FIGURE_SIZE], const struct json_value *object,
                            const char *key)
{
    return amount_of(text, object, key, 2);
}

static const struct json_value *find_step(const struct json_value *root, const char *name)
{
    const struct json_value *steps = json_member(root, "steps");
    for (size_t i = 0; steps != NULL && i < json_count(steps); i++)
        if (tg_text_equal(text_of(json_item(steps, i), "step"), name))
            return json_item(steps, i);
    return NULL;
}

/* ---- lines ---- */

/* Text for people in lines of at most WIDTH columns, broken between words. */
static void wrap(const struct page *page, const char *text)
{
    size_t column = INDENT;
    (void)fprintf(page->out, "%*s", (int)INDENT, "");
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        if (column > INDENT && column + 1 + length > WIDTH) {
            (void)fprintf(page->out, "\n%*s", (int)INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            (void)fputc(' ', page->out);
            column++;
        }
        (void)fwrite(text, 1, length, page->out);
        column += length;
        text += length;
    }
    (void)fputc('\n', page->out);
}

static void print_note(const struct page *page, const struct json_value *object, const char *key)
{
    const char *note = text_of(object, key);
    if (!tg_text_equal(note, "-") && note[0] != '\0')
        wrap(page, note);
}

/* ---- the signal and the steps ---- */

static void print_votes(const struct page *page, const struct json_value *signal)
{
    const struct json_value *votes = json_member(signal, "votes");
    if (votes == NULL || json_kind_of(votes) != JSON_ARRAY)
        return;
    for (size_t i = 0; i < json_count(votes); i++) {
        const struct json_value *vote = json_item(votes, i);
        (void)fprintf(page->out, "       %-16s %-11s %.2f\n", text_of(vote, "voter"),
                      text_of(vote, "action"), number_of(vote, "confidence"));
    }
}

static void print_signal(const struct page *page, const struct json_value *decision)
{
    const struct json_value *signal = json_member(decision, "signal");
    char entry[CONTROL_FIGURE_SIZE];
    char stop[CONTROL_FIGURE_SIZE];
    char target[CONTROL_FIGURE_SIZE];
    (void)fprintf(page->out, "\n  1. %s said %s %s with confidence %.2f\n",
                  text_of(decision, "agent"), text_of(signal, "action"),
                  text_of(decision, "symbol"), number_of(signal, "confidence"));
    print_note(page, signal, "reasoning");
    print_votes(page, signal);
    if (json_member(signal, "entry_price") != NULL)
        (void)fprintf(page->out, "       entry %s, stop-loss %s, take-profit %s\n",
                      amount_of(entry, signal, "entry_price", page->places),
                      amount_of(stop, signal, "stop_loss", page->places),
                      amount_of(target, signal, "take_profit", page->places));
}

static void print_consensus(const struct page *page, const struct json_value *step)
{
    const struct json_value *opinions = json_member(step, "opinions");
    if (number_of(step, "present") > 0.0)
        (void)fprintf(page->out,
                      "       %.0f of %.0f agents agree: confidence %.3f x %.3f = %.3f\n",
                      number_of(step, "agreeing"), number_of(step, "present"),
                      number_of(step, "confidence_before"), number_of(step, "multiplier"),
                      number_of(step, "confidence_after"));
    else
        (void)fprintf(page->out, "       no other agent has a fresh opinion: confidence %.3f\n",
                      number_of(step, "confidence_after"));
    if (opinions == NULL)
        return;
    if (json_member(opinions, "ta_bias") != NULL)
        (void)fprintf(page->out, "       technical analysis: %s (%.2f)\n",
                      text_of(opinions, "ta_bias"), number_of(opinions, "ta_confidence"));
    if (json_member(opinions, "regime") != NULL)
        (void)fprintf(page->out, "       regime: %s (%.2f), entries judged %s\n",
                      text_of(opinions, "regime"), number_of(opinions, "regime_confidence"),
                      text_of(opinions, "entry_strictness"));
    if (json_member(opinions, "sentiment") != NULL)
        (void)fprintf(page->out, "       sentiment: %s (%.2f)\n", text_of(opinions, "sentiment"),
                      number_of(opinions, "sentiment_confidence"));
}

static void print_context(const struct page *page, const struct json_value *step)
{
    char price[CONTROL_FIGURE_SIZE];
    char equity[CONTROL_FIGURE_SIZE];
    const struct json_value *positions = json_member(step, "positions");
    (void)fprintf(page->out,
                  "       last price %s, equity %s\n"
                  "       day %+.2f %%, week %+.2f %%, drawdown %.2f %%\n",
                  amount_of(price, step, "last_price", page->places),
                  money_of(equity, step, "equity"), number_of(step, "daily_pnl_pct"),
                  number_of(step, "weekly_pnl_pct"), number_of(step, "drawdown_pct"));
    for (size_t i = 0; positions != NULL && i < json_count(positions); i++) {
        const struct json_value *seen = json_item(positions, i);
        const struct json_value *decision = json_member(seen, "decision");
        (void)fprintf(page->out, "       %s: %s %s, %.1f %% of equity\n",
                      decision != NULL && json_flag(decision) ? "under way" : "open",
                      text_of(seen, "side"), text_of(seen, "symbol"),
                      number_of(seen, "exposure_pct"));
    }
}

static void print_conflicts(const struct page *page, const struct json_value *step)
{
    const struct json_value *conflicts = json_member(step, "conflicts");
    size_t count = conflicts != NULL ? json_count(conflicts) : 0;
    if (count == 0)
        return;
    (void)fprintf(page->out, "       ");
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string(json_item(conflicts, i));
        (void)fprintf(page->out, "%s%s", i > 0 ? ", " : "", name != NULL ? name : "?");
    }
    (void)fprintf(page->out, ": %s\n", text_of(step, "resolution"));
    print_note(page, step, "reason");
}

/* Sizes are money; leverage and the limits of rules are plain numbers. */
static void print_adjustments(const struct page *page, const struct json_value *step,
                              const char *key, const char *word)
{
    const struct json_value *list = json_member(step, key);
    for (size_t i = 0; list != NULL && i < json_count(list); i++) {
        const struct json_value *item = json_item(list, i);
        const char *rule = text_of(item, "rule");
        bool money = tg_text_equal(key, "reductions") && strncmp(rule, "LEVERAGE", 8) != 0;
        char plain[CONTROL_FIGURE_SIZE];
        char before[CONTROL_FIGURE_SIZE];
        char after[CONTROL_FIGURE_SIZE];
        (void)snprintf(plain, sizeof(plain), money ? "%.2f" : "%.6g", number_of(item, "before"));
        control_group(before, plain, "");
        (void)snprintf(plain, sizeof(plain), money ? "%.2f" : "%.6g", number_of(item, "after"));
        control_group(after, plain, "");
        (void)fprintf(page->out, "       %s %s: %s -> %s (limit %.6g)\n", word, rule, before, after,
                      number_of(item, "limit"));
    }
}

static void print_risk(const struct page *page, const struct json_value *step)
{
    char size[CONTROL_FIGURE_SIZE];
    char price[CONTROL_FIGURE_SIZE];
    (void)fprintf(page->out, "       asked for: %s %s at %s, leverage %.6g, confidence %.3f\n",
                  text_of(step, "side"), money_of(size, step, "size_usd_before"),
                  amount_of(price, step, "entry_price", page->places),
                  number_of(step, "leverage_before"), number_of(step, "confidence"));
    print_adjustments(page, step, "reductions", "reduced by");
    print_adjustments(page, step, "warnings", "warning of");
    if (json_member(step, "code") != NULL)
        (void)fprintf(page->out, "       %s by %s\n", text_of(step, "status"),
                      text_of(step, "code"));
    else
        (void)fprintf(page->out, "       %s: %s, leverage %.0f\n", text_of(step, "status"),
                      money_of(size, step, "size_usd"), number_of(step, "leverage"));
}

static void print_sizing(const struct page *page, const struct json_value *step)
{
    char size[CONTROL_FIGURE_SIZE];
    (void)fprintf(page->out, "       size %s\n", money_of(size, step, "size_usd"));
}

static void print_step(const struct page *page, const struct json_value *step, size_t number)
{
    const char *name = text_of(step, "step");
    const char *outcome = text_of(step, "outcome");
    bool conflicts = tg_text_equal(name, "conflicts") || tg_text_equal(name, "risk_override");
    const struct json_value *found = json_member(step, "conflicts");
    bool none = conflicts && found != NULL && json_count(found) == 0;
    (void)fprintf(page->out, "  %zu. %s: %s%s\n", number, name, outcome,
                  none ? ", nothing speaks against it" : "");
    if (tg_text_equal(name, "consensus"))
        print_consensus(page, step);
    else if (tg_text_equal(name, "context") && tg_text_equal(outcome, "complete"))
        print_context(page, step);
    else if (conflicts)
        print_conflicts(page, step);
    else if (tg_text_equal(name, "sizing"))
        print_sizing(page, step);
    else if (tg_text_equal(name, "risk"))
        print_risk(page, step);
    if (!conflicts && (!tg_text_equal(name, "consensus") || tg_text_equal(outcome, "failed")))
        print_note(page, step, "note");
}

static void print_end(const struct page *page, const struct json_value *root)
{
    (void)fprintf(page->out, "\n  Outcome: %s", text_of(root, "outcome"));
    if (json_member(root, "code") != NULL)
        (void)fprintf(page->out, " (%s)", text_of(root, "code"));
    (void)fprintf(page->out, "\n  %s\n", text_of(root, "reason"));
    if (!tg_text_equal(text_of(root, "order_id"), "-"))
        (void)fprintf(page->out, "  Order    %s\n", text_of(root, "order_id"));
    if (!tg_text_equal(text_of(root, "position_id"), "-"))
        (void)fprintf(page->out, "  Position %s\n", text_of(root, "position_id"));
    (void)fprintf(page->out, "  Judged by policies %.12s\n", text_of(root, "policy_version"));
}

int control_explain_decision(const char *json, size_t length, FILE *out, struct tg_error *error)
{
    struct json_value *root = NULL;
    struct page page = {.out = out, .places = 2};
    struct tg_decimal price;
    int code = json_parse(json, length, &root, error);
    if (code != 0)
        return code;
    if (decimal_of(find_step(root, "context"), "last_price", &price) ||
        decimal_of(json_member(root, "signal"), "entry_price", &price))
        page.places = control_price_places(price);
    (void)fprintf(out, "Decision %s\n  %s at %s\n", text_of(root, "id"), text_of(root, "symbol"),
                  text_of(root, "opened_at"));
    print_signal(&page, root);
    const struct json_value *steps = json_member(root, "steps");
    for (size_t i = 0; steps != NULL && i < json_count(steps); i++)
        print_step(&page, json_item(steps, i), i + 2);
    print_end(&page, root);
    json_free(root);
    return 0;
}
