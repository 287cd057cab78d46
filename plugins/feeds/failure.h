/* failure.h: the sentence of a failure, for every feed. */
#ifndef FEEDS_FAILURE_H
#define FEEDS_FAILURE_H

#include <stdarg.h>
#include <stdio.h>

#include <triplegain/triplegain.h>

/* Fills the failure, cutting the sentence where it does not fit, and returns `code`. */
__attribute__((format(printf, 3, 4))) static inline int32_t
feed_fail(struct tg_failure *failure, int32_t code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    failure->code = code;
    vsnprintf(failure->message, sizeof failure->message, format, arguments);
    va_end(arguments);
    return code;
}

#endif
