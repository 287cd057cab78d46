/* UUIDs: version 7 (RFC 9562, 5.7) in order of time, and their text. */
#ifndef TG_BASE_UUID_H
#define TG_BASE_UUID_H

#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <triplegain/triplegain.h>

#define TG_UUID_TEXT_SIZE 37

/* Makes ids that grow strictly, also when the time stands still or goes back. */
struct tg_uuid7 {
    struct tg_random random;
    uint64_t milliseconds;
    uint32_t counter; /* 12 bits; a full one moves the milliseconds on */
};

void tg_uuid7_init(struct tg_uuid7 *maker, uint64_t seed);
struct tg_uuid tg_uuid7_next(struct tg_uuid7 *maker, int64_t utc_ns);

static inline bool tg_uuid_is_none(const struct tg_uuid *id)
{
    for (size_t i = 0; i < sizeof(id->bytes); i++)
        if (id->bytes[i] != 0)
            return false;
    return true;
}
bool tg_uuid_equal(const struct tg_uuid *a, const struct tg_uuid *b);
/* Lower case, with dashes. */
void tg_uuid_format(const struct tg_uuid *id, char text[TG_UUID_TEXT_SIZE]);
/* 36 characters of either case; TG_E_INVALID for anything else. */
int tg_uuid_parse(const char *text, size_t length, struct tg_uuid *id);

#endif
