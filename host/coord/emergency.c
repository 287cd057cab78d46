/*
 * What a circuit breaker sets off. A risk alert with a breach comes over the bus; the policy is
 * asked, and what the configuration wants is done whatever it says, so a policy can only add. The
 * actions follow at once: trading pauses or halts first, so that nothing new can begin, then
 * positions are reduced or closed. Each action that takes place is announced as urgent, and
 * closing.c looks afterwards whether the positions are what they were to be.
 *
 * Where no action is configured: consecutive losses have their cool-down and halved sizes already,
 * from trade and the risk policy; execution errors pause the one symbol; a store that is away
 * pauses trading; anything else halts where it is severe and pauses where it is not.
 *
 * A policy that has failed too often pauses trading as well.
 */
#include "coord_int.h"
#include "obs/obs.h"

#include "base/text.h"
#include "bus/schema.h"

#include <stdio.h>

#define ACTOR "circuit_breaker"

static void close_positions(struct coord *coord, bool half, const char *breach)
{
    uint32_t closed = 0;
    struct tg_error error = {0};
    char message[256];
    int code = coord__close_all(coord, half, breach, ACTOR, &closed, &error);
    if (code == TG_E_NOT_FOUND || code == TG_E_STATE) /* none open, or all being closed already */
        return;
    if (code != 0)
        (void)snprintf(message, sizeof(message), "%s: closing positions failed: %.180s", breach,
                       error.message);
    else
        (void)snprintf(message, sizeof(message), "%s: %s %u position(s)", breach,
                       half ? "halving" : "closing", closed);
    coord__announce(coord, half ? "reduce_positions" : "close_positions", NULL, NULL, ACTOR,
                    message, TG_PRIORITY_URGENT);
}

static void pause_or_halt(struct coord *coord, bool halt, const char *reason)
{
    enum coord_state to = halt ? COORD_HALTED : COORD_PAUSED;
    struct tg_error error = {0};
    if (coord->state >= to)
        return;
    int code =
        halt ? coord_halt(coord, ACTOR, reason, &error) : coord_pause(coord, ACTOR, reason, &error);
    if (code != 0) {
        OBS_ERROR(coord->options.log, "coord", "%s: %s", reason, error.message);
        return;
    }
    coord__announce(coord, halt ? "halt_all" : "pause_trading", NULL, NULL, ACTOR, reason,
                    TG_PRIORITY_URGENT);
}

static void pause_symbol(struct coord *coord, const char *symbol, const char *reason)
{
    int number = trade_symbol_find(coord->options.trade, symbol);
    if (number < 0)
        return;
    coord->symbol_paused_until[number] =
        tg_clock_monotonic(&coord->options.clock) + COORD_SYMBOL_PAUSE_NS;
    coord__announce(coord, "pause_symbol", NULL, NULL, ACTOR, reason, TG_PRIORITY_URGENT);
}

static struct coord_emergency_actions actions_of(uint32_t bits)
{
    return (struct coord_emergency_actions){.pause_trading = (bits & COORD_ACTION_PAUSE) != 0,
                                            .reduce_positions = (bits & COORD_ACTION_REDUCE) != 0,
                                            .halt_all = (bits & COORD_ACTION_HALT) != 0,
                                            .close_positions = (bits & COORD_ACTION_CLOSE) != 0};
}

/* What is done in any case. */
static struct coord_emergency_actions minimum_of(const struct coord_emergency_case *given)
{
    if (given->is_configured)
        return given->configured;
    if (given->breach == TG_BREACH_CONSECUTIVE_LOSSES)
        return (struct coord_emergency_actions){0};
    if (given->breach == TG_BREACH_EXECUTION_ERRORS && given->symbol[0] != '\0')
        return (struct coord_emergency_actions){.pause_symbol = true};
    bool severe =
        given->severity >= TG_SEVERITY_HIGH && given->breach != TG_BREACH_STORE_UNAVAILABLE;
    return (struct coord_emergency_actions){.pause_trading = !severe, .halt_all = severe};
}

static struct coord_emergency_actions decide(struct coord *coord,
                                             const struct tg_risk_alerts *alert)
{
    const struct coord_judge *judge = &coord->options.judge;
    uint32_t configured = coord->options.actions[alert->breach_type];
    struct coord_emergency_case given = {.breach = (uint8_t)alert->breach_type,
                                         .severity = (uint8_t)alert->severity,
                                         .is_configured = configured != 0,
                                         .configured = actions_of(configured)};
    struct coord_emergency_verdict verdict;
    struct tg_error error = {0};
    if (TG_HAS(alert, RISK_ALERTS, symbol))
        (void)tg_text_copy(given.symbol, sizeof(given.symbol), alert->symbol);
    while (trade_position_at(coord->options.trade, given.positions_open) != NULL)
        given.positions_open++;
    given.minimum = minimum_of(&given);
    if (judge->emergency == NULL)
        return given.minimum;
    if (judge->emergency(judge->context, &given, &verdict, &error) != 0) {
        coord__alert(coord, "RULE_ERROR", TG_SEVERITY_HIGH, TG_BREACH_NONE, NULL, error.message);
        return given.minimum;
    }
    OBS_INFO(coord->options.log, "coord", "%s: %s", SCHEMA_WORD(BREACH, alert->breach_type),
             verdict.reason);
    (void)coord_emergency_tighten(&verdict.actions, &given.minimum);
    return verdict.actions;
}

void coord__heed_quarantine(struct coord *coord)
{
    const struct coord_judge *judge = &coord->options.judge;
    const char *sentence = judge->quarantine ? judge->quarantine(judge->context) : NULL;
    struct tg_error error = {0};
    if (sentence != NULL && coord->state == COORD_RUNNING &&
        coord_pause(coord, "policy", sentence, &error) != 0)
        OBS_ERROR(coord->options.log, "coord", "%s: %s", sentence, error.message);
}

int coord__on_alert(void *context, const struct tg_message *message)
{
    struct coord *coord = context;
    const struct tg_risk_alerts *alert = message->payload;
    if (!TG_HAS(alert, RISK_ALERTS, breach_type) || alert->breach_type == TG_BREACH_NONE)
        return 0;
    const char *breach = SCHEMA_WORD(BREACH, alert->breach_type);
    char reason[COORD_NOTE_SIZE];
    (void)snprintf(reason, sizeof(reason), "%s: %.150s", breach, alert->message);
    struct coord_emergency_actions actions = decide(coord, alert);
    if (actions.halt_all || actions.pause_trading)
        pause_or_halt(coord, actions.halt_all, reason);
    if (actions.pause_symbol && TG_HAS(alert, RISK_ALERTS, symbol))
        pause_symbol(coord, alert->symbol, reason);
    if (actions.close_positions || actions.reduce_positions)
        close_positions(coord, !actions.close_positions, breach);
    coord__heed_quarantine(coord);
    return 0;
}
