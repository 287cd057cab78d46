/*
 * What a circuit breaker sets off. Trade publishes a risk alert with the breach; the configured
 * actions follow at once: trading pauses or halts first, so that nothing new can begin, then
 * positions are reduced or closed. A breach without a configured action halts where it is severe
 * and pauses where it is not.
 */
#include "coord_int.h"
#include "obs/obs.h"

#include "base/decimal.h"
#include "bus/schema.h"

#include <stdio.h>

#define ACTOR "circuit_breaker"

static void close_positions(struct coord *coord, bool half, const char *breach)
{
    struct tg_decimal fraction = tg_decimal_units(half ? TG_DECIMAL_ONE / 2 : TG_DECIMAL_ONE);
    uint32_t closed = 0;
    struct tg_error error = {0};
    char message[256];
    int code = trade_close_all(coord->options.trade, fraction, breach,
                               tg_clock_utc(&coord->options.clock), &closed, &error);
    if (code == TG_E_NOT_FOUND)
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
    struct tg_error error = {0};
    int code = 0;
    if (halt && coord->state != COORD_HALTED)
        code = coord_halt(coord, ACTOR, reason, &error);
    else if (!halt && coord->state == COORD_RUNNING)
        code = coord_pause(coord, ACTOR, reason, &error);
    if (code != 0)
        OBS_ERROR(coord->options.log, "coord", "%s: %s", reason, error.message);
}

int coord__on_alert(void *context, const struct tg_message *message)
{
    struct coord *coord = context;
    const struct tg_risk_alerts *alert = message->payload;
    if (!TG_HAS(alert, RISK_ALERTS, breach_type) || alert->breach_type == TG_BREACH_NONE)
        return 0;
    const char *breach = SCHEMA_WORD(BREACH, alert->breach_type);
    uint32_t actions = coord->options.actions[alert->breach_type];
    if (alert->breach_type == TG_BREACH_CONSECUTIVE_LOSSES && actions == 0)
        return 0; /* its cool-down and halved sizes are trade's and the risk policy's */
    if (actions == 0)
        actions = alert->severity >= TG_SEVERITY_HIGH ? COORD_ACTION_HALT : COORD_ACTION_PAUSE;
    char reason[COORD_NOTE_SIZE];
    (void)snprintf(reason, sizeof(reason), "%s: %.150s", breach, alert->message);
    if (actions & (COORD_ACTION_HALT | COORD_ACTION_PAUSE))
        pause_or_halt(coord, (actions & COORD_ACTION_HALT) != 0, reason);
    if (actions & COORD_ACTION_CLOSE)
        close_positions(coord, false, breach);
    else if (actions & COORD_ACTION_REDUCE)
        close_positions(coord, true, breach);
    return 0;
}
