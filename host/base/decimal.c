/*
 * decimal.c: exact decimal arithmetic in int64 units of 10^-8.
 *
 * Pure functions of their arguments; nothing is allocated or kept, any thread may call. Every
 * result is exact or rounded once, in the direction the caller names: products and quotients are
 * formed in 128 bits, where |a * b| <= 2^126 always fits. The range is symmetric: a result of
 * INT64_MIN units is an overflow, so that negating a result never is one.
 */
#include "base/decimal.h"

#include "base/check.h"

#include <math.h>
#include <string.h>

#define DECIMAL_INPUT_MAX    256   /* characters of a number that is read */
#define DECIMAL_EXPONENT_MAX 10000 /* beyond it the exponent's value makes no difference */

__extension__ typedef __int128 tg_int128;

static const int64_t powers_of_ten[TG_DECIMAL_PLACES + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

static struct tg_decimal settle(tg_int128 units, bool *overflow)
{
    if (units > INT64_MAX || units < -INT64_MAX) {
        *overflow = true;
        return (struct tg_decimal){0};
    }
    return (struct tg_decimal){(int64_t)units};
}

/* numerator / denominator, rounded. |denominator| <= 2^126, so that twice a remainder fits. */
static tg_int128 divide_rounded(tg_int128 numerator, tg_int128 denominator,
                                enum tg_rounding rounding)
{
    tg_int128 quotient = numerator / denominator; /* C divides towards zero */
    tg_int128 rest = numerator % denominator;
    if (rest == 0)
        return quotient;
    bool negative = (numerator < 0) != (denominator < 0);
    bool away = false;
    switch (rounding) {
    case TG_ROUND_DOWN:
        break;
    case TG_ROUND_UP:
        away = true;
        break;
    case TG_ROUND_FLOOR:
        away = negative;
        break;
    case TG_ROUND_CEILING:
        away = !negative;
        break;
    case TG_ROUND_HALF_EVEN: {
        tg_int128 twice = 2 * (rest < 0 ? -rest : rest);
        tg_int128 whole = denominator < 0 ? -denominator : denominator;
        away = twice > whole || (twice == whole && (quotient & 1) != 0);
        break;
    }
    default:
        TG_BUG_IF(true);
    }
    if (!away)
        return quotient;
    return negative ? quotient - 1 : quotient + 1;
}

struct tg_decimal tg_decimal_whole(int64_t whole)
{
    bool overflow = false;
    struct tg_decimal result = settle((tg_int128)whole * TG_DECIMAL_ONE, &overflow);
    TG_BUG_IF(overflow); /* a constant of the program */
    return result;
}

struct tg_decimal tg_decimal_add(struct tg_decimal a, struct tg_decimal b, bool *overflow)
{
    return settle((tg_int128)a.units + b.units, overflow);
}

struct tg_decimal tg_decimal_subtract(struct tg_decimal a, struct tg_decimal b, bool *overflow)
{
    return settle((tg_int128)a.units - b.units, overflow);
}

struct tg_decimal tg_decimal_negate(struct tg_decimal a, bool *overflow)
{
    return settle(-(tg_int128)a.units, overflow);
}

struct tg_decimal tg_decimal_absolute(struct tg_decimal a, bool *overflow)
{
    return a.units < 0 ? tg_decimal_negate(a, overflow) : a;
}

struct tg_decimal tg_decimal_multiply(struct tg_decimal a, struct tg_decimal b,
                                      enum tg_rounding rounding, bool *overflow)
{
    tg_int128 product = (tg_int128)a.units * b.units;
    return settle(divide_rounded(product, TG_DECIMAL_ONE, rounding), overflow);
}

struct tg_decimal tg_decimal_divide(struct tg_decimal a, struct tg_decimal b,
                                    enum tg_rounding rounding, bool *overflow)
{
    if (b.units == 0) {
        *overflow = true;
        return (struct tg_decimal){0};
    }
    tg_int128 scaled = (tg_int128)a.units * TG_DECIMAL_ONE;
    return settle(divide_rounded(scaled, b.units, rounding), overflow);
}

struct tg_decimal tg_decimal_scale(struct tg_decimal a, struct tg_decimal numerator,
                                   struct tg_decimal denominator, enum tg_rounding rounding,
                                   bool *overflow)
{
    if (denominator.units == 0) {
        *overflow = true;
        return (struct tg_decimal){0};
    }
    tg_int128 product = (tg_int128)a.units * numerator.units;
    return settle(divide_rounded(product, denominator.units, rounding), overflow);
}

struct tg_decimal tg_decimal_quantize(struct tg_decimal a, unsigned places,
                                      enum tg_rounding rounding, bool *overflow)
{
    TG_BUG_IF(places > TG_DECIMAL_PLACES);
    int64_t step = powers_of_ten[TG_DECIMAL_PLACES - places];
    return settle(divide_rounded(a.units, step, rounding) * step, overflow);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* A number's text taken apart; the digits stay where they are. */
struct number_parts {
    bool negative;
    const char *whole; /* digits before the point */
    long whole_count;
    const char *fraction; /* digits after it */
    long fraction_count;
    long exponent; /* within +-DECIMAL_EXPONENT_MAX */
};

static long count_digits(const char *text, const char *end)
{
    const char *at = text;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (long)(at - text);
}

/* Reads what follows the "e". False: no number, or text behind it. */
static bool read_exponent(const char *at, const char *end, long *exponent)
{
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '+' || *at == '-'))
        at++;
    long digits = count_digits(at, end);
    if (digits == 0 || at + digits != end)
        return false;
    long read = 0;
    for (; at < end; at++)
        if (read < DECIMAL_EXPONENT_MAX)
            read = read * 10 + (*at - '0');
    if (read > DECIMAL_EXPONENT_MAX)
        read = DECIMAL_EXPONENT_MAX;
    *exponent = negative ? -read : read;
    return true;
}

