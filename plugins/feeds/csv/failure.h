/* failure.h: the sentence of a failure. */
#ifndef CSV_FAILURE_H
#define CSV_FAILURE_H

#include <triplegain/triplegain.h>

/* Fills the failure, cutting the sentence where it does not fit, and returns `code`. */
__attribute__((format(printf, 3, 4))) int32_t csv_fail(struct tg_failure *failure, int32_t code,
                                                       const char *format, ...);

#endif
