/*
 * check.c: the end of a program that found itself in a state that must not exist.
 *
 * The one place of this room that writes anywhere: the last words go to standard error, unbuffered,
 * because whatever else would carry them may be what is broken. Any thread; allocates nothing.
 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void tg_bug(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr, "BUG: %s:%d: %s: %s\n", file, line, function, condition);
    abort();
}
