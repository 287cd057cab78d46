/*
 * Decisions: opened by a signal, taken on by the pump, ended once.
 *
 * A signal's key (agent, symbol, slot) makes one decision, however often it is published; the keys
 * of the last COORD_RECENT_KEYS_MAX decisions are remembered as 64-bit hashes. Decisions of one
 * symbol go one after the other in order of arrival; those of different symbols side by side.
 * An ended decision is stored, counted, and its slot is free again.
 */
#include "base/decimal.h"
#include "base/text.h"
#include "base/uuid.h"
#include "coord_int.h"
#include "obs/obs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *coord_outcome_text(enum coord_outcome outcome)
{
    static const char *const texts[] = {
#define OUTCOME_TEXT(NAME, text, meaning) text,
        COORD_OUTCOME_LIST(OUTCOME_TEXT)
#undef OUTCOME_TEXT
    };
    return (unsigned)outcome < COORD_OUTCOME_COUNT ? texts[outcome] : "?";
}

const char *coord_outcome_meaning(enum coord_outcome outcome)
{
    static const char *const texts[] = {
#define OUTCOME_MEANING(NAME, text, meaning) meaning,
        COORD_OUTCOME_LIST(OUTCOME_MEANING)
#undef OUTCOME_MEANING
    };
    return (unsigned)outcome < COORD_OUTCOME_COUNT ? texts[outcome] : "?";
}

const char *coord_step_text(enum coord_step step)
{
    static const char *const texts[] = {
#define STEP_TEXT(NAME, text) text,
        COORD_STEP_LIST(STEP_TEXT)
#undef STEP_TEXT
    };
    return (unsigned)step < COORD_STEP_COUNT ? texts[step] : "?";
}

const char *coord_kind_text(enum coord_kind kind)
{
    static const char *const texts[] = {"signal", "rebalance", "hodl"};
    return (unsigned)kind < 3 ? texts[kind] : "?";
}

/* FNV-1a, 64 bits. */
static uint64_t key_hash(const char *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
    return hash == 0 ? 1 : hash;
}

bool coord__seen_before(const struct coord *coord, const char *key)
{
    uint64_t hash = key_hash(key);
    for (uint32_t i = 0; i < COORD_RECENT_KEYS_MAX; i++)
        if (coord->recent_keys[i] == hash)
            return true;
    return false;
}

void coord__remember(struct coord *coord, const char *key)
{
    coord->recent_keys[coord->recent_key_next] = key_hash(key);
    coord->recent_key_next = (coord->recent_key_next + 1) % COORD_RECENT_KEYS_MAX;
}

static void refuse_signal(struct coord *coord, const struct tg_message *message, const char *why)
{
    const struct tg_trading_signals *signal = message->payload;
    char text[256];
    coord->counters.refused++;
    (void)snprintf(text, sizeof(text), "a signal of %s for %s makes no decision: %s",
                   message->source, signal->symbol, why);
    OBS_WARNING(coord->options.log, "coord", "%s", text);
    coord__alert(coord, "signal_refused", TG_SEVERITY_MEDIUM, TG_BREACH_NONE, signal->symbol, text);
}

struct coord_slot *coord__free_slot(struct coord *coord)
{
    for (uint32_t i = 0; i < COORD_DECISIONS_OPEN_MAX; i++)
        if (!coord->slots[i].used)
            return &coord->slots[i];
    return NULL;
}

static void make_key(char key[COORD_KEY_SIZE], const struct tg_message *message)
{
    const struct tg_trading_signals *signal = message->payload;
    char moment[TG_UUID_TEXT_SIZE];
    if (TG_HAS(signal, TRADING_SIGNALS, slot))
        (void)tg_time_format(signal->slot, moment);
    else
        tg_uuid_format(&message->id, moment);
    (void)snprintf(key, COORD_KEY_SIZE, "%s/%s/%s", message->source, signal->symbol, moment);
}

struct coord_decision *coord__open(struct coord *coord, struct coord_slot *slot,
                                   const struct tg_uuid *id, const char *key, const char *agent,
                                   uint32_t symbol)
{
    coord__remember(coord, key);
    memset(slot, 0, sizeof(*slot));
    slot->used = true;
    slot->number = coord->next_number++;
    coord->open_count++;
    struct coord_decision *decision = &slot->decision;
    decision->id = *id;
    (void)tg_text_copy(decision->key, sizeof(decision->key), key);
    (void)tg_text_copy(decision->agent, sizeof(decision->agent), agent);
    decision->symbol = symbol;
    decision->fraction = tg_decimal_units(TG_DECIMAL_ONE);
    decision->opened_at = tg_clock_utc(&coord->options.clock);
    decision->deadline =
        tg_clock_monotonic(&coord->options.clock) + coord->options.decision_deadline_ns;
    (void)tg_text_copy(decision->policy_version, sizeof(decision->policy_version),
                       coord->options.judge.version(coord->options.judge.context));
    return decision;
}

