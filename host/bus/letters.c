/*
 * Dead letters: what a subscriber's handler or filter failed on, with the reason. Each subscriber
 * has its own list of at most BUS_DEAD_LETTERS_MAX copies; the oldest gives way and is counted.
 * The list owns the copies. This is the way of failures: it allocates. Core thread only.
 */
#include "base/text.h"
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

static void drop_oldest(struct bus_subscriber *subscriber)
{
    struct bus_letter *letter = subscriber->oldest;

    subscriber->oldest = letter->next;
    if (subscriber->oldest == NULL)
        subscriber->newest = NULL;
    subscriber->letter_count--;
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
    letter->next = NULL;
    (void)tg_text_copy(letter->reason, sizeof(letter->reason), reason);
    letter->frame = *frame;
    memcpy(letter + 1, frame->message.payload, size);
    letter->frame.message.payload = letter + 1;
    letter->frame.owns_block = false;
    if (subscriber->letter_count == BUS_DEAD_LETTERS_MAX) {
        drop_oldest(subscriber);
        subscriber->stats.dead_letters_dropped++;
    }
    if (subscriber->newest == NULL)
        subscriber->oldest = letter;
    else
        subscriber->newest->next = letter;
    subscriber->newest = letter;
    subscriber->letter_count++;
}

void bus__letters_free(struct bus_subscriber *subscriber)
{
    while (subscriber->oldest != NULL)
        drop_oldest(subscriber);
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
        letters[count++] = (struct bus_dead_letter){letter->frame.message, letter->reason};
    return count;
}
