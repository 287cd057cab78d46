/*
 * The bus: topics, messages, queues by priority, subscriptions, history.
 *
 * One thread owns a bus (the core thread) and calls everything here but the bus_publisher_*
 * functions, each of which belongs to the one thread its publisher was made for. Handlers run on
 * the core thread inside bus_pump, never inside a publish.
 */
#ifndef TG_BUS_H
#define TG_BUS_H

#include "base/clock.h"
#include "base/error.h"
#include "bus/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_PAYLOAD_MAX           (1024u * 1024u) /* encoded bytes */
#define BUS_INLINE_MAX            2048u /* larger payloads travel as one block of their own */
#define BUS_TTL_SECONDS           300u
#define BUS_TTL_SECONDS_MAX       86400u
#define BUS_TOPICS_MAX            128u
#define BUS_SOURCES_MAX           1024u
#define BUS_SUBSCRIBERS_MAX       256u
#define BUS_PUBLISHERS_MAX        256u
#define BUS_DEAD_LETTERS_MAX      100u /* of each subscriber; the oldest gives way, and is counted */
#define BUS_DEAD_LETTER_BYTES_MAX (4u * 1024u * 1024u) /* the same, of the payloads */
#define BUS_REDELIVERIES_MAX      3u /* that failed; then the letter is in quarantine */
#define BUS_STARVATION_LIMIT                                                                       \
    64u                       /* after that many higher ones a waiting lower one goes through      \
                               */
#define BUS_HOPS_MAX      16u /* handlers that a chain of messages has gone through */
#define BUS_REQUESTS_MAX  1024u
#define BUS_CONFLATED_MAX 16384u /* kinds (priority, symbol, timeframe) that are told apart */
/* Large payloads that wait in the rings of one publisher; two of the largest always fit. */
#define BUS_PUBLISHER_BLOCK_BYTES_MAX (16u * 1024u * 1024u)

struct bus;
struct bus_publisher;
struct obs_log;       /* obs/obs.h; rooms that see the bus need not see obs */
struct obs_histogram; /* the same */

struct bus_options {
    struct tg_clock clock;
    uint64_t seed;               /* of the message ids */
    struct obs_log *log;         /* borrowed; may be NULL */
    size_t history_messages_max; /* per topic; 0: 1,000 */
    size_t history_bytes_max;    /* per topic; 0: 4 MiB */
    size_t queue_messages_max;   /* waiting on the core, all priorities; 0: 1,048,576 */
    size_t queue_bytes_max;      /* the same in bytes; 0: 256 MiB */
    bool measure_latency;        /* publish to delivery, per topic; of no use on a virtual clock */
    /*
     * Called by a publisher's thread after a publish, only while the core sleeps
     * (bus_sleep_prepare), once for each sleep. May be NULL.
     */
    void (*wake)(void *context);
    void *wake_context;
    /*
     * A barrier that all threads of the process pass, as membarrier(PRIVATE_EXPEDITED); called in
     * bus_sleep_prepare. With it a publish needs no fence of its own. NULL: every publish pays one.
     */
    void (*barrier)(void *context);
    void *barrier_context;
    /*
     * Keeps a message of a topic that is to be kept (bus_set_persist): called once for each, on the
     * core thread, when it is taken up and before any handler sees it; bus_sequence is its number
     * then. Must not call anything else of the bus. The message is borrowed. NULL: nothing is kept.
     */
    void (*persist)(void *context, const struct tg_message *message);
    void *persist_context;
};

int bus_create(const struct bus_options *options, struct bus **bus, struct tg_error *error);
void bus_destroy(struct bus *bus);

/* The number of a source, registered where it is new; 0 and an error where the name is no name. */
uint16_t bus_source(struct bus *bus, const char *name, struct tg_error *error);
const char *bus_source_name(const struct bus *bus, uint16_t source);
/* The number of an own topic "x.<plugin>.<name>", registered where it is new; 0 and an error. */
uint16_t bus_topic_own(struct bus *bus, const char *name, struct tg_error *error);
/* The number of any topic by its name; 0: unknown. */
uint16_t bus_topic_find(const struct bus *bus, const char *name);
const char *bus_topic_name(const struct bus *bus, uint16_t topic);
/*
 * Whether options.persist gets the topic's messages. At first trading_signals, risk_alerts,
 * execution_events and portfolio_updates are. TG_E_NOT_FOUND.
 */
int bus_set_persist(struct bus *bus, uint16_t topic, bool persists, struct tg_error *error);
/*
 * Whether a bar that waits in the queue gives its place to a newer one of the same symbol,
 * timeframe and priority; what was handed over to a handler never does, and all others keep their
 * order. TG_E_REFUSED for any topic but market_data: nothing of those may be lost.
 */
int bus_set_conflation(struct bus *bus, uint16_t topic, bool conflates, struct tg_error *error);

