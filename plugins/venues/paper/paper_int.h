/* Inside the paper venue: one instance, and what its files call of each other. */
#ifndef PAPER_INT_H
#define PAPER_INT_H

#include "book.h"

#define PAPER_OUTBOX_MAX 1024u
#define PAPER_BAR_EVENTS 2u /* of one order in one bar: a fill and its end */

struct paper {
    const struct tg_host *host; /* borrowed */
    int64_t slippage_pct;       /* decimal units */
    int64_t fee_pct;            /* decimal units */
    int64_t volume_pct;         /* decimal units; 0: any size fills at once */
    int64_t latency_ns;
    uint64_t trades; /* so many trade ids are given out */
    struct book book;
    /* Events that the host could not take yet, oldest first; a ring. */
    struct tg_execution_events outbox[PAPER_OUTBOX_MAX];
    uint32_t outbox_first, outbox_count;
    uint32_t symbols_refused;
};

/* outbox.c */
void paper_flush(struct paper *paper);
uint32_t paper_outbox_room(const struct paper *paper);
/* An event of an order; `reason` may be NULL. The caller has seen that there is room. */
void paper_say(struct paper *paper, uint8_t event_type, const struct tg_uuid *id,
               const char *symbol, const char *reason);
void paper_say_fill(struct paper *paper, const struct book_order *order, int64_t size,
                    int64_t price, int64_t fee, int64_t time);

/* matching.c */
void paper_match(struct paper *paper, struct book_symbol *symbol, const struct tg_market_data *bar,
                 int64_t open_time);
int64_t paper_timeframe_ns(uint8_t timeframe);

#endif
