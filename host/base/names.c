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

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX      ((uint32_t)1 << 20)
#define NAMES_TEXT_MAX 255

struct slot {
    uint32_t hash;
    uint32_t number; /* 0: free */
};

struct name {
    char *text;
    size_t length;
};

struct tg_names {
    struct slot *slots;
    struct name *names; /* by number - 1 */
    uint32_t slot_mask;
    uint32_t count;
    uint32_t names_max;
};

static uint64_t read_word(const char *data, size_t length)
{
    uint64_t word = 0;
    memcpy(&word, data, length);
    return word;
}

/* FNV-1a's step on words of eight bytes, and a fold, because the table uses the low bits. */
static uint32_t hash_of(const char *text, size_t length)
{
    const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ length;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        hash = (hash ^ read_word(text + i, 8)) * multiplier;
        hash ^= hash >> 32;
    }
    size_t rest = length - i;
    if (rest >= 4) { /* two reads of fixed length that overlap: faster than one of varying length */
        uint64_t word = read_word(text + i, 4) | read_word(text + length - 4, 4) << 32;
        hash = (hash ^ word) * multiplier;
    } else if (rest > 0) {
        uint64_t word = (uint64_t)(unsigned char)text[i] |
                        (uint64_t)(unsigned char)text[i + rest / 2] << 8 |
                        (uint64_t)(unsigned char)text[length - 1] << 16;
        hash = (hash ^ word) * multiplier;
    }
    return (uint32_t)(hash ^ hash >> 32);
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
    made->names = calloc(names_max, sizeof(*made->names));
    if (made->slots == NULL || made->names == NULL)
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
        free(names->names[i].text);
    free(names->names);
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
        const struct name *name = &names->names[slot->number - 1];
        if (slot->hash == hash && name->length == length && memcmp(name->text, text, length) == 0)
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
    names->names[names->count] = (struct name){copy, length};
    names->count++;
    *slot = (struct slot){hash, names->count};
    return names->count;
}

uint32_t tg_names_find(const struct tg_names *names, const char *name)
{
    size_t length = strlen(name);
    return slot_of(names, name, length, hash_of(name, length))->number;
}

const char *tg_names_text(const struct tg_names *names, uint32_t number)
{
    return number == 0 || number > names->count ? NULL : names->names[number - 1].text;
}

uint32_t tg_names_count(const struct tg_names *names)
{
    return names->count;
}
