/*
 * Publishing from other threads: for each publisher a ring per priority, which one thread writes
 * and the core reads. The frame is made in the ring itself: claimed, filled, checked there,
 * committed; a full ring is TG_E_FULL at once.
 *
 * Waking the core is the costly part. Between its commit and its look at `is_asleep` a publisher
 * needs a full fence, or both sides could miss each other. With options.barrier the core makes all
 * threads pass one when it goes to sleep (rare), and the publisher needs to keep the compiler in
 * order only. Without, the publisher reads the flag by an atomic read-modify-write: whichever of
 * the two writes of the flag comes second sees the other side's doing.
 *
 * A publisher is the core's: destroy marks it, and once its rings are empty the pump frees it.
 */
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

#define RING_BYTES     (1024u * 1024u)
#define RING_BYTES_MIN 16384u /* a frame of BUS_INLINE_MAX is at most a quarter of it */

_Static_assert(sizeof(struct bus_frame) + BUS_INLINE_MAX <= RING_BYTES_MIN / 4,
               "the largest frame fits the smallest ring");

/* ---- the publishing thread ------------------------------------------------------------------ */

/* Counters have one writer: no read-modify-write is needed. */
static void count_more(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

static void count_one(_Atomic uint64_t *counter)
{
    count_more(counter, 1);
}

static __attribute__((cold, noinline)) int refuse(struct bus_publisher *publisher,
                                                  const struct bus_draft *draft,
                                                  const struct bus_plan *plan, int code,
                                                  struct tg_error *error)
{
    count_one(&publisher->refused);
    if (code == TG_E_FULL)
        count_one(&publisher->refused_full);
    if (plan->hops > BUS_HOPS_MAX)
        count_one(&publisher->refused_hops);
    if (draft->topic < BUS_TOPICS_MAX)
        count_one(&publisher->topic_refused[draft->topic]);
    return TG_PASS(error, code);
}

static void wake_if_asleep(struct bus *bus)
{
    uint32_t is_asleep;

    if (bus->options.barrier != NULL) {
        atomic_signal_fence(memory_order_seq_cst);
        is_asleep = atomic_load_explicit(&bus->is_asleep, memory_order_relaxed);
    } else {
        is_asleep = atomic_fetch_or(&bus->is_asleep, 0);
    }
    if (is_asleep != 0 && atomic_exchange(&bus->is_asleep, 0) != 0)
        bus->options.wake(bus->options.wake_context);
}

/* Blocks are not in the ring; they are bounded as the ring is. */
static struct bus_frame *claim(struct bus_publisher *publisher, const struct bus_draft *draft,
                               const struct bus_plan *plan)
{
    if (plan->owns_block) {
        const uint64_t taken =
            atomic_load_explicit(&publisher->block_bytes_taken, memory_order_acquire);
        const uint64_t sent =
            atomic_load_explicit(&publisher->block_bytes_sent, memory_order_relaxed);
        if (sent - taken + draft->payload_size > BUS_PUBLISHER_BLOCK_BYTES_MAX)
            return NULL;
    }
    return tg_ring_claim(publisher->rings[plan->priority], plan->frame_size);
}

int bus_publisher_publish(struct bus_publisher *publisher, const struct bus_draft *draft,
                          struct tg_uuid *id, struct tg_error *error)
{
    struct bus *bus = publisher->bus;
    struct bus_plan plan;
    int code = bus__draft_plan(bus, draft, 0, &plan, error);

    if (code != TG_E_OK)
        return refuse(publisher, draft, &plan, code, error);
    struct tg_ring *ring = publisher->rings[plan.priority];
    struct bus_frame *frame = claim(publisher, draft, &plan);
    if (frame == NULL) {
        (void)TG_FAIL(error, FULL, "the publisher's ring is full, try again");
        return refuse(publisher, draft, &plan, TG_E_FULL, error);
    }
    const int64_t now = publisher->has_now ? publisher->now : tg_clock_utc(&bus->options.clock);
    code = bus__draft_fill(bus, draft, &plan, now, &publisher->ids, frame, error);
    if (code != TG_E_OK) {
        tg_ring_abort(ring);
        return refuse(publisher, draft, &plan, code, error);
    }
    if (plan.owns_block)
        count_more(&publisher->block_bytes_sent, draft->payload_size);
    if (id != NULL)
        *id = frame->message.id;
    count_one(&publisher->accepted); /* before the commit: never behind what the core took */
    tg_ring_commit(ring);
    if (plan.priority == TG_PRIORITY_URGENT)
        atomic_store_explicit(&bus->has_urgent, 1, memory_order_release);
    if (bus->options.wake != NULL)
        wake_if_asleep(bus);
    return TG_E_OK;
}

void bus_publisher_burst_begin(struct bus_publisher *publisher)
{
    publisher->now = tg_clock_utc(&publisher->bus->options.clock);
    publisher->has_now = true;
}

void bus_publisher_burst_end(struct bus_publisher *publisher)
{
    publisher->has_now = false;
}

/* ---- the core ------------------------------------------------------------------------------- */

static void destroy_rings(struct bus_publisher *publisher)
{
    for (uint32_t i = 0; i < BUS_PRIORITIES; i++)
        tg_ring_destroy(publisher->rings[i]);
}

int bus_publisher_create(struct bus *bus, size_t ring_bytes, struct bus_publisher **publisher,
                         struct tg_error *error)
{
    const size_t bytes = ring_bytes == 0 ? RING_BYTES : ring_bytes;

    if (bus->publisher_count == BUS_PUBLISHERS_MAX)
        return TG_FAIL(error, FULL, "there are %u publishers already", BUS_PUBLISHERS_MAX);
    if (bytes < RING_BYTES_MIN)
        return TG_FAIL(error, RANGE, "ring_bytes: %zu is out of range (at least %u)", bytes,
                       RING_BYTES_MIN);
    struct bus_publisher *made = aligned_alloc(BUS_CACHE_LINE, sizeof(*made));
    if (made == NULL)
        return TG_FAIL(error, NO_MEMORY, "no memory for a publisher");
    memset(made, 0, sizeof(*made));
    made->bus = bus;
    for (uint32_t i = TG_PRIORITY_LOW; i < BUS_PRIORITIES; i++) {
        const int code = tg_ring_create(bytes, &made->rings[i], error);
        if (code != TG_E_OK) {
            destroy_rings(made);
            free(made);
            return TG_PASS(error, code);
        }
    }
    bus->publishers_made++;
    tg_uuid7_init(&made->ids, bus->options.seed ^ bus->publishers_made << 32);
    bus->publishers[bus->publisher_count++] = made;
    *publisher = made;
    return TG_E_OK;
}

struct bus_frame *bus__publisher_peek(struct bus_publisher *publisher, uint8_t priority)
{
    size_t length;

    if (publisher->peeked[priority] == NULL)
        publisher->peeked[priority] = tg_ring_next(publisher->rings[priority], &length);
    return publisher->peeked[priority];
}

void bus__publisher_disown(struct bus_publisher *publisher, struct bus_frame *frame)
{
    if (!frame->owns_block)
        return;
    const uint64_t taken =
        atomic_load_explicit(&publisher->block_bytes_taken, memory_order_relaxed);
    frame->owns_block = false;
    atomic_store_explicit(&publisher->block_bytes_taken, taken + frame->message.payload_size,
                          memory_order_release);
}

void bus__publisher_take(struct bus_publisher *publisher, uint8_t priority)
{
    struct bus_frame *frame = publisher->peeked[priority];

    if (frame->owns_block) {
        bus__block_free(frame);
        bus__publisher_disown(publisher, frame);
    }
    publisher->peeked[priority] = NULL;
    publisher->taken++;
}

void bus__publisher_free(struct bus_publisher *publisher)
{
    for (uint8_t priority = TG_PRIORITY_LOW; priority < BUS_PRIORITIES; priority++)
        while (bus__publisher_peek(publisher, priority) != NULL)
            bus__publisher_take(publisher, priority);
    destroy_rings(publisher);
    free(publisher);
}

static bool is_drained(struct bus_publisher *publisher)
{
    for (uint8_t priority = TG_PRIORITY_LOW; priority < BUS_PRIORITIES; priority++)
        if (bus__publisher_peek(publisher, priority) != NULL)
            return false;
    return true;
}

/* Its figures stay with the bus. */
static void settle_figures(struct bus *bus, const struct bus_publisher *publisher)
{
    bus->refused += atomic_load_explicit(&publisher->refused, memory_order_relaxed);
    bus->refused_full += atomic_load_explicit(&publisher->refused_full, memory_order_relaxed);
    bus->refused_hops += atomic_load_explicit(&publisher->refused_hops, memory_order_relaxed);
    for (uint32_t i = 0; i < BUS_TOPICS_MAX; i++)
        if (bus->topics[i] != NULL)
            bus->topics[i]->stats.refused +=
                atomic_load_explicit(&publisher->topic_refused[i], memory_order_relaxed);
}

void bus__publishers_reap(struct bus *bus)
{
    uint32_t kept = 0;

    bus->has_closing = false;
    for (uint32_t i = 0; i < bus->publisher_count; i++) {
        struct bus_publisher *publisher = bus->publishers[i];
        if (publisher->is_closing && is_drained(publisher)) {
            settle_figures(bus, publisher);
            bus__publisher_free(publisher);
            continue;
        }
        bus->has_closing = bus->has_closing || publisher->is_closing;
        bus->publishers[kept++] = publisher;
    }
    bus->publisher_count = kept;
}

void bus_publisher_destroy(struct bus *bus, struct bus_publisher *publisher)
{
    if (publisher == NULL)
        return;
    publisher->is_closing = true;
    bus->has_closing = true;
    if (!bus->is_pumping)
        bus__publishers_reap(bus);
}

bool bus_sleep_prepare(struct bus *bus)
{
    (void)atomic_exchange(&bus->is_asleep, 1);
    if (bus->options.barrier != NULL)
        bus->options.barrier(bus->options.barrier_context);
    if (!bus_has_work(bus))
        return true;
    bus_awake(bus);
    return false;
}

void bus_awake(struct bus *bus)
{
    atomic_store_explicit(&bus->is_asleep, 0, memory_order_relaxed);
}
