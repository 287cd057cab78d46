/*
 * Commands on coordinator_commands: what an operator may ask of a running host.
 *
 * A command is taken at once when it is delivered; nothing limits how many come. Its parameters are
 * a JSON object that is held against the command's own table: an unknown one, a missing one and one
 * of the wrong type are refused with a sentence. Every command is answered on system_events by
 * `command_done` or `command_refused`, urgent, correlated with the command, in the name of who sent
 * it; a sender that asked by bus_request gets that as the reply.
 *
 * Reasons are optional where a command makes the host safer: nobody shall look for words before he
 * can halt it. A reset needs one.
 */
#include "base/check.h"
#include "base/text.h"
#include "base/uuid.h"
#include "bus/json.h"
#include "coord_int.h"
#include "obs/obs.h"

#include <stdio.h>
#include <string.h>

#define PARAMETERS_MAX 2u
#define SENTENCE_SIZE  256u

struct parameter {
    const char *name; /* NULL: no more */
    enum json_kind kind;
    bool required;
};

struct given {
    const char *actor;
    const struct json_value *parameters;
    char done[SENTENCE_SIZE]; /* what the command did */
};

struct command {
    const char *name;
    int (*run)(struct coord *coord, struct given *given, struct tg_error *error);
    struct parameter parameters[PARAMETERS_MAX];
};

static const char *text_of(const struct given *given, const char *name)
{
    return json_string(json_member(given->parameters, name));
}

static const char *reason_of(const struct given *given)
{
    const char *reason = text_of(given, "reason");
    return reason != NULL && reason[0] != '\0' ? reason : "on command";
}

/* ---- states ---- */

static int say_state(const struct coord *coord, struct given *given, int code)
{
    if (code == 0)
        (void)snprintf(given->done, sizeof(given->done), "the host is %s",
                       coord_state_text(coord->state));
    return code;
}

static int run_pause(struct coord *coord, struct given *given, struct tg_error *error)
{
    return say_state(coord, given, coord_pause(coord, given->actor, reason_of(given), error));
}

static int run_resume(struct coord *coord, struct given *given, struct tg_error *error)
{
    return say_state(coord, given, coord_resume(coord, given->actor, reason_of(given), error));
}

static int run_halt(struct coord *coord, struct given *given, struct tg_error *error)
{
    return say_state(coord, given, coord_halt(coord, given->actor, reason_of(given), error));
}

static int run_reset(struct coord *coord, struct given *given, struct tg_error *error)
{
    bool override = json_flag(json_member(given->parameters, "override"));
    return say_state(coord, given,
                     coord_reset(coord, given->actor, text_of(given, "reason"), override, error));
}

/* ---- tasks ---- */

static int find_task(const struct coord *coord, const struct given *given, uint32_t *task,
                     struct tg_error *error)
{
    const char *names[SCHED_TASKS_MAX];
    const struct sched *sched = coord->schedule.sched;
    const char *name = text_of(given, "task");
    uint32_t count = sched != NULL ? sched_task_count(sched) : 0;
    int number = sched != NULL ? sched_task_find(sched, name) : -1;
    if (number >= 0) {
        *task = (uint32_t)number;
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct sched_task_view view;
        sched_view(sched, i, 0, &view);
        names[i] = view.name;
    }
    const char *near = tg_text_nearest(name, names, count);
    return TG_FAIL(error, NOT_FOUND, "there is no task \"%.64s\"%s%s%s", name,
                   near != NULL ? "; is " : "", near != NULL ? near : "",
                   near != NULL ? " meant?" : "");
}

static int set_enabled(struct coord *coord, struct given *given, bool enabled,
                       struct tg_error *error)
{
    const struct coord_schedule *schedule = &coord->schedule;
    uint32_t task = 0;
    int code = find_task(coord, given, &task, error);
    if (code != 0)
        return code;
    if (enabled && schedule->has_agent != NULL && !schedule->has_agent(schedule->context, task))
        return TG_FAIL(error, STATE, "task %s cannot be enabled: its agent is not running",
                       text_of(given, "task"));
    (void)snprintf(given->done, sizeof(given->done), "task %s is %s", text_of(given, "task"),
                   enabled ? "enabled" : "disabled");
    return sched_task_enable(schedule->sched, task, enabled);
}

static int run_enable_task(struct coord *coord, struct given *given, struct tg_error *error)
{
    return set_enabled(coord, given, true, error);
}

static int run_disable_task(struct coord *coord, struct given *given, struct tg_error *error)
{
    return set_enabled(coord, given, false, error);
}

