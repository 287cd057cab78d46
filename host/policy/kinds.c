/*
 * What C holds verdicts to, after Lua. A policy may tighten and veto; what it loosens is brought
 * back here and counted, and a verdict that contradicts itself counts as none. The hard limits of
 * the account itself stand elsewhere, before every order.
 */
#include "policy_int.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAME_RATIO 1e-9

static bool is_same(double a, double b)
{
    return fabs(a - b) <= SAME_RATIO * fmax(1, fmax(fabs(a), fabs(b)));
}

/* ---- consensus ---- */

static void consensus_preset(union policy__case *given)
{
    given->consensus.confidence = 0.5;
    given->consensus.opinions.strictness = TG_STRICTNESS_NORMAL;
}

static enum policy__held consensus_hold(const void *given, void *verdict,
                                        const struct policy__bounds *bounds, struct tg_error *error)
{
    (void)bounds;
    const struct coord_consensus_case *asked = given;
    const struct coord_consensus_verdict *said = verdict;
    if (said->agreeing > said->present || said->ratio < 0 || said->ratio > 1 ||
        said->multiplier < 0 || said->confidence < 0 || said->confidence > 1)
        (void)TG_FAIL(error, RANGE,
                      "verdict: agreeing at most present, ratio and confidence within 0 and 1, "
                      "multiplier not below 0 are needed");
    else if (!is_same(said->confidence, fmin(asked->confidence * said->multiplier, 1)))
        (void)TG_FAIL(error, RANGE,
                      "verdict: confidence %g is not the signal's %g times the multiplier %g",
                      said->confidence, asked->confidence, said->multiplier);
    else
        return POLICY__FINE;
    return POLICY__BAD_RESULT;
}

static bool consensus_refuses(const union policy__verdict *verdict)
{
    return verdict->consensus.multiplier < 1;
}

/* ---- conflicts ---- */

static void conflict_preset(union policy__case *given)
{
    given->conflict.opinions.strictness = TG_STRICTNESS_NORMAL;
    given->conflict.opinions.regime = TG_REGIME_UNKNOWN;
}

static enum policy__held conflict_hold(const void *given, void *verdict,
                                       const struct policy__bounds *bounds, struct tg_error *error)
{
    (void)given;
    (void)bounds;
    const struct coord_conflict_verdict *said = verdict;
    if (said->resolution == COORD_MODIFY)
        (void)TG_FAIL(error, RANGE, "verdict.resolution must be proceed, wait or abort");
    else if (said->conflict_count == 0 && said->resolution != COORD_PROCEED)
        (void)TG_FAIL(error, RANGE, "verdict: resolution %s needs a conflict",
                      coord_resolution_text(said->resolution));
    else
        return POLICY__FINE;
    return POLICY__BAD_RESULT;
}

static bool conflict_refuses(const union policy__verdict *verdict)
{
    return verdict->conflict.resolution != COORD_PROCEED;
}

/* ---- sizing ---- */

static void sizing_preset(union policy__case *given)
{
    given->sizing.regime = TG_REGIME_UNKNOWN;
    given->sizing.position_size_multiplier = 1;
}

static enum policy__held sizing_hold(const void *given, void *verdict,
                                     const struct policy__bounds *bounds, struct tg_error *error)
{
    const struct coord_sizing_case *asked = given;
    struct coord_sizing_verdict *said = verdict;
    if (said->size_usd < 0) {
        (void)TG_FAIL(error, RANGE, "verdict.size_usd must not be below 0");
        return POLICY__BAD_RESULT;
    }
    double most = asked->equity * bounds->position_size_max_pct / 100;
    if (asked->has_size_usd)
        most = asked->size_usd;
    else if (asked->has_position_size_pct)
        most = asked->equity * asked->position_size_pct / 100;
    most = fmax(most, 0);
    if (said->size_usd <= most || is_same(said->size_usd, most)) {
        said->size_usd = fmin(said->size_usd, most);
        return POLICY__FINE;
    }
    (void)TG_FAIL(error, RANGE, "size %.2f is more than the %.2f allowed", said->size_usd, most);
    said->size_usd = most;
    return POLICY__LOOSENED;
}

static bool sizing_refuses(const union policy__verdict *verdict)
{
    return verdict->sizing.size_usd == 0;
}

/* ---- risk ---- */

static void risk_preset(union policy__case *given)
{
    tg_text_copy(given->risk.profile, sizeof given->risk.profile, "normal");
    given->risk.regime = TG_REGIME_UNKNOWN;
    given->risk.strictness = TG_STRICTNESS_NORMAL;
    given->risk.leverage = 1;
}

static bool is_code(const char *code)
{
    return code[0] != '\0' && strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(code);
}

static void refuse_trade(struct coord_risk_verdict *verdict, uint8_t status, const char *code,
                         const char *reason)
{
    verdict->status = status;
    verdict->size_usd = 0;
    verdict->leverage = 0;
    tg_text_copy(verdict->code, sizeof verdict->code, code);
    snprintf(verdict->reason, sizeof verdict->reason, "%s", reason);
}

