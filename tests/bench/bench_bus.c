/*
 * How fast the bus is, against the bare ring it stands on.
 *
 *   ring_spsc                a ring of 256-byte messages between two threads, copied in and out
 *   bus_cross_thread         published by another thread to three subscribers on the core:
 *                            execution_events, a record of 288 bytes, as a fill
 *   bus_cross_thread_ratio   the former over ring_spsc, both of one pair of runs
 *   bus_cross_thread_small   the same with ta_signals, a record of 128 bytes
 *   bus_same_thread          published and pumped on the core, 64 at a time, three subscribers,
 *                            execution_events
 *   bus_allocs               allocations per message once all has been warmed up
 *
 * Schema checks, ids, time stamps from the real clock (one look for 32 messages, on both sides),
 * history, the index and all figures are on.
 * Every subscriber checks that each message arrives once and in order.
 */
#include "base/ring.h"
#include "base/text.h"
#include "bench.h"
#include "bus/bus.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define RUNS            7
#define RING_BYTES      (1024u * 1024u)
#define RING_MESSAGE    256u
#define RING_MESSAGES   4000000u
#define BUS_MESSAGES    2000000u
#define SUBSCRIBERS     3
#define BATCH           64u
#define BURST           32u /* messages to a look at the clock */
#define RELEASE_EVERY   32u
#define ALLOCS_WARM_UP  20000u
#define ALLOCS_MESSAGES 200000u

/* ---- the yardstick -------------------------------------------------------------------------- */

struct ring_message {
    uint64_t number;
    unsigned char rest[RING_MESSAGE - sizeof(uint64_t)];
};

static void *write_ring(void *context)
{
    struct tg_ring *ring = context;
    struct ring_message message;
    uint32_t spins = 0;

    memset(&message, 0x5a, sizeof(message));
    for (uint64_t number = 1; number <= RING_MESSAGES; number++) {
        void *place;
        while ((place = tg_ring_claim(ring, sizeof(message))) == NULL)
            bench_spin(&spins);
        message.number = number;
        memcpy(place, &message, sizeof(message));
        tg_ring_commit(ring);
    }
    return NULL;
}

static double run_ring(void)
{
    struct tg_ring *ring;
    struct ring_message message = {0};
    pthread_t thread;
    size_t length;
    uint64_t expected = 1;
    uint32_t spins = 0;

    if (tg_ring_create(RING_BYTES, &ring, NULL) != TG_E_OK)
        bench_fail("no ring");
    const int64_t start = bench_now_ns();
    if (pthread_create(&thread, NULL, write_ring, ring) != 0)
        bench_fail("no thread");
    while (expected <= RING_MESSAGES) {
        const void *place = tg_ring_next(ring, &length);
        if (place == NULL) {
            tg_ring_release(ring);
            bench_spin(&spins);
            continue;
        }
        memcpy(&message, place, sizeof(message));
        if (message.number != expected || length != sizeof(message))
            bench_fail("the ring lost message %llu", (unsigned long long)expected);
        if (expected++ % RELEASE_EVERY == 0)
            tg_ring_release(ring);
    }
    const double seconds = bench_seconds_since(start);
    (void)pthread_join(thread, NULL);
    tg_ring_destroy(ring);
    return RING_MESSAGES / seconds;
}

/* ---- records that carry a number ------------------------------------------------------------- */

union record {
    uint64_t alignment;
    struct tg_execution_events fill;
    struct tg_ta_signals reading;
};

struct workload {
    uint16_t topic;
    uint32_t size;
    union record record;
    void (*set_number)(union record *record, uint64_t number);
    uint64_t (*get_number)(const void *record);
};

static void set_fill(union record *record, uint64_t number)
{
    record->fill.venue_time = (int64_t)number;
}

static uint64_t get_fill(const void *record)
{
    return (uint64_t)((const struct tg_execution_events *)record)->venue_time;
}

static void set_reading(union record *record, uint64_t number)
{
    record->reading.price.units = (int64_t)number;
}

static uint64_t get_reading(const void *record)
{
    return (uint64_t)((const struct tg_ta_signals *)record)->price.units;
}

static struct workload fills(void)
{
    struct workload load = {.topic = TG_TOPIC_EXECUTION_EVENTS,
                            .size = sizeof(struct tg_execution_events),
                            .set_number = set_fill,
                            .get_number = get_fill};
    struct tg_execution_events *fill = &load.record.fill;

