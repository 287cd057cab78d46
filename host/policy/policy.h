/*
 * Policies: the Lua files under scripts/ as one generation, checked, tested, and asked through one
 * door. Implements the coordinator's judge. A generation is replaced as a whole, between two
 * questions. Owned by the core thread, but for policy_prepare.
 */
#ifndef TG_POLICY_H
#define TG_POLICY_H

#include "base/buffer.h"
#include "base/error.h"
#include "coord/judge.h"
#include "obs/obs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A tree of numbers, texts and flags that policies see read-only as `config`; filled by the caller
 * from the configuration. Keys are dotted paths, as "limits.position_size_max_pct". */
struct policy_parameter {
    const char *path;
    enum { POLICY_NUMBER, POLICY_TEXT, POLICY_FLAG } type;
    double number; /* 0 or 1 of a flag */
    const char *text;
};

struct policy_options {
    const char *folder;                        /* of the .lua files */
    const struct policy_parameter *parameters; /* copied */
    size_t parameter_count;
    size_t memory_max_bytes;   /* 0: 8 MiB */
    uint64_t instructions_max; /* per call; 0: 1,000,000 */
    int64_t deadline_ns;       /* wall clock per call; 0: 10 ms */
    struct tg_clock clock;     /* the real one: for deadlines */
    struct obs_log *log;       /* borrowed; may be NULL */
    int64_t utc;               /* now, and by whom: for the list of versions */
    const char *who;           /* copied; NULL: "start" */
};

struct policy;
/* Reads all files at once, compiles, checks the contract, runs the self-tests. On failure the
 * sentence has file and line. */
int policy_create(const struct policy_options *options, struct policy **policy,
                  struct tg_error *error);
void policy_destroy(struct policy *policy);
/* The judge of the coordinator; borrowed. */
struct coord_judge policy_judge(struct policy *policy);
const char *policy_version(const struct policy *policy); /* SHA-256 of the set */

/* ---- generations ---- */

/*
 * Builds a whole generation beside the one in use: all files at once, digest, contract, self-tests
 * forwards and backwards. Touches nothing else, so any thread may do it.
 */
struct policy_candidate;
int policy_prepare(const struct policy_options *options, struct policy_candidate **candidate,
                   struct tg_error *error);
void policy_candidate_destroy(struct policy_candidate *candidate);
const char *policy_candidate_version(const struct policy_candidate *candidate);
/*
 * Takes the candidate into use, from the next question on, and lifts every quarantine. The
 * generation that was in use is kept for a rollback, the one before it is freed. Cannot fail.
 */
void policy_activate(struct policy *policy, struct policy_candidate *candidate);

/* Both at once. Any failure keeps what is in use; the sentence has file, line and reason. */
int policy_reload(struct policy *policy, const struct policy_options *options,
                  struct tg_error *error);
/* Goes back to the generation before, and a second time forwards again; TG_E_NOT_FOUND without. */
int policy_rollback(struct policy *policy, int64_t utc, const char *who, struct tg_error *error);

#define POLICY_VERSIONS_MAX 64u /* remembered; the oldest go first */
#define POLICY_WHO_SIZE     32u
enum policy_change { POLICY_STARTED, POLICY_RELOADED, POLICY_ROLLED_BACK };
struct policy_version_entry {
    char version[COORD_VERSION_SIZE];
    int64_t utc; /* when it came into use */
    char who[POLICY_WHO_SIZE];
    enum policy_change change;
};
/* What was in use, the newest first, which is in use now. Returns how many were written. */
size_t policy_versions(const struct policy *policy, struct policy_version_entry *entries,
                       size_t capacity);

/* A proposal that two generations judge differently. */
struct policy_difference {
    size_t index;
    struct coord_risk_verdict now, then; /* then: by the candidate; failed: RULE_ERROR */
};
/* Judges given cases by the generation in use and by a candidate. Neither counts as a question.
 * `count` is set to how many differ, also where that is more than `capacity`. */
void policy_compare(struct policy *policy, struct policy_candidate *candidate,
                    const struct coord_risk_case *cases, size_t case_count,
                    struct policy_difference *differences, size_t capacity, size_t *count);

/* ---- checking without using ---- */

struct policy_file_report {
    char name[64];    /* "risk.lua" */
    char version[65]; /* SHA-256 */
    uint32_t tests_passed, tests_failed;
    char failure[512]; /* file:line: sentence; "" when it is fine */
};
/* Loads each file on its own and reports; 0 when all are fine. At most `capacity` reports. */
int policy_check(const struct policy_options *options, struct policy_file_report *reports,
                 size_t capacity, size_t *count, struct tg_error *error);

/* ---- failures ---- */

/* So many errors in a row of one policy, and it is not asked any more: its cautious verdict comes
 * at once, until another generation is activated. */
#define POLICY_ERRORS_MAX 3u
/* What is quarantined and why, or NULL. For trading to pause on. */
const char *policy_quarantine(const struct policy *policy);

struct policy_counters {
    uint64_t calls, failed, budget, deadline, no_memory, runtime, bad_result, loosened;
    uint64_t quarantined; /* questions not asked */
    uint32_t failed_in_a_row;
    size_t memory_bytes, memory_high_bytes; /* of the generation in use */
};
/* Of one policy by its name ("risk"), or of all for NULL; false where there is none. */
bool policy_get_counters(const struct policy *policy, const char *name,
                         struct policy_counters *counters);

#endif
