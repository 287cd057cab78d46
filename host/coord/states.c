/*
 * The host's state and how far it is degraded.
 *
 *              pause                    halt
 *   RUNNING ----------> PAUSED  (any) ----------> HALTED
 *           <----------         <----------------
 *              resume                   reset
 *
 * A transition is stored, then takes effect and is announced. Where it tightens (pause, halt) it
 * takes effect even when the store refuses: the safer state never waits for a disk. Where it
 * loosens it does not.
 *
 * Failures of model and venue calls are counted per kind; three successes in a row of a kind take
 * one of its failures off. The level follows the kind that is worst.
 */
#include "base/text.h"
#include "coord_int.h"
#include "obs/obs.h"

#include <stdio.h>
#include <string.h>

#define FAILURES_REDUCED   3u
#define FAILURES_LIMITED   6u
#define FAILURES_EMERGENCY 9u
#define SUCCESSES_FOR_ONE  3u

const char *coord_state_text(enum coord_state state)
{
    static const char *const texts[] = {"RUNNING", "PAUSED", "HALTED"};
    return (unsigned)state < 3 ? texts[state] : "?";
}

const char *coord_level_text(enum coord_level level)
{
    static const char *const texts[] = {"NORMAL", "REDUCED", "LIMITED", "EMERGENCY"};
    return (unsigned)level < 4 ? texts[level] : "?";
}

static void publish(struct coord *coord, uint16_t topic, uint8_t priority, const void *record,
                    uint32_t size)
{
    struct bus_draft draft = {.topic = topic,
                              .source = coord->source,
                              .priority = priority,
                              .payload = record,
                              .payload_size = size};
    struct tg_error error = {0};
    if (bus_publish(coord->options.bus, &draft, NULL, &error) != 0)
        OBS_ERROR(coord->options.log, "coord", "an announcement was refused: %s", error.message);
}

void coord__announce(struct coord *coord, const char *event, const char *from, const char *to,
                     const char *actor, const char *message, uint8_t priority)
{
    struct tg_system_events record = {0};
    (void)tg_text_copy(record.event, sizeof(record.event), event);
    if (from != NULL && tg_text_copy(record.from, sizeof(record.from), from))
        TG_SET(&record, SYSTEM_EVENTS, from);
    if (to != NULL && tg_text_copy(record.to, sizeof(record.to), to))
        TG_SET(&record, SYSTEM_EVENTS, to);
    if (actor != NULL && tg_text_copy(record.actor, sizeof(record.actor), actor))
        TG_SET(&record, SYSTEM_EVENTS, actor);
    if (message != NULL && tg_text_copy(record.message, sizeof(record.message), message))
        TG_SET(&record, SYSTEM_EVENTS, message);
    publish(coord, TG_TOPIC_SYSTEM_EVENTS, priority, &record, sizeof(record));
}

void coord__alert(struct coord *coord, const char *type, uint8_t severity, const char *symbol,
                  const char *message)
{
    struct tg_risk_alerts record = {.severity = severity};
    (void)tg_text_copy(record.alert_type, sizeof(record.alert_type), type);
    (void)tg_text_copy(record.message, sizeof(record.message), message);
    if (symbol != NULL && tg_text_copy(record.symbol, sizeof(record.symbol), symbol))
        TG_SET(&record, RISK_ALERTS, symbol);
    publish(coord, TG_TOPIC_RISK_ALERTS, TG_PRIORITY_HIGH, &record, sizeof(record));
}

int coord__transition(struct coord *coord, enum coord_state to, const char *actor,
                      const char *reason, struct tg_error *error)
{
    struct coord_transition transition = {
        .from = coord->state, .to = to, .at = tg_clock_utc(&coord->options.clock)};
    (void)snprintf(transition.actor, sizeof(transition.actor), "%s", actor);
    (void)snprintf(transition.reason, sizeof(transition.reason), "%s", reason);
    if (coord->options.store.transition != NULL) {
        int code =
            coord->options.store.transition(coord->options.store.context, &transition, error);
        if (code != 0 && to < coord->state)
            return TG_PASS(error, code);
        if (code != 0)
            OBS_ERROR(coord->options.log, "coord", "the change to %s could not be stored",
                      coord_state_text(to));
    }
    const char *from = coord_state_text(coord->state);
    coord->state = to;
    coord->last_transition = transition;
    coord->counters.transitions++;
    OBS_WARNING(coord->options.log, "coord", "%s -> %s by %s: %s", from, coord_state_text(to),
                transition.actor, transition.reason);
    coord__announce(coord, "state_changed", from, coord_state_text(to), transition.actor,
                    transition.reason, to == COORD_HALTED ? TG_PRIORITY_URGENT : TG_PRIORITY_HIGH);
    return 0;
}

