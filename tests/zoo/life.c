/*
 * Tells each of its functions as it is called, and fails in the one that it is told to: c create,
 * s start, r run, m on_message, d drain, t stop, f destroy. Its instance is NULL where `instance`
 * is false, so what it knows stands here: one at a time.
 */
#include "zoo.h"

enum { KEY_GATE, KEY_TOLD, KEY_FAIL, KEY_PUBLISH, KEY_COUNT };
enum { FAIL_NONE, FAIL_CREATE, FAIL_CREATE_LEFT, FAIL_START };

static const struct tg_config_key keys[KEY_COUNT] = {
    ZOO_KEYS,
    {.name = "fail",
     .type = TG_CONFIG_CHOICE,
     .default_text = "none",
     .choices = "none|create|create_left|start",
     .description = "where to fail; create_left leaves an instance behind that is gone"},
    {.name = "publish",
     .type = TG_CONFIG_FLAG,
     .default_text = "false",
     .description = "publishes in create, start, stop and destroy"}};

static struct zoo life = {.gate = -1, .told = -1};
static int64_t fail;
static int64_t wants_to_publish;

static void tell(char letter)
{
    struct tg_failure failure;
    zoo_tell(&life, letter);
    if (!wants_to_publish || strchr("cstf", letter) == NULL)
        return;
    int32_t code = zoo_publish_json(&life, "x.life.said", "{\"said\":1}", &failure);
    zoo_tell(&life, code == TG_E_OK ? '+' : '-');
}

static int32_t refuse(struct tg_failure *failure, const char *sentence)
{
    (void)snprintf(failure->message, sizeof(failure->message), "%s", sentence);
    return TG_E_FAILED;
}

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    life = (struct zoo){.host = host,
                        .gate = (int)config->values[KEY_GATE].whole,
                        .told = (int)config->values[KEY_TOLD].whole};
    fail = config->values[KEY_FAIL].whole;
    wants_to_publish = config->values[KEY_PUBLISH].whole;
    tell('c');
    if (fail == FAIL_CREATE_LEFT)
        *instance = &life;
    if (fail == FAIL_CREATE || fail == FAIL_CREATE_LEFT)
        return refuse(failure, "the moon is in the wrong place");
    return TG_E_OK;
}

static int32_t start(void *instance, struct tg_failure *failure)
{
    (void)instance;
    tell('s');
    return fail == FAIL_START ? refuse(failure, "no light") : TG_E_OK;
}

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    (void)instance;
    (void)given;
    (void)failure;
    tell('r');
    return TG_E_OK;
}

static int32_t on_message(void *instance, const struct tg_message *message,
                          struct tg_failure *failure)
{
    (void)instance;
    (void)message;
    (void)failure;
    tell('m');
    return TG_E_OK;
}

static void drain(void *instance)
{
    (void)instance;
    tell('d');
}

static void stop(void *instance)
{
    (void)instance;
    tell('t');
}

static void destroy(void *instance)
{
    (void)instance;
    tell('f');
}

static const char *const publishes[] = {"x.life.said", NULL};
static const char *const reads[] = {"ta_signals", "x.echo.saw", NULL};

ZOO_PLUGIN("life", .capabilities = TG_CAPABILITY_CORE_SAFE, .publishes = publishes, .reads = reads,
           .config_keys = keys, .config_key_count = KEY_COUNT, .create = create, .destroy = destroy,
           .start = start, .drain = drain, .stop = stop, .run = run, .on_message = on_message);
