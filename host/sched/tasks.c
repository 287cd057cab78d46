/*
 * The schedule's tables: tasks, symbols, the order of dependencies, and views of them.
 *
 * The schedule owns everything it is told; names are copied. The table of entries is made once, by
 * sched_start: after it no task and no symbol can be added.
 */
#include "base/clock.h"
#include "base/text.h"
#include "sched_int.h"

#include <stdlib.h>
#include <string.h>

const char *sched_skip_text(enum sched_skip skip)
{
    static const char *const texts[] = {
#define SKIP_TEXT(NAME, text) text,
        SCHED_SKIP_LIST(SKIP_TEXT)
#undef SKIP_TEXT
    };
    return (unsigned)skip < SCHED_SKIP_COUNT ? texts[skip] : "?";
}

int sched_create(const struct sched_options *options, struct sched **result, struct tg_error *error)
{
    struct sched *sched = calloc(1, sizeof(*sched));
    if (sched == NULL)
        return TG_FAIL(error, NO_MEMORY, "schedule: out of memory");
    sched->runs_at_once_max = options->runs_at_once_max > 0 ? options->runs_at_once_max : 5;
    sched->next_number = 1;
    *result = sched;
    return 0;
}

void sched_destroy(struct sched *sched)
{
    if (sched == NULL)
        return;
    free(sched->entries);
    free(sched);
}

int sched_symbol_add(struct sched *sched, const char *symbol, uint32_t *number,
                     struct tg_error *error)
{
    if (sched->started)
        return TG_FAIL(error, STATE, "schedule: %s comes after the start", symbol);
    if (sched->symbol_count == SCHED_SYMBOLS_MAX)
        return TG_FAIL(error, FULL, "schedule: more than %u symbols", SCHED_SYMBOLS_MAX);
    for (uint32_t i = 0; i < sched->symbol_count; i++)
        if (tg_text_equal(sched->symbols[i], symbol))
            return TG_FAIL(error, EXISTS, "schedule: %s is there already", symbol);
    if (!tg_text_copy(sched->symbols[sched->symbol_count], TG_SYMBOL_SIZE, symbol))
        return TG_FAIL(error, INVALID, "schedule: the symbol %.32s is too long", symbol);
    *number = sched->symbol_count++;
    return 0;
}

static int check_task(const struct sched *sched, const struct sched_task_options *options,
                      struct tg_error *error)
{
    if (sched->started)
        return TG_FAIL(error, STATE, "task %s comes after the start", options->name);
    if (sched->task_count == SCHED_TASKS_MAX)
        return TG_FAIL(error, FULL, "more than %u tasks", SCHED_TASKS_MAX);
    if (!tg_text_is_name(options->name))
        return TG_FAIL(error, INVALID, "task %.64s: a name is 1 to 63 of a-z 0-9 _", options->name);
    if (sched_task_find(sched, options->name) >= 0)
        return TG_FAIL(error, EXISTS, "task %s is there already", options->name);
    if (options->interval_ns < TG_NS_PER_SEC)
        return TG_FAIL(error, RANGE, "task %s: the interval must be 1 s or more", options->name);
    if (options->offset_ns < 0 || options->offset_ns >= options->interval_ns)
        return TG_FAIL(error, RANGE, "task %s: the offset must be less than the interval",
                       options->name);
    if (options->timeout_ns <= 0)
        return TG_FAIL(error, RANGE, "task %s: the timeout must be more than 0", options->name);
    if (options->depends_on_count > SCHED_DEPENDENCIES_MAX)
        return TG_FAIL(error, RANGE, "task %s: more than %u dependencies", options->name,
                       SCHED_DEPENDENCIES_MAX);
    return 0;
}

