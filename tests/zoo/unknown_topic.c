/* Publishes to a topic that does not exist. */
#include "zoo.h"

static const char *const publishes[] = {"ta_signal", NULL};

ZOO_PLUGIN("unknown_topic", ZOO_IDLE, .publishes = publishes);
