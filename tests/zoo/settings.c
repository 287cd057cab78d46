/* Has a key of every type, one of them required, and says at each run what it was given. */
#include "zoo.h"

enum { KEY_TEXT, KEY_WHOLE, KEY_REAL, KEY_DECIMAL, KEY_FLAG, KEY_CHOICE, KEY_COUNT };

static const struct tg_config_key keys[KEY_COUNT] = {
    {.name = "greeting", .type = TG_CONFIG_TEXT, .required = 1, .description = "a word of welcome"},
    {.name = "period",
     .type = TG_CONFIG_WHOLE,
     .default_text = "14",
     .minimum = 2,
     .maximum = 200,
     .description = "bars"},
    {.name = "factor",
     .type = TG_CONFIG_REAL,
     .default_text = "1.5",
     .minimum = 0.5,
     .maximum = 4,
     .description = "of the usual"},
    {.name = "amount",
     .type = TG_CONFIG_DECIMAL,
     .default_text = "0.00000001",
     .minimum = 0,
     .maximum = 1000,
     .description = "USDT"},
    {.name = "loud", .type = TG_CONFIG_FLAG, .default_text = "false", .description = "or not"},
    {.name = "side",
     .type = TG_CONFIG_CHOICE,
     .default_text = "both",
     .choices = "long|short|both",
     .description = "of the market"}};

struct settings {
    struct zoo zoo;
    char seen[240];
};

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    const struct tg_config_value *values = config->values;
    struct settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL)
        return failure->code = TG_E_NO_MEMORY;
    settings->zoo.host = host;
    (void)snprintf(settings->seen, sizeof(settings->seen), "%u %s %lld %g %lld %lld %lld=%s in %s",
                   config->count, values[KEY_TEXT].text, (long long)values[KEY_WHOLE].whole,
                   values[KEY_REAL].real, (long long)values[KEY_DECIMAL].decimal.units,
                   (long long)values[KEY_FLAG].whole, (long long)values[KEY_CHOICE].whole,
                   values[KEY_CHOICE].text, config->folder);
    *instance = settings;
    return TG_E_OK;
}

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    const struct settings *settings = instance;
    (void)given;
    (void)snprintf(failure->message, sizeof(failure->message), "%s", settings->seen);
    return TG_E_FAILED;
}

ZOO_PLUGIN("settings", .config_keys = keys, .config_key_count = KEY_COUNT, .create = create,
           .destroy = free, .run = run);
