/* UUIDs: version 7 (RFC 9562, 5.7) in order of time, and their text. */
#ifndef TG_BASE_UUID_H
#define TG_BASE_UUID_H

#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <triplegain/triplegain.h>

#define TG_UUID_TEXT_SIZE 37

/* Makes ids that grow strictly, also when the time stands still or goes back. */
struct tg_uuid7 {
    struct tg_random random;
    uint64_t milliseconds;
    uint32_t counter; /* 12 bits; a full one moves the milliseconds on */
};

void tg_uuid7_init(struct tg_uuid7 *maker, uint64_t seed);

/* Inline: the bus makes one for every message. A time before 1970 counts as 1970. */
static inline struct tg_uuid tg_uuid7_next(struct tg_uuid7 *maker, int64_t utc_ns)
{
    uint64_t milliseconds = utc_ns > 0 ? (uint64_t)utc_ns / 1000000u : 0;
    if (milliseconds > maker->milliseconds) {
        maker->milliseconds = milliseconds;
        maker->counter = 0;
    } else if (++maker->counter > 0xFFFu) {
        maker->milliseconds++;
        maker->counter = 0;
    }
    uint64_t high = (maker->milliseconds << 16) | UINT64_C(0x7000) | maker->counter;
    uint64_t low = (tg_random_next(&maker->random) >> 2) | (UINT64_C(1) << 63);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    high = __builtin_bswap64(high);
    low = __builtin_bswap64(low);
#endif
    struct tg_uuid id;
    memcpy(id.bytes, &high, sizeof(high));
    memcpy(id.bytes + sizeof(high), &low, sizeof(low));
    return id;
}

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
