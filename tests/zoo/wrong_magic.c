/* Its descriptor does not begin with the magic number. */
#include "zoo.h"

ZOO_PLUGIN_AS(TG_ABI_MAGIC + 1, sizeof(struct tg_plugin), TG_ABI_MAJOR, TG_ABI_MINOR,
              TG_ABI_FINGERPRINT, "wrong_magic", TG_KIND_AGENT, ZOO_IDLE);
