/*
 * failure.c: the sentence of a failure, in the caller's record. Any thread.
 */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

int32_t csv_fail(struct tg_failure *failure, int32_t code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    failure->code = code;
    vsnprintf(failure->message, sizeof failure->message, format, arguments);
    va_end(arguments);
    return code;
}