/* What a publisher says; the bus adds id and timestamp. */
struct bus_draft {
    uint16_t topic;
    uint16_t source;
    uint8_t priority;              /* TG_PRIORITY_*; 0: NORMAL */
    uint8_t hops;                  /* at least; see bus_hops */
    uint32_t ttl_seconds;          /* 0: 300 */
    struct tg_uuid correlation_id; /* all zero: none */
    const void *payload;           /* the topic's struct, or JSON text for an own topic; copied */
    uint32_t payload_size;
};

/*
 * Checks, stamps and queues. Refused (TG_E_INVALID and a sentence that names the field; TG_E_RANGE;
 * TG_E_NOT_FOUND for a topic; TG_E_FULL): nothing is delivered or kept. `id` may be NULL. What a
 * handler publishes has the time at which the pump looked at the clock last.
 */
int bus_publish(struct bus *bus, const struct bus_draft *draft, struct tg_uuid *id,
                struct tg_error *error);
/*
 * One look at the clock for many: what is published until bus_burst_end, or until the bus is
 * pumped, has the time of bus_burst_begin. For a few dozen messages at a time.
 */
void bus_burst_begin(struct bus *bus);
void bus_burst_end(struct bus *bus);
/*
 * The hops of what is published now: one more than those of the message that is being handled, 0
 * outside handlers. Over BUS_HOPS_MAX a publish is refused (TG_E_RANGE), so that A -> B -> A ends.
 * Whoever answers a message after its handler has returned keeps this number for his draft.
 */
uint8_t bus_hops(const struct bus *bus);

/*
 * For one other thread: a ring for each priority, `ring_bytes` each (a power of two; 0: 1 MiB).
 * What does not fit is refused (TG_E_FULL, try again); each message takes at least 192 bytes.
 */
int bus_publisher_create(struct bus *bus, size_t ring_bytes, struct bus_publisher **publisher,
                         struct tg_error *error);
/* The publishing thread has ended; what waits in the rings is still delivered, then it is freed. */
void bus_publisher_destroy(struct bus *bus, struct bus_publisher *publisher);
int bus_publisher_publish(struct bus_publisher *publisher, const struct bus_draft *draft,
                          struct tg_uuid *id, struct tg_error *error);
/* As bus_burst_begin and bus_burst_end, for the publishing thread. */
void bus_publisher_burst_begin(struct bus_publisher *publisher);
void bus_publisher_burst_end(struct bus_publisher *publisher);

/* 0: done. Anything else: failed; logged, counted, kept in the subscriber's dead letters. */
typedef int (*bus_handler)(void *context, const struct tg_message *message);
/* 1: deliver, 0: not this one, negative: the filter failed. */
typedef int (*bus_filter)(void *context, const struct tg_message *message);

/*
 * One subscription per (subscriber, topic): a second one replaces the first. `filter` may be NULL.
 * `subscriber` is a name as a source is. Handlers may publish, subscribe and unsubscribe.
 */
int bus_subscribe(struct bus *bus, const char *subscriber, uint16_t topic, bus_handler handler,
                  bus_filter filter, void *context, struct tg_error *error);
/* topic 0: all of the subscriber's. TG_E_NOT_FOUND where there is none. */
int bus_unsubscribe(struct bus *bus, const char *subscriber, uint16_t topic);

/* ---- requests ----------------------------------------------------------------------------- */

/*
 * Called once for each request, on the core thread: TG_E_OK and the reply, which lives until the
 * handler returns; or TG_E_TIMEOUT and NULL. May do what a handler may, another request too.
 */
typedef void (*bus_reply_handler)(void *context, int code, const struct tg_message *reply);

/*
 * Publishes the draft and waits for its reply: the first message in the order of the bus, on any
 * topic and by another source, whose correlation_id is the id of the request. Its subscribers get
 * it too, after `handler`. `deadline` is a time of the clock's monotonic reading and has to lie
 * ahead (TG_E_RANGE). TG_E_FULL at BUS_REQUESTS_MAX; else as bus_publish. `id` may be NULL.
 * Requests that are under way when the bus is destroyed are forgotten.
 */
int bus_request(struct bus *bus, const struct bus_draft *draft, int64_t deadline,
                bus_reply_handler handler, void *context, struct tg_uuid *id,
                struct tg_error *error);
/* Its handler will not be called. TG_E_NOT_FOUND: answered, timed out or cancelled already. */
int bus_request_cancel(struct bus *bus, const struct tg_uuid *id);
/*
 * Times out what was due at `now` (monotonic) in the order of deadlines; returns how many. bus_pump
 * does the same by the clock, before a message is delivered. Called by a handler it does nothing.
 */
size_t bus_expire_requests(struct bus *bus, int64_t now);
/* The next deadline (monotonic); INT64_MAX: none. Something has to pump the bus then. */
int64_t bus_next_time(const struct bus *bus);

/* ---- the pump ----------------------------------------------------------------------------- */

