/*
 * Requests: who waits for the reply to which message, and until when.
 *
 * A request is found by its id (a hash with chains) when a message comes that has it as its
 * correlation id, and by its deadline (a heap, the next one first) when time goes on. Both hold
 * numbers of slots; free slots are one chain. All of it is one block of memory, made with the first
 * request. A request is out of both before its handler is called, so the handler may request
 * anew, and cannot be called twice. Core thread only.
 */
#include "base/uuid.h"
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT16_MAX

_Static_assert((BUS_REQUESTS_MAX & (BUS_REQUESTS_MAX - 1)) == 0 && BUS_REQUESTS_MAX < NONE,
               "ids are folded by a mask, slots have 16-bit numbers");

struct request {
    struct tg_uuid id;
    int64_t deadline;
    uint64_t number; /* of the request: equal deadlines end in order */
    bus_reply_handler handler;
    void *context;
    uint16_t source;
    uint16_t next;  /* of its chain */
    uint16_t place; /* in the heap */
};

/* The heap has bus->asked entries. */
struct bus_requests {
    int64_t expiring; /* deadlines up to here are being timed out; INT64_MIN: none are */
    uint16_t free;
    uint16_t chains[BUS_REQUESTS_MAX];
    uint16_t heap[BUS_REQUESTS_MAX];
    struct request slots[BUS_REQUESTS_MAX];
};

static struct bus_requests *create(void)
{
    struct bus_requests *requests = calloc(1, sizeof(*requests));

    if (requests == NULL)
        return NULL;
    requests->expiring = INT64_MIN;
    for (uint16_t i = 0; i < BUS_REQUESTS_MAX; i++) {
        requests->chains[i] = NONE;
        requests->slots[i].next = (uint16_t)(i + 1);
    }
    requests->slots[BUS_REQUESTS_MAX - 1].next = NONE;
    return requests;
}

void bus__requests_destroy(struct bus_requests *requests)
{
    free(requests);
}

/* ---- by id -------------------------------------------------------------------------------- */

/* The end of an id is random. */
static uint16_t *chain_of(struct bus_requests *requests, const struct tg_uuid *id)
{
    const unsigned end = (unsigned)id->bytes[14] << 8 | id->bytes[15];

    return &requests->chains[end & (BUS_REQUESTS_MAX - 1)];
}

/* The link to the request with that id, or to the end of its chain. */
static uint16_t *find_link(struct bus_requests *requests, const struct tg_uuid *id)
{
    uint16_t *link = chain_of(requests, id);

    while (*link != NONE && !tg_uuid_equal(&requests->slots[*link].id, id))
        link = &requests->slots[*link].next;
    return link;
}

/* ---- by deadline -------------------------------------------------------------------------- */

static bool is_before(const struct request *a, const struct request *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->number < b->number;
}

static void put_at(struct bus_requests *requests, uint32_t place, uint16_t slot)
{
    requests->heap[place] = slot;
    requests->slots[slot].place = (uint16_t)place;
}

static void move_up(struct bus_requests *requests, uint32_t place, uint16_t slot)
{
    while (place > 0) {
        const uint32_t parent = (place - 1) / 2;
        const uint16_t above = requests->heap[parent];
        if (!is_before(&requests->slots[slot], &requests->slots[above]))
            break;
        put_at(requests, place, above);
        place = parent;
    }
    put_at(requests, place, slot);
}

static void move_down(struct bus_requests *requests, uint32_t count, uint32_t place, uint16_t slot)
{
    for (uint32_t child = 2 * place + 1; child < count; child = 2 * place + 1) {
        const struct request *slots = requests->slots;
        if (child + 1 < count &&
            is_before(&slots[requests->heap[child + 1]], &slots[requests->heap[child]]))
            child++;
        if (!is_before(&slots[requests->heap[child]], &slots[slot]))
            break;
        put_at(requests, place, requests->heap[child]);
        place = child;
    }
    put_at(requests, place, slot);
}

/* Out of chain and heap; its slot is free. */
static struct request take_out(struct bus *bus, uint16_t *link)
{
    struct bus_requests *requests = bus->requests;
    const uint16_t slot = *link;
    struct request *request = &requests->slots[slot];
    const struct request taken = *request;
    const uint16_t last = requests->heap[--bus->asked];

