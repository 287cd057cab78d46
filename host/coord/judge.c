/*
 * Words of the verdicts. The texts are the ones that policies, decisions and reports use.
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