static bool risk_is_consistent(const struct coord_risk_case *asked,
                               const struct coord_risk_verdict *said, struct tg_error *error)
{
    bool lets_through = said->status == COORD_RISK_APPROVED || said->status == COORD_RISK_MODIFIED;
    const char *status = coord_risk_status_text(said->status);
    if (!lets_through) {
        if (is_code(said->code))
            return true;
        (void)TG_FAIL(error, RANGE, "verdict: %s needs a code of A-Z 0-9 _", status);
    } else if (said->code[0] != '\0') {
        (void)TG_FAIL(error, RANGE, "verdict: %s has no code, this one has %s", status, said->code);
    } else if (!(said->size_usd > 0) || said->leverage < 1) {
        (void)TG_FAIL(error, RANGE, "verdict: %s needs a size above 0 and a leverage of at least 1",
                      status);
    } else if (said->status == COORD_RISK_APPROVED &&
               (said->size_usd < asked->size_usd || (double)said->leverage < asked->leverage)) {
        (void)TG_FAIL(error, RANGE,
                      "verdict: approved, but size or leverage are not the "
                      "proposal's; that is modified");
    } else if (said->status == COORD_RISK_MODIFIED && said->size_usd == asked->size_usd &&
               (double)said->leverage == asked->leverage) {
        (void)TG_FAIL(error, RANGE, "verdict: modified, but nothing is; that is approved");
    } else {
        return true;
    }
    return false;
}

/* Sets the verdict back to the proposal where it went beyond. */
static bool bring_back(const struct coord_risk_case *asked, struct coord_risk_verdict *said,
                       struct tg_error *error)
{
    bool more_size = said->size_usd > asked->size_usd;
    bool more_leverage = (double)said->leverage > asked->leverage;
    if (!more_size && !more_leverage)
        return false;
    (void)TG_FAIL(error, RANGE, "verdict has size %.2f and leverage %lld, more than the proposal",
                  said->size_usd, (long long)said->leverage);
    if (more_size)
        said->size_usd = asked->size_usd;
    if (more_leverage)
        said->leverage = (int64_t)asked->leverage;
    bool same = said->size_usd == asked->size_usd && (double)said->leverage == asked->leverage;
    said->status = same ? COORD_RISK_APPROVED : COORD_RISK_MODIFIED;
    return true;
}

static enum policy__held risk_hold(const void *given, void *verdict,
                                   const struct policy__bounds *bounds, struct tg_error *error)
{
    (void)bounds;
    const struct coord_risk_case *asked = given;
    struct coord_risk_verdict *said = verdict;
    if (!risk_is_consistent(asked, said, error))
        return POLICY__BAD_RESULT;
    if (said->status == COORD_RISK_REJECTED || said->status == COORD_RISK_HALTED) {
        said->size_usd = 0;
        said->leverage = 0;
        return POLICY__FINE;
    }
    /* No leverage of an odd proposal comes through: a whole one was approved as it is. */
    if (!isfinite(asked->size_usd) || !(asked->leverage >= 1 && asked->leverage <= 1000)) {
        (void)TG_FAIL(error, RANGE, "a proposal with size %g and leverage %g was let through",
                      asked->size_usd, asked->leverage);
        refuse_trade(said, COORD_RISK_REJECTED, "INVALID_PROPOSAL", "not a possible proposal");
        return POLICY__LOOSENED;
    }
    if (asked->breaker_stands && !asked->reduces) {
        (void)TG_FAIL(error, REFUSED, "an entry was let through while the breaker %s stands",
                      asked->breaker);
        refuse_trade(said, COORD_RISK_HALTED, "TRADING_HALTED", "a breaker stands");
        return POLICY__LOOSENED;
    }
    return bring_back(asked, said, error) ? POLICY__LOOSENED : POLICY__FINE;
}

static bool risk_refuses(const union policy__verdict *verdict)
{
    return verdict->risk.status == COORD_RISK_REJECTED || verdict->risk.status == COORD_RISK_HALTED;
}

/* ---- emergencies ---- */

static void emergency_preset(union policy__case *given)
{
    given->emergency.severity = TG_SEVERITY_HIGH;
}

static enum policy__held emergency_hold(const void *given, void *verdict,
                                        const struct policy__bounds *bounds, struct tg_error *error)
{
    (void)bounds;
    const struct coord_emergency_case *asked = given;
    struct coord_emergency_verdict *said = verdict;
    if (!coord_emergency_tighten(&said->actions, &asked->minimum))
        return POLICY__FINE;
    (void)TG_FAIL(error, RANGE, "verdict does less than the configuration wants");
    return POLICY__LOOSENED;
}

static bool emergency_refuses(const union policy__verdict *verdict)
{
    const struct coord_emergency_actions *actions = &verdict->emergency.actions;
    return actions->pause_trading || actions->reduce_positions || actions->halt_all ||
           actions->close_positions || actions->pause_symbol;
}

const struct policy__kind policy__kinds[POLICY__COUNT] = {
    [POLICY__CONSENSUS] = {"consensus", &policy__consensus_input, &policy__consensus_output,
                           consensus_preset, consensus_hold, consensus_refuses},
    [POLICY__CONFLICT] = {"conflict", &policy__conflict_input, &policy__conflict_output,
                          conflict_preset, conflict_hold, conflict_refuses},
    [POLICY__SIZING] = {"sizing", &policy__sizing_input, &policy__sizing_output, sizing_preset,
                        sizing_hold, sizing_refuses},
    [POLICY__RISK] = {"risk", &policy__risk_input, &policy__risk_output, risk_preset, risk_hold,
                      risk_refuses},
    [POLICY__EMERGENCY] = {"emergency", &policy__emergency_input, &policy__emergency_output,
                           emergency_preset, emergency_hold, emergency_refuses},
};
