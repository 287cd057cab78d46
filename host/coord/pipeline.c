/*
 * From signal to order, step by step.
 *
 *   state -> consensus -> context -> conflicts -> sizing -> risk -> risk_override -> order
 *
 * Each step leaves its record; the first one that says no ends the decision. A step that took
 * longer than it may ends it as timeout before the next one begins. Closing a position is an act of
 * its own: no consensus, no conflicts, no sizing, only what risk may say to a reduction. The order
 * step hands the intent to trade and waits; coord_order_changed brings the end.
 *
 * A rebalancing trade or a purchase for a hodl bag goes state -> context -> risk -> order: its size
 * is given, it has no stop, and risk judges it with the profile `rebalance`.
 *
 * The context is gathered before the conflicts because conflicts look at positions in percent of
 * equity; its freshness check is the same one.
 */
#include "base/decimal.h"
#include "base/text.h"
#include "base/uuid.h"
#include "coord_int.h"
#include "obs/obs.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Marks a step as done; false where it took too long, and the decision has ended. */
static bool step_done(struct coord *coord, struct coord_slot *slot, enum coord_step step,
                      int64_t started, const char *outcome, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static bool step_done(struct coord *coord, struct coord_slot *slot, enum coord_step step,
                      int64_t started, const char *outcome, const char *format, ...)
{
    struct coord_step_record *record = &slot->decision.steps[step];
    int64_t now = tg_clock_monotonic(&coord->options.clock);
    int64_t limit = coord->options.step_deadline_ns[step];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(record->note, sizeof(record->note), format, arguments);
    va_end(arguments);
    (void)tg_text_copy(record->outcome, sizeof(record->outcome), outcome);
    record->done = true;
    record->duration_ns = now - started;
    if ((limit > 0 && record->duration_ns > limit) || now > slot->decision.deadline) {
        coord__end(coord, slot, COORD_OUTCOME_TIMEOUT, coord_step_text(step),
                   "step %s took %lld ms", coord_step_text(step),
                   (long long)(record->duration_ns / TG_NS_PER_MS));
        return false;
    }
    return true;
}

static int64_t start(const struct coord *coord)
{
    return tg_clock_monotonic(&coord->options.clock);
}

static bool is_entry(const struct coord_decision *decision)
{
    return decision->signal.action == TG_ACTION_BUY || decision->signal.action == TG_ACTION_SELL;
}

static bool step_state(struct coord *coord, struct coord_slot *slot)
{
    const char *state = coord_state_text(coord->state);
    if (!step_done(coord, slot, COORD_STEP_STATE, start(coord), state, "level %s",
                   coord_level_text(coord->level)))
        return false;
    if (coord->state != COORD_RUNNING) {
        coord__end(coord, slot, COORD_OUTCOME_IGNORED_STATE, state, "the host is %s: %s", state,
                   coord->last_transition.reason);
        return false;
    }
    if (slot->decision.signal.action == TG_ACTION_HOLD) {
        coord__end(coord, slot, COORD_OUTCOME_HOLD, "", "the signal says HOLD");
        return false;
    }
    if (is_entry(&slot->decision) &&
        start(coord) < coord->symbol_paused_until[slot->decision.symbol]) {
        coord__end(coord, slot, COORD_OUTCOME_IGNORED_STATE, "SYMBOL_PAUSED",
                   "%s is paused: the venue refused its orders", slot->decision.signal.symbol);
        return false;
    }
    return true;
}

static bool step_consensus(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    struct coord_consensus_verdict *verdict = &decision->consensus;
    struct tg_error error = {0};
    int64_t started = start(coord);
    decision->consensus_case.action = decision->signal.action;
    decision->consensus_case.confidence = decision->signal.confidence;
    coord__opinions(coord, decision->signal.symbol, &decision->consensus_case.opinions);
    if (!is_entry(decision))
        return true;
    int code = coord->options.judge.consensus(coord->options.judge.context,
                                              &decision->consensus_case, verdict, &error);
    if (code != 0 || !isfinite(verdict->confidence) || verdict->confidence < 0.0)
        decision->confidence = decision->signal.confidence;
    else
        decision->confidence = fmin(verdict->confidence, 1.0);
    char note[COORD_NOTE_SIZE];
    if (code != 0)
        (void)snprintf(note, sizeof(note), "%.180s", error.message);
    else
        (void)snprintf(note, sizeof(note), "%u of %u agents agree", verdict->agreeing,
                       verdict->present);
    return step_done(coord, slot, COORD_STEP_CONSENSUS, started, code != 0 ? "failed" : "adjusted",
                     "%s", note);
}

static bool step_context(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    struct tg_error error = {0};
    int64_t started = start(coord);
    int code = coord__context(coord, decision, tg_clock_utc(&coord->options.clock), &error);
    if (!step_done(coord, slot, COORD_STEP_CONTEXT, started, code != 0 ? "missing" : "complete",
                   "%s", code != 0 ? error.message : ""))
        return false;
    if (code != 0) {
        coord__end(coord, slot, COORD_OUTCOME_NO_CONTEXT, "", "%s", error.message);
        return false;
    }
    return true;
}

static void name_conflicts(const struct coord_conflict_verdict *verdict, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < verdict->conflict_count; i++)
        (void)tg_text_append(text, size, &length, "%s%s", i > 0 ? ", " : "",
                             coord_conflict_text((enum coord_conflict)verdict->conflicts[i]));
}

