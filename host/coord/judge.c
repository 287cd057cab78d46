/*
 * Words of the verdicts; the texts are the ones that policies, decisions and reports use. And what
 * of an emergency's actions covers what.
 */
#include "coord/judge.h"

const char *coord_conflict_text(enum coord_conflict conflict)
{
    static const char *const texts[] = {
#define CONFLICT_TEXT(NAME, text) text,
        COORD_CONFLICT_LIST(CONFLICT_TEXT)
#undef CONFLICT_TEXT
    };
    return (unsigned)conflict < COORD_CONFLICT_COUNT ? texts[conflict] : "?";
}

const char *coord_resolution_text(enum coord_resolution resolution)
{
    static const char *const texts[] = {"proceed", "modify", "wait", "abort"};
    return (unsigned)resolution < 4 ? texts[resolution] : "?";
}

const char *coord_risk_status_text(enum coord_risk_status status)
{
    static const char *const texts[] = {"approved", "modified", "rejected", "halted"};
    return (unsigned)status < 4 ? texts[status] : "?";
}

static bool add(bool *action, bool is_wanted, bool is_covered)
{
    if (!is_wanted || is_covered || *action)
        return false;
    *action = true;
    return true;
}

bool coord_emergency_tighten(struct coord_emergency_actions *actions,
                             const struct coord_emergency_actions *minimum)
{
    bool added = add(&actions->halt_all, minimum->halt_all, false);
    added |= add(&actions->close_positions, minimum->close_positions, false);
    added |= add(&actions->pause_trading, minimum->pause_trading, actions->halt_all);
    added |= add(&actions->reduce_positions, minimum->reduce_positions, actions->close_positions);
    added |= add(&actions->pause_symbol, minimum->pause_symbol, false);
    return added;
}
