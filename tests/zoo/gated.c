/*
 * Publishes what it is told to, and where the task's name begins with "wait" only after it has
 * waited at the gate: a run that hangs as long as the test wants. Tells > before it waits, then +
 * or - for how publishing went, and f when it is destroyed.
 */
#include "zoo.h"

static const struct tg_config_key keys[] = {ZOO_KEYS};

static int32_t act(const struct zoo *zoo, const char *what, struct tg_failure *failure)
{
    char json[128];
    if (strncmp(what, "wait", 4) == 0) {
        zoo_tell(zoo, '>');
        zoo_wait(zoo);
    }
    (void)snprintf(json, sizeof(json), "{\"did\":\"%.60s\"}", what);
    int32_t code = zoo_publish_json(zoo, "x.gated.did", json, failure);
    zoo->host->log(zoo->host->context, TG_LOG_WARNING, "did it");
    zoo_tell(zoo, code == TG_E_OK ? '+' : '-');
    return code;
}

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    return act(instance, given->task, failure);
}

static int32_t on_message(void *instance, const struct tg_message *message,
                          struct tg_failure *failure)
{
    const struct tg_system_events *event = message->payload;
    return act(instance, event->event, failure);
}

static void destroy(void *instance)
{
    zoo_tell(instance, 'f');
    free(instance);
}

static const char *const publishes[] = {"x.gated.did", NULL};
static const char *const reads[] = {"system_events", NULL};

ZOO_PLUGIN("gated", .publishes = publishes, .reads = reads, .config_keys = keys,
           .config_key_count = 2, .create = zoo_create, .destroy = destroy, .run = run,
           .on_message = on_message);
