/* An agent that would like to report fills itself. */
#include "zoo.h"

static const char *const publishes[] = {"ta_signals", "execution_events", NULL};

ZOO_PLUGIN("forbidden_topic", ZOO_IDLE, .publishes = publishes);
