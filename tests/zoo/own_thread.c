/* Calls every service from a thread of its own while a run goes on, and says what came of it. */
#include "zoo.h"

#include <pthread.h>

struct attempt {
    const struct zoo *zoo;
    struct tg_failure failure;
    int32_t code;
    int64_t now;
    uint64_t random;
};

static void *attempt(void *argument)
{
    struct attempt *attempt = argument;
    const struct tg_host *host = attempt->zoo->host;
    attempt->code =
        zoo_publish_json(attempt->zoo, "x.own_thread.said", "{\"a\":1}", &attempt->failure);
    attempt->now = host->now(host->context);
    attempt->random = host->random(host->context);
    host->log(host->context, TG_LOG_ERROR, "from a thread of its own");
    return NULL;
}

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    struct attempt tried = {.zoo = instance};
    pthread_t thread;
    (void)given;
    if (pthread_create(&thread, NULL, attempt, &tried) != 0 || pthread_join(thread, NULL) != 0)
        abort();
    (void)snprintf(failure->message, sizeof(failure->message), "%d %lld %llu %.150s", tried.code,
                   (long long)tried.now, (unsigned long long)tried.random, tried.failure.message);
    return TG_E_FAILED;
}

static const char *const publishes[] = {"x.own_thread.said", NULL};

ZOO_PLUGIN("own_thread", .capabilities = TG_CAPABILITY_CORE_SAFE, .publishes = publishes,
           .create = zoo_create, .destroy = free, .run = run);
