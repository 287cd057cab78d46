/*
 * outbox.c: what the paper venue tells the host.
 *
 * An event is published at once; where the host's queue is full it waits here, in order, and goes
 * out with the next call. While there is no room for what an order might cause, the order is not
 * touched, so no fill can be lost.
 */
#include "paper_int.h"

#include <stdio.h>
#include <string.h>

static int32_t publish(struct paper *paper, const struct tg_execution_events *event)
{
    struct tg_failure failure = {.size = sizeof(failure)};
    int32_t code = paper->host->publish(paper->host->context, TG_TOPIC_EXECUTION_EVENTS,
                                        TG_PRIORITY_HIGH, event, sizeof(*event), &failure);
    if (code == TG_E_FULL || code == TG_E_OK)
        return code;
    /* The host refuses the record: sending it again would not help. */
    failure.message[sizeof(failure.message) - 1] = '\0';
    paper->host->log(paper->host->context, TG_LOG_ERROR, failure.message);
    return TG_E_OK;
}

void paper_flush(struct paper *paper)
{
    while (paper->outbox_count > 0) {
        if (publish(paper, &paper->outbox[paper->outbox_first]) == TG_E_FULL)
            return;
        paper->outbox_first = (paper->outbox_first + 1) % PAPER_OUTBOX_MAX;
        paper->outbox_count--;
    }
}

uint32_t paper_outbox_room(const struct paper *paper)
{
    return PAPER_OUTBOX_MAX - paper->outbox_count;
}

static void emit(struct paper *paper, const struct tg_execution_events *event)
{
    if (paper->outbox_count == 0 && publish(paper, event) != TG_E_FULL)
        return;
    paper->outbox[(paper->outbox_first + paper->outbox_count) % PAPER_OUTBOX_MAX] = *event;
    paper->outbox_count++;
}

static struct tg_execution_events event_of(const struct paper *paper, uint8_t event_type,
                                           const struct tg_uuid *id, const char *symbol,
                                           int64_t time)
{
    struct tg_execution_events event = {.event_type = event_type, .order_id = *id};
    memcpy(event.symbol, symbol, strlen(symbol) + 1);
    event.venue_time = time != 0 ? time : paper->host->now(paper->host->context);
    TG_SET(&event, EXECUTION_EVENTS, venue_time);
    return event;
}

void paper_say(struct paper *paper, uint8_t event_type, const struct tg_uuid *id,
               const char *symbol, const char *reason)
{
    struct tg_execution_events event = event_of(paper, event_type, id, symbol, 0);
    if (reason != NULL) {
        (void)snprintf(event.reason, sizeof(event.reason), "%s", reason);
        TG_SET(&event, EXECUTION_EVENTS, reason);
    }
    emit(paper, &event);
}

void paper_say_fill(struct paper *paper, const struct book_order *order, int64_t size,
                    int64_t price, int64_t fee, int64_t time)
{
    struct tg_execution_events event = event_of(paper, TG_EXECUTION_FILL, &order->id,
                                                paper->book.symbols[order->symbol].name, time);
    event.side = order->side;
    event.size.units = size;
    event.fill_price.units = price;
    event.fee.units = fee;
    (void)snprintf(event.trade_id, sizeof(event.trade_id), "paper-%06llu",
                   (unsigned long long)++paper->trades);
    TG_SET(&event, EXECUTION_EVENTS, side);
    TG_SET(&event, EXECUTION_EVENTS, size);
    TG_SET(&event, EXECUTION_EVENTS, fill_price);
    TG_SET(&event, EXECUTION_EVENTS, fee);
    TG_SET(&event, EXECUTION_EVENTS, trade_id);
    emit(paper, &event);
}