int coord__on_signal(void *context, const struct tg_message *message)
{
    struct coord *coord = context;
    const struct tg_trading_signals *signal = message->payload;
    char key[COORD_KEY_SIZE];
    coord->counters.signals++;
    int symbol = trade_symbol_find(coord->options.trade, signal->symbol);
    if (symbol < 0) {
        refuse_signal(coord, message, "the symbol is not configured");
        return 0;
    }
    make_key(key, message);
    if (coord__seen_before(coord, key)) {
        coord->counters.duplicates++;
        return 0;
    }
    struct coord_slot *slot = coord__free_slot(coord);
    if (slot == NULL) {
        refuse_signal(coord, message, "too many decisions are open");
        return 0;
    }
    /* only now: a signal that found no room may come again */
    struct coord_decision *decision =
        coord__open(coord, slot, &message->id, key, message->source, (uint32_t)symbol);
    decision->signal = *signal;
    decision->confidence = signal->confidence;
    return 0;
}

void coord__end(struct coord *coord, struct coord_slot *slot, enum coord_outcome outcome,
                const char *code, const char *format, ...)
{
    struct coord_decision *decision = &slot->decision;
    struct tg_error error = {0};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(decision->reason, sizeof(decision->reason), format, arguments);
    va_end(arguments);
    if (decision->reason[0] == '\0')
        (void)tg_text_copy(decision->reason, sizeof(decision->reason),
                           coord_outcome_meaning(outcome));
    (void)tg_text_copy(decision->code, sizeof(decision->code), code);
    decision->outcome = outcome;
    decision->waiting = false;
    decision->closed_at = tg_clock_utc(&coord->options.clock);
    coord->counters.decisions++;
    coord->counters.outcomes[outcome]++;
    if (coord->options.store.decision != NULL &&
        coord->options.store.decision(coord->options.store.context, decision, &error) != 0) {
        OBS_ERROR(coord->options.log, "coord", "a decision could not be stored: %s", error.message);
        coord__alert(coord, "store_failed", TG_SEVERITY_HIGH, TG_BREACH_STORE_UNAVAILABLE,
                     decision->signal.symbol, error.message);
    }
    slot->used = false;
    coord->open_count--;
    if (decision->kind != COORD_KIND_SIGNAL)
        coord__scheduled_ended(coord, decision);
}

/* The oldest decision of each symbol may move; the others wait behind it. */
static bool is_first_of_symbol(const struct coord *coord, const struct coord_slot *slot)
{
    for (uint32_t i = 0; i < COORD_DECISIONS_OPEN_MAX; i++) {
        const struct coord_slot *other = &coord->slots[i];
        if (other->used && other->number < slot->number &&
            other->decision.symbol == slot->decision.symbol)
            return false;
    }
    return true;
}

/* The decision that arrived first of those that can move. */
static struct coord_slot *next_ready(struct coord *coord)
{
    struct coord_slot *best = NULL;
    for (uint32_t i = 0; i < COORD_DECISIONS_OPEN_MAX; i++) {
        struct coord_slot *slot = &coord->slots[i];
        if (slot->used && !slot->decision.waiting &&
            (best == NULL || slot->number < best->number) && is_first_of_symbol(coord, slot))
            best = slot;
    }
    return best;
}

bool coord_pump(struct coord *coord)
{
    bool moved = coord__verify_closings(coord);
    while (coord->open_count > 0) {
        struct coord_slot *slot = next_ready(coord);
        if (slot == NULL)
            break;
        coord__run(coord, slot);
        moved = true;
    }
    return moved;
}

