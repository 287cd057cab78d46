/* The default of a key is outside the key's own range. */
#include "zoo.h"

static const struct tg_config_key keys[] = {{.name = "period",
                                             .type = TG_CONFIG_WHOLE,
                                             .default_text = "500",
                                             .minimum = 2,
                                             .maximum = 200,
                                             .description = "bars"}};

ZOO_PLUGIN("bad_default", ZOO_IDLE, .config_keys = keys, .config_key_count = 1);
