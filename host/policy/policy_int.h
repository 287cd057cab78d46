/* Inside the policy room: the five kinds of policy, a folder of files, one generation. */
#ifndef TG_POLICY_INT_H
#define TG_POLICY_INT_H

#include "lua/vm.h"
#include "policy/policy.h"

#define POLICY__NAME_SIZE    64u
#define POLICY__LOAD_STRETCH 100 /* loading and self-tests may take so many deadlines */

enum policy__which {
    POLICY__CONSENSUS,
    POLICY__CONFLICT,
    POLICY__SIZING,
    POLICY__RISK,
    POLICY__EMERGENCY,
    POLICY__COUNT
};

/* ---- kinds.c: what crosses the door, and what C holds verdicts to ---- */

/* Numbers that C needs of the configuration. */
struct policy__bounds {
    double position_size_max_pct; /* infinite: not configured */
};
enum policy__held {
    POLICY__FINE,
    POLICY__LOOSENED,   /* the verdict was wider than allowed; it has been brought back */
    POLICY__BAD_RESULT, /* the verdict contradicts itself; sentence in `error` */
};
union policy__case {
    struct coord_consensus_case consensus;
    struct coord_conflict_case conflict;
    struct coord_sizing_case sizing;
    struct coord_risk_case risk;
    struct coord_emergency_case emergency;
};
union policy__verdict {
    struct coord_consensus_verdict consensus;
    struct coord_conflict_verdict conflict;
    struct coord_sizing_verdict sizing;
    struct coord_risk_verdict risk;
    struct coord_emergency_verdict emergency;
};
struct policy__kind {
    const char *name; /* "risk"; the file is risk.lua */
    const struct lua_record *input, *output;
    /* What a self-test's case has where it says nothing. */
    void (*preset)(union policy__case *given);
    /* Holds a verdict against its case. */
    enum policy__held (*hold)(const void *given, void *verdict, const struct policy__bounds *bounds,
                              struct tg_error *error);
    /* Whether the verdict holds the trade back; each file must test both. */
    bool (*refuses)(const union policy__verdict *verdict);
};
extern const struct policy__kind policy__kinds[POLICY__COUNT];

extern const struct lua_record policy__consensus_input, policy__consensus_output;
extern const struct lua_record policy__conflict_input, policy__conflict_output;
extern const struct lua_record policy__sizing_input, policy__sizing_output;
extern const struct lua_record policy__risk_input, policy__risk_output;
extern const struct lua_record policy__emergency_input, policy__emergency_output;

/* ---- folder.c ---- */

struct policy__folder {
    char names[LUA_SOURCES_MAX][POLICY__NAME_SIZE]; /* "risk.lua", in order */
    char *texts[LUA_SOURCES_MAX];                   /* owned */
    struct lua_source sources[LUA_SOURCES_MAX];
    size_t count;
};
int policy__folder_read(const char *path, struct policy__folder *folder, struct tg_error *error);
void policy__folder_free(struct policy__folder *folder);

/* ---- generation.c: one set of files, compiled, checked, ready to judge ---- */

struct policy__generation {
    uint32_t uses; /* it is freed with the last */
    struct policy__folder folder;
    struct lua_vm *vm;
    struct lua_binding *bindings[POLICY__COUNT];
    struct policy__bounds bounds;
    char version[COORD_VERSION_SIZE];
};
int policy__generation_create(const struct policy_options *options,
                              struct policy__generation **generation, struct tg_error *error);
void policy__generation_retain(struct policy__generation *generation);
void policy__generation_release(struct policy__generation *generation); /* NULL is nothing */
/*
 * Asks the generation's policy and holds its verdict. Not LUA_OUTCOME_OK: the verdict is all zero
 * and `error` has the sentence. `held` then and else says what C had to do about it; for
 * POLICY__LOOSENED `error` says what was brought back.
 */
enum lua_outcome policy__generation_ask(struct policy__generation *generation,
                                        enum policy__which which, const void *given, void *verdict,
                                        enum policy__held *held, struct tg_error *error);
/* Opens the machine over the folder's files; `vm` is the caller's. */
int policy__open_vm(const struct policy_options *options, const struct policy__folder *folder,
                    struct lua_vm **vm, struct tg_error *error);
/*
 * Loads the file of a kind, checks its contract, runs its self-tests. With `report`, goes on after
 * a test that fails and counts; without, stops at the first.
 */
int policy__load(struct lua_vm *vm, enum policy__which which, const struct policy__bounds *bounds,
                 struct lua_binding **binding, struct policy_file_report *report,
                 struct tg_error *error);
struct policy__bounds policy__bounds_of(const struct policy_options *options);

/* ---- policy.c, reload.c ---- */

struct policy_candidate {
    struct policy__generation *generation;
    int64_t utc;
    char who[POLICY_WHO_SIZE];
};

struct policy {
    struct policy__generation *active, *previous; /* previous: for a rollback, or NULL */
    struct policy_counters counters[POLICY__COUNT];
    char quarantine[POLICY__COUNT][COORD_NOTE_SIZE];           /* why; "" for none */
    struct policy_version_entry versions[POLICY_VERSIONS_MAX]; /* a ring */
    size_t version_count;                                      /* ever noted */
    struct obs_log *log;
};
void policy__note_version(struct policy *policy, enum policy_change change, int64_t utc,
                          const char *who);
/* The cautious verdict on a proposal that no policy has judged. */
void policy__refuse_risk(struct coord_risk_verdict *verdict, const char *sentence);

#endif
