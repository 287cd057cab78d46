/* What the files of the bus share: frames, queues, topics, history. Not for other rooms. */
#ifndef TG_BUS_INT_H
#define TG_BUS_INT_H

#include "base/ring.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "obs/obs.h"
#include "queue_int.h"

#include <stdatomic.h>

#define BUS_PRIORITIES   5u  /* indices are TG_PRIORITY_*; 0 is not used */
#define BUS_BATCH        32u /* messages between looks at the clock and at the other queues */
#define BUS_TOPIC_SIZE   132u
#define BUS_OWN_MAX      (BUS_TOPICS_MAX - TG_TOPIC_OWN_FIRST)
#define BUS_CACHE_LINE   128 /* lines are fetched in pairs */
#define BUS_SYMBOL_WORDS (TG_SYMBOL_SIZE / sizeof(uint64_t))
#define BUS_LATEST_KEYS  16384u /* of each topic */
#define BUS_REASON_SIZE  96u

struct bus_topic;

/* ---- draft.c: from what a publisher says to a frame ------------------------------------------ */

/* What a record of a topic needs; made once, for the topics of the public header. */
struct bus_form {
    uint32_t payload_size;
    uint32_t frame_size;    /* with the payload behind it */
    uint32_t symbol_offset; /* in the record; 0: none */
    uint64_t symbol_bit;    /* to be set in `present`; 0: the symbol is required */
};

/* What of a draft was found good, and what its frame needs. */
struct bus_plan {
    const struct bus_form *form; /* NULL: an own topic */
    uint32_t frame_size;
    uint32_t ttl_seconds;
    uint8_t priority;
    uint8_t hops;
    bool owns_block;
};

int bus__draft_plan_slowly(const struct bus *bus, const struct bus_draft *draft,
                           struct bus_plan *plan, struct tg_error *error);
void bus__form_init(struct bus_form *form, const struct schema *schema);
/*
 * Fills the frame in its place and checks the copy, stamps it with `now`; on refusal nothing of it
 * must be used.
 */
int bus__draft_fill(const struct bus *bus, const struct bus_draft *draft,
                    const struct bus_plan *plan, int64_t now, struct tg_uuid7 *ids,
                    struct bus_frame *frame, struct tg_error *error);
uint32_t bus__symbol_hash(const uint64_t words[BUS_SYMBOL_WORDS]);
/* The symbol with zeros behind its end; false: too long. */
bool bus__symbol_words(const char *symbol, uint64_t words[BUS_SYMBOL_WORDS]);

/* ---- history.c, latest.c: what was delivered ------------------------------------------------ */

struct bus_latest;

struct bus_slot {
    size_t offset;
    struct bus_latest *key; /* which the frame was the newest of when it came; NULL: index full */
};

/* Frames one behind the other in a ring of bytes that grows up to its limit; slots by ordinal. */
struct bus_history {
    unsigned char *bytes;
    size_t capacity, end; /* end: behind the newest frame */
    struct bus_slot *slots;
    uint64_t slot_mask;
    uint64_t first, next; /* ordinals; next - first are kept */
    size_t messages_max, bytes_max;
};

enum bus_latest_kind { BUS_LATEST_EXACT, BUS_LATEST_OF_SYMBOL, BUS_LATEST_OF_SOURCE };

/*
 * The newest message of a (symbol, source), and what it is newest of besides. It stands in the
 * history; when it leaves there, a copy is kept here.
 */
struct bus_latest {
    uint64_t symbol[BUS_SYMBOL_WORDS]; /* zeros: none */
    uint32_t hash;                     /* of the symbol */
    uint16_t source;
    uint8_t kind;
    bool is_copied;
    uint64_t ordinal;                         /* in the history, unless copied */
    int64_t expiry_max;                       /* of all its messages */
    struct bus_latest *newest;                /* an exact one; itself for those */
    struct bus_latest *of_symbol, *of_source; /* of an exact one */
    struct bus_frame *copy;
    size_t copy_capacity;
};

struct bus_index {
    struct bus_latest **table; /* open addressing, a power of two */
    uint32_t capacity, count;
    bool overflowed;           /* a key found no place: the history is asked first */
    struct bus_latest *newest; /* of all; exact */
    struct bus_latest *recent; /* the key used last */
    int64_t expiry_max;
};

/* Keeps a copy, and makes the index point to it. */
void bus__history_add(struct bus *bus, struct bus_topic *topic, const struct bus_frame *frame);
const struct bus_frame *bus__history_at(const struct bus_history *history, uint64_t ordinal);
void bus__history_fini(struct bus_history *history);
/* The key of the frame, made where it is new; NULL: the index is full. */
struct bus_latest *bus__latest_key(struct bus *bus, struct bus_topic *topic,
                                   const struct bus_frame *frame);
/* The frame is the newest of its keys; `ordinal` of a frame in the history, else it is copied. */
void bus__latest_set(struct bus_index *index, struct bus_latest *key, const struct bus_frame *frame,
                     uint64_t ordinal);
