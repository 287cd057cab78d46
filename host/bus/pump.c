/*
 * Whose turn it is. Two kinds of places hold waiting messages: the core's queues (what was
 * published on the core) and the publishers' rings. Within a priority the order is that of being
 * taken up: what stands in the core's queue was taken up already and goes first; a frame of a ring
 * is taken up when it is delivered straight out of the ring, once that queue is empty. So that a
 * core which keeps publishing to itself cannot shut out the rings, after BUS_STARVATION_LIMIT
 * messages from a queue a batch of the rings is taken up behind it, by copying. Where bars are
 * conflated all that waits in the rings is taken up so, for only in the queue can one replace
 * another.
 *
 * The pump serves batches of at most BUS_BATCH of one place and then looks at the clock and at all
 * places anew, so a message of another thread waits for a batch at most; an urgent one, or one of
 * another priority published by a handler, ends the batch at once. After BUS_STARVATION_LIMIT
 * higher ones a waiting lower message goes through. Core thread only.
 */
#include "bus_int.h"

#include <string.h>

#define TAKE_UP_MAX 4096u /* of each ring, before a batch, where bars are conflated */

/* ---- what waits --------------------------------------------------------------------------- */

static uint32_t rings_waiting(const struct bus *bus)
{
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < bus->publisher_count; i++)
        for (uint8_t priority = TG_PRIORITY_LOW; priority < BUS_PRIORITIES; priority++)
            if (bus__publisher_peek(bus->publishers[i], priority) != NULL)
                waiting |= 1u << priority;
    return waiting;
}

bool bus_has_work(const struct bus *bus)
{
    if (bus->queues.waiting != 0)
        return true;
    for (uint32_t i = 0; i < bus->publisher_count; i++)
        for (uint8_t priority = TG_PRIORITY_LOW; priority < BUS_PRIORITIES; priority++)
            if (!tg_ring_is_empty(bus->publishers[i]->rings[priority]))
                return true;
    return false;
}

/* ---- taking up ------------------------------------------------------------------------------ */

/* Copies a ring's frame behind the core's queue. A block changes hands. False: no room. */
static bool take_up_into_queue(struct bus *bus, struct bus_publisher *publisher,
                               struct bus_frame *frame)
{
    const uint8_t priority = frame->message.priority;
    const size_t size = bus__frame_size(frame);
    const size_t block_size = frame->owns_block ? frame->message.payload_size : 0;
    struct bus_frame *copy;

    if (frame->message.topic == bus->conflated) {
        if (bus__conflation_put(bus, frame, NULL) != TG_E_OK)
            return false;
        bus__take_up(bus, bus->topics[frame->message.topic], frame);
        return true;
    }
    if (bus__queue_claim(&bus->queues, priority, size, block_size, &copy, NULL) != TG_E_OK)
        return false;
    memcpy(copy, frame, size);
    if (!copy->owns_block)
        copy->message.payload = copy + 1;
    bus__queue_commit(&bus->queues, priority, copy);
    bus__take_up(bus, bus->topics[frame->message.topic], copy);
    bus__publisher_disown(publisher, frame);
    return true;
}

/* At most `limit` of each publisher. */
static void take_up_rings(struct bus *bus, uint8_t priority, uint32_t limit)
{
    for (uint32_t i = 0; i < bus->publisher_count; i++) {
        struct bus_publisher *publisher = bus->publishers[i];
        struct bus_frame *frame;
        bool has_room = true;
        for (uint32_t n = 0; n < limit && has_room; n++) {
            frame = bus__publisher_peek(publisher, priority);
            if (frame == NULL)
                break;
            has_room = take_up_into_queue(bus, publisher, frame);
            if (has_room)
                bus__publisher_take(publisher, priority);
        }
        if (publisher->peeked[priority] == NULL)
            tg_ring_release(publisher->rings[priority]);
    }
}

/*
 * Another thread has published something urgent since the rings were looked at: a batch of lower
 * ones ends. A hint; where it comes late the batch ends by itself.
 */
static inline bool is_overtaken(const struct bus *bus, uint8_t priority)
{
    return atomic_load_explicit(&bus->has_urgent, memory_order_relaxed) != 0 &&
           priority < TG_PRIORITY_URGENT;
}

/* ---- serving -------------------------------------------------------------------------------- */

static size_t serve_queue(struct bus *bus, uint8_t priority, size_t limit, int64_t now)
{
    const uint32_t waiting = bus->queues.waiting;
    size_t served = 0;

    do {
        struct bus_frame *frame = bus__queue_first(&bus->queues, priority);
        if (frame->message.topic == bus->conflated)
            bus__conflation_release(bus, frame);
        bus__dispatch(bus, frame, now);
        bus__queue_pop(&bus->queues, priority);
        served++;
    } while (served < limit && bus->queues.waiting == waiting && !is_overtaken(bus, priority));
    bus->core_run[priority] += (uint32_t)served;
    if (bus->core_run[priority] >= BUS_STARVATION_LIMIT) {
        bus->core_run[priority] = 0;
        if (bus__queue_waits(&bus->queues, priority))
            take_up_rings(bus, priority, BUS_BATCH);
    }
    return served;
}

