/*
 * Exact decimals: int64 units of 10^-8 (struct tg_decimal of the public header), products in
 * 128 bits. Where a result does not fit, `*overflow` becomes true (it is never reset, so one check
 * at the end of a computation is enough) and the result is 0. `overflow` must not be NULL.
 */
#ifndef TG_BASE_DECIMAL_H
#define TG_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <triplegain/triplegain.h>

#define TG_DECIMAL_TEXT_SIZE 24 /* "-92233720368.54775807" and the NUL */
#define TG_DECIMAL_PLACES    8

enum tg_rounding {
    TG_ROUND_DOWN,      /* towards zero */
    TG_ROUND_UP,        /* away from zero */
    TG_ROUND_FLOOR,     /* towards minus infinity */
    TG_ROUND_CEILING,   /* towards plus infinity */
    TG_ROUND_HALF_EVEN, /* to the nearest, ties to the even digit */
};

static inline struct tg_decimal tg_decimal_units(int64_t units)
{
    return (struct tg_decimal){units};
}
static inline int tg_decimal_compare(struct tg_decimal a, struct tg_decimal b)
{
    return (a.units > b.units) - (a.units < b.units);
}
static inline bool tg_decimal_is_zero(struct tg_decimal a)
{
    return a.units == 0;
}
static inline bool tg_decimal_is_positive(struct tg_decimal a)
{
    return a.units > 0;
}
static inline struct tg_decimal tg_decimal_min(struct tg_decimal a, struct tg_decimal b)
{
    return a.units < b.units ? a : b;
}
static inline struct tg_decimal tg_decimal_max(struct tg_decimal a, struct tg_decimal b)
{
    return a.units > b.units ? a : b;
}

/* For constants: tg_decimal_whole(100) is 100. A bug for |whole| > 92,233,720,368. */
struct tg_decimal tg_decimal_whole(int64_t whole);
struct tg_decimal tg_decimal_add(struct tg_decimal a, struct tg_decimal b, bool *overflow);
struct tg_decimal tg_decimal_subtract(struct tg_decimal a, struct tg_decimal b, bool *overflow);
struct tg_decimal tg_decimal_negate(struct tg_decimal a, bool *overflow);
struct tg_decimal tg_decimal_absolute(struct tg_decimal a, bool *overflow);
struct tg_decimal tg_decimal_multiply(struct tg_decimal a, struct tg_decimal b,
                                      enum tg_rounding rounding, bool *overflow);
/* b == 0 counts as overflow. */
struct tg_decimal tg_decimal_divide(struct tg_decimal a, struct tg_decimal b,
                                    enum tg_rounding rounding, bool *overflow);
/* a * numerator / denominator with one rounding; the product is kept in 128 bits. */
struct tg_decimal tg_decimal_scale(struct tg_decimal a, struct tg_decimal numerator,
                                   struct tg_decimal denominator, enum tg_rounding rounding,
                                   bool *overflow);
/* Rounds to `places` digits after the point, 0 to 8. */
struct tg_decimal tg_decimal_quantize(struct tg_decimal a, unsigned places,
                                      enum tg_rounding rounding, bool *overflow);

/*
 * Reads [+-]digits[.digits][e[+-]digits], all of text[0..length). More than 8 digits after the
 * point are rounded half to even. TG_E_INVALID for anything else, TG_E_OVERFLOW where it does not
 * fit. At most 256 characters; reads no NaN, infinity, hexadecimal, blank or thousands separator.
 */
int tg_decimal_parse(const char *text, size_t length, struct tg_decimal *result);
/* Shortest exact text, at least one digit before the point, no trailing zeros. Returns length. */
size_t tg_decimal_format(struct tg_decimal a, char text[TG_DECIMAL_TEXT_SIZE]);
/* With exactly `places` digits after the point (0 to 8), rounded half to even. Returns length. */
size_t tg_decimal_format_places(struct tg_decimal a, unsigned places,
                                char text[TG_DECIMAL_TEXT_SIZE]);

/*
 * Rounds the exact binary value once; TG_E_RANGE for NaN, infinities and what does not fit. The
 * double nearest to 0.29 is a little less than 0.29: what came from decimal digits is rounded half
 * to even to get them back, while DOWN would give 0.28999999.
 */
int tg_decimal_from_double(double value, enum tg_rounding rounding, struct tg_decimal *result);
/* The nearest double of units / 10^8. */
double tg_decimal_to_double(struct tg_decimal a);

#endif
