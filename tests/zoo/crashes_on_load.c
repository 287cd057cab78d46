/* Crashes before the host can read a word of it. */
#include "zoo.h"

__attribute__((constructor)) static void crash(void)
{
    abort();
}

ZOO_PLUGIN("crashes_on_load", ZOO_IDLE);
