/* Exports eight bytes under the name of the descriptor. */
#include "zoo.h"

extern TG_EXPORT const uint64_t descriptor __asm__(TG_PLUGIN_SYMBOL);

const uint64_t descriptor = TG_ABI_MAGIC;
