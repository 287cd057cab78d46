/* Exact products of decimals (units of 10^-8), rounded half to even. */
#ifndef PAPER_AMOUNTS_H
#define PAPER_AMOUNTS_H

#include <triplegain/triplegain.h>

#define PAPER_PERCENT (100 * TG_DECIMAL_ONE)

/* *result = a * b / divisor, divisor > 0. 0, or TG_E_OVERFLOW where it does not fit. */
int paper_scale(int64_t a, int64_t b, int64_t divisor, int64_t *result);

#endif
