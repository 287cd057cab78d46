/* number.h: exact numbers from text. */
#ifndef CSV_NUMBER_H
#define CSV_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum csv_number {
    CSV_NUMBER_OK,
    CSV_NUMBER_NONE,     /* the text is not a number */
    CSV_NUMBER_INFINITE, /* nan, inf */
    CSV_NUMBER_OVERFLOW  /* outside -limit to +limit */
};

/*
 * *value = text * 10^scale, rounded half to even, for a decimal number with or without sign, point
 * and exponent. Nothing around it is accepted, nor hexadecimal, nor a separator of thousands.
 * `limit` is positive and at most INT64_MAX; `scale` lies in 0 to 18. Borrows the text.
 */
enum csv_number csv_number_parse(const char *text, size_t length, int scale, int64_t limit,
                                 int64_t *value);

#endif
