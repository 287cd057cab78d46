/*
 * Closing in an emergency or on command, and the look afterwards.
 *
 * What is to be closed is noted position by position, with what may be left of it. When an order
 * that closes it has come to its end the position is looked at: what is still open and should not
 * be is announced as urgent and closed again, COORD_CLOSE_TRIES_MAX times; then it is a critical
 * alert, and people are needed. (Trade itself goes on trying what was to be closed whole.)
 *
 * Closing everything cancels the entries that are on their way; one that fills all the same makes a
 * position that is closed as a late one. Hodl bags stay.
 *
 * Owns nothing. Orders change while trade is at work and may not be answered from there, so they
 * are only noted; the pump acts.
 */
#include "base/check.h"
#include "base/decimal.h"
#include "base/uuid.h"
#include "coord_int.h"
#include "obs/obs.h"

#include <stdio.h>
#include <string.h>

static const struct trade_position *open_position(const struct coord *coord,
                                                  const struct tg_uuid *id)
{
    const struct trade_position *position;
    for (uint32_t i = 0; (position = trade_position_at(coord->options.trade, i)) != NULL; i++)
        if (tg_uuid_equal(&position->id, id))
            return position;
    return NULL;
}

static struct coord_closing *closing_of(struct coord *coord, const struct tg_uuid *position_id)
{
    for (uint32_t i = 0; i < coord->closing_count; i++)
        if (tg_uuid_equal(&coord->closings[i].position_id, position_id))
            return &coord->closings[i];
    return NULL;
}

static void drop(struct coord *coord, uint32_t index)
{
    coord->closing_count--;
    memmove(&coord->closings[index], &coord->closings[index + 1],
            (coord->closing_count - index) * sizeof(coord->closings[0]));
}

/* Room comes from positions that are closed by now; no more can be open than there is room for. */
static void drop_closed(struct coord *coord)
{
    for (uint32_t i = coord->closing_count; i > 0; i--)
        if (open_position(coord, &coord->closings[i - 1].position_id) == NULL)
            drop(coord, i - 1);
}

/* Of two closings of one position the stricter holds. */
static void watch(struct coord *coord, const struct tg_uuid *position_id,
                  struct tg_decimal left_max, const char *reason, const char *actor)
{
    struct coord_closing *closing = closing_of(coord, position_id);
    if (closing == NULL && coord->closing_count == TRADE_POSITIONS_MAX)
        drop_closed(coord);
    TG_BUG_IF(closing == NULL && coord->closing_count == TRADE_POSITIONS_MAX);
    if (closing == NULL)
        closing = &coord->closings[coord->closing_count++];
    else
        left_max = tg_decimal_min(left_max, closing->left_max);
    *closing =
        (struct coord_closing){.position_id = *position_id, .left_max = left_max, .due = true};
    coord__fit(closing->reason, sizeof(closing->reason), reason);
    coord__fit(closing->actor, sizeof(closing->actor), actor);
}

int coord__close_all(struct coord *coord, bool half, const char *reason, const char *actor,
                     uint32_t *closed, struct tg_error *error)
{
    struct trade *trade = coord->options.trade;
    struct tg_decimal fraction = tg_decimal_units(half ? TG_DECIMAL_ONE / 2 : TG_DECIMAL_ONE);
    const struct trade_position *position;
    int64_t now = tg_clock_utc(&coord->options.clock);
    for (uint32_t i = 0; (position = trade_position_at(trade, i)) != NULL; i++) {
        bool overflow = false; /* a part of what is there */
        struct tg_decimal share = trade_close_share(trade, position, fraction);
        if (!position->hodl)
            watch(coord, &position->id, tg_decimal_subtract(position->size, share, &overflow),
                  reason, actor);
    }
    if (!half) {
        coord->closed_all_at = now;
        coord__fit(coord->closed_all_reason, sizeof(coord->closed_all_reason), reason);
        coord__fit(coord->closed_all_actor, sizeof(coord->closed_all_actor), actor);
        trade_cancel_entries(trade);
    }
    return trade_close_all(trade, fraction, reason, now, closed, error);
}

int coord__close_one(struct coord *coord, const struct tg_uuid *position_id, const char *reason,
                     const char *actor, struct tg_error *error)
{
    int code =
        trade_close_position(coord->options.trade, position_id, tg_decimal_units(TG_DECIMAL_ONE),
                             reason, tg_clock_utc(&coord->options.clock), NULL, error);
    if (open_position(coord, position_id) != NULL && code != TG_E_STATE)
        watch(coord, position_id, tg_decimal_units(0), reason, actor);
    return code;
}

