/*
 * The store: where decisions, transitions, orders and fills are kept.
 *
 * This backend keeps a bounded window in memory and, where a file is named, writes every decision
 * to it as one JSON object a line. Implements coord's store and trade's journal. Owned by the core
 * thread.
 */
#ifndef TG_STORE_H
#define TG_STORE_H

#include "base/error.h"
#include "coord/coord.h"
#include "trade/trade.h"

#include <stddef.h>
#include <stdint.h>

#define STORE_DECISIONS_MAX 4096u /* in the window */
#define STORE_WINDOW_BYTES  (16u * 1024u * 1024u)

struct store;

struct store_options {
    size_t decisions_max;       /* in memory; 0: 4,096 */
    size_t bytes_max;           /* of their JSON; 0: 16 MiB */
    const char *decisions_path; /* NULL: memory alone; "-": standard output; else made anew,
                                 * and there once store_finish has said so */
};

/* TG_E_IO with the system's words where the file cannot be made. */
int store_create(const struct store_options *options, struct store **store, struct tg_error *error);
/* Writes what waits and says whether all of it arrived. */
int store_finish(struct store *store, struct tg_error *error);
void store_destroy(struct store *store);

struct coord_store store_for_coordinator(struct store *store);
struct trade_journal store_journal(struct store *store);
/* Who is told that an intent is stored; before the first one comes. */
void store_set_trade(struct store *store, struct trade *trade);

/* Decisions in the window, oldest first, as JSON text; NULL past the end. Borrowed. */
const char *store_decision_at(const struct store *store, size_t index);
size_t store_decision_count(const struct store *store);
/* By the id of the signal, the order or the position; the newest that fits. NULL: none. */
const char *store_decision_find(const struct store *store, const struct tg_uuid *id);

struct store_counters {
    uint64_t decisions, transitions, orders, fills, positions;
    uint64_t decisions_forgotten; /* left the window */
};
void store_get_counters(const struct store *store, struct store_counters *counters);

#endif
