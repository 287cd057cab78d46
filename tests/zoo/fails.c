/* Each run fails, in the way that the task's name says. */
#include "zoo.h"

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    (void)instance;
    if (strcmp(given->task, "no_words") == 0)
        return TG_E_STALE;
    if (strcmp(given->task, "no_end") == 0) {
        memset(failure->message, 'x', sizeof(failure->message));
        return TG_E_FAILED;
    }
    if (strcmp(given->task, "odd_code") == 0)
        return 12345;
    (void)snprintf(failure->message, sizeof(failure->message), "no bars of %s", given->symbol);
    return TG_E_FAILED;
}

ZOO_PLUGIN("fails", .capabilities = TG_CAPABILITY_CORE_SAFE, .create = zoo_create, .destroy = free,
           .run = run);
