/*
 * Answers every message of its topic on the same topic: two of them would go on for ever. A run
 * says the first word.
 */
#include "zoo.h"

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    (void)given;
    return zoo_publish_json(instance, "x.answers.said", "{\"word\":1}", failure);
}

static int32_t on_message(void *instance, const struct tg_message *message,
                          struct tg_failure *failure)
{
    (void)message;
    return zoo_publish_json(instance, "x.answers.said", "{\"word\":2}", failure);
}

static const char *const topics[] = {"x.answers.said", NULL};

ZOO_PLUGIN("answers", .capabilities = TG_CAPABILITY_CORE_SAFE, .publishes = topics, .reads = topics,
           .create = zoo_create, .destroy = free, .run = run, .on_message = on_message);
