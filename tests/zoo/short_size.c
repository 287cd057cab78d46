/* Says that its descriptor is shorter than it must be. */
#include "zoo.h"

ZOO_PLUGIN_AS(TG_ABI_MAGIC, 64, TG_ABI_MAJOR, TG_ABI_MINOR, TG_ABI_FINGERPRINT, "short_size",
              TG_KIND_AGENT, ZOO_IDLE);