static bool judge_conflicts(struct coord *coord, struct coord_slot *slot, bool after_risk)
{
    struct coord_decision *decision = &slot->decision;
    struct coord_conflict_verdict *verdict =
        after_risk ? &decision->override : &decision->conflicts;
    struct coord_conflict_case given = {.action = decision->signal.action,
                                        .after_risk = after_risk,
                                        .confidence = decision->confidence,
                                        .opinions = decision->consensus_case.opinions};
    struct tg_error error = {0};
    char names[COORD_NOTE_SIZE];
    int64_t started = start(coord);
    (void)tg_text_copy(given.symbol, sizeof(given.symbol), decision->signal.symbol);
    for (uint32_t i = 0; i < decision->risk_case.position_count; i++)
        if (!decision->risk_case.positions[i].allocation)
            given.positions[given.position_count++] = decision->risk_case.positions[i];
    if (after_risk) {
        given.size_before = decision->risk_case.size_usd;
        given.size_after = decision->risk.size_usd;
        given.leverage_before = (int64_t)decision->risk_case.leverage;
        given.leverage_after = decision->risk.leverage;
    }
    int code =
        coord->options.judge.conflicts(coord->options.judge.context, &given, verdict, &error);
    if (verdict->conflict_count > COORD_CONFLICTS_MAX)
        verdict->conflict_count = COORD_CONFLICTS_MAX;
    /* nothing says how to modify without a model */
    if (code != 0 || (verdict->resolution != COORD_PROCEED && verdict->resolution != COORD_ABORT))
        verdict->resolution = COORD_WAIT;
    name_conflicts(verdict, names, sizeof(names));
    const char *resolution = coord_resolution_text((enum coord_resolution)verdict->resolution);
    if (!step_done(coord, slot, after_risk ? COORD_STEP_OVERRIDE : COORD_STEP_CONFLICTS, started,
                   resolution, "%s", code != 0 ? error.message : names))
        return false;
    if (verdict->resolution == COORD_PROCEED)
        return true;
    coord__end(coord, slot,
               verdict->resolution == COORD_ABORT ? COORD_OUTCOME_ABORT : COORD_OUTCOME_WAIT,
               verdict->conflict_count > 0
                   ? coord_conflict_text((enum coord_conflict)verdict->conflicts[0])
                   : "policy_failed",
               "%s: %.150s", resolution, code != 0 ? error.message : verdict->reason);
    return false;
}

/* Whether closing is about that position: a signal closes what signals opened, a rebalancing trade
 * what rebalancing opened, and neither a hodl bag. */
static bool concerns(const struct coord_decision *decision, const struct trade_position *position,
                     uint8_t side)
{
    return position->symbol == decision->symbol && position->side == side && !position->hodl &&
           position->rebalance == (decision->kind != COORD_KIND_SIGNAL);
}

static bool size_of_close(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    uint8_t side = decision->signal.action == TG_ACTION_CLOSE_LONG ? TG_SIDE_BUY : TG_SIDE_SELL;
    const struct trade_position *position;
    struct tg_decimal size = {0};
    struct tg_decimal wanted = decision->signal.size_usd;
    bool overflow = false;
    for (uint32_t i = 0; (position = trade_position_at(coord->options.trade, i)) != NULL; i++) {
        struct tg_decimal notional;
        if (concerns(decision, position, side) &&
            trade_position_notional(coord->options.trade, position, &notional) == 0)
            size = tg_decimal_add(size, notional, &overflow);
    }
    if (decision->kind != COORD_KIND_SIGNAL && tg_decimal_compare(wanted, size) < 0) {
        decision->fraction = tg_decimal_divide(wanted, size, TG_ROUND_UP, &overflow);
        size = wanted;
    }
    decision->risk_case.size_usd = tg_decimal_to_double(size);
    if (tg_decimal_is_positive(size) && !overflow)
        return true;
    coord__end(coord, slot, COORD_OUTCOME_REJECTED, "NO_POSITION",
               "there is no open %s position of %s to close",
               side == TG_SIDE_BUY ? "long" : "short", decision->signal.symbol);
    return false;
}

