/*
 * Calls into plugins: runs and messages, on the core thread or on a lane, taken in in the order in
 * which they were started.
 *
 *   plugin_run -> [core: done at once | lane: queued] -> waiting ring -> plugin_collect -> bus
 *
 * A message to a plugin goes the same way, whichever lane it is on, so that what it publishes in
 * answer comes at the same place in the order of the bus. Only a venue's answers go out at once.
 *
 * A call's memory (its output, and for a lane the copy of what it works on) is kept for the next
 * one: in the steady state nothing is allocated. A call that was abandoned belongs to the lane's
 * thread from then on.
 */
#include "plugin_int.h"

#include "base/check.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plugin_call *plugin__call_take(struct plugin_host *host)
{
    struct plugin_call *call = host->free_calls;
    if (call != NULL)
        host->free_calls = call->next;
    else
        call = calloc(1, sizeof(*call));
    if (call == NULL)
        return NULL;
    call->next = NULL;
    call->output.count = call->output.refused = call->output.bytes = 0;
    call->failure.size = sizeof(call->failure);
    call->failure.code = 0;
    call->failure.message[0] = '\0';
    call->state = PLUGIN_CALL_WAITING;
    call->share = NULL;
    call->run = NULL;
    call->message = NULL;
    call->number = 0;
    call->hops = bus_hops(host->options.bus);
    atomic_store_explicit(&call->abandoned, false, memory_order_relaxed);
    return call;
}

void plugin__call_give_back(struct plugin_host *host, struct plugin_call *call)
{
    call->next = host->free_calls;
    host->free_calls = call;
}

/* A plugin's sentence may lack its end. */
static void end_sentence(struct tg_failure *failure)
{
    failure->message[sizeof(failure->message) - 1] = '\0';
}

/* On the thread that runs it. */
void plugin__invoke(struct plugin_call *call, const struct tg_clock *real_clock)
{
    const struct tg_plugin *plugin = call->instance->descriptor;
    plugin__enter(call);
    if (call->kind == PLUGIN_CALL_RUN)
        call->code = plugin->run(call->instance->self, call->run, &call->failure);
    else
        call->code = plugin->on_message(call->instance->self, call->message, &call->failure);
    plugin__leave();
    end_sentence(&call->failure);
    call->ended_at = tg_clock_monotonic(real_clock);
}

/* On the core: done when this returns. */
static void invoke_here(struct plugin_call *call)
{
    const struct tg_clock *real_clock = &call->instance->host->options.real_clock;
    call->began_at = tg_clock_monotonic(real_clock);
    plugin__invoke(call, real_clock);
    call->state = PLUGIN_CALL_DONE;
}

uint32_t plugin__publish_output(struct plugin_host *host, struct plugin_call *call)
{
    struct plugin_output *output = &call->output;
    struct plugin_instance *instance = call->instance;
    uint32_t published = 0;
    for (uint32_t i = 0; i < output->count; i++) {
        struct tg_error error = {0};
        void *payload = output->data + output->items[i].offset;
        struct bus_draft draft = {.topic = output->items[i].topic,
                                  .source = instance->source,
                                  .priority = output->items[i].priority,
                                  .hops = call->hops,
                                  .payload = payload,
                                  .payload_size = output->items[i].size};
        if (host->stamp != NULL)
            host->stamp(host->stamp_context, instance, call->number, &draft, payload);
        if (bus_publish(host->options.bus, &draft, NULL, &error) == 0) {
            published++;
        } else {
            output->refused++;
            OBS_WARNING(host->options.log, "plugin", "%s: not published: %s", instance->name,
                        error.message);
        }
    }
    instance->published += published;
    instance->refused += output->refused;
    return published;
}

static void push_waiting(struct plugin_host *host, struct plugin_call *call)
{
    TG_BUG_IF(host->waiting_count == PLUGIN_CALLS_WAITING_MAX);
    host->waiting[(host->waiting_first + host->waiting_count) % PLUGIN_CALLS_WAITING_MAX] = call;
    host->waiting_count++;
}

