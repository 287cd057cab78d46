/* Ends the process, as if all were well, before the host can read a word of it. */
#include "zoo.h"

__attribute__((constructor)) static void end(void)
{
    _exit(0);
}

ZOO_PLUGIN("exits_on_load", ZOO_IDLE);
