/*
 * amounts.c: money and prices of the paper venue, without binary fractions.
 *
 * A product is kept in 128 bits and rounded once, to the nearest unit of 10^-8 with ties to the
 * even one. Pure functions.
 */
#include "amounts.h"

__extension__ typedef __int128 wide;

int paper_scale(int64_t a, int64_t b, int64_t divisor, int64_t *result)
{
    wide product = (wide)a * b;
    wide quotient = product / divisor;
    wide rest = product % divisor;
    wide twice = 2 * (rest < 0 ? -rest : rest);
    if (twice > divisor || (twice == divisor && quotient % 2 != 0))
        quotient += product < 0 ? -1 : 1;
    if (quotient > INT64_MAX || quotient < -INT64_MAX)
        return TG_E_OVERFLOW;
    *result = (int64_t)quotient;
    return TG_E_OK;
}
