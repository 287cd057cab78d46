/* Calls a function that exists nowhere. */
#include "zoo.h"

extern int32_t nowhere_to_be_found(void *instance, const struct tg_run *run,
                                   struct tg_failure *failure);

ZOO_PLUGIN("undefined_symbol", .create = zoo_create, .destroy = free, .run = nowhere_to_be_found);