static bool step_sizing(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    const struct tg_trading_signals *signal = &decision->signal;
    struct tg_error error = {0};
    struct tg_message message;
    int64_t started = start(coord);
    struct coord_sizing_case given = {.action = signal->action,
                                      .confidence = decision->confidence,
                                      .entry_price = decision->risk_case.entry_price,
                                      .stop_loss = decision->risk_case.stop_loss,
                                      .equity = decision->risk_case.equity,
                                      .regime = decision->risk_case.regime,
                                      .position_size_multiplier = 1.0,
                                      .has_size_usd = TG_HAS(signal, TRADING_SIGNALS, size_usd),
                                      .has_position_size_pct =
                                          TG_HAS(signal, TRADING_SIGNALS, position_size_pct),
                                      .size_usd = tg_decimal_to_double(signal->size_usd),
                                      .position_size_pct = signal->position_size_pct};
    (void)tg_text_copy(given.symbol, sizeof(given.symbol), signal->symbol);
    if (decision->consensus_case.opinions.has_regime &&
        bus_get_latest(coord->options.bus, TG_TOPIC_REGIME_UPDATES, signal->symbol, 0,
                       coord->options.regime_age_max_ns, &message))
        given.position_size_multiplier =
            ((const struct tg_regime_updates *)message.payload)->position_size_multiplier;
    int code = coord->options.judge.sizing(coord->options.judge.context, &given, &decision->sizing,
                                           &error);
    if (code != 0)
        decision->sizing.size_usd = 0.0;
    decision->risk_case.size_usd = decision->sizing.size_usd;
    if (!step_done(coord, slot, COORD_STEP_SIZING, started, code != 0 ? "failed" : "sized", "%s",
                   code != 0 ? error.message : decision->sizing.reason))
        return false;
    if (code != 0) {
        coord__alert(coord, "RULE_ERROR", TG_SEVERITY_HIGH, TG_BREACH_NONE, signal->symbol,
                     error.message);
        coord__end(coord, slot, COORD_OUTCOME_REJECTED, "RULE_ERROR", "sizing failed: %.150s",
                   error.message);
        return false;
    }
    return true;
}

/* Entries beyond their rate are refused; who goes on at three times the rate stops the host. */
static void count_order_rate(struct coord *coord, const struct coord_risk_verdict *verdict)
{
    struct tg_error error = {0};
    if (!tg_text_equal(verdict->code, "ORDER_RATE"))
        return;
    trade_order_rate_refused(coord->options.trade, tg_clock_utc(&coord->options.clock));
    if (verdict->status == COORD_RISK_HALTED && coord->state != COORD_HALTED &&
        coord_halt(coord, "risk", verdict->reason, &error) != 0)
        OBS_ERROR(coord->options.log, "coord", "ORDER_RATE: %s", error.message);
}

static bool step_risk(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    struct coord_risk_verdict *verdict = &decision->risk;
    struct tg_error error = {0};
    int64_t started = start(coord);
    int code = coord->options.judge.risk(coord->options.judge.context, &decision->risk_case,
                                         verdict, &error);
    if (code != 0) {
        coord__alert(coord, "RULE_ERROR", TG_SEVERITY_HIGH, TG_BREACH_NONE, decision->signal.symbol,
                     error.message);
        verdict->status = COORD_RISK_REJECTED;
    }
    enum coord_risk_status status = (enum coord_risk_status)verdict->status;
    if (!step_done(coord, slot, COORD_STEP_RISK, started, coord_risk_status_text(status), "%.180s",
                   code != 0 ? error.message : verdict->reason))
        return false;
    if (code == 0 && (status == COORD_RISK_APPROVED || status == COORD_RISK_MODIFIED))
        return true;
    if (code == 0)
        count_order_rate(coord, verdict);
    coord__end(coord, slot,
               status == COORD_RISK_HALTED ? COORD_OUTCOME_HALTED : COORD_OUTCOME_REJECTED,
               verdict->code[0] != '\0' ? verdict->code : "RULE_ERROR", "%.180s",
               code != 0 ? error.message : verdict->reason);
    return false;
}

