/*
 * names.c: names to small numbers and back.
 *
 * One hash table with open addressing and linear probing, at most half full, so that a look-up
 * usually reads one slot and one name. The table owns copies of the names. Nothing is ever taken
 * out: a number once given stays valid. One thread, or several that only read.
 *
 * It refuses empty names and names over NAMES_TEXT_MAX bytes.
 */
#include "base/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX      ((uint32_t)1 << 20)
#define NAMES_TEXT_MAX 255

/* All that a look-up needs but the text itself, in 16 bytes. */
struct slot {
    uint32_t hash;
    uint32_t number : 24; /* 0: free; NAMES_MAX fits */
    uint32_t length : 8;  /* NAMES_TEXT_MAX fits */
    const char *text;
};

struct tg_names {
    struct slot *slots;
    char **texts; /* by number - 1; owned */
    uint32_t slot_mask;
    uint32_t count;
    uint32_t names_max;
};

static inline uint64_t read_eight(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

static inline uint64_t read_four(const char *data)
{
    uint32_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

/* FNV-1a's step on words of eight bytes, and a fold, because the table uses the low bits. */
static uint32_t hash_of(const char *text, size_t length)
{
    const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ length;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        hash = (hash ^ read_eight(text + i)) * multiplier;
        hash ^= hash >> 32;
    }
    size_t rest = length - i;
    if (rest >= 4) { /* two reads of fixed length that overlap: faster than one of varying length */
        uint64_t word = read_four(text + i) | read_four(text + length - 4) << 32;
        hash = (hash ^ word) * multiplier;
    } else if (rest > 0) {
        uint64_t word = (uint64_t)(unsigned char)text[i] |
                        (uint64_t)(unsigned char)text[i + rest / 2] << 8 |
                        (uint64_t)(unsigned char)text[length - 1] << 16;
        hash = (hash ^ word) * multiplier;
    }
    return (uint32_t)(hash ^ hash >> 32);
}

/* Inline words instead of a call of memcmp: names are short, and half of a look-up is this. */
static bool same_text(const char *a, const char *b, size_t length)
{
    if (length < 4) {
        for (size_t i = 0; i < length; i++)
            if (a[i] != b[i])
                return false;
        return true;
    }
    if (length < 8) /* first and last four, which may overlap; so below with eight */
        return read_four(a) == read_four(b) &&
               read_four(a + length - 4) == read_four(b + length - 4);
    for (size_t i = 0; i + 8 < length; i += 8)
        if (read_eight(a + i) != read_eight(b + i))
            return false;
    return read_eight(a + length - 8) == read_eight(b + length - 8);
}

int tg_names_create(uint32_t names_max, struct tg_names **names, struct tg_error *error)
{
    if (names_max == 0 || names_max > NAMES_MAX)
        return TG_FAIL(error, INVALID, "number of names: %u is out of range (1 to %u)", names_max,
                       NAMES_MAX);
    uint32_t slot_count = 8;
    while (slot_count < 2 * names_max)
        slot_count *= 2;
    struct tg_names *made = calloc(1, sizeof(*made));
    if (made == NULL)
        goto no_memory;
    made->slots = calloc(slot_count, sizeof(*made->slots));
    made->texts = calloc(names_max, sizeof(*made->texts));
    if (made->slots == NULL || made->texts == NULL)
        goto no_memory;
    made->slot_mask = slot_count - 1;
    made->names_max = names_max;
    *names = made;
    return TG_E_OK;

no_memory:
    tg_names_destroy(made);
    return TG_FAIL(error, NO_MEMORY, "no memory for %u names", names_max);
}

void tg_names_destroy(struct tg_names *names)
{
    if (names == NULL)
        return;
    for (uint32_t i = 0; i < names->count; i++)
        free(names->texts[i]);
    free(names->texts);
    free(names->slots);
    free(names);
}

/* The slot of the name, or the free one where it would go. */
static struct slot *slot_of(const struct tg_names *names, const char *text, size_t length,
                            uint32_t hash)
{
    uint32_t at = hash & names->slot_mask;
    for (;; at = (at + 1) & names->slot_mask) { /* ends: half of the slots at least are free */
        struct slot *slot = &names->slots[at];
        if (slot->number == 0)
            return slot;
        if (slot->hash == hash && slot->length == length && same_text(slot->text, text, length))
            return slot;
    }
}

uint32_t tg_names_add(struct tg_names *names, const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAMES_TEXT_MAX)
        return 0;
    uint32_t hash = hash_of(name, length);
    struct slot *slot = slot_of(names, name, length, hash);
    if (slot->number != 0)
        return slot->number;
    if (names->count == names->names_max)
        return 0;
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, name, length + 1);
    names->texts[names->count] = copy;
    names->count++;
    slot->hash = hash;
    slot->number = names->count & 0xFFFFFFu;
    slot->length = length & 0xFFu;
    slot->text = copy;
    return names->count;
}

uint32_t tg_names_find(const struct tg_names *names, const char *name)
{
    size_t length = strlen(name);
    return slot_of(names, name, length, hash_of(name, length))->number;
}

const char *tg_names_text(const struct tg_names *names, uint32_t number)
{
    return number == 0 || number > names->count ? NULL : names->texts[number - 1];
}

uint32_t tg_names_count(const struct tg_names *names)
{
    return names->count;
}