int sched_task_add(struct sched *sched, const struct sched_task_options *options, uint32_t *number,
                   struct tg_error *error)
{
    int code = check_task(sched, options, error);
    if (code != 0)
        return TG_PASS(error, code);
    struct sched_task *task = &sched->tasks[sched->task_count];
    memset(task, 0, sizeof(*task));
    (void)tg_text_copy(task->name, sizeof(task->name), options->name);
    if (!tg_text_copy(task->agent, sizeof(task->agent), options->agent))
        return TG_FAIL(error, INVALID, "task %s: the agent's name is too long", options->name);
    task->interval_ns = options->interval_ns;
    task->offset_ns = options->offset_ns;
    task->timeout_ns = options->timeout_ns;
    task->enabled = options->enabled;
    task->on_start = options->on_start;
    task->portfolio = options->portfolio;
    task->symbols_at_once_max = options->symbols_at_once_max > 0 ? options->symbols_at_once_max : 1;
    task->depends_on_count = options->depends_on_count;
    for (uint32_t i = 0; i < options->depends_on_count; i++)
        if (!tg_text_copy(task->depends_on_names[i], SCHED_NAME_SIZE, options->depends_on[i]))
            return TG_FAIL(error, INVALID, "task %s: the name of a dependency is too long",
                           options->name);
    *number = sched->task_count++;
    return 0;
}

int sched_task_find(const struct sched *sched, const char *name)
{
    for (uint32_t i = 0; i < sched->task_count; i++)
        if (tg_text_equal(sched->tasks[i].name, name))
            return (int)i;
    return -1;
}

static int resolve_names(struct sched *sched, struct tg_error *error)
{
    const char *names[SCHED_TASKS_MAX];
    for (uint32_t i = 0; i < sched->task_count; i++)
        names[i] = sched->tasks[i].name;
    for (uint32_t i = 0; i < sched->task_count; i++) {
        struct sched_task *task = &sched->tasks[i];
        for (uint32_t k = 0; k < task->depends_on_count; k++) {
            int found = sched_task_find(sched, task->depends_on_names[k]);
            if (found < 0) {
                const char *near =
                    tg_text_nearest(task->depends_on_names[k], names, sched->task_count);
                return TG_FAIL(error, NOT_FOUND, "task %s depends on %s, which is no task%s%s%s",
                               task->name, task->depends_on_names[k],
                               near != NULL ? " (is it " : "", near != NULL ? near : "",
                               near != NULL ? "?)" : "");
            }
            task->depends_on[k] = (uint32_t)found;
        }
    }
    return 0;
}

/* Depth first; a task met again while it is being placed closes a circle. */
static int place(struct sched *sched, uint32_t number, uint8_t *state, uint32_t *placed,
                 struct tg_error *error)
{
    if (state[number] == 2)
        return 0;
    if (state[number] == 1)
        return TG_FAIL(error, INVALID, "task %s depends on itself in a circle",
                       sched->tasks[number].name);
    state[number] = 1;
    for (uint32_t k = 0; k < sched->tasks[number].depends_on_count; k++) {
        int code = place(sched, sched->tasks[number].depends_on[k], state, placed, error);
        if (code != 0)
            return code;
    }
    state[number] = 2;
    sched->order[(*placed)++] = number;
    return 0;
}

int sched__order(struct sched *sched, struct tg_error *error)
{
    uint8_t state[SCHED_TASKS_MAX] = {0};
    uint32_t placed = 0;
    int code = resolve_names(sched, error);
    for (uint32_t i = 0; code == 0 && i < sched->task_count; i++)
        code = place(sched, i, state, &placed, error);
    return code;
}

uint32_t sched_task_count(const struct sched *sched)
{
    return sched->task_count;
}

uint32_t sched_symbol_count(const struct sched *sched)
{
    return sched->symbol_count;
}

const char *sched_symbol_name(const struct sched *sched, uint32_t symbol)
{
    return symbol < sched->symbol_count ? sched->symbols[symbol] : NULL;
}

void sched_view(const struct sched *sched, uint32_t task, uint32_t symbol,
                struct sched_task_view *view)
{
    const struct sched_entry *entry = sched__entry(sched, task, symbol);
    *view = entry->view;
    view->name = sched->tasks[task].name;
    view->agent = sched->tasks[task].agent;
    view->enabled = sched->tasks[task].enabled;
    view->suspended = sched->tasks[task].suspended;
    view->interval_ns = sched->tasks[task].interval_ns;
    view->running = entry->running;
    view->next_due = entry->pending ? entry->pending_slot : entry->next_slot;
}
