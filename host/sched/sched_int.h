/* What the files of the schedule share. */
#ifndef TG_SCHED_INT_H
#define TG_SCHED_INT_H

#include "sched/sched.h"

#define SCHED_NAME_SIZE 64u

struct sched_task {
    char name[SCHED_NAME_SIZE], agent[SCHED_NAME_SIZE];
    int64_t interval_ns, offset_ns, timeout_ns;
    bool enabled, on_start, portfolio;
    bool suspended;
    uint32_t symbols_at_once_max, running;
    char depends_on_names[SCHED_DEPENDENCIES_MAX][SCHED_NAME_SIZE];
    uint32_t depends_on[SCHED_DEPENDENCIES_MAX];
    uint32_t depends_on_count;
};

/* One task of one symbol. */
struct sched_entry {
    int64_t next_slot; /* UTC; the first slot that is not yet taken up */
    bool pending;      /* a slot is taken up and waits to be started */
    bool pending_forced;
    int64_t pending_slot;
    /* Then its dependencies must hold, or it is skipped; INT64_MAX: they did, it waits for room. */
    int64_t pending_until_utc, pending_until_monotonic;
    bool running;
    struct sched_run run;
    uint64_t started_sequence, success_sequence; /* order of events: which came after which */
    uint64_t started_sequence_before;            /* and the slot before: for a run taken back */
    int64_t last_slot_before;
    int64_t success_monotonic;
    struct sched_task_view view; /* name, agent and next_due are filled in when asked for */
};

struct sched {
    uint32_t runs_at_once_max, running;
    struct sched_task tasks[SCHED_TASKS_MAX];
    uint32_t task_count;
    uint32_t order[SCHED_TASKS_MAX]; /* tasks, dependencies first */
    char symbols[SCHED_SYMBOLS_MAX][TG_SYMBOL_SIZE];
    uint32_t symbol_count;
    struct sched_entry *entries; /* [task * symbol_count + symbol] */
    uint32_t pending_count;
    bool started;
    uint64_t next_number, sequence;
    int64_t clock_difference; /* UTC less monotonic: a step of the wall clock shows here */
    int64_t next_time;        /* UTC; valid while !next_time_dirty */
    bool next_time_dirty;
};

struct sched_entry *sched__entry(const struct sched *sched, uint32_t task, uint32_t symbol);
/* Whether the task ever runs for that symbol: one of the portfolio does for the first alone. */
bool sched__runs_for(const struct sched_task *task, uint32_t symbol);
/* The first slot at or after `utc`. */
int64_t sched__slot_from(const struct sched_task *task, int64_t utc);
/* Resolves names and orders the tasks; unknown and circular dependencies are refused. */
int sched__order(struct sched *sched, struct tg_error *error);

#endif
