/* Never comes back from being loaded. */
#include "zoo.h"

__attribute__((constructor)) static void hang(void)
{
    for (;;)
        (void)pause();
}

ZOO_PLUGIN("hangs_on_load", ZOO_IDLE);