/* -1: none of that name. */
static int find_symbol(const struct sched *sched, const char *name)
{
    for (uint32_t i = 0; i < sched_symbol_count(sched); i++)
        if (tg_text_equal(sched_symbol_name(sched, i), name))
            return (int)i;
    return -1;
}

static int run_run_task(struct coord *coord, struct given *given, struct tg_error *error)
{
    struct sched *sched = coord->schedule.sched;
    const char *symbol = text_of(given, "symbol");
    struct sched_task_view view;
    uint32_t task = 0;
    int code = find_task(coord, given, &task, error);
    if (code != 0)
        return code;
    int number = find_symbol(sched, symbol);
    if (number < 0)
        return TG_FAIL(error, NOT_FOUND, "there is no symbol \"%.32s\"", symbol);
    sched_view(sched, task, (uint32_t)number, &view);
    code = sched_run_now(sched, task, (uint32_t)number, tg_clock_utc(&coord->options.clock));
    if (code == TG_E_NOT_FOUND)
        return TG_FAIL(error, NOT_FOUND, "task %s runs once for all symbols, under %s", view.name,
                       sched_symbol_name(sched, 0));
    if (code != 0)
        return TG_FAIL(error, STATE, "task %s for %s cannot run now: %s", view.name, symbol,
                       !view.enabled    ? "it is disabled"
                       : view.suspended ? "the host's state or degradation level stops it"
                                        : "it is running or about to");
    (void)snprintf(given->done, sizeof(given->done), "task %s runs for %s", view.name, symbol);
    return 0;
}

/* ---- positions ---- */

static int run_close_position(struct coord *coord, struct given *given, struct tg_error *error)
{
    const char *text = text_of(given, "id");
    struct tg_uuid id;
    if (tg_uuid_parse(text, strlen(text), &id) != 0)
        return TG_FAIL(error, INVALID, "close_position: \"%.64s\" is no id of a position", text);
    (void)snprintf(given->done, sizeof(given->done), "position %s is being closed", text);
    return coord__close_one(coord, &id, "close_position", given->actor, error);
}

static int run_close_all(struct coord *coord, struct given *given, struct tg_error *error)
{
    uint32_t closed = 0;
    int code = coord__close_all(coord, false, "close_all", given->actor, &closed, error);
    if (code == TG_E_NOT_FOUND || code == TG_E_STATE) {
        (void)snprintf(given->done, sizeof(given->done), "%s",
                       code == TG_E_STATE ? "all positions are being closed already"
                                          : "no position is open");
        return 0;
    }
    (void)snprintf(given->done, sizeof(given->done), "%u position(s) are being closed", closed);
    return code;
}

/* ---- settings ---- */

static int run_reload(struct coord *coord, struct given *given, struct tg_error *error)
{
    const struct coord_reloader *reloader = &coord->options.reloader;
    if (reloader->reload == NULL)
        return TG_FAIL(error, STATE,
                       "reload: this program reads policies and settings at its start only");
    (void)snprintf(given->done, sizeof(given->done), "read anew");
    return reloader->reload(reloader->context, given->actor, error);
}

/* ---- the table ---- */

#define REASON                                                                                     \
    {                                                                                              \
        "reason", JSON_STRING, false                                                               \
    }
#define TASK                                                                                       \
    {                                                                                              \
        "task", JSON_STRING, true                                                                  \
    }

static const struct command commands[] = {
    {"pause", run_pause, {REASON}},
    {"resume", run_resume, {REASON}},
    {"halt", run_halt, {REASON}},
    {"reset", run_reset, {{"reason", JSON_STRING, true}, {"override", JSON_FLAG, false}}},
    {"enable_task", run_enable_task, {TASK}},
    {"disable_task", run_disable_task, {TASK}},
    {"run_task", run_run_task, {TASK, {"symbol", JSON_STRING, true}}},
    {"close_position", run_close_position, {{"id", JSON_STRING, true}}},
    {"close_all", run_close_all, {{0}}},
    {"reload", run_reload, {{0}}},
};

/* ---- checks ---- */