/*
 * Delivers up to `budget` messages (0: until nothing waits), highest priority first. Returns how
 * many it worked off, expired ones included. Called by a handler it does nothing and returns 0.
 */
size_t bus_pump(struct bus *bus, size_t budget);
/* True while something waits, in the queues or in a publisher's ring. */
bool bus_has_work(const struct bus *bus);
/*
 * The core thread is about to sleep: publishers wake it from now on. False: something waits, do not
 * sleep. Afterwards, or after the sleep, bus_awake: nobody needs to wake it.
 */
bool bus_sleep_prepare(struct bus *bus);
void bus_awake(struct bus *bus);
/* The number of the message taken up last; they grow by one each: the total order of the bus. */
uint64_t bus_sequence(const struct bus *bus);

/*
 * The newest unexpired message of the topic; `symbol` NULL and `source` 0 mean any; `age_max` in
 * nanoseconds, 0: any. Costs the same whatever the history's length (but where the newest has
 * expired before an older one, which is then looked for). False: none. The message stays valid
 * until the bus is pumped or published to again. A message is found here and in the history from
 * its delivery on, by its own handlers too.
 */
bool bus_get_latest(const struct bus *bus, uint16_t topic, const char *symbol, uint16_t source,
                    int64_t age_max, struct tg_message *message);
/* Newest first, at most `limit`; from `since` on (0: all), of `source` (0: any). Returns how many.
 */
size_t bus_get_history(const struct bus *bus, uint16_t topic, uint16_t source, int64_t since,
                       struct tg_message *messages, size_t limit);

/* ---- figures ------------------------------------------------------------------------------ */

/*
 * All figures agree with each other whenever they are asked for, inside handlers too; there the
 * message that is being handled still counts as waiting. Published counts what was taken up: at
 * once for bus_publish, when the pump takes it for a publisher's. Refused, expired and conflated of
 * a topic are messages; delivered, filtered, failed and dead-lettered are sums over its
 * subscribers.
 */
struct bus_topic_stats {
    uint64_t published, refused, expired, conflated, delivered, filtered, failed, dead_lettered;
};
struct bus_stats {
    uint64_t published, refused, delivered, filtered, failed, expired, conflated, dead_lettered;
    uint64_t queue_messages, queue_messages_high, queue_bytes, queue_bytes_high;
    uint64_t refused_full, refused_hops; /* of the refused */
    uint64_t persisted;
    /* requests = replied + timed_out + cancelled + requests_waiting */
    uint64_t requests, replied, timed_out, cancelled, requests_waiting;
};
/*
 * Always published = delivered + filtered + failed + expired + conflated, and
 * failed = dead letters in the list + redelivered + dead_letters_dropped.
 */
struct bus_subscriber_stats {
    uint64_t published; /* messages of its topics whose turn came, or that were conflated, while it
                           was subscribed */
    uint64_t delivered, filtered, failed, expired, conflated;
    uint64_t redelivered, redeliveries_failed;
    uint64_t dead_letters_dropped; /* for want of room or of memory */
};
void bus_get_stats(const struct bus *bus, struct bus_stats *stats);
bool bus_get_topic_stats(const struct bus *bus, uint16_t topic, struct bus_topic_stats *stats);
bool bus_get_subscriber_stats(const struct bus *bus, const char *subscriber,
                              struct bus_subscriber_stats *stats);
/* Nanoseconds from publish to delivery; NULL unless measured. Borrowed. */
const struct obs_histogram *bus_get_latency(const struct bus *bus, uint16_t topic);

/* ---- dead letters --------------------------------------------------------------------------- */

/* The dead letters of a subscriber, oldest first, 100 at most; each a copy that lives until the
 * next call into the bus. */
struct bus_dead_letter {
    struct tg_message message;
    const char *reason;
    uint32_t tries;      /* re-deliveries that failed */
    bool is_quarantined; /* so many that only a re-delivery by id tries it again */
};
size_t bus_get_dead_letters(const struct bus *bus, const char *subscriber,
                            struct bus_dead_letter *letters, size_t limit);

struct bus_redelivery {
    uint32_t succeeded, failed; /* left the list; went to its end */
    uint32_t left;              /* in quarantine, or nobody is subscribed to the topic now */
};
/*
 * Delivers one dead letter (`id`) or all of a subscriber (NULL, each once) to what the subscriber
 * has subscribed with by now, filter first; a letter that the filter does not want has succeeded.
 * Letters past their ttl_seconds are delivered too: whoever asks decides. TG_E_NOT_FOUND: no such
 * subscriber or letter, or for one letter no subscription; TG_E_FAILED: some failed again;
 * TG_E_STATE within a handler. `result` may be NULL.
 */
int bus_redeliver(struct bus *bus, const char *subscriber, const struct tg_uuid *id,
                  struct bus_redelivery *result, struct tg_error *error);

#endif
