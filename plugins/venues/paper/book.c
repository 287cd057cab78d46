/*
 * book.c: tables of the paper venue.
 *
 * Everything lies in one block of constant size that the instance owns. Symbols are added as their
 * prices come and stay. Ids are unique among resting orders only, as at real venues: one that has
 * ended may be used again, which the host never does.
 */
#include "book.h"

#include <string.h>

static uint32_t hash_name(const char *name)
{
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * UINT32_C(16777619);
    return (hash ^ hash >> 16) & (BOOK_SYMBOL_HASH - 1);
}

static uint32_t hash_id(const struct tg_uuid *id)
{
    uint64_t low;
    uint64_t high;
    memcpy(&low, id->bytes, sizeof(low));
    memcpy(&high, id->bytes + sizeof(low), sizeof(high));
    uint64_t mixed = (low ^ high) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32) & (BOOK_ORDER_HASH - 1);
}

void book_init(struct book *book)
{
    memset(book->order_hash, 0xff, sizeof(book->order_hash));
    for (uint32_t i = 0; i < BOOK_ORDERS_MAX; i++)
        book->orders[i].next = i + 1 < BOOK_ORDERS_MAX ? i + 1 : BOOK_NONE;
    book->order_free = 0;
}

uint32_t book_symbol_find(const struct book *book, const char *name)
{
    uint32_t slot = hash_name(name);
    while (book->symbol_hash[slot] != 0) {
        uint32_t number = book->symbol_hash[slot] - 1;
        if (strcmp(book->symbols[number].name, name) == 0)
            return number;
        slot = (slot + 1) & (BOOK_SYMBOL_HASH - 1);
    }
    return BOOK_NONE;
}

static uint32_t symbol_new(struct book *book, const char *name)
{
    if (book->symbol_count >= BOOK_SYMBOLS_MAX)
        return BOOK_NONE;
    uint32_t number = book->symbol_count++;
    struct book_symbol *symbol = &book->symbols[number];
    *symbol = (struct book_symbol){.timeframe = TG_TIMEFRAME_COUNT,
                                   .last_open = INT64_MIN,
                                   .first = BOOK_NONE,
                                   .last = BOOK_NONE};
    memcpy(symbol->name, name, strlen(name) + 1);
    uint32_t slot = hash_name(name);
    while (book->symbol_hash[slot] != 0)
        slot = (slot + 1) & (BOOK_SYMBOL_HASH - 1);
    book->symbol_hash[slot] = number + 1;
    return number;
}

uint32_t book_symbol_add(struct book *book, const char *name)
{
    /* Bars of several symbols come in turns: mostly it is the same again, or the next one. */
    for (uint32_t i = 0; i < 2 && i < book->symbol_count; i++) {
        uint32_t guess = book->symbol_guess + i;
        if (guess >= book->symbol_count)
            guess = 0;
        if (strcmp(book->symbols[guess].name, name) == 0) {
            book->symbol_guess = guess;
            return guess;
        }
    }
    uint32_t number = book_symbol_find(book, name);
    if (number == BOOK_NONE)
        number = symbol_new(book, name);
    if (number != BOOK_NONE)
        book->symbol_guess = number;
    return number;
}

struct book_order *book_order_find(struct book *book, const struct tg_uuid *id)
{
    uint32_t slot = book->order_hash[hash_id(id)];
    while (slot != BOOK_NONE &&
           memcmp(book->orders[slot].id.bytes, id->bytes, sizeof(id->bytes)) != 0)
        slot = book->orders[slot].hash_next;
    return slot == BOOK_NONE ? NULL : &book->orders[slot];
}

struct book_order *book_order_add(struct book *book, uint32_t symbol, const struct tg_uuid *id)
{
    uint32_t slot = book->order_free;
    if (slot == BOOK_NONE)
        return NULL;
    struct book_order *order = &book->orders[slot];
    struct book_symbol *owner = &book->symbols[symbol];
    uint32_t *bucket = &book->order_hash[hash_id(id)];
    book->order_free = order->next;
    book->order_count++;
    *order = (struct book_order){.id = *id,
                                 .symbol = symbol,
                                 .next = BOOK_NONE,
                                 .previous = owner->last,
                                 .hash_next = *bucket};
    *bucket = slot;
    if (owner->last == BOOK_NONE)
        owner->first = slot;
    else
        book->orders[owner->last].next = slot;
    owner->last = slot;
    return order;
}

void book_order_remove(struct book *book, struct book_order *order)
{
    uint32_t slot = (uint32_t)(order - book->orders);
    struct book_symbol *owner = &book->symbols[order->symbol];
    uint32_t *link = &book->order_hash[hash_id(&order->id)];
    while (*link != slot)
        link = &book->orders[*link].hash_next;
    *link = order->hash_next;
    if (order->previous == BOOK_NONE)
        owner->first = order->next;
    else
        book->orders[order->previous].next = order->next;
    if (order->next == BOOK_NONE)
        owner->last = order->previous;
    else
        book->orders[order->next].previous = order->previous;
    order->next = book->order_free;
    book->order_free = slot;
    book->order_count--;
}