void coord_order_changed(struct coord *coord, const struct trade_order *order)
{
    if (order->leg == TRADE_LEG_STOP || order->leg == TRADE_LEG_TARGET)
        return;
    coord__closing_order_changed(coord, order);
    if (coord->scheduled_count > 0)
        coord__scheduled_order(coord, order);
    if (coord->open_count == 0)
        return;
    for (uint32_t i = 0; i < COORD_DECISIONS_OPEN_MAX; i++) {
        struct coord_slot *slot = &coord->slots[i];
        if (!slot->used || !slot->decision.waiting ||
            !tg_uuid_equal(&slot->decision.order_id, &order->id))
            continue;
        struct coord_step_record *step = &slot->decision.steps[COORD_STEP_ORDER];
        const char *state = trade_order_state_text((enum trade_order_state)order->state);
        (void)tg_text_copy(step->outcome, sizeof(step->outcome), state);
        step->duration_ns = tg_clock_monotonic(&coord->options.clock) - slot->order_started;
        if (order->state != TRADE_ORDER_VOID && order->state != TRADE_ORDER_REJECTED)
            slot->decision.position_id = order->position_id;
        switch ((enum trade_order_state)order->state) {
        case TRADE_ORDER_INTENDED:
        case TRADE_ORDER_SENT:
            return;
        case TRADE_ORDER_OPEN:
        case TRADE_ORDER_PARTIALLY_FILLED:
        case TRADE_ORDER_FILLED:
            coord_call_result(coord, COORD_CALL_VENUE, true);
            coord__end(coord, slot, COORD_OUTCOME_EXECUTED, "", "the venue accepted the order");
            return;
        case TRADE_ORDER_UNKNOWN:
            coord_call_result(coord, COORD_CALL_VENUE, false);
            coord__end(coord, slot, COORD_OUTCOME_EXECUTION_UNKNOWN, "",
                       "it is not known whether the order arrived: %s",
                       order->reason[0] != '\0' ? order->reason : "no answer came in time");
            return;
        default:
            /* what the venue rejected or cancelled it has answered; void: it could not be sent */
            coord_call_result(coord, COORD_CALL_VENUE, order->state != TRADE_ORDER_VOID);
            coord__end(coord, slot, COORD_OUTCOME_EXECUTION_FAILED, "", "the order is %s%s%s",
                       state, order->reason[0] != '\0' ? ": " : "", order->reason);
            return;
        }
    }
}

void coord_advance(struct coord *coord)
{
    (void)coord__verify_closings(coord);
    if (coord->open_count == 0)
        return;
    int64_t now = tg_clock_monotonic(&coord->options.clock);
    for (uint32_t i = 0; i < COORD_DECISIONS_OPEN_MAX; i++) {
        struct coord_slot *slot = &coord->slots[i];
        if (!slot->used || now < slot->decision.deadline)
            continue;
        enum coord_step step = slot->decision.waiting ? COORD_STEP_ORDER : COORD_STEP_STATE;
        coord__end(coord, slot, COORD_OUTCOME_TIMEOUT, coord_step_text(step),
                   "the decision's time was over at step %s", coord_step_text(step));
    }
}

size_t coord_decisions_open(const struct coord *coord)
{
    return coord->open_count;
}

void coord_get_counters(const struct coord *coord, struct coord_counters *counters)
{
    *counters = coord->counters;
}

int coord_create(const struct coord_options *options, struct coord **result, struct tg_error *error)
{
    struct coord *coord = calloc(1, sizeof(*coord));
    if (coord == NULL)
        return TG_FAIL(error, NO_MEMORY, "coordinator: out of memory");
    coord->options = *options;
    coord->state = COORD_RUNNING;
    coord->scheduled_next = INT64_MAX;
    coord->source = bus_source(options->bus, "coordinator", error);
    int code = coord->source == 0 ? error != NULL ? error->code : TG_E_INVALID : 0;
    if (code == 0)
        code = bus_subscribe(options->bus, "coordinator", TG_TOPIC_TRADING_SIGNALS,
                             coord__on_signal, NULL, coord, error);
    if (code == 0)
        code = bus_subscribe(options->bus, "coordinator", TG_TOPIC_RISK_ALERTS, coord__on_alert,
                             NULL, coord, error);
    if (code == 0)
        code = bus_subscribe(options->bus, "coordinator", TG_TOPIC_PORTFOLIO_UPDATES,
                             coord__on_portfolio, NULL, coord, error);
    if (code == 0)
        code = bus_subscribe(options->bus, "coordinator", TG_TOPIC_COORDINATOR_COMMANDS,
                             coord__on_command, NULL, coord, error);
    if (code == 0)
        code = coord__scheduled_load(coord, error);
    if (code != 0) {
        coord_destroy(coord);
        return TG_PASS(error, code);
    }
    *result = coord;
    return 0;
}

void coord_set_schedule(struct coord *coord, const struct coord_schedule *schedule)
{
    coord->schedule = *schedule;
}

void coord_destroy(struct coord *coord)
{
    if (coord == NULL)
        return;
    (void)bus_unsubscribe(coord->options.bus, "coordinator", 0);
    free(coord);
}