/* Keeps the frame beyond the history; false: no memory. */
bool bus__latest_copy(struct bus_latest *key, const struct bus_frame *frame);
void bus__index_fini(struct bus_index *index);

/* ---- subscriptions.c, dispatch.c, letters.c ---------------------------------------------------
 */

struct bus_letter {
    struct bus_letter *next;
    uint32_t tries; /* re-deliveries that failed */
    char reason[BUS_REASON_SIZE];
    struct bus_frame frame; /* with its payload behind it */
};

struct bus_subscriber {
    char name[TG_SOURCE_SIZE];
    struct bus_subscriber_stats stats; /* `published` is the sum of the others, made when asked */
    struct bus_letter *oldest, *newest;
    uint32_t letter_count;
    size_t letter_bytes; /* of the payloads */
};

struct bus_subscription {
    struct bus_subscriber *subscriber;
    bus_handler handler;
    bus_filter filter;
    void *context;
    bool removed; /* taken out once no message is being delivered */
};

enum bus_outcome {
    BUS_OUTCOME_DELIVERED,
    BUS_OUTCOME_FILTERED,
    BUS_OUTCOME_FAILED,
    BUS_OUTCOME_GONE, /* unsubscribed before its turn came */
};

struct bus_failure {
    const char *what; /* "handler", "filter" */
    int code;
};

struct bus_subscriber *bus__subscriber_find(const struct bus *bus, const char *name);
/* What the subscriber has to do with the topic now; NULL: nothing. */
struct bus_subscription *bus__subscription_find(const struct bus_topic *topic,
                                                const struct bus_subscriber *subscriber);
void bus__subscriptions_compact(struct bus *bus);
/* Hands the frame to the subscribers of its topic, after keeping it. */
void bus__dispatch(struct bus *bus, struct bus_frame *frame, int64_t now);
/* To one subscription, by number: a handler that subscribes may move the array. */
enum bus_outcome bus__hand_over(const struct bus_topic *topic, uint32_t number,
                                const struct bus_frame *frame, struct bus_failure *failure);
/* Logs it, and writes the reason for the dead letter. */
void bus__failure_note(const struct bus *bus, const struct bus_subscriber *subscriber,
                       const struct bus_frame *frame, const struct bus_failure *failure,
                       char reason[BUS_REASON_SIZE]);
/* Around whatever calls handlers. Leaving does what had to wait until nothing is handled. */
void bus__pump_enter(struct bus *bus);
void bus__pump_leave(struct bus *bus);
void bus__letter_add(struct bus *bus, struct bus_subscriber *subscriber,
                     const struct bus_frame *frame, const char *reason);
void bus__letters_free(struct bus_subscriber *subscriber);

/* ---- publishers.c: frames from other threads ---------------------------------------------------
 */

struct bus_publisher {
    struct bus *bus;
    struct tg_ring *rings[BUS_PRIORITIES];
    /* of the publishing thread; the counters are read by the core */
    _Alignas(BUS_CACHE_LINE) struct tg_uuid7 ids;
    _Atomic uint64_t accepted, refused, refused_full, refused_hops;
    _Atomic uint64_t block_bytes_sent;
    bool has_now; /* within a burst */
    int64_t now;
    _Atomic uint64_t topic_refused[BUS_TOPICS_MAX];
    /* of the core thread */
    _Alignas(BUS_CACHE_LINE) struct bus_frame *peeked[BUS_PRIORITIES]; /* next, not yet worked on */
    uint64_t taken;
    _Atomic uint64_t block_bytes_taken; /* read by the publishing thread */
    bool is_closing;
};

/* The next frame of a ring, kept until bus__publisher_take; NULL: empty. */
struct bus_frame *bus__publisher_peek(struct bus_publisher *publisher, uint8_t priority);
void bus__publisher_take(struct bus_publisher *publisher, uint8_t priority);
/* The frame's block, if it has one, is somebody else's now. */
void bus__publisher_disown(struct bus_publisher *publisher, struct bus_frame *frame);
/* Frees publishers that are closing and empty. */
void bus__publishers_reap(struct bus *bus);
void bus__publisher_free(struct bus_publisher *publisher);

/* ---- conflate.c: bars that give their place to newer ones ---------------------------------------
 */

struct bus_conflation;

int bus__conflation_create(struct bus_conflation **conflation, struct tg_error *error);
void bus__conflation_destroy(struct bus_conflation *conflation);
/* A plan's frame of the topic that conflates: into the place of an older one, or into the queue. */
int bus__conflation_publish(struct bus *bus, const struct bus_draft *draft,
                            const struct bus_plan *plan, int64_t now, struct tg_uuid *id,
                            struct tg_error *error);
/* Puts a copy into the place of an older one, or into the queue; TG_E_FULL, TG_E_NO_MEMORY. */
int bus__conflation_put(struct bus *bus, const struct bus_frame *frame, struct tg_error *error);
/* The frame is about to be handed over: nothing takes its place any more. */
void bus__conflation_release(struct bus *bus, const struct bus_frame *frame);

