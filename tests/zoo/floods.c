/* Publishes far more than a call may: many small messages, or a few large ones. */
#include "zoo.h"

#define MESSAGES 1000
#define BYTES    10000

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    const struct zoo *zoo = instance;
    static const char large_start[] = "{\"text\":\"";
    char large[BYTES + 1];
    const char *json = "{\"n\":1}";
    int32_t last = TG_E_OK;
    if (strcmp(given->task, "large") == 0) {
        memset(large, 'x', BYTES);
        memcpy(large, large_start, sizeof(large_start) - 1);
        memcpy(large + BYTES - 2, "\"}", 3);
        json = large;
    }
    for (int i = 0; i < MESSAGES; i++)
        last = zoo_publish_json(zoo, "x.floods.drop", json, failure);
    if (last == TG_E_FULL)
        failure->message[0] = '\0';
    return last == TG_E_FULL ? TG_E_OK : TG_E_FAILED; /* as it should be */
}

static const char *const publishes[] = {"x.floods.drop", NULL};

ZOO_PLUGIN("floods", .capabilities = TG_CAPABILITY_CORE_SAFE, .publishes = publishes,
           .create = zoo_create, .destroy = free, .run = run);