static int refuse_command(const char *name, struct tg_error *error)
{
    const char *names[TG_ARRAY_LENGTH(commands)];
    char known[SENTENCE_SIZE] = "";
    size_t length = 0;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(commands); i++) {
        names[i] = commands[i].name;
        (void)tg_text_append(known, sizeof(known), &length, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    const char *near = tg_text_nearest(name, names, TG_ARRAY_LENGTH(commands));
    return TG_FAIL(error, NOT_FOUND, "there is no command \"%.32s\"%s%s%s; known are %s", name,
                   near != NULL ? " (is " : "", near != NULL ? near : "",
                   near != NULL ? " meant?)" : "", known);
}

static const struct parameter *parameter_of(const struct command *command, const char *name)
{
    for (size_t i = 0; i < PARAMETERS_MAX && command->parameters[i].name != NULL; i++)
        if (tg_text_equal(command->parameters[i].name, name))
            return &command->parameters[i];
    return NULL;
}

static int refuse_parameter(const struct command *command, const char *name, struct tg_error *error)
{
    const char *names[PARAMETERS_MAX];
    char known[SENTENCE_SIZE] = "it takes none";
    size_t length = 0;
    size_t count = 0;
    for (; count < PARAMETERS_MAX && command->parameters[count].name != NULL; count++) {
        names[count] = command->parameters[count].name;
        (void)tg_text_append(known, sizeof(known), &length, "%s%s",
                             count > 0 ? ", " : "known: ", names[count]);
    }
    const char *near = tg_text_nearest(name, names, count);
    return TG_FAIL(error, NOT_FOUND, "%s: there is no parameter \"%.32s\"%s%s%s; %s", command->name,
                   name, near != NULL ? " (is " : "", near != NULL ? near : "",
                   near != NULL ? " meant?)" : "", known);
}

static int check_parameters(const struct command *command, const struct json_value *given,
                            struct tg_error *error)
{
    for (size_t i = 0; i < json_count(given); i++) {
        const char *name;
        const struct json_value *value = json_member_at(given, i, &name);
        const struct parameter *parameter = parameter_of(command, name);
        if (parameter == NULL)
            return refuse_parameter(command, name, error);
        if (json_kind_of(value) != parameter->kind)
            return TG_FAIL(error, INVALID, "%s: %s has to be %s", command->name, name,
                           parameter->kind == JSON_FLAG ? "true or false" : "a text");
    }
    for (size_t i = 0; i < PARAMETERS_MAX && command->parameters[i].name != NULL; i++) {
        const struct parameter *parameter = &command->parameters[i];
        if (parameter->required && json_member(given, parameter->name) == NULL)
            return TG_FAIL(error, INVALID, "%s: the parameter %s is missing", command->name,
                           parameter->name);
    }
    return 0;
}

static int run_command(struct coord *coord, const char *name, struct given *given,
                       struct tg_error *error)
{
    for (size_t i = 0; i < TG_ARRAY_LENGTH(commands); i++) {
        if (!tg_text_equal(commands[i].name, name))
            continue;
        int code = check_parameters(&commands[i], given->parameters, error);
        return code != 0 ? code : commands[i].run(coord, given, error);
    }
    return refuse_command(name, error);
}

/* ---- the answer ---- */

static void answer(struct coord *coord, const struct tg_message *message, bool done,
                   const char *sentence)
{
    struct tg_error error = {0};
    struct tg_system_events record = {0};
    struct bus_draft draft = {.topic = TG_TOPIC_SYSTEM_EVENTS,
                              .source = coord->source,
                              .priority = TG_PRIORITY_URGENT,
                              .correlation_id = message->id,
                              .payload = &record,
                              .payload_size = sizeof(record)};
    coord__fit(record.event, sizeof(record.event), done ? "command_done" : "command_refused");
    coord__fit(record.message, sizeof(record.message), sentence);
    coord__fit(record.actor, sizeof(record.actor), message->source);
    TG_SET(&record, SYSTEM_EVENTS, message);
    TG_SET(&record, SYSTEM_EVENTS, actor);
    if (bus_publish(coord->options.bus, &draft, NULL, &error) != 0)
        OBS_ERROR(coord->options.log, "coord", "an answer was refused: %s", error.message);
}

int coord__on_command(void *context, const struct tg_message *message)
{
    struct coord *coord = context;
    const struct tg_coordinator_commands *command = message->payload;
    struct given given = {.actor = message->source};
    struct json_value *parameters = NULL;
    struct tg_error error = {0};
    int code = json_parse(command->params, strlen(command->params), &parameters, &error);
    given.parameters = parameters;
    if (code == 0)
        code = run_command(coord, command->command, &given, &error);
    json_free(parameters);
    coord->counters.commands++;
    if (code != 0)
        coord->counters.commands_refused++;
    OBS_WARNING(coord->options.log, "coord", "command %s by %s: %s", command->command,
                message->source, code == 0 ? given.done : error.message);
    answer(coord, message, code == 0, code == 0 ? given.done : error.message);
    return 0; /* a refusal is an answer, not a failure of the handler */
}