static int refuse(const struct coord *coord, const char *command, const char *allowed,
                  struct tg_error *error)
{
    return TG_FAIL(error, STATE, "%s: not possible while %s, only while %s", command,
                   coord_state_text(coord->state), allowed);
}

int coord_pause(struct coord *coord, const char *actor, const char *reason, struct tg_error *error)
{
    if (coord->state != COORD_RUNNING)
        return refuse(coord, "pause", "RUNNING", error);
    return coord__transition(coord, COORD_PAUSED, actor, reason, error);
}

int coord_resume(struct coord *coord, const char *actor, const char *reason, struct tg_error *error)
{
    if (coord->state != COORD_PAUSED)
        return refuse(coord, "resume", "PAUSED", error);
    return coord__transition(coord, COORD_RUNNING, actor, reason, error);
}

int coord_halt(struct coord *coord, const char *actor, const char *reason, struct tg_error *error)
{
    if (coord->state == COORD_HALTED)
        return refuse(coord, "halt", "RUNNING or PAUSED", error);
    return coord__transition(coord, COORD_HALTED, actor, reason, error);
}

int coord_reset(struct coord *coord, const char *actor, const char *reason, bool override_drawdown,
                struct tg_error *error)
{
    if (coord->state != COORD_HALTED)
        return refuse(coord, "reset", "HALTED", error);
    if (reason == NULL || reason[0] == '\0')
        return TG_FAIL(error, INVALID, "reset: needs a reason");
    if (trade_breaker_stands(coord->options.trade, TG_BREACH_MAX_DRAWDOWN)) {
        if (!override_drawdown)
            return TG_FAIL(error, REFUSED,
                           "reset: the max_drawdown breaker stands; --override lifts it");
        trade_breaker_lift(coord->options.trade, TG_BREACH_MAX_DRAWDOWN);
    }
    return coord__transition(coord, COORD_PAUSED, actor, reason, error);
}

enum coord_state coord_get_state(const struct coord *coord)
{
    return coord->state;
}

const struct coord_transition *coord_last_transition(const struct coord *coord)
{
    return &coord->last_transition;
}

static enum coord_level level_of(const struct coord *coord)
{
    uint32_t worst = 0;
    for (int call = 0; call < COORD_CALL_COUNT; call++)
        if (coord->failures[call].failures > worst)
            worst = coord->failures[call].failures;
    if (worst >= FAILURES_EMERGENCY)
        return COORD_EMERGENCY;
    if (worst >= FAILURES_LIMITED)
        return COORD_LIMITED;
    return worst >= FAILURES_REDUCED ? COORD_REDUCED : COORD_NORMAL;
}

void coord_call_result(struct coord *coord, enum coord_call call, bool succeeded)
{
    struct coord_failures *kind = &coord->failures[call];
    if (!succeeded) {
        kind->successes_in_a_row = 0;
        if (kind->failures < FAILURES_EMERGENCY)
            kind->failures++;
    } else if (kind->failures > 0 && ++kind->successes_in_a_row >= SUCCESSES_FOR_ONE) {
        kind->successes_in_a_row = 0;
        kind->failures--;
    }
    enum coord_level level = level_of(coord);
    if (level == coord->level)
        return;
    const char *from = coord_level_text(coord->level);
    coord->level = level;
    coord__announce(coord, "degradation_changed", from, coord_level_text(level), "coordinator",
                    call == COORD_CALL_MODEL ? "model calls" : "venue calls", TG_PRIORITY_HIGH);
}

enum coord_level coord_get_level(const struct coord *coord)
{
    return coord->level;
}