/* ---- requests.c ---------------------------------------------------------------------------------
 */

struct bus_requests;

void bus__requests_destroy(struct bus_requests *requests);
/* The frame has a correlation id: is it the reply to a request? Then its handler gets it. */
void bus__requests_answer(struct bus *bus, const struct bus_frame *frame);
/* Times out by the clock. */
void bus__requests_expire(struct bus *bus);

/* ---- the bus ------------------------------------------------------------------------------------
 */

struct bus_topic {
    char name[BUS_TOPIC_SIZE];
    uint16_t number;
    uint32_t symbol_offset; /* as in its form */
    bool persists;
    struct bus_subscription *subscriptions;
    uint32_t subscription_count, subscription_capacity;
    struct bus_topic_stats stats;
    struct bus_history history;
    struct bus_index index;
    struct obs_histogram *latency; /* NULL: not measured */
};

struct bus {
    /* read by every publishing thread, hardly ever written */
    struct bus_options options;
    _Atomic uint32_t source_count;    /* sources 1 to this are there */
    _Atomic uint32_t own_topic_count; /* of TG_TOPIC_OWN_FIRST and on */
    char (*source_names)[TG_SOURCE_SIZE];
    struct bus_topic *topics[BUS_TOPICS_MAX];
    struct bus_form forms[TG_TOPIC_COUNT];                /* of none and of own topics: zeros */
    _Alignas(BUS_CACHE_LINE) _Atomic uint32_t is_asleep;  /* 0 or 1 */
    _Alignas(BUS_CACHE_LINE) _Atomic uint32_t has_urgent; /* in a ring, since they were looked at */

    /* of the core thread */
    _Alignas(BUS_CACHE_LINE) uint64_t sequence;
    struct tg_uuid7 ids;
    struct bus_queues queues;
    uint32_t passed[BUS_PRIORITIES];         /* higher ones served while it waited */
    uint32_t core_run[BUS_PRIORITIES];       /* served from the queue since rings were looked at */
    uint32_t next_publisher[BUS_PRIORITIES]; /* whose turn it is */
    struct bus_publisher *publishers[BUS_PUBLISHERS_MAX];
    uint32_t publisher_count;
    uint64_t publishers_made;
    bool has_closing;
    struct bus_subscriber *subscribers[BUS_SUBSCRIBERS_MAX];
    uint32_t subscriber_count;
    bool is_pumping;
    bool has_removed;
    bool has_now;                      /* within a pump or a burst */
    uint8_t hops;                      /* of what is published now */
    int64_t now;                       /* of the last look at the clock */
    uint16_t conflated;                /* the topic; 0: none */
    uint32_t asked;                    /* requests that wait for their reply */
    struct bus_conflation *conflation; /* made with the first need, as the next */
    struct bus_requests *requests;
    uint64_t refused, refused_full, refused_hops, persisted;
    uint64_t requested, replied, timed_out, cancelled;
};

/* The way of a good record; all else, and what is wrong, in draft.c. `hops`: at least. */
static inline int bus__draft_plan(const struct bus *bus, const struct bus_draft *draft,
                                  uint8_t hops, struct bus_plan *plan, struct tg_error *error)
{
    const struct bus_form *form = &bus->forms[draft->topic < TG_TOPIC_COUNT ? draft->topic : 0];
    const uint32_t sources = atomic_load_explicit(&bus->source_count, memory_order_acquire);

    plan->hops = draft->hops > hops ? draft->hops : hops;
    if (draft->payload_size != form->payload_size || form->payload_size == 0 ||
        draft->payload == NULL || (uint32_t)draft->source - 1 >= sources ||
        draft->priority > TG_PRIORITY_URGENT || draft->ttl_seconds > BUS_TTL_SECONDS_MAX ||
        plan->hops > BUS_HOPS_MAX)
        return bus__draft_plan_slowly(bus, draft, plan, error);
    plan->form = form;
    plan->frame_size = form->frame_size;
    plan->ttl_seconds = draft->ttl_seconds == 0 ? BUS_TTL_SECONDS : draft->ttl_seconds;
    plan->priority = draft->priority == TG_PRIORITY_NONE ? TG_PRIORITY_NORMAL : draft->priority;
    plan->owns_block = false;
    return TG_E_OK;
}

static inline struct bus_topic *bus__topic(const struct bus *bus, uint16_t topic)
{
    return topic < BUS_TOPICS_MAX ? bus->topics[topic] : NULL;
}

/* The time for what is published now on the core. */
static inline int64_t bus__now(const struct bus *bus)
{
    return bus->has_now ? bus->now : tg_clock_utc(&bus->options.clock);
}

/* The message is taken up: it has its number, and is kept if it is to be. */
static inline void bus__take_up(struct bus *bus, struct bus_topic *topic,
                                const struct bus_frame *frame)
{
    bus->sequence++;
    topic->stats.published++;
    if (topic->persists && bus->options.persist != NULL) {
        bus->persisted++;
        bus->options.persist(bus->options.persist_context, &frame->message);
    }
}

#endif
