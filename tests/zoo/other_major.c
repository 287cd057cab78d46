/* Made for the next version of the plugin interface. */
#include "zoo.h"

extern TG_EXPORT const struct tg_plugin triplegain_plugin_2;

const struct tg_plugin triplegain_plugin_2 = {.magic = TG_ABI_MAGIC, .name = "other_major"};