static int enter(struct coord *coord, struct coord_decision *decision, struct tg_error *error)
{
    const struct tg_trading_signals *signal = &decision->signal;
    struct trade_entry entry = {.decision_id = decision->id,
                                .decision_key = decision->key,
                                .symbol = decision->symbol,
                                .side =
                                    signal->action == TG_ACTION_BUY ? TG_SIDE_BUY : TG_SIDE_SELL,
                                .regime = decision->risk_case.regime,
                                .rebalance = decision->kind != COORD_KIND_SIGNAL,
                                .hodl = decision->kind == COORD_KIND_HODL,
                                .leverage = decision->risk.leverage};
    if (TG_HAS(signal, TRADING_SIGNALS, stop_loss))
        entry.stop_loss = signal->stop_loss;
    if (TG_HAS(signal, TRADING_SIGNALS, take_profit))
        entry.take_profit = signal->take_profit;
    int code = tg_decimal_from_double(decision->risk.size_usd, TG_ROUND_DOWN, &entry.size_usd);
    if (code != 0)
        return TG_FAIL(error, RANGE, "the size that risk left is no amount of money");
    return trade_enter(coord->options.trade, &entry, tg_clock_utc(&coord->options.clock),
                       &decision->order_id, error);
}

static int leave(struct coord *coord, struct coord_decision *decision, struct tg_error *error)
{
    uint8_t side = decision->signal.action == TG_ACTION_CLOSE_LONG ? TG_SIDE_BUY : TG_SIDE_SELL;
    int64_t now = tg_clock_utc(&coord->options.clock);
    uint32_t closed = 0;
    if (decision->kind == COORD_KIND_SIGNAL)
        return trade_close(coord->options.trade, decision->symbol, side, decision->fraction,
                           "signal", &decision->id, now, &decision->order_id, &closed, error);
    return trade_reduce(coord->options.trade, decision->symbol, side, decision->fraction,
                        "rebalance", &decision->id, now, &decision->order_id, &closed, error);
}

/* The sentence of a hard limit begins with its rule: "EXPOSURE_LIMIT: ...". */
static void end_refused(struct coord *coord, struct coord_slot *slot, const struct tg_error *error)
{
    char rule[COORD_CODE_SIZE] = "HARD_LIMIT";
    size_t length = strspn(error->message, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    if (length > 0 && error->message[length] == ':')
        (void)tg_text_copy_slice(rule, sizeof(rule), error->message, length);
    coord__end(coord, slot, COORD_OUTCOME_REJECTED, rule, "hard limit: %.160s", error->message);
}

static void step_order(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    struct tg_error error = {0};
    int64_t started = start(coord);
    slot->order_started = started;
    int code = is_entry(decision) ? enter(coord, decision, &error) : leave(coord, decision, &error);
    if (!step_done(coord, slot, COORD_STEP_ORDER, started, code != 0 ? "refused" : "intended",
                   "%.180s", code != 0 ? error.message : ""))
        return;
    if (code == TG_E_REFUSED)
        end_refused(coord, slot, &error);
    else if (code != 0)
        coord__end(coord, slot, COORD_OUTCOME_EXECUTION_FAILED, "", "%.180s", error.message);
    else if (tg_uuid_is_none(&decision->order_id))
        coord__end(coord, slot, COORD_OUTCOME_EXECUTED, "",
                   "the closing orders that are under way take the whole position");
    else
        decision->waiting = true;
}

/* A trade that no signal asked for: its size is given, and only risk is asked. */
static void run_scheduled(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    if (!step_state(coord, slot))
        return;
    coord__opinions(coord, decision->signal.symbol, &decision->consensus_case.opinions);
    if (!step_context(coord, slot))
        return;
    if (is_entry(decision))
        decision->risk_case.size_usd = tg_decimal_to_double(decision->signal.size_usd);
    else if (!size_of_close(coord, slot))
        return;
    if (step_risk(coord, slot))
        step_order(coord, slot);
}

static void run_signal(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    if (!step_state(coord, slot) || !step_consensus(coord, slot) || !step_context(coord, slot))
        return;
    if (is_entry(decision)) {
        if (!judge_conflicts(coord, slot, false) || !step_sizing(coord, slot))
            return;
    } else if (!size_of_close(coord, slot)) {
        return;
    }
    if (!step_risk(coord, slot))
        return;
    if (is_entry(decision) && !judge_conflicts(coord, slot, true))
        return;
    step_order(coord, slot);
}

void coord__run(struct coord *coord, struct coord_slot *slot)
{
    struct coord_decision *decision = &slot->decision;
    const struct coord_judge *judge = &coord->options.judge;
    /* all of its judging happens here: policies that were replaced since it was opened have none */
    (void)tg_text_copy(decision->policy_version, sizeof(decision->policy_version),
                       judge->version(judge->context));
    if (decision->kind == COORD_KIND_SIGNAL)
        run_signal(coord, slot);
    else
        run_scheduled(coord, slot);
    coord__heed_quarantine(coord);
}
