/*
 * number.c: text to a whole number of 10^-scale, exactly.
 *
 * Recorded prices are decimal text; a detour over double would change them. Nearly every field has
 * at most 18 digits and no exponent: those take one pass without a check per digit. All others
 * take the general way, which first measures the number and then keeps exactly the digits that
 * count, however many there are. No memory, no locale, any thread.
 */
#include "number.h"

#include <stdbool.h>

/* Exponents beyond it give zero or overflow in any case. */
#define EXPONENT_MAX 100000

static const int64_t powers_of_ten[19] = {INT64_C(1),
                                          INT64_C(10),
                                          INT64_C(100),
                                          INT64_C(1000),
                                          INT64_C(10000),
                                          INT64_C(100000),
                                          INT64_C(1000000),
                                          INT64_C(10000000),
                                          INT64_C(100000000),
                                          INT64_C(1000000000),
                                          INT64_C(10000000000),
                                          INT64_C(100000000000),
                                          INT64_C(1000000000000),
                                          INT64_C(10000000000000),
                                          INT64_C(100000000000000),
                                          INT64_C(1000000000000000),
                                          INT64_C(10000000000000000),
                                          INT64_C(100000000000000000),
                                          INT64_C(1000000000000000000)};

static bool digit_at(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* Letters are compared without case; `word` is in lower case. */
static bool same_word(const char *text, size_t length, const char *word)
{
    size_t i = 0;
    while (i < length && word[i] != '\0' && (text[i] | 0x20) == word[i]) {
        i++;
    }
    return i == length && word[i] == '\0';
}

static enum csv_number not_a_number(const char *at, const char *end)
{
    const size_t length = (size_t)(end - at);
    const bool infinite = same_word(at, length, "nan") || same_word(at, length, "inf") ||
                          same_word(at, length, "infinity");
    return infinite ? CSV_NUMBER_INFINITE : CSV_NUMBER_NONE;
}

/* Reads what may follow the digits; false when that is no exponent. */
static bool exponent_read(const char *at, const char *end, long *exponent)
{
    *exponent = 0;
    if (at == end) {
        return true;
    }
    if (*at != 'e' && *at != 'E') {
        return false;
    }
    at++;
    const bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    if (!digit_at(at, end)) {
        return false;
    }
    for (; digit_at(at, end); at++) {
        if (*exponent < EXPONENT_MAX) {
            *exponent = *exponent * 10 + (*at - '0');
        }
    }
    *exponent = negative ? -*exponent : *exponent;
    return at == end;
}

/*
 * Keeps the first `keep` digits of those from `at` to `end`, where a point may stand between them,
 * appends zeros when there are fewer, and rounds by the rest. False when more than `limit`.
 */
static bool digits_round(const char *at, const char *end, long keep, uint64_t limit,
                         uint64_t *magnitude)
{
    uint64_t kept = 0;
    long index = 0;
    int first_dropped = 0;
    bool more_dropped = false;
    for (; at < end; at++) {
        if (*at == '.') {
            continue;
        }
        const unsigned digit = (unsigned)(*at - '0');
        if (index < keep) {
            if (kept > (limit - digit) / 10) {
                return false;
            }
            kept = kept * 10 + digit;
        } else if (index == keep) {
            first_dropped = (int)digit;
        } else {
            more_dropped = more_dropped || digit != 0;
        }
        index++;
    }
    for (; index < keep && kept != 0; index++) {
        if (kept > limit / 10) {
            return false;
        }
        kept *= 10;
    }
    if (first_dropped > 5 || (first_dropped == 5 && (more_dropped || kept % 2 == 1))) {
        kept++;
    }
    *magnitude = kept;
    return kept <= limit;
}

static enum csv_number parse_any(const char *text, const char *end, int scale, int64_t limit,
                                 int64_t *value)
{
    const char *digits = text;
    const bool negative = digits < end && *digits == '-';
    if (digits < end && (*digits == '-' || *digits == '+')) {
        digits++;
    }
    const char *at = digits;
    while (digit_at(at, end)) {
        at++;
    }
    const long whole_digits = (long)(at - digits);
    long fraction_digits = 0;
    if (at < end && *at == '.') {
        for (at++; digit_at(at, end); at++) {
            fraction_digits++;
        }
    }
    if (whole_digits + fraction_digits == 0) {
        return not_a_number(digits, end);
    }
    long exponent = 0;
    if (!exponent_read(at, end, &exponent)) {
        return CSV_NUMBER_NONE;
    }
    const long keep = whole_digits + exponent + scale;
    uint64_t magnitude = 0;
    if (keep >= 0 && !digits_round(digits, at, keep, (uint64_t)limit, &magnitude)) {
        return CSV_NUMBER_OVERFLOW;
    }
    *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return CSV_NUMBER_OK;
}

enum csv_number csv_number_parse(const char *text, size_t length, int scale, int64_t limit,
                                 int64_t *value)
{
    const char *end = text + length;
    const char *at = text;
    uint64_t kept = 0;
    int fraction_digits = 0;
    if (length == 0 || length > 19) { /* 18 digits and a point: always within 63 bits */
        return parse_any(text, end, scale, limit, value);
    }
    while (digit_at(at, end)) {
        kept = kept * 10 + (uint64_t)(*at - '0');
        at++;
    }
    if (at < end && *at == '.' && at > text) {
        const char *fraction = ++at;
        while (digit_at(at, end)) {
            kept = kept * 10 + (uint64_t)(*at - '0');
            at++;
        }
        fraction_digits = (int)(at - fraction);
    } else if (length == 19) {
        return parse_any(text, end, scale, limit, value);
    }
    if (at != end || fraction_digits > scale ||
        kept > (uint64_t)(limit / powers_of_ten[scale - fraction_digits])) {
        return parse_any(text, end, scale, limit, value);
    }
    *value = (int64_t)kept * powers_of_ten[scale - fraction_digits];
    return CSV_NUMBER_OK;
}