static bool take_apart(const char *text, size_t length, struct number_parts *parts)
{
    memset(parts, 0, sizeof(*parts));
    if (length == 0 || length > DECIMAL_INPUT_MAX)
        return false;
    const char *at = text, *end = text + length;
    parts->negative = *at == '-';
    if (*at == '+' || *at == '-')
        at++;
    parts->whole = at;
    parts->whole_count = count_digits(at, end);
    at += parts->whole_count;
    if (parts->whole_count == 0)
        return false;
    if (at < end && *at == '.') {
        parts->fraction = ++at;
        parts->fraction_count = count_digits(at, end);
        at += parts->fraction_count;
        if (parts->fraction_count == 0)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        return read_exponent(at + 1, end, &parts->exponent);
    return at == end;
}

int tg_decimal_parse(const char *text, size_t length, struct tg_decimal *result)
{
    struct number_parts parts;
    if (!take_apart(text, length, &parts))
        return TG_E_INVALID;
    /*
     * All digits form one row; the first `kept` of it are the units, the next one and whether
     * anything follows it decide the rounding. Where the row is too short, zeros continue it.
     */
    long count = parts.whole_count + parts.fraction_count;
    long kept = parts.whole_count + parts.exponent + TG_DECIMAL_PLACES;
    uint64_t units = 0;
    int next = 0;
    bool more = false;
    for (long i = 0; i < count || (i < kept && units != 0); i++) {
        int digit = 0;
        if (i < parts.whole_count)
            digit = parts.whole[i] - '0';
        else if (i < count)
            digit = parts.fraction[i - parts.whole_count] - '0';
        if (i < kept) {
            units = units * 10 + (uint64_t)digit; /* at most 10 * 2^60 + 9: fits */
            if (units > INT64_MAX)
                return TG_E_OVERFLOW;
            if (units > INT64_MAX / 10 && i + 1 < kept)
                return TG_E_OVERFLOW; /* a further digit can only make it larger */
        } else if (i == kept) {
            next = digit;
        } else if (digit != 0) {
            more = true;
        }
    }
    if (next > 5 || (next == 5 && (more || (units & 1) != 0)))
        units++;
    if (units > INT64_MAX)
        return TG_E_OVERFLOW;
    result->units = parts.negative ? -(int64_t)units : (int64_t)units;
    return TG_E_OK;
}

/* Writes sign, whole part and `places` digits of value / 10^places. */
static size_t write_digits(bool negative, uint64_t value, unsigned places, char *text)
{
    char reversed[TG_DECIMAL_TEXT_SIZE];
    size_t count = 0;
    for (unsigned i = 0; i < places; i++) {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    }
    if (places > 0)
        reversed[count++] = '.';
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    if (negative)
        reversed[count++] = '-';
    for (size_t i = 0; i < count; i++)
        text[i] = reversed[count - 1 - i];
    text[count] = '\0';
    return count;
}

static uint64_t magnitude(int64_t units)
{
    return units < 0 ? 0 - (uint64_t)units : (uint64_t)units;
}

size_t tg_decimal_format(struct tg_decimal a, char text[TG_DECIMAL_TEXT_SIZE])
{
    uint64_t value = magnitude(a.units);
    unsigned places = TG_DECIMAL_PLACES;
    while (places > 0 && value % 10 == 0) {
        value /= 10;
        places--;
    }
    return write_digits(a.units < 0, value, places, text);
}

size_t tg_decimal_format_places(struct tg_decimal a, unsigned places,
                                char text[TG_DECIMAL_TEXT_SIZE])
{
    TG_BUG_IF(places > TG_DECIMAL_PLACES);
    uint64_t step = (uint64_t)powers_of_ten[TG_DECIMAL_PLACES - places];
    uint64_t value = magnitude(a.units);
    uint64_t rest = value % step;
    value /= step;
    if (2 * rest > step || (2 * rest == step && (value & 1) != 0))
        value++;
    return write_digits(a.units < 0 && value != 0, value, places, text);
}

/* ---- doubles --------------------------------------------------------------------------------- */

int tg_decimal_from_double(double value, enum tg_rounding rounding, struct tg_decimal *result)
{
    if (!isfinite(value) || fabs(value) > 1e11)
        return TG_E_RANGE;
    /* value = mantissa * 2^exponent with a whole mantissa under 2^53: exact from here on */
    int exponent;
    double fraction = frexp(value, &exponent);
    tg_int128 scaled = (tg_int128)(int64_t)ldexp(fraction, 53) * TG_DECIMAL_ONE; /* under 2^80 */
    /* |value| <= 1e11 < 2^37 leaves it negative; beyond 2^100 all is under half a unit anyway */
    int shift = 53 - exponent < 100 ? 53 - exponent : 100;
    bool overflow = false;
    struct tg_decimal settled =
        settle(divide_rounded(scaled, (tg_int128)1 << shift, rounding), &overflow);
    if (overflow)
        return TG_E_RANGE;
    *result = settled;
    return TG_E_OK;
}

double tg_decimal_to_double(struct tg_decimal a)
{
    const int64_t exact_max = INT64_C(1) << 53;
    if (a.units >= -exact_max && a.units <= exact_max)
        return (double)a.units / (double)TG_DECIMAL_ONE; /* both exact: one rounding */
    /*
     * Above 2^53 converting and dividing would round twice. The quotient with 30 more bits has at
     * least 56; a lost rest is noted in its last bit, and so its conversion is the only rounding.
     */
    tg_int128 scaled = (tg_int128)magnitude(a.units) << 30;
    tg_int128 quotient = scaled / TG_DECIMAL_ONE;
    if (scaled % TG_DECIMAL_ONE != 0)
        quotient |= 1;
    double result = ldexp((double)quotient, -30);
    return a.units < 0 ? -result : result;
}