void coord__closing_order_changed(struct coord *coord, const struct trade_order *order)
{
    if (order->leg == TRADE_LEG_ENTRY) {
        const struct trade_position *late =
            order->created_at <= coord->closed_all_at && tg_decimal_is_positive(order->filled_size)
                ? open_position(coord, &order->position_id)
                : NULL;
        if (late != NULL && !late->hodl && closing_of(coord, &late->id) == NULL)
            watch(coord, &order->position_id, tg_decimal_units(0), coord->closed_all_reason,
                  coord->closed_all_actor);
        return;
    }
    struct coord_closing *closing =
        coord->closing_count > 0 ? closing_of(coord, &order->position_id) : NULL;
    if (closing == NULL || order->leg != TRADE_LEG_CLOSE)
        return;
    if (trade_order_state_is_final((enum trade_order_state)order->state))
        closing->due = true;
    else if (order->state == TRADE_ORDER_UNKNOWN)
        coord__alert(coord, "close_unknown", TG_SEVERITY_CRITICAL, TG_BREACH_NONE,
                     trade_symbol(coord->options.trade, order->symbol)->name,
                     "it is not known whether the order that closes a position has arrived: look "
                     "at the venue");
}

static void give_up(struct coord *coord, const struct coord_closing *closing,
                    const struct trade_position *position)
{
    const char *symbol = trade_symbol(coord->options.trade, position->symbol)->name;
    char size[TG_DECIMAL_TEXT_SIZE];
    char message[256];
    (void)tg_decimal_format(position->size, size);
    (void)snprintf(message, sizeof(message),
                   "%s: %s of %s is still open after %u further tries: close it by hand",
                   closing->reason, size, symbol, COORD_CLOSE_TRIES_MAX);
    OBS_ERROR(coord->options.log, "coord", "%s", message);
    coord__alert(coord, "positions_left", TG_SEVERITY_CRITICAL, TG_BREACH_NONE, symbol, message);
}

/* The fraction of the position that leaves no more than may be left. */
static struct tg_decimal fraction_of(const struct coord_closing *closing,
                                     const struct trade_position *position)
{
    bool overflow = false; /* not over 1 */
    struct tg_decimal much = tg_decimal_subtract(position->size, closing->left_max, &overflow);
    return tg_decimal_divide(much, position->size, TG_ROUND_UP, &overflow);
}

static void close_again(struct coord *coord, struct coord_closing *closing,
                        const struct trade_position *position, int64_t monotonic)
{
    struct tg_error error = {0};
    char size[TG_DECIMAL_TEXT_SIZE];
    char left[TG_DECIMAL_TEXT_SIZE];
    char message[256];
    (void)tg_decimal_format(position->size, size);
    (void)tg_decimal_format(closing->left_max, left);
    closing->tries++;
    closing->due = false;
    (void)snprintf(message, sizeof(message),
                   "%s: %s of %s is open and at most %s should be: closing it, try %u of %u",
                   closing->reason, size,
                   trade_symbol(coord->options.trade, position->symbol)->name, left, closing->tries,
                   COORD_CLOSE_TRIES_MAX);
    closing->not_before = monotonic + closing->tries * COORD_CLOSE_RETRY_NS;
    coord__announce(coord, "positions_left", NULL, NULL, closing->actor, message,
                    TG_PRIORITY_URGENT);
    int code = trade_close_position(coord->options.trade, &closing->position_id,
                                    fraction_of(closing, position), closing->reason,
                                    tg_clock_utc(&coord->options.clock), NULL, &error);
    /* being closed already: trade tries it again, and the end of that order comes here */
    if (code != 0 && code != TG_E_STATE) {
        OBS_ERROR(coord->options.log, "coord", "%s: %s", closing->reason, error.message);
        closing->due = true;
    }
}

/* The last of them says that the positions are what they were to be. */
static void verified(struct coord *coord, uint32_t index)
{
    struct coord_closing closing = coord->closings[index];
    drop(coord, index);
    if (coord->closing_count > 0)
        return;
    char message[128];
    (void)snprintf(message, sizeof(message), "%s: nothing is left open that was to be closed",
                   closing.reason);
    coord__announce(coord, "positions_verified", NULL, NULL, closing.actor, message,
                    TG_PRIORITY_HIGH);
}

/* Whether anything is to be done about what is still open: not while an order is under way, whose
 * end comes here, and not before its time. */
static bool is_left(const struct coord *coord, struct coord_closing *closing, int64_t monotonic)
{
    if (!tg_decimal_is_positive(
            trade_position_closing(coord->options.trade, &closing->position_id)))
        return monotonic >= closing->not_before;
    closing->due = false;
    return false;
}

bool coord__verify_closings(struct coord *coord)
{
    bool acted = false;
    if (coord->closing_count == 0)
        return false;
    int64_t monotonic = tg_clock_monotonic(&coord->options.clock);
    for (uint32_t i = coord->closing_count; i > 0; i--) {
        struct coord_closing *closing = &coord->closings[i - 1];
        if (!closing->due)
            continue;
        const struct trade_position *position = open_position(coord, &closing->position_id);
        if (position == NULL || tg_decimal_compare(position->size, closing->left_max) <= 0) {
            verified(coord, i - 1);
        } else if (is_left(coord, closing, monotonic)) {
            acted = true;
            if (closing->tries < COORD_CLOSE_TRIES_MAX) {
                close_again(coord, closing, position, monotonic);
            } else {
                give_up(coord, closing, position);
                drop(coord, i - 1);
            }
        }
    }
    return acted;
}
