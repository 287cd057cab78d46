/*
 * Slots and runs.
 *
 * A slot is a multiple of the task's interval (plus its offset) on the UTC clock, so nothing
 * drifts. Each (task, symbol) goes through
 *
 *      next_slot reached        dependencies and limits allow          ended
 *   idle ------------> pending ------------------------------> running ----> idle
 *                         | dependencies not by the task's timeout: skipped (dependency)
 *                         | no room among the runs at once by the next slot: skipped (limit)
 *                         +--> idle
 *
 * A slot that is reached while the run before still goes on is skipped (overlap). Slots that passed
 * unseen, because the process slept or the clock jumped, count as missed and run once, as the
 * latest of them. A wall clock that is set back moves the slots to the new time.
 *
 * A slot that only waits for room is not given up at its timeout: with more symbols than may run at
 * once, the last of them would never have their turn.
 *
 * A dependency is satisfied for a symbol when its task has nothing pending or running there for the
 * same or an earlier slot, its last success came after the dependant's last start, and that success
 * is no older than one and a half of the dependency's intervals. A disabled task is no dependency,
 * nor is one that the host's state suspends: what depends on it would stop with it otherwise.
 *
 * A task of the portfolio works on all symbols at once: it has its slots under the first symbol and
 * never any under the others. It depends on what runs for the first symbol; who depends on it waits
 * for that one run, whatever the symbol.
 */
#include "base/check.h"
#include "base/clock.h"
#include "sched_int.h"

#include <stdlib.h>

#define CLOCK_STEP_NS TG_NS_PER_SEC /* a difference above it is a step, not drift */

struct sched_entry *sched__entry(const struct sched *sched, uint32_t task, uint32_t symbol)
{
    TG_BUG_IF(task >= sched->task_count || symbol >= sched->symbol_count);
    return &sched->entries[(size_t)task * sched->symbol_count + symbol];
}

bool sched__runs_for(const struct sched_task *task, uint32_t symbol)
{
    return !task->portfolio || symbol == 0;
}

int64_t sched__slot_from(const struct sched_task *task, int64_t utc)
{
    int64_t since = utc - task->offset_ns;
    int64_t slots = since / task->interval_ns;
    if (slots * task->interval_ns < since)
        slots++;
    return slots * task->interval_ns + task->offset_ns;
}

/* INT64_MAX: never. */
static int64_t first_slot(const struct sched_task *task, uint32_t symbol, int64_t utc)
{
    if (!sched__runs_for(task, symbol))
        return INT64_MAX;
    return task->on_start ? utc : sched__slot_from(task, utc);
}

int sched_start(struct sched *sched, int64_t utc, int64_t monotonic, struct tg_error *error)
{
    if (sched->started)
        return TG_FAIL(error, STATE, "the schedule has been started already");
    int code = sched__order(sched, error);
    if (code != 0)
        return TG_PASS(error, code);
    size_t count = (size_t)sched->task_count * sched->symbol_count;
    sched->entries = calloc(count > 0 ? count : 1, sizeof(*sched->entries));
    if (sched->entries == NULL)
        return TG_FAIL(error, NO_MEMORY, "schedule: out of memory for %zu entries", count);
    for (uint32_t t = 0; t < sched->task_count; t++)
        for (uint32_t s = 0; s < sched->symbol_count; s++)
            sched__entry(sched, t, s)->next_slot = first_slot(&sched->tasks[t], s, utc);
    sched->clock_difference = utc - monotonic;
    sched->next_time_dirty = true;
    sched->started = true;
    return 0;
}

static void skip(struct sched_entry *entry, enum sched_skip why, uint64_t count)
{
    entry->view.skipped[why] += count;
}

/* Its dependencies held when its time for them was over: it waits for its turn alone. */
static bool waits_for_room(const struct sched_entry *entry)
{
    return entry->pending_until_utc == INT64_MAX;
}

static void drop_pending(struct sched *sched, struct sched_entry *entry)
{
    entry->pending = false;
    entry->pending_forced = false;
    sched->pending_count--;
    sched->next_time_dirty = true;
}