static int may_call(const struct plugin_instance *instance, struct tg_error *error)
{
    if (atomic_load_explicit(&instance->hung, memory_order_acquire))
        return TG_FAIL(error, STATE, "%s still hangs in an earlier call", instance->name);
    if (instance->host->waiting_count == PLUGIN_CALLS_WAITING_MAX)
        return TG_FAIL(error, FULL, "more than %u calls wait", PLUGIN_CALLS_WAITING_MAX);
    return 0;
}

static bool copy_room(struct plugin_call *call, size_t size)
{
    if (size <= call->copy_size)
        return true;
    void *grown = realloc(call->copy, size);
    if (grown == NULL)
        return false;
    call->copy = grown;
    call->copy_size = size;
    return true;
}

/* Appends to the copy; what it gives is aligned for every record. */
static void *put(uint8_t **at, const void *data, size_t size)
{
    void *start = *at;
    if (size > 0)
        memcpy(start, data, size);
    *at += (size + 15u) & ~(size_t)15u;
    return start;
}

static size_t padded(size_t size)
{
    return (size + 15u) & ~(size_t)15u;
}

static size_t size_of_portfolio(const struct tg_portfolio *portfolio)
{
    if (portfolio == NULL)
        return 0;
    return padded(sizeof(*portfolio)) +
           padded(portfolio->holding_count * sizeof(*portfolio->holdings)) +
           padded(portfolio->target_count * sizeof(*portfolio->targets)) +
           padded(portfolio->symbol_count * sizeof(*portfolio->symbols));
}

static const struct tg_portfolio *put_portfolio(uint8_t **at, const struct tg_portfolio *portfolio)
{
    if (portfolio == NULL)
        return NULL;
    struct tg_portfolio *copy = put(at, portfolio, sizeof(*portfolio));
    copy->holdings =
        put(at, portfolio->holdings, portfolio->holding_count * sizeof(*portfolio->holdings));
    copy->targets =
        put(at, portfolio->targets, portfolio->target_count * sizeof(*portfolio->targets));
    copy->symbols =
        put(at, portfolio->symbols, portfolio->symbol_count * sizeof(*portfolio->symbols));
    return copy;
}

static size_t size_of_run(const struct tg_run *run)
{
    size_t size =
        padded(sizeof(*run)) + padded(sizeof(*run->snapshot)) + padded(strlen(run->task) + 1) +
        padded(strlen(run->symbol) + 1) + padded(run->input_count * sizeof(*run->inputs)) +
        padded(run->position_count * sizeof(*run->positions)) + size_of_portfolio(run->portfolio);
    for (int i = 0; i < TG_TIMEFRAME_COUNT; i++)
        size += padded(run->snapshot->series[i].count * sizeof(struct tg_bar)) +
                padded(sizeof(struct tg_indicators));
    for (uint32_t i = 0; i < run->input_count; i++)
        size += padded(run->inputs[i].payload_size) + padded(strlen(run->inputs[i].source) + 1);
    return size;
}

/* A lane works on its own copy: the core goes on while it runs, and may forget it. */
static bool copy_run(struct plugin_call *call, const struct tg_run *run)
{
    if (!copy_room(call, size_of_run(run)))
        return false;
    uint8_t *at = call->copy;
    struct tg_run *copy = put(&at, run, sizeof(*run));
    struct tg_snapshot *snapshot = put(&at, run->snapshot, sizeof(*run->snapshot));
    struct tg_input *inputs = put(&at, run->inputs, run->input_count * sizeof(*run->inputs));
    copy->positions = put(&at, run->positions, run->position_count * sizeof(*run->positions));
    copy->portfolio = put_portfolio(&at, run->portfolio);
    copy->task = put(&at, run->task, strlen(run->task) + 1);
    copy->symbol = put(&at, run->symbol, strlen(run->symbol) + 1);
    copy->snapshot = snapshot;
    copy->inputs = inputs;
    for (int i = 0; i < TG_TIMEFRAME_COUNT; i++) {
        struct tg_series *series = &snapshot->series[i];
        series->bars = put(&at, series->bars, series->count * sizeof(*series->bars));
        series->indicators = put(&at, series->indicators, sizeof(*series->indicators));
    }
    for (uint32_t i = 0; i < run->input_count; i++) {
        inputs[i].payload = put(&at, inputs[i].payload, inputs[i].payload_size);
        inputs[i].source = put(&at, inputs[i].source, strlen(inputs[i].source) + 1);
    }
    call->run = copy;
    return true;
}