/* The rings of a priority in turn, a batch of one of them. */
static size_t serve_ring(struct bus *bus, uint8_t priority, size_t limit, int64_t now)
{
    const uint32_t waiting = bus->queues.waiting;
    uint32_t turn = bus->next_publisher[priority];
    struct bus_publisher *publisher = NULL;
    struct bus_frame *frame = NULL;
    size_t served = 0;

    for (uint32_t i = 0; i < bus->publisher_count && frame == NULL; i++, turn++) {
        publisher = bus->publishers[turn % bus->publisher_count];
        frame = bus__publisher_peek(publisher, priority);
    }
    bus->next_publisher[priority] = turn;
    bus->core_run[priority] = 0;
    while (frame != NULL) {
        bus__take_up(bus, bus->topics[frame->message.topic], frame);
        bus__dispatch(bus, frame, now);
        bus__publisher_take(publisher, priority);
        if (++served == limit || bus->queues.waiting != waiting || is_overtaken(bus, priority))
            break;
        frame = bus__publisher_peek(publisher, priority);
    }
    if (publisher != NULL)
        tg_ring_release(publisher->rings[priority]);
    return served;
}

/* ---- choosing ------------------------------------------------------------------------------- */

static uint8_t highest_of(uint32_t waiting)
{
    return (uint8_t)(31 - __builtin_clz(waiting));
}

/*
 * The priority to serve, and how many at most before the choice must be made anew: the highest, but
 * for a lower one that has let BUS_STARVATION_LIMIT others pass.
 */
static uint8_t choose(const struct bus *bus, uint32_t waiting, size_t *limit)
{
    const uint8_t highest = highest_of(waiting);

    for (uint8_t lower = (uint8_t)(highest - 1); lower >= TG_PRIORITY_LOW; lower--) {
        if ((waiting >> lower & 1) == 0)
            continue;
        if (bus->passed[lower] >= BUS_STARVATION_LIMIT) {
            *limit = 1;
            return lower;
        }
        const uint32_t left = BUS_STARVATION_LIMIT - bus->passed[lower];
        if (left < *limit)
            *limit = left;
    }
    return highest;
}

/* Those that waited below the served priority let so many pass; the others let none pass. */
static void note_passed(struct bus *bus, uint32_t waiting, uint8_t priority, size_t served)
{
    for (uint8_t lower = TG_PRIORITY_LOW; lower < priority; lower++) {
        if ((waiting >> lower & 1) != 0)
            bus->passed[lower] += (uint32_t)served;
        else
            bus->passed[lower] = 0;
    }
    bus->passed[priority] = 0;
}

static size_t serve(struct bus *bus, size_t limit)
{
    size_t served;

    if (bus->asked != 0)
        bus__requests_expire(bus);
    if (is_overtaken(bus, 0)) /* before the look at the rings, which then finds it */
        (void)atomic_exchange(&bus->has_urgent, 0);
    const uint32_t waiting = bus->queues.waiting | rings_waiting(bus);
    if (waiting == 0)
        return 0;
    const int64_t now = tg_clock_utc(&bus->options.clock);
    bus->now = now;
    const uint8_t priority = choose(bus, waiting, &limit);
    if (bus->conflated != 0) /* a newer bar may be in a ring */
        take_up_rings(bus, priority, TAKE_UP_MAX);
    if (bus__queue_waits(&bus->queues, priority))
        served = serve_queue(bus, priority, limit, now);
    else
        served = serve_ring(bus, priority, limit, now);
    note_passed(bus, waiting, priority, served);
    if (bus->has_removed)
        bus__subscriptions_compact(bus);
    return served;
}

void bus__pump_enter(struct bus *bus)
{
    bus->is_pumping = true;
    bus->has_now = true;
    bus->hops = 0;
}

void bus__pump_leave(struct bus *bus)
{
    bus->is_pumping = false;
    bus->has_now = false;
    bus->hops = 0;
    if (bus->has_removed)
        bus__subscriptions_compact(bus);
    if (bus->has_closing)
        bus__publishers_reap(bus);
}

size_t bus_pump(struct bus *bus, size_t budget)
{
    size_t done = 0;

    if (bus->is_pumping)
        return 0;
    bus__pump_enter(bus);
    while (budget == 0 || done < budget) {
        const size_t left = budget == 0 ? BUS_BATCH : budget - done;
        const size_t served = serve(bus, left < BUS_BATCH ? left : BUS_BATCH);
        if (served == 0)
            break;
        done += served;
    }
    bus__pump_leave(bus);
    return done;
}
