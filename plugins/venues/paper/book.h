/*
 * What the paper venue has in its books: symbols with their last price and net positions, and the
 * orders that rest, by client order id and, in order of arrival, by symbol. Fixed tables.
 */
#ifndef PAPER_BOOK_H
#define PAPER_BOOK_H

#include <stdbool.h>
#include <triplegain/triplegain.h>

#define BOOK_ORDERS_MAX  4096u
#define BOOK_ORDER_HASH  8192u /* a power of two */
#define BOOK_SYMBOLS_MAX 256u
#define BOOK_SYMBOL_HASH 1024u /* a power of two, more than BOOK_SYMBOLS_MAX */
#define BOOK_NONE        UINT32_MAX

struct book_order {
    struct tg_uuid id;
    uint32_t symbol;
    uint32_t next, previous; /* of the same symbol, by arrival; `next` chains free ones too */
    uint32_t hash_next;
    uint8_t type, side; /* TG_ORDER_TYPE_*, TG_SIDE_* */
    bool reduce_only;
    bool apart;        /* 1: of the second net position */
    bool triggered;    /* a stop that went off and waits for volume */
    int64_t remaining; /* base currency, units */
    int64_t price;     /* limit or trigger, quote currency, units; 0: market */
    int64_t from;      /* UTC ns: bars that open at this time or later can fill it */
};

struct book_symbol {
    char name[TG_SYMBOL_SIZE];
    uint8_t timeframe;    /* the shortest seen: the feed's own */
    int64_t last_open;    /* open time of the newest bar */
    int64_t last_price;   /* units */
    int64_t net[2];       /* bought less sold, base currency, units; of orders apart: [1] */
    uint32_t first, last; /* resting orders */
};

struct book {
    struct book_symbol symbols[BOOK_SYMBOLS_MAX];
    uint32_t symbol_count;
    uint32_t symbol_guess;                  /* the newest bar's; feeds take turns */
    uint32_t symbol_hash[BOOK_SYMBOL_HASH]; /* number + 1; 0: empty */
    struct book_order orders[BOOK_ORDERS_MAX];
    uint32_t order_hash[BOOK_ORDER_HASH];
    uint32_t order_free;
    uint32_t order_count;
};

void book_init(struct book *book);
/* BOOK_NONE: not there. `name` ends within TG_SYMBOL_SIZE. */
uint32_t book_symbol_find(const struct book *book, const char *name);
/* Adds where it is new; BOOK_NONE: full. */
uint32_t book_symbol_add(struct book *book, const char *name);
struct book_order *book_order_find(struct book *book, const struct tg_uuid *id);
/* A new resting order at the end of its symbol's list, id and symbol set; NULL: full. */
struct book_order *book_order_add(struct book *book, uint32_t symbol, const struct tg_uuid *id);
void book_order_remove(struct book *book, struct book_order *order);

#endif
