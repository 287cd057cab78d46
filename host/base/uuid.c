/*
 * uuid.c: identities and their text.
 *
 * The caller owns everything; a maker belongs to one thread. Ids of a maker are ordered and, within
 * its seed, unique; they are not secret.
 *
 *   48 bits milliseconds | 4 bits version 7 | 12 bits counter | 2 bits variant | 62 bits random
 */
#include "base/uuid.h"

void tg_uuid7_init(struct tg_uuid7 *maker, uint64_t seed)
{
    tg_random_seed(&maker->random, seed);
    maker->milliseconds = 0;
    maker->counter = 0;
}

bool tg_uuid_equal(const struct tg_uuid *a, const struct tg_uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Is there a dash before this byte: 8-4-4-4-12 digits. */
static bool dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void tg_uuid_format(const struct tg_uuid *id, char text[TG_UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *out = text;
    for (size_t i = 0; i < sizeof(id->bytes); i++) {
        if (dash_before(i))
            *out++ = '-';
        *out++ = digits[id->bytes[i] >> 4];
        *out++ = digits[id->bytes[i] & 15];
    }
    *out = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int tg_uuid_parse(const char *text, size_t length, struct tg_uuid *id)
{
    if (length != TG_UUID_TEXT_SIZE - 1)
        return TG_E_INVALID;
    struct tg_uuid read;
    const char *in = text;
    for (size_t i = 0; i < sizeof(read.bytes); i++) {
        if (dash_before(i) && *in++ != '-')
            return TG_E_INVALID;
        int high = digit_value(in[0]);
        int low = digit_value(in[1]);
        if (high < 0 || low < 0)
            return TG_E_INVALID;
        read.bytes[i] = (uint8_t)(high * 16 + low);
        in += 2;
    }
    *id = read;
    return TG_E_OK;
}