static void make_pending(struct sched *sched, const struct sched_task *task,
                         struct sched_entry *entry, int64_t slot, bool forced, int64_t utc,
                         int64_t monotonic)
{
    if (!entry->pending)
        sched->pending_count++;
    entry->pending = true;
    entry->pending_forced = forced;
    entry->pending_slot = slot;
    entry->pending_until_utc = utc + task->timeout_ns;
    entry->pending_until_monotonic = monotonic + task->timeout_ns;
    sched->next_time_dirty = true;
}

/* The slot of an entry has come: takes it up, or skips it. */
static void take_up(struct sched *sched, const struct sched_task *task, struct sched_entry *entry,
                    int64_t utc, int64_t monotonic)
{
    int64_t first = entry->next_slot;
    int64_t latest = sched__slot_from(task, utc + 1) - task->interval_ns;
    entry->next_slot = sched__slot_from(task, utc + 1);
    sched->next_time_dirty = true;
    if (!task->enabled)
        return;
    if (latest < first) /* the start of the program is no multiple of the interval */
        latest = first;
    /* rounded up: from such a start to the first multiple is less than an interval */
    skip(entry, SCHED_SKIP_MISSED,
         (uint64_t)((latest - first + task->interval_ns - 1) / task->interval_ns));
    if (entry->running || entry->pending_forced) {
        skip(entry, SCHED_SKIP_OVERLAP, 1);
        return;
    }
    if (task->suspended) {
        skip(entry, SCHED_SKIP_STATE, 1);
        return;
    }
    if (entry->pending)
        skip(entry, waits_for_room(entry) ? SCHED_SKIP_LIMIT : SCHED_SKIP_DEPENDENCY, 1);
    make_pending(sched, task, entry, latest, false, utc, monotonic);
}

static void follow_clock_step(struct sched *sched, int64_t utc, int64_t monotonic)
{
    int64_t step = (utc - monotonic) - sched->clock_difference;
    if (step > -CLOCK_STEP_NS && step < CLOCK_STEP_NS)
        return;
    sched->clock_difference = utc - monotonic;
    sched->next_time_dirty = true;
    for (uint32_t t = 0; t < sched->task_count; t++)
        for (uint32_t s = 0; s < sched->symbol_count; s++) {
            struct sched_entry *entry = sched__entry(sched, t, s);
            if (entry->pending && !waits_for_room(entry))
                entry->pending_until_utc += step; /* how long it waits is monotonic */
            if (step < 0 && sched__runs_for(&sched->tasks[t], s))
                entry->next_slot = sched__slot_from(&sched->tasks[t], utc);
            /* of a step forward, the slots that passed are missed ones and run once */
        }
}

static bool dependencies_hold(const struct sched *sched, const struct sched_task *task,
                              const struct sched_entry *entry, uint32_t symbol, int64_t monotonic)
{
    for (uint32_t k = 0; k < task->depends_on_count; k++) {
        const struct sched_task *needed = &sched->tasks[task->depends_on[k]];
        const struct sched_entry *other =
            sched__entry(sched, task->depends_on[k], needed->portfolio ? 0 : symbol);
        if (!needed->enabled || needed->suspended)
            continue;
        if (other->pending && other->pending_slot <= entry->pending_slot)
            return false;
        if (other->running && other->run.slot <= entry->pending_slot)
            return false;
        if (other->success_sequence == 0 || other->success_sequence < entry->started_sequence)
            return false;
        if (monotonic - other->success_monotonic > needed->interval_ns + needed->interval_ns / 2)
            return false;
    }
    return true;
}

/* The time that a pending slot has for its dependencies is over. */
static void stop_waiting(struct sched *sched, const struct sched_task *task,
                         struct sched_entry *entry, uint32_t symbol, int64_t monotonic)
{
    if (dependencies_hold(sched, task, entry, symbol, monotonic)) {
        entry->pending_until_utc = entry->pending_until_monotonic = INT64_MAX;
        sched->next_time_dirty = true;
        return;
    }
    skip(entry, SCHED_SKIP_DEPENDENCY, 1);
    drop_pending(sched, entry);
}

