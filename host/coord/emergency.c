/*
 * What a circuit breaker sets off. A risk alert with a breach comes over the bus; the configured
 * actions follow at once: trading pauses or halts first, so that nothing new can begin, then
 * positions are reduced or closed. Each action that takes place is announced as urgent, and
 * closing.c looks afterwards whether the positions are what they were to be.
 *
 * Where no action is configured: consecutive losses have their cool-down and halved sizes already,
 * from trade and the risk policy; execution errors pause the one symbol; a store that is away
 * pauses trading; anything else halts where it is severe and pauses where it is not.
 */
#include "coord_int.h"
#include "obs/obs.h"

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

int coord__on_alert(void *context, const struct tg_message *message)
{
    struct coord *coord = context;
    const struct tg_risk_alerts *alert = message->payload;
    if (!TG_HAS(alert, RISK_ALERTS, breach_type) || alert->breach_type == TG_BREACH_NONE)
        return 0;
    const char *breach = SCHEMA_WORD(BREACH, alert->breach_type);
    uint32_t actions = coord->options.actions[alert->breach_type];
    char reason[COORD_NOTE_SIZE];
    (void)snprintf(reason, sizeof(reason), "%s: %.150s", breach, alert->message);
    if (actions == 0) {
        if (alert->breach_type == TG_BREACH_CONSECUTIVE_LOSSES)
            return 0;
        if (alert->breach_type == TG_BREACH_EXECUTION_ERRORS &&
            TG_HAS(alert, RISK_ALERTS, symbol)) {
            pause_symbol(coord, alert->symbol, reason);
            return 0;
        }
        bool severe = alert->severity >= TG_SEVERITY_HIGH &&
                      alert->breach_type != TG_BREACH_STORE_UNAVAILABLE;
        actions = severe ? COORD_ACTION_HALT : COORD_ACTION_PAUSE;
    }
    if (actions & (COORD_ACTION_HALT | COORD_ACTION_PAUSE))
        pause_or_halt(coord, (actions & COORD_ACTION_HALT) != 0, reason);
    if (actions & COORD_ACTION_CLOSE)
        close_positions(coord, false, breach);
    else if (actions & COORD_ACTION_REDUCE)
        close_positions(coord, true, breach);
    return 0;
}
