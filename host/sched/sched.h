/*
 * The schedule: which run (task, symbol, slot) is due when. Pure: time is an argument, monotonic
 * for intervals, UTC for the alignment of slots. Owned by the core thread.
 */
#ifndef TG_SCHED_H
#define TG_SCHED_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

#define SCHED_TASKS_MAX        64u
#define SCHED_SYMBOLS_MAX      256u
#define SCHED_DEPENDENCIES_MAX 8u

struct sched;

struct sched_options {
    uint32_t runs_at_once_max; /* of all tasks; 0: 5 */
};

struct sched_task_options {
    const char *name;
    const char *agent; /* plugin instance; for display */
    int64_t interval_ns;
    int64_t offset_ns;
    int64_t timeout_ns;
    bool enabled;
    bool on_start;
    bool portfolio; /* of all symbols: one run a slot, under the symbol that was added first */
    uint32_t symbols_at_once_max; /* 0: 1 */
    const char *depends_on[SCHED_DEPENDENCIES_MAX];
    uint32_t depends_on_count;
};

int sched_create(const struct sched_options *options, struct sched **sched, struct tg_error *error);
void sched_destroy(struct sched *sched);
int sched_symbol_add(struct sched *sched, const char *symbol, uint32_t *number,
                     struct tg_error *error);
int sched_task_add(struct sched *sched, const struct sched_task_options *options, uint32_t *number,
                   struct tg_error *error);
/* After all are added: unknown and circular dependencies are refused, slots start from `utc`. */
int sched_start(struct sched *sched, int64_t utc, int64_t monotonic, struct tg_error *error);

struct sched_run {
    uint32_t task, symbol;
    uint64_t number;    /* unique; a late end of an earlier run is told apart by it */
    int64_t slot;       /* UTC */
    int64_t started_at; /* monotonic */
    int64_t deadline;   /* monotonic */
    bool forced;        /* by sched_run_now */
};

/* Why a slot did not run. X(NAME, "text") */
#define SCHED_SKIP_LIST(X)                                                                         \
    X(OVERLAP, "overlap")       /* the last run still goes on */                                   \
    X(DEPENDENCY, "dependency") /* a dependency had no fresh success in time */                    \
    X(STATE, "state")           /* the host's state or degradation level forbids it */             \
    X(NO_DATA, "no_data")       /* no fresh snapshot of the symbol */                              \
    X(LIMIT, "limit")           /* no room among the runs at once before the next slot came */     \
    X(MISSED, "missed")         /* slots that passed while nobody looked; they run once */

enum sched_skip {
#define SCHED_SKIP_ENUM(NAME, text) SCHED_SKIP_##NAME,
    SCHED_SKIP_LIST(SCHED_SKIP_ENUM)
#undef SCHED_SKIP_ENUM
        SCHED_SKIP_COUNT
};
const char *sched_skip_text(enum sched_skip skip);

enum sched_outcome {
    SCHED_SUCCEEDED,
    SCHED_FAILED,
    SCHED_TIMED_OUT,
    SCHED_SKIPPED_NO_DATA, /* was given out but could not start: no fresh snapshot */
    SCHED_SKIPPED_STATE,   /* was given out but the state forbids it */
};

/*
 * Gives the next run that may start now: due, its dependencies satisfied, within the limits; counts
 * it as started. Order: slot, then tasks so that dependencies come first, then symbols in order of
 * adding. False: none now. Call again until false.
 */
bool sched_next(struct sched *sched, int64_t utc, int64_t monotonic, struct sched_run *run);
/* The run has ended. TG_E_NOT_FOUND: it is not going on (a late answer): nothing changes. */
int sched_end(struct sched *sched, const struct sched_run *run, enum sched_outcome outcome,
              int64_t utc, int64_t monotonic);
/* Runs whose deadline has passed, one a call; the caller cancels and ends them TIMED_OUT. */
bool sched_overdue(const struct sched *sched, int64_t monotonic, struct sched_run *run);
/* UTC of the next moment at which something may be due; INT64_MAX: never. */
int64_t sched_next_time(struct sched *sched);

/* TG_E_NOT_FOUND, of a portfolio task for any symbol but the first too; run_now obeys the overlap
 * guard: TG_E_STATE while a run goes on or disabled. */
int sched_task_find(const struct sched *sched, const char *name); /* -1: none */
int sched_task_enable(struct sched *sched, uint32_t task, bool enabled);
int sched_run_now(struct sched *sched, uint32_t task, uint32_t symbol, int64_t utc);
/* While a task is suspended its slots are skipped (state), a run now is refused (TG_E_STATE), and
 * who depends on it does without. What runs already goes on. */
int sched_task_suspend(struct sched *sched, uint32_t task, bool suspended);

struct sched_task_view {
    const char *name, *agent;
    bool enabled, suspended;
    int64_t interval_ns;
    uint64_t started, succeeded, failed, timed_out;
    uint64_t skipped[SCHED_SKIP_COUNT];
    int64_t last_slot, last_success; /* UTC; 0: never */
    int64_t next_due;                /* UTC */
    int64_t duration_total_ns, duration_max_ns;
    bool running;
};
uint32_t sched_task_count(const struct sched *sched);
uint32_t sched_symbol_count(const struct sched *sched);
const char *sched_symbol_name(const struct sched *sched, uint32_t symbol);
void sched_view(const struct sched *sched, uint32_t task, uint32_t symbol,
                struct sched_task_view *view);

#endif