    memset(&load.record, 0, sizeof(load.record));
    fill->event_type = TG_EXECUTION_FILL;
    fill->order_id.bytes[0] = 1;
    (void)tg_text_copy(fill->symbol, sizeof(fill->symbol), "BTC/USDT");
    fill->side = TG_SIDE_SELL;
    fill->size.units = TG_DECIMAL_ONE;
    fill->fill_price.units = 37000 * TG_DECIMAL_ONE;
    fill->fee.units = 1234;
    (void)tg_text_copy(fill->trade_id, sizeof(fill->trade_id), "T-000000001");
    (void)tg_text_copy(fill->reason, sizeof(fill->reason), "stop loss reached");
    TG_SET(fill, EXECUTION_EVENTS, side);
    TG_SET(fill, EXECUTION_EVENTS, size);
    TG_SET(fill, EXECUTION_EVENTS, fill_price);
    TG_SET(fill, EXECUTION_EVENTS, fee);
    TG_SET(fill, EXECUTION_EVENTS, trade_id);
    TG_SET(fill, EXECUTION_EVENTS, venue_time);
    TG_SET(fill, EXECUTION_EVENTS, reason);
    return load;
}

static struct workload readings(void)
{
    struct workload load = {.topic = TG_TOPIC_TA_SIGNALS,
                            .size = sizeof(struct tg_ta_signals),
                            .set_number = set_reading,
                            .get_number = get_reading};
    struct tg_ta_signals *reading = &load.record.reading;

    memset(&load.record, 0, sizeof(load.record));
    (void)tg_text_copy(reading->symbol, sizeof(reading->symbol), "BTC/USDT");
    reading->trend_strength = 0.5;
    reading->confidence = 0.7;
    reading->rsi = 61.8;
    reading->adx = 27.5;
    reading->atr_pct = 1.2;
    TG_SET(reading, TA_SIGNALS, price);
    TG_SET(reading, TA_SIGNALS, rsi);
    TG_SET(reading, TA_SIGNALS, adx);
    TG_SET(reading, TA_SIGNALS, atr_pct);
    return load;
}

/* ---- the bus ----------------------------------------------------------------------------------
 */

struct reader {
    const struct workload *load;
    uint64_t expected;
};

struct scene {
    struct bus *bus;
    struct bus_publisher *publisher;
    struct workload load;
    struct bus_draft draft;
    struct reader readers[SUBSCRIBERS];
    uint64_t messages;
};

static int check_number(void *context, const struct tg_message *message)
{
    struct reader *reader = context;
    const uint64_t number = reader->load->get_number(message->payload);

    if (number != reader->expected)
        bench_fail("message %llu came where %llu was due", (unsigned long long)number,
                   (unsigned long long)reader->expected);
    reader->expected++;
    return 0;
}

static void do_nothing(void *context)
{
    (void)context;
}

static void open_scene(struct scene *scene, struct workload load)
{
    static const char *const names[SUBSCRIBERS] = {"first", "second", "third"};
    const struct bus_options options = {.clock = bench_clock(),
                                        .seed = 1,
                                        .measure_latency = true,
                                        .wake = do_nothing,
                                        .barrier = do_nothing};
    struct tg_error error;

    memset(scene, 0, sizeof(*scene));
    scene->load = load;
    if (bus_create(&options, &scene->bus, &error) != TG_E_OK ||
        bus_publisher_create(scene->bus, RING_BYTES, &scene->publisher, &error) != TG_E_OK)
        bench_fail("%s", error.message);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        scene->readers[i] = (struct reader){&scene->load, 1};
        if (bus_subscribe(scene->bus, names[i], load.topic, check_number, NULL, &scene->readers[i],
                          &error) != TG_E_OK)
            bench_fail("%s", error.message);
    }
    scene->draft = (struct bus_draft){.topic = load.topic,
                                      .source = bus_source(scene->bus, "bench", &error),
                                      .payload = &scene->load.record,
                                      .payload_size = load.size};
}

static void close_scene(struct scene *scene)
{
    struct bus_stats stats;

    bus_publisher_destroy(scene->bus, scene->publisher);
    bus_get_stats(scene->bus, &stats);
    if (stats.published != scene->messages || stats.delivered != SUBSCRIBERS * scene->messages)
        bench_fail("%llu messages, %llu published, %llu delivered",
                   (unsigned long long)scene->messages, (unsigned long long)stats.published,
                   (unsigned long long)stats.delivered);
    bus_destroy(scene->bus);
}

