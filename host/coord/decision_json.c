/*
 * A decision as JSON: what is stored, written to a file, and explained. Amounts are strings,
 * ratios numbers. Steps that never came are left out.
 */
#include "base/decimal.h"
#include "bus/schema.h"
#include "coord/coord.h"

#include <math.h>

static void put_finite(struct tg_json_writer *json, const char *key, double value)
{
    if (isfinite(value)) {
        tg_json_put_real(json, key, value);
    } else {
        tg_json_key(json, key);
        tg_json_null(json);
    }
}

static void put_money(struct tg_json_writer *json, const char *key, double value)
{
    struct tg_decimal amount;
    tg_json_key(json, key);
    if (tg_decimal_from_double(value, TG_ROUND_HALF_EVEN, &amount) == 0)
        tg_json_decimal(json, amount);
    else
        tg_json_null(json);
}

static void open_step(struct tg_json_writer *json, const struct coord_decision *decision,
                      enum coord_step step)
{
    const struct coord_step_record *record = &decision->steps[step];
    tg_json_object_open(json);
    tg_json_put_string(json, "step", coord_step_text(step));
    tg_json_put_string(json, "outcome", record->outcome);
    tg_json_put_real(json, "duration_ms", (double)record->duration_ns / (double)TG_NS_PER_MS);
    if (record->note[0] != '\0')
        tg_json_put_string(json, "note", record->note);
}

static void write_opinions(struct tg_json_writer *json, const struct coord_opinions *opinions)
{
    tg_json_key(json, "opinions");
    tg_json_object_open(json);
    if (opinions->has_ta) {
        tg_json_put_string(json, "ta_bias", SCHEMA_WORD(BIAS, opinions->ta_bias));
        put_finite(json, "ta_confidence", opinions->ta_confidence);
    }
    if (opinions->has_regime) {
        tg_json_put_string(json, "regime", SCHEMA_WORD(REGIME, opinions->regime));
        put_finite(json, "regime_confidence", opinions->regime_confidence);
        tg_json_put_string(json, "entry_strictness", SCHEMA_WORD(STRICTNESS, opinions->strictness));
    }
    if (opinions->has_sentiment) {
        tg_json_put_string(json, "sentiment", SCHEMA_WORD(SENTIMENT, opinions->sentiment));
        put_finite(json, "sentiment_confidence", opinions->sentiment_confidence);
    }
    tg_json_object_close(json);
}

static void write_consensus(struct tg_json_writer *json, const struct coord_decision *decision)
{
    const struct coord_consensus_verdict *verdict = &decision->consensus;
    open_step(json, decision, COORD_STEP_CONSENSUS);
    put_finite(json, "confidence_before", decision->signal.confidence);
    write_opinions(json, &decision->consensus_case.opinions);
    tg_json_put_whole(json, "present", verdict->present);
    tg_json_put_whole(json, "agreeing", verdict->agreeing);
    put_finite(json, "multiplier", verdict->multiplier);
    put_finite(json, "confidence_after", decision->confidence);
    tg_json_object_close(json);
}

static void write_conflicts(struct tg_json_writer *json, const struct coord_decision *decision,
                            enum coord_step step, const struct coord_conflict_verdict *verdict)
{
    open_step(json, decision, step);
    tg_json_key(json, "conflicts");
    tg_json_array_open(json);
    for (uint32_t i = 0; i < verdict->conflict_count; i++)
        tg_json_string(json, coord_conflict_text((enum coord_conflict)verdict->conflicts[i]));
    tg_json_array_close(json);
    tg_json_put_string(json, "resolution",
                       coord_resolution_text((enum coord_resolution)verdict->resolution));
    if (verdict->reason[0] != '\0')
        tg_json_put_string(json, "reason", verdict->reason);
    tg_json_object_close(json);
}

static void write_context(struct tg_json_writer *json, const struct coord_decision *decision)
{
    const struct coord_risk_case *given = &decision->risk_case;
    open_step(json, decision, COORD_STEP_CONTEXT);
    tg_json_put_decimal(json, "last_price", decision->last_price);
    tg_json_put_decimal(json, "equity", decision->portfolio.equity);
    tg_json_put_decimal(json, "margin_available", decision->portfolio.margin_available);
    put_finite(json, "daily_pnl_pct", given->daily_pnl_pct);
    put_finite(json, "weekly_pnl_pct", given->weekly_pnl_pct);
    put_finite(json, "drawdown_pct", given->drawdown_pct);
    put_finite(json, "exposure_pct", given->exposure_pct);
    tg_json_put_whole(json, "consecutive_losses", given->consecutive_losses);
    tg_json_put_flag(json, "volatility_spike", given->volatility_spike);
    tg_json_key(json, "positions");
    tg_json_array_open(json);
    for (uint32_t i = 0; i < given->position_count; i++) {
        const struct coord_seen_position *seen = &given->positions[i];
        tg_json_object_open(json);
        tg_json_put_string(json, "symbol", seen->symbol);
        tg_json_put_string(json, "side", SCHEMA_WORD(SIDE, seen->side));
        put_finite(json, "exposure_pct", seen->exposure_pct);
        tg_json_put_flag(json, "decision", seen->decision);
        tg_json_object_close(json);
    }
    tg_json_array_close(json);
    tg_json_object_close(json);
}

