/*
 * The judge that the coordinator asks. A question goes to the script of the generation in use; its
 * verdict is held against the proposal in C. A script that fails in any way gives the cautious
 * verdict: consensus changes nothing, conflicts wait, the size is 0, the trade is rejected with
 * RULE_ERROR. Nothing is kept between questions but counters.
 *
 * One thread, the core's. The policy owns its generation; the log is borrowed.
 */
#include "policy_int.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct policy {
    struct policy__generation *generation;
    struct policy_counters counters;
    struct obs_log *log;
};

static void count_outcome(struct policy_counters *counters, enum lua_outcome outcome)
{
    switch (outcome) {
    case LUA_OUTCOME_BUDGET:
        counters->budget++;
        break;
    case LUA_OUTCOME_DEADLINE:
        counters->deadline++;
        break;
    case LUA_OUTCOME_NO_MEMORY:
        counters->no_memory++;
        break;
    case LUA_OUTCOME_BAD_RESULT:
        counters->bad_result++;
        break;
    default:
        counters->runtime++;
        break;
    }
    counters->failed++;
}

/* Asks the script and holds its verdict; non-zero: it failed, and `verdict` is all zero. */
static int ask(struct policy *policy, enum policy__which which, const void *given, void *verdict,
               struct tg_error *error)
{
    const struct policy__kind *kind = &policy__kinds[which];
    struct policy__generation *generation = policy->generation;
    policy->counters.calls++;
    enum lua_outcome outcome = lua_binding_call(generation->bindings[which], given, verdict, error);
    if (outcome == LUA_OUTCOME_OK) {
        struct tg_error held_error;
        switch (kind->hold(given, verdict, &generation->bounds, &held_error)) {
        case POLICY__FINE:
            return TG_E_OK;
        case POLICY__LOOSENED:
            policy->counters.loosened++;
            OBS_WARNING(policy->log, "policy", "%s.lua loosens, and was brought back: %s",
                        kind->name, held_error.message);
            return TG_E_OK;
        case POLICY__BAD_RESULT:
            outcome = LUA_OUTCOME_BAD_RESULT;
            memset(verdict, 0, kind->output->size);
            (void)TG_FAIL(error, FAILED, "%s.lua: %s", kind->name, held_error.message);
            break;
        }
    }
    count_outcome(&policy->counters, outcome);
    OBS_ERROR(policy->log, "policy", "%s.lua failed (%s): %s", kind->name,
              lua_outcome_text(outcome), error->message);
    return TG_E_FAILED;
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
    struct tg_error *said = error ? error : &own;
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
    struct tg_error *said = error ? error : &own;
    int code = ask(context, POLICY__SIZING, given, verdict, said);
    if (code)
        snprintf(verdict->reason, sizeof verdict->reason, "%.*s", COORD_NOTE_SIZE - 1,
                 said->message);
    return code;
}

static int judge_risk(void *context, const struct coord_risk_case *given,
                      struct coord_risk_verdict *verdict, struct tg_error *error)
{
    struct tg_error own;
    struct tg_error *said = error ? error : &own;
    int code = ask(context, POLICY__RISK, given, verdict, said);
    if (code) {
        verdict->status = COORD_RISK_REJECTED;
        tg_text_copy(verdict->code, sizeof verdict->code, "RULE_ERROR");
        snprintf(verdict->reason, sizeof verdict->reason, "%.*s", COORD_NOTE_SIZE - 1,
                 said->message);
    }
    return code;
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
    int code = policy__generation_create(options, &policy->generation, error);
    if (code) {
        free(policy);
        return TG_PASS(error, code);
    }
    *result = policy;
    return TG_E_OK;
}

void policy_destroy(struct policy *policy)
{
    if (!policy)
        return;
    policy__generation_destroy(policy->generation);
    free(policy);
}

struct coord_judge policy_judge(struct policy *policy)
{
    return (struct coord_judge){.consensus = judge_consensus,
                                .conflicts = judge_conflicts,
                                .sizing = judge_sizing,
                                .risk = judge_risk,
                                .version = judge_version,
                                .context = policy};
}

const char *policy_version(const struct policy *policy)
{
    return policy->generation->version;
}

void policy_get_counters(const struct policy *policy, struct policy_counters *counters)
{
    *counters = policy->counters;
    lua_vm_memory(policy->generation->vm, &counters->memory_bytes, &counters->memory_high_bytes);
}