static bool copy_message(struct plugin_call *call, const struct tg_message *message)
{
    if (!copy_room(call, padded(sizeof(*message)) + padded(message->payload_size) +
                             padded(strlen(message->source) + 1)))
        return false;
    uint8_t *at = call->copy;
    struct tg_message *copy = put(&at, message, sizeof(*message));
    copy->payload = put(&at, message->payload, message->payload_size);
    copy->source = put(&at, message->source, strlen(message->source) + 1);
    call->message = copy;
    return true;
}

int plugin_run(struct plugin_instance *instance, const struct tg_run *run, uint64_t number,
               int64_t timeout_ns, struct tg_error *error)
{
    struct plugin_host *host = instance->host;
    int code = may_call(instance, error);
    if (code != 0)
        return code;
    struct plugin_call *call = plugin__call_take(host);
    if (call == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for a run of %s", instance->name);
    call->instance = instance;
    call->kind = PLUGIN_CALL_RUN;
    call->number = number;
    call->now = run->now;
    call->limit_ns = timeout_ns;
    if (instance->lane == NULL) {
        call->run = run;
        invoke_here(call);
    } else if (copy_run(call, run)) {
        plugin__lane_post(instance->lane, call);
    } else {
        plugin__call_give_back(host, call);
        return TG_FAIL(error, NO_MEMORY, "out of memory for a run of %s", instance->name);
    }
    push_waiting(host, call);
    return 0;
}

struct plugin_call *plugin__direct_begin(struct plugin_instance *instance)
{
    struct plugin_host *host = instance->host;
    struct plugin_call *call = host->direct;
    /* a plugin's function may not lead back into another one: publishing only queues */
    TG_BUG_IF(call->instance != NULL);
    call->output.count = call->output.refused = call->output.bytes = 0;
    call->failure = (struct tg_failure){.size = sizeof(call->failure)};
    call->instance = instance;
    call->number = 0;
    call->now = tg_clock_utc(&host->options.clock);
    plugin__enter(call);
    return call;
}

void plugin__direct_leave(struct plugin_instance *instance)
{
    plugin__leave();
    end_sentence(&instance->host->direct->failure);
}

void plugin__direct_end(struct plugin_instance *instance, bool publish)
{
    struct plugin_call *call = instance->host->direct;
    if (publish)
        (void)plugin__publish_output(instance->host, call);
    else
        instance->refused += call->output.refused + call->output.count;
    call->instance = NULL;
}

void plugin__note_failure(struct plugin_instance *instance, const char *sentence)
{
    instance->failed++;
    (void)snprintf(instance->last_failure, sizeof(instance->last_failure), "%.250s", sentence);
}

static const char *words_of(const struct plugin_call *call)
{
    return call->failure.message[0] != '\0' ? call->failure.message : tg_error_sentence(call->code);
}

/* A venue's answers cannot wait for their turn among the results of runs. */
static int message_to_venue(struct plugin_instance *instance, const struct tg_message *message)
{
    struct plugin_call *call = plugin__direct_begin(instance);
    call->code = instance->descriptor->on_message(instance->self, message, &call->failure);
    plugin__direct_leave(instance);
    instance->calls++;
    if (call->code != 0)
        plugin__note_failure(instance, words_of(call));
    plugin__direct_end(instance, true);
    return call->code;
}

int plugin__on_message(void *context, const struct tg_message *message)
{
    struct plugin_instance *instance = context;
    struct plugin_host *host = instance->host;
    if (message->source == bus_source_name(host->options.bus, instance->source))
        return 0; /* its own */
    if (instance->descriptor->kind == TG_KIND_VENUE)
        return message_to_venue(instance, message);
    int code = may_call(instance, NULL);
    if (code != 0)
        return code;
    struct plugin_call *call = plugin__call_take(host);
    if (call == NULL)
        return TG_E_NO_MEMORY;
    call->instance = instance;
    call->kind = PLUGIN_CALL_MESSAGE;
    call->now = tg_clock_utc(&host->options.clock);
    call->limit_ns = PLUGIN_MESSAGE_LIMIT_NS;
    if (instance->lane == NULL) {
        call->message = message;
        invoke_here(call);
        code = call->code;
    } else if (copy_message(call, message)) {
        plugin__lane_post(instance->lane, call);
    } else {
        plugin__call_give_back(host, call);
        return TG_E_NO_MEMORY;
    }
    push_waiting(host, call);
    return code;
}

static void fill_result(struct plugin_call *call, struct plugin_result *result)
{
    struct plugin_instance *instance = call->instance;
    *result = (struct plugin_result){.instance = instance,
                                     .number = call->number,
                                     .outcome = PLUGIN_SUCCEEDED,
                                     .duration_ns = call->ended_at - call->began_at};
    instance->calls++;
    instance->duration_total_ns += result->duration_ns;
    if (result->duration_ns > instance->duration_max_ns)
        instance->duration_max_ns = result->duration_ns;
    if (call->code != 0) {
        result->outcome = PLUGIN_FAILED;
        (void)snprintf(result->message, sizeof(result->message), "%s failed: %.170s",
                       instance->name, words_of(call));
        plugin__note_failure(instance, result->message);
    } else if (result->duration_ns > call->limit_ns) {
        result->outcome = PLUGIN_TIMED_OUT;
        instance->timed_out++;
        (void)snprintf(result->message, sizeof(result->message), "%s took %lld ms of %lld",
                       instance->name, (long long)(result->duration_ns / TG_NS_PER_MS),
                       (long long)(call->limit_ns / TG_NS_PER_MS));
        (void)tg_text_copy(instance->last_failure, sizeof(instance->last_failure), result->message);
    }
}

/* What a call in time has published goes out, what a late one has is dropped. */
static void take_output(struct plugin_host *host, struct plugin_call *call,
                        struct plugin_result *result)
{
    if (result->outcome == PLUGIN_TIMED_OUT) {
        result->refused = call->output.refused + call->output.count;
        call->instance->refused += result->refused;
    } else {
        result->published = plugin__publish_output(host, call);
        result->refused = call->output.refused;
    }
}

static void fill_abandoned(struct plugin_instance *instance, uint64_t number, int64_t limit_ns,
                           struct plugin_result *result)
{
    *result = (struct plugin_result){.instance = instance,
                                     .number = number,
                                     .outcome = PLUGIN_TIMED_OUT,
                                     .duration_ns = limit_ns};
    instance->calls++;
    instance->timed_out++;
    (void)snprintf(result->message, sizeof(result->message),
                   "%s did not come back within %lld ms and was left alone", instance->name,
                   (long long)(limit_ns / TG_NS_PER_MS));
    (void)tg_text_copy(instance->last_failure, sizeof(instance->last_failure), result->message);
    OBS_ERROR(instance->host->options.log, "plugin", "%s", result->message);
}

bool plugin_collect(struct plugin_host *host, bool wait, struct plugin_result *result)
{
    while (host->waiting_count > 0) {
        struct plugin_call *call = host->waiting[host->waiting_first];
        struct plugin_instance *instance = call->instance;
        enum plugin_call_kind kind = call->kind;
        uint64_t number = call->number;
        int64_t limit_ns = call->limit_ns;
        bool on_lane = instance->lane != NULL;
        if (on_lane && !wait && !plugin__lane_is_over(host, call))
            return false;
        host->waiting_first = (host->waiting_first + 1) % PLUGIN_CALLS_WAITING_MAX;
        host->waiting_count--;
        if (on_lane && !plugin__lane_wait(host, call)) {
            fill_abandoned(instance, number, limit_ns, result);
        } else {
            fill_result(call, result);
            take_output(host, call, result);
            plugin__call_give_back(host, call);
            if (kind == PLUGIN_CALL_MESSAGE && on_lane && result->outcome != PLUGIN_SUCCEEDED)
                OBS_WARNING(host->options.log, "plugin", "on_message: %s", result->message);
        }
        if (kind == PLUGIN_CALL_RUN)
            return true;
    }
    return false;
}

size_t plugin_calls_waiting(const struct plugin_host *host)
{
    return host->waiting_count;
}

void plugin_set_stamp(struct plugin_host *host, plugin_stamp stamp, void *context)
{
    host->stamp = stamp;
    host->stamp_context = context;
}