static void write_adjustments(struct tg_json_writer *json, const char *key,
                              const struct coord_adjustment *adjustments, uint32_t count)
{
    tg_json_key(json, key);
    tg_json_array_open(json);
    for (uint32_t i = 0; i < count; i++) {
        tg_json_object_open(json);
        tg_json_put_string(json, "rule", adjustments[i].rule);
        put_finite(json, "before", adjustments[i].before);
        put_finite(json, "after", adjustments[i].after);
        put_finite(json, "limit", adjustments[i].limit);
        tg_json_object_close(json);
    }
    tg_json_array_close(json);
}

static void write_risk(struct tg_json_writer *json, const struct coord_decision *decision)
{
    const struct coord_risk_case *given = &decision->risk_case;
    const struct coord_risk_verdict *verdict = &decision->risk;
    open_step(json, decision, COORD_STEP_RISK);
    tg_json_put_string(json, "side", given->side);
    put_money(json, "size_usd_before", given->size_usd);
    put_money(json, "entry_price", given->entry_price);
    if (given->has_stop_loss)
        put_money(json, "stop_loss", given->stop_loss);
    if (given->has_take_profit)
        put_money(json, "take_profit", given->take_profit);
    put_finite(json, "leverage_before", given->leverage);
    put_finite(json, "confidence", given->confidence);
    tg_json_put_string(json, "regime", SCHEMA_WORD(REGIME, given->regime));
    tg_json_put_string(json, "status",
                       coord_risk_status_text((enum coord_risk_status)verdict->status));
    if (verdict->code[0] != '\0')
        tg_json_put_string(json, "code", verdict->code);
    put_money(json, "size_usd", verdict->size_usd);
    tg_json_put_whole(json, "leverage", verdict->leverage);
    write_adjustments(json, "reductions", verdict->reductions, verdict->reduction_count);
    write_adjustments(json, "warnings", verdict->warnings, verdict->warning_count);
    tg_json_object_close(json);
}

static void write_sizing(struct tg_json_writer *json, const struct coord_decision *decision)
{
    open_step(json, decision, COORD_STEP_SIZING);
    put_money(json, "size_usd", decision->sizing.size_usd);
    tg_json_object_close(json);
}

static void write_plain(struct tg_json_writer *json, const struct coord_decision *decision,
                        enum coord_step step)
{
    open_step(json, decision, step);
    if (step == COORD_STEP_ORDER)
        tg_json_put_uuid(json, "order_id", &decision->order_id);
    tg_json_object_close(json);
}

static void write_steps(struct tg_json_writer *json, const struct coord_decision *decision)
{
    /* in the order in which they are taken */
    static const enum coord_step order[] = {
        COORD_STEP_STATE,  COORD_STEP_CONSENSUS, COORD_STEP_CONTEXT,  COORD_STEP_CONFLICTS,
        COORD_STEP_SIZING, COORD_STEP_RISK,      COORD_STEP_OVERRIDE, COORD_STEP_ORDER};
    tg_json_key(json, "steps");
    tg_json_array_open(json);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (!decision->steps[order[i]].done)
            continue;
        switch (order[i]) {
        case COORD_STEP_CONSENSUS:
            write_consensus(json, decision);
            break;
        case COORD_STEP_CONTEXT:
            write_context(json, decision);
            break;
        case COORD_STEP_CONFLICTS:
            write_conflicts(json, decision, order[i], &decision->conflicts);
            break;
        case COORD_STEP_OVERRIDE:
            write_conflicts(json, decision, order[i], &decision->override);
            break;
        case COORD_STEP_SIZING:
            write_sizing(json, decision);
            break;
        case COORD_STEP_RISK:
            write_risk(json, decision);
            break;
        default:
            write_plain(json, decision, order[i]);
            break;
        }
    }
    tg_json_array_close(json);
}

void coord_decision_write_json(const struct coord_decision *decision, struct tg_json_writer *json)
{
    tg_json_object_open(json);
    tg_json_put_uuid(json, "id", &decision->id);
    tg_json_put_string(json, "key", decision->key);
    tg_json_put_string(json, "agent", decision->agent);
    if (decision->kind != COORD_KIND_SIGNAL)
        tg_json_put_string(json, "kind", coord_kind_text((enum coord_kind)decision->kind));
    if (decision->kind == COORD_KIND_REBALANCE) {
        tg_json_put_whole(json, "batch", decision->batch);
        tg_json_put_whole(json, "batches", decision->batches);
    }
    tg_json_put_string(json, "symbol", decision->signal.symbol);
    tg_json_put_time(json, "opened_at", decision->opened_at);
    tg_json_put_time(json, "closed_at", decision->closed_at);
    tg_json_put_string(json, "outcome", coord_outcome_text(decision->outcome));
    if (decision->code[0] != '\0')
        tg_json_put_string(json, "code", decision->code);
    tg_json_put_string(json, "reason", decision->reason);
    tg_json_put_string(json, "policy_version", decision->policy_version);
    tg_json_put_uuid(json, "order_id", &decision->order_id);
    tg_json_put_uuid(json, "position_id", &decision->position_id);
    tg_json_key(json, "signal");
    schema_write_json(TG_TOPIC_TRADING_SIGNALS, &decision->signal, json);
    write_steps(json, decision);
    tg_json_object_close(json);
}
