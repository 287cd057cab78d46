/* Is of a kind that does not exist. */
#include "zoo.h"

ZOO_PLUGIN_OF(9, "bad_kind", ZOO_IDLE);
