/*
 * Dead letters: what a subscriber's handler or filter failed on, with the reason.
 *
 * Each subscriber has its own list of copies, bounded by BUS_DEAD_LETTERS_MAX and
 * BUS_DEAD_LETTER_BYTES_MAX; the oldest gives way and is counted. Re-delivery hands a letter to the
 * subscription there is now: what succeeds leaves the list, what fails goes to its end, and after
 * BUS_REDELIVERIES_MAX failures only a re-delivery by id tries it again. While a letter is being
 * handled it stays in its place: nothing else is delivered then, so the list stands still.
 *
 * The list owns the copies. This is the way of failures: it allocates. Core thread only.
 */
#include "base/text.h"
#include "base/uuid.h"
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

/* ---- the list ----------------------------------------------------------------------------- */

/* Out of the list; `previous` is the one before it, NULL: it is the oldest. */
static void unlink_letter(struct bus_subscriber *subscriber, struct bus_letter *previous,
                          struct bus_letter *letter)
{
    if (previous == NULL)
        subscriber->oldest = letter->next;
    else
        previous->next = letter->next;
    if (subscriber->newest == letter)
        subscriber->newest = previous;
    subscriber->letter_count--;
    subscriber->letter_bytes -= letter->frame.message.payload_size;
}

static void append_letter(struct bus_subscriber *subscriber, struct bus_letter *letter)
{
    letter->next = NULL;
    if (subscriber->newest == NULL)
        subscriber->oldest = letter;
    else
        subscriber->newest->next = letter;
    subscriber->newest = letter;
    subscriber->letter_count++;
    subscriber->letter_bytes += letter->frame.message.payload_size;
}

static void drop_oldest(struct bus_subscriber *subscriber)
{
    struct bus_letter *letter = subscriber->oldest;

    unlink_letter(subscriber, NULL, letter);
    free(letter);
}

void bus__letter_add(struct bus *bus, struct bus_subscriber *subscriber,
                     const struct bus_frame *frame, const char *reason)
{
    const uint32_t size = frame->message.payload_size;
    struct bus_letter *letter = malloc(sizeof(*letter) + size);

    if (letter == NULL) {
        subscriber->stats.dead_letters_dropped++;
        OBS_ERROR(bus->options.log, "bus", "no memory for a dead letter of %s", subscriber->name);
        return;
    }
    letter->tries = 0;
    (void)tg_text_copy(letter->reason, sizeof(letter->reason), reason);
    letter->frame = *frame;
    memcpy(letter + 1, frame->message.payload, size);
    letter->frame.message.payload = letter + 1;
    letter->frame.owns_block = false;
    while (subscriber->letter_count == BUS_DEAD_LETTERS_MAX ||
           subscriber->letter_bytes + size > BUS_DEAD_LETTER_BYTES_MAX) {
        drop_oldest(subscriber);
        subscriber->stats.dead_letters_dropped++;
    }
    append_letter(subscriber, letter);
}

void bus__letters_free(struct bus_subscriber *subscriber)
{
    while (subscriber->oldest != NULL)
        drop_oldest(subscriber);
}

static bool is_quarantined(const struct bus_letter *letter)
{
    return letter->tries >= BUS_REDELIVERIES_MAX;
}

size_t bus_get_dead_letters(const struct bus *bus, const char *subscriber,
                            struct bus_dead_letter *letters, size_t limit)
{
    const struct bus_subscriber *found = bus__subscriber_find(bus, subscriber);
    size_t count = 0;

    if (found == NULL)
        return 0;
    for (const struct bus_letter *letter = found->oldest; letter != NULL && count < limit;
         letter = letter->next)
        letters[count++] = (struct bus_dead_letter){letter->frame.message, letter->reason,
                                                    letter->tries, is_quarantined(letter)};
    return count;
}

/* ---- re-delivery -------------------------------------------------------------------------- */

