/*
 * Replacing the policies. A candidate is a whole generation, built beside the one in use; all that
 * can fail happens while it is built. Taking it into use is one pointer, between two questions.
 *
 *                     activate                          activate
 *     candidate ------------------> active ----------------------------> previous ----> freed
 *                                          <---------------------------> by rollback
 *
 * A candidate belongs to whoever prepared it, on whatever thread, until it is activated. The rest
 * happens on the core thread.
 */
#include "policy_int.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void policy__note_version(struct policy *policy, enum policy_change change, int64_t utc,
                          const char *who)
{
    struct policy_version_entry *entry =
        &policy->versions[policy->version_count++ % POLICY_VERSIONS_MAX];
    *entry = (struct policy_version_entry){.utc = utc, .change = change};
    tg_text_copy(entry->version, sizeof entry->version, policy->active->version);
    tg_text_copy(entry->who, sizeof entry->who, who ? who : "start");
}

size_t policy_versions(const struct policy *policy, struct policy_version_entry *entries,
                       size_t capacity)
{
    size_t count = policy->version_count;
    if (count > POLICY_VERSIONS_MAX)
        count = POLICY_VERSIONS_MAX;
    if (count > capacity)
        count = capacity;
    for (size_t i = 0; i < count; i++)
        entries[i] = policy->versions[(policy->version_count - 1 - i) % POLICY_VERSIONS_MAX];
    return count;
}

/* ---- candidates ---- */

int policy_prepare(const struct policy_options *options, struct policy_candidate **result,
                   struct tg_error *error)
{
    *result = NULL;
    struct policy_candidate *candidate = calloc(1, sizeof *candidate);
    if (!candidate)
        return TG_FAIL(error, NO_MEMORY, "out of memory for a candidate of the policies");
    candidate->utc = options->utc;
    tg_text_copy(candidate->who, sizeof candidate->who, options->who ? options->who : "start");
    int code = policy__generation_create(options, &candidate->generation, error);
    if (code) {
        free(candidate);
        return TG_PASS(error, code);
    }
    *result = candidate;
    return TG_E_OK;
}

void policy_candidate_destroy(struct policy_candidate *candidate)
{
    if (!candidate)
        return;
    policy__generation_release(candidate->generation);
    free(candidate);
}

const char *policy_candidate_version(const struct policy_candidate *candidate)
{
    return candidate->generation->version;
}

/* ---- the swap ---- */

static void lift_quarantines(struct policy *policy)
{
    for (int which = 0; which < POLICY__COUNT; which++) {
        policy->counters[which].failed_in_a_row = 0;
        policy->quarantine[which][0] = '\0';
    }
}

void policy_activate(struct policy *policy, struct policy_candidate *candidate)
{
    struct policy__generation *oldest = policy->previous;
    policy->previous = policy->active;
    policy->active = candidate->generation;
    lift_quarantines(policy);
    policy__note_version(policy, POLICY_RELOADED, candidate->utc, candidate->who);
    OBS_INFO(policy->log, "policy", "version %.12s is in use, by %s (before: %.12s)",
             policy->active->version, candidate->who, policy->previous->version);
    free(candidate);
    policy__generation_release(oldest);
}

int policy_reload(struct policy *policy, const struct policy_options *options,
                  struct tg_error *error)
{
    struct policy_candidate *candidate;
    int code = policy_prepare(options, &candidate, error);
    if (code)
        return TG_PASS(error, code);
    policy_activate(policy, candidate);
    return TG_E_OK;
}

int policy_rollback(struct policy *policy, int64_t utc, const char *who, struct tg_error *error)
{
    if (!policy->previous)
        return TG_FAIL(error, NOT_FOUND, "there is no version of the policies before %.12s",
                       policy->active->version);
    struct policy__generation *left = policy->active;
    policy->active = policy->previous;
    policy->previous = left;
    lift_quarantines(policy);
    policy__note_version(policy, POLICY_ROLLED_BACK, utc, who);
    OBS_INFO(policy->log, "policy", "version %.12s is in use again, by %s (before: %.12s)",
             policy->active->version, who ? who : "start", left->version);
    return TG_E_OK;
}

/* ---- comparing ---- */

static void judge_alone(struct policy__generation *generation, const struct coord_risk_case *given,
                        struct coord_risk_verdict *verdict)
{
    enum policy__held held;
    struct tg_error error;
    if (policy__generation_ask(generation, POLICY__RISK, given, verdict, &held, &error) !=
        LUA_OUTCOME_OK)
        policy__refuse_risk(verdict, error.message);
}

static bool is_same_verdict(const struct coord_risk_verdict *a, const struct coord_risk_verdict *b)
{
    return a->status == b->status && strcmp(a->code, b->code) == 0 && a->size_usd == b->size_usd &&
           a->leverage == b->leverage;
}

void policy_compare(struct policy *policy, struct policy_candidate *candidate,
                    const struct coord_risk_case *cases, size_t case_count,
                    struct policy_difference *differences, size_t capacity, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < case_count; i++) {
        struct policy_difference difference = {.index = i};
        judge_alone(policy->active, &cases[i], &difference.now);
        judge_alone(candidate->generation, &cases[i], &difference.then);
        if (is_same_verdict(&difference.now, &difference.then))
            continue;
        if (*count < capacity)
            differences[*count] = difference;
        ++*count;
    }
}
