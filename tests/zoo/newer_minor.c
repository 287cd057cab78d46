/* Makes use of a later version of the interface. */
#include "zoo.h"

ZOO_PLUGIN_AS(TG_ABI_MAGIC, sizeof(struct tg_plugin), TG_ABI_MAJOR, TG_ABI_MINOR + 1,
              TG_ABI_FINGERPRINT, "newer_minor", TG_KIND_AGENT, ZOO_IDLE);
