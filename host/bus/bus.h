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

#define BUS_PAYLOAD_MAX      (1024u * 1024u) /* encoded bytes */
#define BUS_INLINE_MAX       2048u           /* larger payloads travel as one block of their own */
#define BUS_TTL_SECONDS      300u
#define BUS_TTL_SECONDS_MAX  86400u
#define BUS_TOPICS_MAX       128u
#define BUS_SOURCES_MAX      1024u
#define BUS_SUBSCRIBERS_MAX  256u
#define BUS_PUBLISHERS_MAX   256u
#define BUS_DEAD_LETTERS_MAX 100u /* of each subscriber; the oldest gives way, and is counted */
#define BUS_STARVATION_LIMIT 64u  /* after that many higher ones a waiting lower one goes through  \
                                   */

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

/* What a publisher says; the bus adds id and timestamp. */
struct bus_draft {
    uint16_t topic;
    uint16_t source;
    uint8_t priority;              /* TG_PRIORITY_*; 0: NORMAL */
    uint32_t ttl_seconds;          /* 0: 300 */
    struct tg_uuid correlation_id; /* all zero: none */
    const void *payload;           /* the topic's struct, or JSON text for an own topic; copied */
    uint32_t payload_size;
};

/*
 * Checks, stamps and queues. Refused (TG_E_INVALID and a sentence that names the field; TG_E_RANGE;
 * TG_E_NOT_FOUND for a topic; TG_E_FULL): nothing is delivered or kept. `id` may be NULL.
 */
int bus_publish(struct bus *bus, const struct bus_draft *draft, struct tg_uuid *id,
                struct tg_error *error);

/* For one other thread: a ring for each priority, `ring_bytes` each (a power of two; 0: 1 MiB). */
int bus_publisher_create(struct bus *bus, size_t ring_bytes, struct bus_publisher **publisher,
                         struct tg_error *error);
/* The publishing thread has ended; what waits in the rings is still delivered, then it is freed. */
void bus_publisher_destroy(struct bus *bus, struct bus_publisher *publisher);
int bus_publisher_publish(struct bus_publisher *publisher, const struct bus_draft *draft,
                          struct tg_uuid *id, struct tg_error *error);

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
/* A number that grows with each message taken up; the total order of the bus. */
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

/*
 * Published counts what was taken up: at once for bus_publish, when the pump takes it for a
 * publisher's. The other figures of a topic are sums over its subscribers (but refused, expired:
 * messages).
 */
struct bus_topic_stats {
    uint64_t published, refused, expired, delivered, filtered, failed, dead_lettered;
};
struct bus_stats {
    uint64_t published, refused, delivered, filtered, failed, expired, dead_lettered;
    uint64_t queue_messages, queue_messages_high, queue_bytes, queue_bytes_high;
    uint64_t refused_full;
};
/* Always published = delivered + filtered + failed + expired. */
struct bus_subscriber_stats {
    uint64_t published; /* messages of its topics that were dispatched while it was subscribed */
    uint64_t delivered, filtered, failed, expired;
    uint64_t dead_letters_dropped; /* because of BUS_DEAD_LETTERS_MAX, or no memory */
};
void bus_get_stats(const struct bus *bus, struct bus_stats *stats);
bool bus_get_topic_stats(const struct bus *bus, uint16_t topic, struct bus_topic_stats *stats);
bool bus_get_subscriber_stats(const struct bus *bus, const char *subscriber,
                              struct bus_subscriber_stats *stats);
/* Nanoseconds from publish to delivery; NULL unless measured. Borrowed. */
const struct obs_histogram *bus_get_latency(const struct bus *bus, uint16_t topic);

/* The dead letters of a subscriber, oldest first, 100 at most; each a copy that lives until the
 * next call into the bus. */
struct bus_dead_letter {
    struct tg_message message;
    const char *reason;
};
size_t bus_get_dead_letters(const struct bus *bus, const char *subscriber,
                            struct bus_dead_letter *letters, size_t limit);

#endif