    *link = request->next;
    request->next = requests->free;
    requests->free = slot;
    if (last != slot) { /* the last one takes its place, and goes where it belongs */
        move_up(requests, taken.place, last);
        move_down(requests, bus->asked, requests->slots[last].place, last);
    }
    return taken;
}

/* ---- for the bus -------------------------------------------------------------------------- */

void bus__requests_answer(struct bus *bus, const struct bus_frame *frame)
{
    uint16_t *link = find_link(bus->requests, &frame->message.correlation_id);

    if (*link == NONE || bus->requests->slots[*link].source == frame->source)
        return;
    const struct request request = take_out(bus, link);
    bus->replied++;
    request.handler(request.context, TG_E_OK, &frame->message);
}

static size_t expire(struct bus *bus, int64_t now)
{
    struct bus_requests *requests = bus->requests;
    size_t count = 0;

    requests->expiring = now;
    while (bus->asked > 0) {
        const struct request *next = &requests->slots[requests->heap[0]];
        if (next->deadline > now)
            break;
        const struct request request = take_out(bus, find_link(requests, &next->id));
        bus->timed_out++;
        bus->hops = 0;
        request.handler(request.context, TG_E_TIMEOUT, NULL);
        count++;
    }
    requests->expiring = INT64_MIN;
    return count;
}

void bus__requests_expire(struct bus *bus)
{
    const int64_t now = tg_clock_monotonic(&bus->options.clock);

    if (bus_next_time(bus) > now)
        return;
    bus->now = tg_clock_utc(&bus->options.clock);
    (void)expire(bus, now);
}

/* ---- for others --------------------------------------------------------------------------- */

int bus_request(struct bus *bus, const struct bus_draft *draft, int64_t deadline,
                bus_reply_handler handler, void *context, struct tg_uuid *id,
                struct tg_error *error)
{
    struct tg_uuid made;

    if (handler == NULL)
        return TG_FAIL(error, INVALID, "request: a handler for the reply is required");
    if (deadline <= tg_clock_monotonic(&bus->options.clock) ||
        (bus->requests != NULL && deadline <= bus->requests->expiring))
        return TG_FAIL(error, RANGE, "request: the deadline has to lie ahead");
    if (bus->asked == BUS_REQUESTS_MAX)
        return TG_FAIL(error, FULL, "request: %u wait for their reply already, try again",
                       BUS_REQUESTS_MAX);
    if (bus->requests == NULL)
        bus->requests = create();
    if (bus->requests == NULL)
        return TG_FAIL(error, NO_MEMORY, "no memory for requests");
    const int code = bus_publish(bus, draft, &made, error);
    if (code != TG_E_OK)
        return TG_PASS(error, code);

    struct bus_requests *requests = bus->requests;
    const uint16_t slot = requests->free;
    uint16_t *chain = chain_of(requests, &made);
    requests->free = requests->slots[slot].next;
    requests->slots[slot] = (struct request){.id = made,
                                             .deadline = deadline,
                                             .number = ++bus->requested,
                                             .handler = handler,
                                             .context = context,
                                             .source = draft->source,
                                             .next = *chain};
    *chain = slot;
    move_up(requests, bus->asked++, slot);
    if (id != NULL)
        *id = made;
    return TG_E_OK;
}

int bus_request_cancel(struct bus *bus, const struct tg_uuid *id)
{
    if (bus->asked == 0)
        return TG_E_NOT_FOUND;
    uint16_t *link = find_link(bus->requests, id);
    if (*link == NONE)
        return TG_E_NOT_FOUND;
    (void)take_out(bus, link);
    bus->cancelled++;
    return TG_E_OK;
}

size_t bus_expire_requests(struct bus *bus, int64_t now)
{
    if (bus->is_pumping || bus->asked == 0)
        return 0;
    bus->now = tg_clock_utc(&bus->options.clock);
    bus__pump_enter(bus);
    const size_t count = expire(bus, now);
    bus__pump_leave(bus);
    return count;
}

int64_t bus_next_time(const struct bus *bus)
{
    return bus->asked == 0 ? INT64_MAX : bus->requests->slots[bus->requests->heap[0]].deadline;
}
