/* Exports a function under the name of the descriptor. */
#include "zoo.h"

extern TG_EXPORT int32_t descriptor(void) __asm__(TG_PLUGIN_SYMBOL);

int32_t descriptor(void)
{
    return 0;
}
