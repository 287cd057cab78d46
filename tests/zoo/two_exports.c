/* Has two descriptors, so that it is not clear what it is. */
#include "zoo.h"

extern TG_EXPORT const struct tg_plugin triplegain_plugin_2;

const struct tg_plugin triplegain_plugin_2 = {.magic = TG_ABI_MAGIC, .name = "two_exports"};

ZOO_PLUGIN("two_exports", ZOO_IDLE);