static void *publish_all(void *context)
{
    struct scene *scene = context;
    struct tg_error error;
    uint32_t spins = 0;
    int code;

    for (uint64_t number = 1; number <= BUS_MESSAGES; number++) {
        scene->load.set_number(&scene->load.record, number);
        if (number % BURST == 1)
            bus_publisher_burst_begin(scene->publisher);
        while ((code = bus_publisher_publish(scene->publisher, &scene->draft, NULL, NULL)) ==
               TG_E_FULL) {
            bench_spin(&spins);
            bus_publisher_burst_begin(scene->publisher);
        }
        if (code != TG_E_OK) {
            (void)bus_publisher_publish(scene->publisher, &scene->draft, NULL, &error);
            bench_fail("%s", error.message);
        }
    }
    return NULL;
}

static double run_cross_thread(struct workload load)
{
    struct scene scene;
    pthread_t thread;
    uint32_t spins = 0;

    open_scene(&scene, load);
    scene.messages = BUS_MESSAGES;
    const int64_t start = bench_now_ns();
    if (pthread_create(&thread, NULL, publish_all, &scene) != 0)
        bench_fail("no thread");
    for (uint64_t done = 0; done < BUS_MESSAGES;) {
        const size_t pumped = bus_pump(scene.bus, 256);
        if (pumped == 0)
            bench_spin(&spins);
        done += pumped;
    }
    const double seconds = bench_seconds_since(start);
    (void)pthread_join(thread, NULL);
    close_scene(&scene);
    return BUS_MESSAGES / seconds;
}

static void publish_and_pump(struct scene *scene, uint64_t count)
{
    struct tg_error error;

    for (uint64_t i = 0; i < count; i++) {
        scene->load.set_number(&scene->load.record, ++scene->messages);
        if (scene->messages % BURST == 1)
            bus_burst_begin(scene->bus);
        if (bus_publish(scene->bus, &scene->draft, NULL, &error) != TG_E_OK)
            bench_fail("%s", error.message);
        if (scene->messages % BATCH == 0)
            (void)bus_pump(scene->bus, 0);
    }
    (void)bus_pump(scene->bus, 0);
}

static double run_same_thread(void)
{
    struct scene scene;

    open_scene(&scene, fills());
    const int64_t start = bench_now_ns();
    publish_and_pump(&scene, BUS_MESSAGES);
    const double seconds = bench_seconds_since(start);
    close_scene(&scene);
    return BUS_MESSAGES / seconds;
}

/* Through the core's queue and through a ring, after the history has grown to its bound. */
static double run_allocs(void)
{
    struct scene scene;

    open_scene(&scene, fills());
    publish_and_pump(&scene, ALLOCS_WARM_UP);
    const uint64_t before = bench_allocations();
    publish_and_pump(&scene, ALLOCS_MESSAGES);
    for (uint64_t i = 0; i < ALLOCS_MESSAGES; i++) {
        scene.load.set_number(&scene.load.record, ++scene.messages);
        if (bus_publisher_publish(scene.publisher, &scene.draft, NULL, NULL) != TG_E_OK)
            bench_fail("the ring is full");
        if (scene.messages % BATCH == 0)
            (void)bus_pump(scene.bus, 0);
    }
    (void)bus_pump(scene.bus, 0);
    const uint64_t made = bench_allocations() - before;
    close_scene(&scene);
    return (double)made / (2.0 * ALLOCS_MESSAGES);
}

int main(void)
{
    double ring[RUNS], cross[RUNS], ratio[RUNS], small[RUNS], same[RUNS], allocs[RUNS];

    bench_report_cache_line();
    (void)run_ring(); /* the first run warms up */
    for (size_t run = 0; run < RUNS; run++) {
        ring[run] = run_ring();
        cross[run] = run_cross_thread(fills());
        ratio[run] = cross[run] / ring[run];
        small[run] = run_cross_thread(readings());
        same[run] = run_same_thread();
        allocs[run] = run_allocs();
    }
    bench_report("ring_spsc", "messages/s", ring, RUNS);
    bench_report("bus_cross_thread", "messages/s", cross, RUNS);
    bench_report("bus_cross_thread_ratio", "of ring_spsc", ratio, RUNS);
    bench_report("bus_cross_thread_small", "messages/s", small, RUNS);
    bench_report("bus_same_thread", "messages/s", same, RUNS);
    bench_report("bus_allocs", "allocations/message", allocs, RUNS);
    bench_report_cache_line();
    return 0;
}
