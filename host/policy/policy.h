/*
 * Policies: the Lua files under scripts/ as one generation, checked, tested, and asked through one
 * door. Implements the coordinator's judge. Owned by the core thread.
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
    const char *folder;        /* of the .lua files */
    const struct policy_parameter *parameters; /* copied */
    size_t parameter_count;
    size_t memory_max_bytes;   /* 0: 8 MiB */
    uint64_t instructions_max; /* per call; 0: 1,000,000 */
    int64_t deadline_ns;       /* wall clock per call; 0: 10 ms */
    struct tg_clock clock;     /* the real one: for deadlines */
    struct obs_log *log;       /* borrowed; may be NULL */
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

struct policy_file_report {
    char name[64];     /* "risk.lua" */
    char version[65];  /* SHA-256 */
    uint32_t tests_passed, tests_failed;
    char failure[512]; /* file:line: sentence; "" when it is fine */
};
/* Loads each file on its own and reports; 0 when all are fine. At most `capacity` reports. */
int policy_check(const struct policy_options *options, struct policy_file_report *reports,
                 size_t capacity, size_t *count, struct tg_error *error);

struct policy_counters {
    uint64_t calls, failed, budget, deadline, no_memory, runtime, bad_result, loosened;
    size_t memory_bytes, memory_high_bytes;
};
void policy_get_counters(const struct policy *policy, struct policy_counters *counters);

#endif
