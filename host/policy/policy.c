/*
 * The judge that the coordinator asks. A question goes to the script of the generation in use; its
 * verdict is held against the proposal in C. A script that fails in any way gives the cautious
 * verdict: consensus changes nothing, conflicts wait, the size is 0, the trade is rejected with
 * RULE_ERROR, in an emergency the configured minimum is done. One that fails three times in a row
 * is in quarantine: it is not asked any more, and the coordinator, which sees the quarantine, stops
 * trading.
 *
 * One thread, the core's. The policy owns its generations; the log is borrowed. A generation stays
 * while a question to it goes on, whatever is activated meanwhile.
 */
#include "policy_int.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void count_failure(struct policy *policy, enum policy__which which, enum lua_outcome outcome,
                          const char *sentence)
{
    struct policy_counters *counters = &policy->counters[which];
    uint64_t *of_outcome = outcome == LUA_OUTCOME_BUDGET       ? &counters->budget
                           : outcome == LUA_OUTCOME_DEADLINE   ? &counters->deadline
                           : outcome == LUA_OUTCOME_NO_MEMORY  ? &counters->no_memory
                           : outcome == LUA_OUTCOME_BAD_RESULT ? &counters->bad_result
                                                               : &counters->runtime;
    ++*of_outcome;
    counters->failed++;
    OBS_ERROR(policy->log, "policy", "%s.lua failed (%s): %s", policy__kinds[which].name,
              lua_outcome_text(outcome), sentence);
    if (++counters->failed_in_a_row < POLICY_ERRORS_MAX)
        return;
    snprintf(policy->quarantine[which], sizeof policy->quarantine[which],
             "%s.lua is not asked any more after %u errors in a row, the last: %.120s",
             policy__kinds[which].name, POLICY_ERRORS_MAX, sentence);
    OBS_ERROR(policy->log, "policy", "%s", policy->quarantine[which]);
}

/* Asks the script and holds its verdict; non-zero: it failed, and `verdict` is all zero. */
static int ask(struct policy *policy, enum policy__which which, const void *given, void *verdict,
               struct tg_error *error)
{
    struct policy_counters *counters = &policy->counters[which];
    if (policy->quarantine[which][0]) {
        counters->quarantined++;
        memset(verdict, 0, policy__kinds[which].output->size);
        return TG_FAIL(error, REFUSED, "%s", policy->quarantine[which]);
    }
    struct policy__generation *generation = policy->active;
    enum policy__held held;
    counters->calls++;
    policy__generation_retain(generation);
    enum lua_outcome outcome =
        policy__generation_ask(generation, which, given, verdict, &held, error);
    policy__generation_release(generation);
    if (outcome != LUA_OUTCOME_OK) {
        count_failure(policy, which, outcome, error->message);
        return TG_E_FAILED;
    }
    counters->failed_in_a_row = 0;
    if (held == POLICY__LOOSENED) {
        counters->loosened++;
        OBS_WARNING(policy->log, "policy", "%s.lua loosens, and was brought back: %s",
                    policy__kinds[which].name, error->message);
    }
    return TG_E_OK;
}

static int judge_consensus(void *context, const struct coord_consensus_case *given,
                           struct coord_consensus_verdict *verdict, struct tg_error *error)
{
    struct tg_error own;
    int code = ask(context, POLICY__CONSENSUS, given, verdict, error ? error : &own);
    if (code) {
        verdict->multiplier = 1;
        verdict->confidence = given->confidence;
    }
    return code;
}

static int judge_conflicts(void *context, const struct coord_conflict_case *given,
                           struct coord_conflict_verdict *verdict, struct tg_error *error)
{
    struct tg_error own;
    struct tg_error *said = error ? error : &own; /* cppcheck-suppress uninitvar ; an address */
    int code = ask(context, POLICY__CONFLICT, given, verdict, said);
    if (code) {
        verdict->resolution = COORD_WAIT;
        snprintf(verdict->reason, sizeof verdict->reason, "%.*s", COORD_NOTE_SIZE - 1,
                 said->message);
    }
    return code;
}

