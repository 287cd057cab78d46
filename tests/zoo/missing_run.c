/* An agent that cannot be run. */
#include "zoo.h"

ZOO_PLUGIN("missing_run", .create = zoo_create, .destroy = free);
