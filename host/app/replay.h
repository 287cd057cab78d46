/* triplegain replay: recorded bars through the whole host under a virtual clock. */
#ifndef TG_APP_REPLAY_H
#define TG_APP_REPLAY_H

#include "control/control.h"

/* The command; returns the exit status. */
int replay_command(const struct control_context *context);

#endif