static int judge_sizing(void *context, const struct coord_sizing_case *given,
                        struct coord_sizing_verdict *verdict, struct tg_error *error)
{
    struct tg_error own;
    struct tg_error *said = error ? error : &own; /* cppcheck-suppress uninitvar ; an address */
    int code = ask(context, POLICY__SIZING, given, verdict, said);
    if (code)
        snprintf(verdict->reason, sizeof verdict->reason, "%.*s", COORD_NOTE_SIZE - 1,
                 said->message);
    return code;
}

void policy__refuse_risk(struct coord_risk_verdict *verdict, const char *sentence)
{
    verdict->status = COORD_RISK_REJECTED;
    tg_text_copy(verdict->code, sizeof verdict->code, "RULE_ERROR");
    snprintf(verdict->reason, sizeof verdict->reason, "%.*s", COORD_NOTE_SIZE - 1, sentence);
}

static int judge_risk(void *context, const struct coord_risk_case *given,
                      struct coord_risk_verdict *verdict, struct tg_error *error)
{
    struct tg_error own;
    struct tg_error *said = error ? error : &own; /* cppcheck-suppress uninitvar ; an address */
    int code = ask(context, POLICY__RISK, given, verdict, said);
    if (code)
        policy__refuse_risk(verdict, said->message);
    return code;
}

static int judge_emergency(void *context, const struct coord_emergency_case *given,
                           struct coord_emergency_verdict *verdict, struct tg_error *error)
{
    struct tg_error own = {0};
    struct tg_error *said = error ? error : &own;
    int code = ask(context, POLICY__EMERGENCY, given, verdict, said);
    if (code) {
        verdict->actions = given->minimum;
        snprintf(verdict->reason, sizeof verdict->reason, "%.*s", COORD_NOTE_SIZE - 1,
                 said->message);
    }
    return code;
}

static const char *judge_quarantine(void *context)
{
    return policy_quarantine(context);
}

static const char *judge_version(void *context)
{
    return policy_version(context);
}

int policy_create(const struct policy_options *options, struct policy **result,
                  struct tg_error *error)
{
    *result = NULL;
    struct policy *policy = calloc(1, sizeof *policy);
    if (!policy)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the policies");
    policy->log = options->log;
    int code = policy__generation_create(options, &policy->active, error);
    if (code) {
        free(policy);
        return TG_PASS(error, code);
    }
    policy__note_version(policy, POLICY_STARTED, options->utc, options->who);
    *result = policy;
    return TG_E_OK;
}

void policy_destroy(struct policy *policy)
{
    if (!policy)
        return;
    policy__generation_release(policy->active);
    policy__generation_release(policy->previous);
    free(policy);
}

struct coord_judge policy_judge(struct policy *policy)
{
    return (struct coord_judge){.consensus = judge_consensus,
                                .conflicts = judge_conflicts,
                                .sizing = judge_sizing,
                                .risk = judge_risk,
                                .version = judge_version,
                                .context = policy,
                                .emergency = judge_emergency,
                                .quarantine = judge_quarantine};
}

const char *policy_version(const struct policy *policy)
{
    return policy->active->version;
}

const char *policy_quarantine(const struct policy *policy)
{
    for (int which = 0; which < POLICY__COUNT; which++)
        if (policy->quarantine[which][0])
            return policy->quarantine[which];
    return NULL;
}

static void add_counters(struct policy_counters *sum, const struct policy_counters *counters)
{
    sum->calls += counters->calls;
    sum->failed += counters->failed;
    sum->budget += counters->budget;
    sum->deadline += counters->deadline;
    sum->no_memory += counters->no_memory;
    sum->runtime += counters->runtime;
    sum->bad_result += counters->bad_result;
    sum->loosened += counters->loosened;
    sum->quarantined += counters->quarantined;
    if (counters->failed_in_a_row > sum->failed_in_a_row)
        sum->failed_in_a_row = counters->failed_in_a_row;
}

bool policy_get_counters(const struct policy *policy, const char *name,
                         struct policy_counters *counters)
{
    bool found = false;
    *counters = (struct policy_counters){0};
    for (int which = 0; which < POLICY__COUNT; which++) {
        if (name && strcmp(name, policy__kinds[which].name) != 0)
            continue;
        found = true;
        add_counters(counters, &policy->counters[which]);
    }
    lua_vm_memory(policy->active->vm, &counters->memory_bytes, &counters->memory_high_bytes);
    return found;
}
