/*
 * Scenario tests start the real program, one process each, and read what it says.
 *
 *   struct run run;
 *   run_program(&run, "replay", "--json", NULL);
 *   assert_int_equal(run.status, 0);
 *   ... run.out, run.err ...
 *   run_free(&run);
 *
 * The program works in the root of the project, so that paths are those of the documentation. Each
 * test program has one scratch folder of its own; scenario_main removes it. Every process has a
 * time limit, after which it is killed and the test fails.
 */
#ifndef SCENARIO_HARNESS_H
#define SCENARIO_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "bus/json.h"

#include <stdbool.h>

#define RUN_LIMIT_SECONDS 90
#define RUN_ARGUMENTS_MAX 64
#define PATH_SIZE         4096

/* ---- one process ---- */

struct run {
    int status; /* exit status; 1000 + number of the signal that ended it */
    char *out, *err;
    size_t out_length, err_length;
    double seconds;         /* from start to end */
    double seconds_to_stop; /* from the interrupt to the end; run_and_interrupt only */
};

/* Arguments, ended by NULL. Fails the test where the program does not end in time. */
void run_program(struct run *run, ...) __attribute__((sentinel));
void run_arguments(struct run *run, const char *const *arguments);
/* As run_arguments; sends SIGINT once standard error holds `text`. */
void run_and_interrupt(struct run *run, const char *text, const char *const *arguments);
void run_free(struct run *run);

/* The run was refused: that status, nothing on standard output, one sentence that holds each word.
 */
void assert_refused(const struct run *run, int status, ...) __attribute__((sentinel));
/* The run succeeded; prints its standard error where it did not. */
void assert_done(const struct run *run);
void assert_holds(const char *text, const char *word);
void assert_lacks(const char *text, const char *word);

/* ---- its results ---- */

/* The root of standard output; json_free it. */
struct json_value *result_of(const struct run *run);
/* Replays with --json and the arguments; the result's root; json_free it. */
struct json_value *replay(const char *const *arguments);

/* A path as "feeds.0.bars_used"; fails the test where nothing is there. */
const struct json_value *at(const struct json_value *root, const char *path);
int64_t whole_at(const struct json_value *root, const char *path);
const char *text_at(const struct json_value *root, const char *path);
struct tg_decimal decimal_at(const struct json_value *root, const char *path);
int64_t sum_at(const struct json_value *root, const char *path); /* of an object's whole numbers */
/* start_equity + realised_pnl + unrealised_pnl - fees is final_equity, to the last digit. */
void assert_money_adds_up(const struct json_value *result);

/* A file of decisions: each line's root. */
struct decisions {
    struct json_value **items;
    size_t count;
};
void decisions_read(struct decisions *decisions, const char *path);
void decisions_free(struct decisions *decisions);
/* The first with this outcome at or after `from`; NULL: none. */
const struct json_value *decision_with(const struct decisions *decisions, size_t from,
                                       const char *outcome);
/* A step of a decision by its name; NULL: not taken. */
const struct json_value *step_of(const struct json_value *decision, const char *step);

/* ---- files ---- */

const char *scratch(const char *name); /* a path in the scratch folder; valid for 64 calls */
const char *project(const char *name); /* a path in the project; valid for 64 calls */
const char *built(const char *name);   /* a path in the build folder; valid for 64 calls */
/* A file of the recorded data; skips the test where it is not there. */
const char *shared_file(const char *name);
const char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2))); /* 64 calls */
void write_file(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *read_file(const char *path, size_t *length); /* free() it; ends with a NUL */
bool file_exists(const char *path);
void copy_policies(const char *folder); /* the shipped ones; makes the folder */
int64_t parse_time(const char *text);   /* RFC 3339, as in results, to nanoseconds */

/* ---- a market made for a test, and an agent that says what the test wants ---- */

/*
 * Minute bars from 2024-01-01 00:00. The price is 100 and stays where the last happening left it:
 * at its minute a bar has these four prices; `missing` minutes from there on have no bar.
 */
struct happening {
    int minute;
    double open, high, low, close;
    int missing;
};
void write_market(const char *path, int minutes, const struct happening *happenings, size_t count);

/*
 * A configuration in the scratch folder whose one agent follows `script` (agents/scripted.c) once a
 * minute, with the shipped symbols, risk limits and policies; no slippage, so that fills are at
 * prices of the bars. The path.
 */
const char *scripted_configuration(const char *script);

/* ---- the program of a test ---- */

int scenario_main(const char *name, const struct CMUnitTest *tests, size_t count);
#define SCENARIO_MAIN(name)                                                                        \
    int main(void)                                                                                 \
    {                                                                                              \
        return scenario_main(name, tests, sizeof(tests) / sizeof(tests[0]));                       \
    }

#endif