static void take_up_due(struct sched *sched, int64_t utc, int64_t monotonic)
{
    for (uint32_t t = 0; t < sched->task_count; t++)
        for (uint32_t s = 0; s < sched->symbol_count; s++) {
            struct sched_entry *entry = sched__entry(sched, t, s);
            if (entry->next_slot <= utc)
                take_up(sched, &sched->tasks[t], entry, utc, monotonic);
            if (entry->pending && !entry->pending_forced &&
                monotonic >= entry->pending_until_monotonic)
                stop_waiting(sched, &sched->tasks[t], entry, s, monotonic);
        }
}

static bool may_start(const struct sched *sched, uint32_t task, uint32_t symbol, int64_t monotonic)
{
    const struct sched_entry *entry = sched__entry(sched, task, symbol);
    const struct sched_task *of = &sched->tasks[task];
    return entry->pending && !entry->running && of->running < of->symbols_at_once_max &&
           (entry->pending_forced || dependencies_hold(sched, of, entry, symbol, monotonic));
}

static void begin(struct sched *sched, uint32_t task, uint32_t symbol, int64_t monotonic,
                  struct sched_run *run)
{
    struct sched_entry *entry = sched__entry(sched, task, symbol);
    entry->run = (struct sched_run){.task = task,
                                    .symbol = symbol,
                                    .number = sched->next_number++,
                                    .slot = entry->pending_slot,
                                    .started_at = monotonic,
                                    .deadline = monotonic + sched->tasks[task].timeout_ns,
                                    .forced = entry->pending_forced};
    drop_pending(sched, entry);
    entry->running = true;
    entry->started_sequence_before = entry->started_sequence;
    entry->started_sequence = ++sched->sequence;
    entry->last_slot_before = entry->view.last_slot;
    entry->view.started++;
    entry->view.last_slot = entry->run.slot;
    sched->tasks[task].running++;
    sched->running++;
    *run = entry->run;
}

bool sched_next(struct sched *sched, int64_t utc, int64_t monotonic, struct sched_run *run)
{
    bool found = false;
    uint32_t best_task = 0;
    uint32_t best_symbol = 0;
    int64_t best_slot = INT64_MAX;
    follow_clock_step(sched, utc, monotonic);
    if (utc >= sched_next_time(sched))
        take_up_due(sched, utc, monotonic);
    if (sched->pending_count == 0 || sched->running >= sched->runs_at_once_max)
        return false;
    for (uint32_t i = 0; i < sched->task_count; i++)
        for (uint32_t s = 0; s < sched->symbol_count; s++) {
            uint32_t t = sched->order[i];
            if (sched__entry(sched, t, s)->pending_slot < best_slot &&
                may_start(sched, t, s, monotonic)) {
                found = true;
                best_task = t;
                best_symbol = s;
                best_slot = sched__entry(sched, t, s)->pending_slot;
            }
        }
    if (found)
        begin(sched, best_task, best_symbol, monotonic, run);
    return found;
}

static void count_duration(struct sched_task_view *view, int64_t duration)
{
    view->duration_total_ns += duration;
    if (duration > view->duration_max_ns)
        view->duration_max_ns = duration;
}

/* It was given out and did not take place: as if it had never started. */
static void take_back(struct sched_entry *entry, enum sched_skip why)
{
    entry->view.started--;
    entry->view.last_slot = entry->last_slot_before;
    entry->started_sequence = entry->started_sequence_before;
    skip(entry, why, 1);
}

