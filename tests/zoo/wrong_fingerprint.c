/* Was compiled with a header whose records have another layout. */
#include "zoo.h"

ZOO_PLUGIN_AS(TG_ABI_MAGIC, sizeof(struct tg_plugin), TG_ABI_MAJOR, TG_ABI_MINOR,
              TG_ABI_FINGERPRINT + 1, "wrong_fingerprint", TG_KIND_AGENT, ZOO_IDLE);