/* One letter, which a subscription is there for. True: it has left its place. */
static bool redeliver(struct bus *bus, struct bus_subscriber *subscriber,
                      struct bus_letter *previous, struct bus_letter *letter,
                      struct bus_redelivery *result)
{
    const struct bus_topic *topic = bus->topics[letter->frame.message.topic];
    const struct bus_subscription *subscription = bus__subscription_find(topic, subscriber);
    struct bus_failure failure;

    if (subscription == NULL) {
        result->left++;
        return false;
    }
    bus->hops = (uint8_t)(letter->frame.hops + 1);
    const uint32_t number = (uint32_t)(subscription - topic->subscriptions);
    const enum bus_outcome outcome = bus__hand_over(topic, number, &letter->frame, &failure);
    if (outcome == BUS_OUTCOME_GONE) { /* its own filter unsubscribed it */
        result->left++;
        return false;
    }
    unlink_letter(subscriber, previous, letter);
    if (outcome == BUS_OUTCOME_FAILED) {
        letter->tries++;
        bus__failure_note(bus, subscriber, &letter->frame, &failure, letter->reason);
        append_letter(subscriber, letter);
        subscriber->stats.redeliveries_failed++;
        result->failed++;
    } else {
        free(letter);
        subscriber->stats.redelivered++;
        result->succeeded++;
    }
    return true;
}

static void redeliver_all(struct bus *bus, struct bus_subscriber *subscriber,
                          struct bus_redelivery *result)
{
    struct bus_letter *previous = NULL;

    for (uint32_t left = subscriber->letter_count; left > 0; left--) {
        struct bus_letter *letter = previous == NULL ? subscriber->oldest : previous->next;
        if (letter == NULL) /* a handler's own failures made room by dropping */
            return;
        if (is_quarantined(letter)) {
            result->left++;
            previous = letter;
        } else if (!redeliver(bus, subscriber, previous, letter, result)) {
            previous = letter;
        }
    }
}

static int redeliver_one(struct bus *bus, struct bus_subscriber *subscriber,
                         const struct tg_uuid *id, struct bus_redelivery *result,
                         struct tg_error *error)
{
    struct bus_letter *previous = NULL, *letter = subscriber->oldest;
    char text[TG_UUID_TEXT_SIZE];

    for (; letter != NULL && !tg_uuid_equal(&letter->frame.message.id, id); letter = letter->next)
        previous = letter;
    tg_uuid_format(id, text);
    if (letter == NULL)
        return TG_FAIL(error, NOT_FOUND, "%s has no dead letter %s", subscriber->name, text);
    const uint16_t topic = letter->frame.message.topic;
    if (!redeliver(bus, subscriber, previous, letter, result))
        return TG_FAIL(error, NOT_FOUND, "%s is not subscribed to %s, the topic of dead letter %s",
                       subscriber->name, bus->topics[topic]->name, text);
    return TG_E_OK;
}

int bus_redeliver(struct bus *bus, const char *subscriber, const struct tg_uuid *id,
                  struct bus_redelivery *result, struct tg_error *error)
{
    struct bus_subscriber *found =
        subscriber == NULL ? NULL : bus__subscriber_find(bus, subscriber);
    struct bus_redelivery counted = {0};
    int code = TG_E_OK;

    if (result != NULL)
        *result = counted;
    if (found == NULL)
        return TG_FAIL(error, NOT_FOUND, "there is no subscriber %.80s",
                       subscriber == NULL ? "" : subscriber);
    if (bus->is_pumping)
        return TG_FAIL(error, STATE, "dead letters cannot be delivered within a handler");
    bus->now = tg_clock_utc(&bus->options.clock);
    bus__pump_enter(bus);
    if (id == NULL)
        redeliver_all(bus, found, &counted);
    else
        code = redeliver_one(bus, found, id, &counted, error);
    bus__pump_leave(bus);
    if (result != NULL)
        *result = counted;
    if (counted.failed > 0)
        return TG_FAIL(error, FAILED, "%u of %u dead letters of %s failed again", counted.failed,
                       counted.failed + counted.succeeded, found->name);
    return code;
}