int sched_end(struct sched *sched, const struct sched_run *run, enum sched_outcome outcome,
              int64_t utc, int64_t monotonic)
{
    if (run->task >= sched->task_count || run->symbol >= sched->symbol_count)
        return TG_E_NOT_FOUND;
    struct sched_entry *entry = sched__entry(sched, run->task, run->symbol);
    struct sched_task_view *view = &entry->view;
    if (!entry->running || entry->run.number != run->number)
        return TG_E_NOT_FOUND;
    entry->running = false;
    sched->tasks[run->task].running--;
    sched->running--;
    if (outcome == SCHED_SUCCEEDED || outcome == SCHED_FAILED || outcome == SCHED_TIMED_OUT)
        count_duration(view, monotonic - entry->run.started_at);
    switch (outcome) {
    case SCHED_SUCCEEDED:
        view->succeeded++;
        view->last_success = utc;
        entry->success_sequence = ++sched->sequence;
        entry->success_monotonic = monotonic;
        break;
    case SCHED_FAILED:
        view->failed++;
        break;
    case SCHED_TIMED_OUT:
        view->timed_out++;
        break;
    case SCHED_SKIPPED_NO_DATA:
        take_back(entry, SCHED_SKIP_NO_DATA);
        break;
    case SCHED_SKIPPED_STATE:
        take_back(entry, SCHED_SKIP_STATE);
        break;
    }
    return 0;
}

bool sched_overdue(const struct sched *sched, int64_t monotonic, struct sched_run *run)
{
    if (sched->running == 0)
        return false;
    for (uint32_t t = 0; t < sched->task_count; t++)
        for (uint32_t s = 0; s < sched->symbol_count; s++) {
            const struct sched_entry *entry = sched__entry(sched, t, s);
            if (entry->running && monotonic >= entry->run.deadline) {
                *run = entry->run;
                return true;
            }
        }
    return false;
}

static int64_t find_next_time(const struct sched *sched)
{
    int64_t next = INT64_MAX;
    for (uint32_t t = 0; t < sched->task_count; t++)
        for (uint32_t s = 0; s < sched->symbol_count; s++) {
            const struct sched_entry *entry = sched__entry(sched, t, s);
            if (entry->next_slot < next)
                next = entry->next_slot;
            if (entry->pending && !entry->pending_forced && entry->pending_until_utc < next)
                next = entry->pending_until_utc;
        }
    return next;
}

int64_t sched_next_time(struct sched *sched)
{
    if (sched->next_time_dirty) {
        sched->next_time = find_next_time(sched);
        sched->next_time_dirty = false;
    }
    return sched->next_time;
}

int sched_task_enable(struct sched *sched, uint32_t task, bool enabled)
{
    if (task >= sched->task_count)
        return TG_E_NOT_FOUND;
    sched->tasks[task].enabled = enabled;
    for (uint32_t s = 0; sched->started && !enabled && s < sched->symbol_count; s++) {
        struct sched_entry *entry = sched__entry(sched, task, s);
        if (entry->pending)
            drop_pending(sched, entry);
    }
    return 0;
}

int sched_task_suspend(struct sched *sched, uint32_t task, bool suspended)
{
    if (task >= sched->task_count)
        return TG_E_NOT_FOUND;
    sched->tasks[task].suspended = suspended;
    for (uint32_t s = 0; sched->started && suspended && s < sched->symbol_count; s++) {
        struct sched_entry *entry = sched__entry(sched, task, s);
        if (!entry->pending)
            continue;
        skip(entry, SCHED_SKIP_STATE, 1);
        drop_pending(sched, entry);
    }
    return 0;
}

int sched_run_now(struct sched *sched, uint32_t task, uint32_t symbol, int64_t utc)
{
    if (!sched->started || task >= sched->task_count || symbol >= sched->symbol_count ||
        !sched__runs_for(&sched->tasks[task], symbol))
        return TG_E_NOT_FOUND;
    struct sched_entry *entry = sched__entry(sched, task, symbol);
    if (entry->running || entry->pending || !sched->tasks[task].enabled ||
        sched->tasks[task].suspended)
        return TG_E_STATE;
    make_pending(sched, &sched->tasks[task], entry, utc, true, utc, utc - sched->clock_difference);
    return 0;
}
