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

/* An announcement must never be refused for its text: too long, or not UTF-8. */
void coord__fit(char *destination, size_t size, const char *text)
{
    size_t length = 0;
    for (size_t left = strlen(text); left > 0;) {
        size_t bytes = tg_text_utf8_sequence(text, left);
        size_t taken = bytes > 0 ? bytes : 1;
        if (length + taken >= size)
            break;
        if (bytes > 0)
            memcpy(destination + length, text, bytes);
        else
            destination[length] = '?';
        length += taken;
        text += taken;
        left -= taken;
    }
    destination[length] = '\0';
}

void coord__announce(struct coord *coord, const char *event, const char *from, const char *to,
                     const char *actor, const char *message, uint8_t priority)
{
    struct tg_system_events record = {0};
    coord__fit(record.event, sizeof(record.event), event);
    if (from != NULL && from[0] != '\0') {
        coord__fit(record.from, sizeof(record.from), from);
        TG_SET(&record, SYSTEM_EVENTS, from);
    }
    if (to != NULL && to[0] != '\0') {
        coord__fit(record.to, sizeof(record.to), to);
        TG_SET(&record, SYSTEM_EVENTS, to);
    }
    if (actor != NULL && actor[0] != '\0') {
        coord__fit(record.actor, sizeof(record.actor), actor);
        TG_SET(&record, SYSTEM_EVENTS, actor);
    }
    if (message != NULL && message[0] != '\0') {
        coord__fit(record.message, sizeof(record.message), message);
        TG_SET(&record, SYSTEM_EVENTS, message);
    }
    publish(coord, TG_TOPIC_SYSTEM_EVENTS, priority, &record, sizeof(record));
}

void coord__alert(struct coord *coord, const char *type, uint8_t severity, enum tg_breach breach,
                  const char *symbol, const char *message)
{
    struct tg_risk_alerts record = {.severity = severity};
    coord__fit(record.alert_type, sizeof(record.alert_type), type);
    coord__fit(record.message, sizeof(record.message), message[0] != '\0' ? message : type);
    if (breach != TG_BREACH_NONE) {
        record.breach_type = (uint8_t)breach;
        TG_SET(&record, RISK_ALERTS, breach_type);
    }
    if (symbol != NULL && tg_text_copy(record.symbol, sizeof(record.symbol), symbol))
        TG_SET(&record, RISK_ALERTS, symbol);
    publish(coord, TG_TOPIC_RISK_ALERTS, TG_PRIORITY_HIGH, &record, sizeof(record));
}

/* A tightening that the store refused holds all the same, and is told. */
static void unstored(struct coord *coord, enum coord_state to, const struct tg_error *error)
{
    char text[256];
    (void)snprintf(text, sizeof(text), "the change to %s could not be stored: %.180s",
                   coord_state_text(to), error->message);
    OBS_ERROR(coord->options.log, "coord", "%s", text);
    coord__alert(coord, "store_failed", TG_SEVERITY_HIGH, TG_BREACH_NONE, NULL, text);
}

int coord__transition(struct coord *coord, enum coord_state to, const char *actor,
                      const char *reason, struct tg_error *error)
{
    struct coord_transition transition = {
        .from = coord->state, .to = to, .at = tg_clock_utc(&coord->options.clock)};
    coord__fit(transition.actor, sizeof(transition.actor), actor);
    coord__fit(transition.reason, sizeof(transition.reason), reason);
    if (coord->options.store.transition != NULL) {
        struct tg_error failure = {0};
        int code =
            coord->options.store.transition(coord->options.store.context, &transition, &failure);
        if (code != 0 && to < coord->state) {
            if (error != NULL)
                *error = failure;
            return TG_PASS(error, code);
        }
        if (code != 0)
            unstored(coord, to, &failure);
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
    const struct coord_judge *judge = &coord->options.judge;
    const char *quarantine = judge->quarantine ? judge->quarantine(judge->context) : NULL;
    if (quarantine != NULL)
        return TG_FAIL(error, REFUSED, "resume: %.180s; a reload of the policies lifts that",
                       quarantine);
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
    bool stands = trade_breaker_stands(coord->options.trade, TG_BREACH_MAX_DRAWDOWN);
    if (stands && !override_drawdown)
        return TG_FAIL(error, REFUSED,
                       "reset: the max_drawdown breaker stands; --override lifts it");
    int code = coord__transition(coord, COORD_PAUSED, actor, reason, error);
    if (code == 0 && stands)
        trade_breaker_lift(coord->options.trade, TG_BREACH_MAX_DRAWDOWN);
    return code;
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

bool coord_agent_may_run(enum coord_state state, enum coord_level level, uint32_t publishes)
{
    static const uint32_t stopped[] = {[COORD_NORMAL] = 0,
                                       [COORD_REDUCED] = COORD_TOPIC(TG_TOPIC_SENTIMENT_UPDATES),
                                       [COORD_LIMITED] = COORD_TOPIC(TG_TOPIC_SENTIMENT_UPDATES) |
                                                         COORD_TOPIC(TG_TOPIC_PORTFOLIO_UPDATES),
                                       [COORD_EMERGENCY] = COORD_TOPIC(TG_TOPIC_SENTIMENT_UPDATES) |
                                                           COORD_TOPIC(TG_TOPIC_PORTFOLIO_UPDATES) |
                                                           COORD_TOPIC(TG_TOPIC_TRADING_SIGNALS)};
    return state != COORD_HALTED && (publishes & stopped[level]) == 0;
}
