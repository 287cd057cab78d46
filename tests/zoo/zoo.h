/*
 * What the plugins of the zoo share: a correct descriptor, so that each file shows only what is odd
 * about it. Each includes nothing but this and the public header.
 *
 *   ZOO_PLUGIN("name", .run = run)         an agent that is right but for its functions
 *   ZOO_PLUGIN_AS(magic, size, ...)        one whose head is wrong
 *
 * A plugin meets the test that drives it in two descriptors of open files, handed over as settings:
 * it writes single letters to `told` and waits at `gate` until the test writes a byte there.
 */
#ifndef TESTS_ZOO_H
#define TESTS_ZOO_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <triplegain/triplegain.h>

#define ZOO_PLUGIN_AS(magic_, size_, major_, minor_, fingerprint_, name_, kind_, ...)              \
    const struct tg_plugin triplegain_plugin_1 = {.magic = (magic_),                               \
                                                  .size = (size_),                                 \
                                                  .major = (major_),                               \
                                                  .minor = (minor_),                               \
                                                  .fingerprint = (fingerprint_),                   \
                                                  .name = (name_),                                 \
                                                  .version = "1.0.0",                              \
                                                  .description = "one of the zoo",                 \
                                                  .kind = (kind_),                                 \
                                                  __VA_ARGS__}
#define ZOO_PLUGIN_OF(kind_, name_, ...)                                                           \
    ZOO_PLUGIN_AS(TG_ABI_MAGIC, sizeof(struct tg_plugin), TG_ABI_MAJOR, TG_ABI_MINOR,              \
                  TG_ABI_FINGERPRINT, name_, kind_, __VA_ARGS__)
#define ZOO_PLUGIN(name_, ...) ZOO_PLUGIN_OF(TG_KIND_AGENT, name_, __VA_ARGS__)

/* The functions of a plugin that does nothing. */
#define ZOO_IDLE .create = zoo_create, .destroy = free, .run = zoo_run

struct zoo {
    const struct tg_host *host;
    int gate, told; /* -1: none */
};

#define ZOO_FILE(name_, description_)                                                              \
    {                                                                                              \
        .name = (name_), .type = TG_CONFIG_WHOLE, .default_text = "-1", .minimum = -1,             \
        .maximum = 65535, .description = (description_)                                            \
    }
/* The first two keys of every plugin that meets its test. */
#define ZOO_KEYS                                                                                   \
    ZOO_FILE("gate", "number of an open file to wait at"),                                         \
        ZOO_FILE("told", "number of an open file to write letters to")

static inline int32_t zoo_create(const struct tg_host *host, const struct tg_config *config,
                                 void **instance, struct tg_failure *failure)
{
    struct zoo *zoo = calloc(1, sizeof(*zoo));
    if (zoo == NULL)
        return failure->code = TG_E_NO_MEMORY;
    zoo->host = host;
    zoo->gate = config->count > 0 ? (int)config->values[0].whole : -1;
    zoo->told = config->count > 1 ? (int)config->values[1].whole : -1;
    *instance = zoo;
    return TG_E_OK;
}

static inline int32_t zoo_run(void *instance, const struct tg_run *run, struct tg_failure *failure)
{
    (void)instance;
    (void)run;
    (void)failure;
    return TG_E_OK;
}

/* Writes one letter; what a plugin does when nobody listens is up to nobody. */
static inline void zoo_tell(const struct zoo *zoo, char letter)
{
    if (zoo->told >= 0 && write(zoo->told, &letter, 1) != 1)
        abort();
}

static inline void zoo_wait(const struct zoo *zoo)
{
    char letter;
    if (zoo->gate >= 0 && read(zoo->gate, &letter, 1) != 1)
        abort();
}

static inline int32_t zoo_publish_json(const struct zoo *zoo, const char *topic, const char *json,
                                       struct tg_failure *failure)
{
    const struct tg_host *host = zoo->host;
    return host->publish(host->context, host->topic_number(host->context, topic),
                         TG_PRIORITY_NORMAL, json, (uint32_t)strlen(json), failure);
}

#endif
