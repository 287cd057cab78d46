/*
 * Control: what a person asks of the program, and how it answers. Here are the commands that need
 * no running host, and the pieces that commands share.
 */
#ifndef TG_CONTROL_H
#define TG_CONTROL_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "conf/conf.h"
#include "obs/obs.h"
#include "policy/policy.h"
#include "trade/trade.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONTROL_PATH_SIZE      4096u
#define CONTROL_PARAMETERS_MAX 512u
#define CONTROL_KEY_SIZE       256u

/* Exit statuses of every command. */
enum control_exit { CONTROL_DONE = 0, CONTROL_FAILED = 1, CONTROL_USAGE = 2 };

/* ---- arguments ---- */

/*
 * One option of a command: --name VALUE, --name=VALUE, or --name alone. Values are borrowed from
 * argv. An option that may come again gathers its values.
 */
struct control_option {
    const char *name;    /* without the dashes */
    const char *value;   /* what the help shows, as "FILE"; NULL: a flag */
    const char *meaning; /* for the help */
    size_t values_max;   /* 0 or 1: once */
    const char **values; /* room for values_max (1 where that is 0); may be NULL for a flag */
    size_t count;        /* how often it came */
};

struct control_command {
    const char *name;      /* "replay", "policy check" */
    const char *arguments; /* what follows, as "ID"; "" for none */
    const char *meaning;   /* one line */
    const char *more;      /* paragraphs for --help; may be NULL */
    struct control_option *options;
    size_t option_count;
    size_t arguments_min, arguments_max;
    const char *given[8]; /* the arguments, in order */
    size_t given_count;
};

/*
 * Reads argv[first..]. TG_OK; TG_E_UNSUPPORTED: --help was asked for and has been printed;
 * TG_E_INVALID: wrong usage, with a sentence that names the nearest option.
 */
int control_read_arguments(struct control_command *command, int argc, char **argv, int first,
                           struct tg_error *error);
void control_print_help(const struct control_command *command, FILE *out);
/* The first value of an option, or NULL. */
const char *control_value(const struct control_command *command, const char *option);
bool control_flag(const struct control_command *command, const char *option);
/* Prints "triplegain: SENTENCE" to standard error; returns the exit status. */
int control_say_error(const struct tg_error *error, int status);

/* ---- configuration and policies ---- */

/* Each is KEY=VALUE; else TG_E_INVALID: wrong usage. */
int control_check_overrides(const char *const *overrides, size_t count, struct tg_error *error);
/*
 * The configuration file: `path`, or where that is NULL config/demo.yaml in the current folder, or
 * beside the program. `overrides` are "path=value" texts.
 */
int control_load_configuration(const char *path, const char *program_folder,
                               const char *const *overrides, size_t override_count,
                               struct conf **conf, struct tg_error *error);

/* The policies' options as configured; one block, to be freed with free(). */
struct control_policy_settings {
    struct policy_options options;
    char folder[CONTROL_PATH_SIZE];
    struct policy_parameter parameters[CONTROL_PARAMETERS_MAX];
    char paths[CONTROL_PARAMETERS_MAX][CONTROL_KEY_SIZE];
};
int control_policy_settings(const struct conf *conf, struct obs_log *log,
                            struct tg_clock real_clock, struct control_policy_settings **settings,
                            struct tg_error *error);

void control_read_limits(const struct conf *conf, struct trade_limits *limits);

/* ---- figures for people ---- */

#define CONTROL_FIGURE_SIZE 48u

/* A plain number with commas between thousands; `sign` stands before one that is not negative. */
void control_group(char text[CONTROL_FIGURE_SIZE], const char *plain, const char *sign);
const char *control_amount(char text[CONTROL_FIGURE_SIZE], struct tg_decimal amount,
                           unsigned places, const char *sign);
/* How many digits after the point prices of the market have in which this one was seen: its own,
 * at least two and five that count, at most eight. */
unsigned control_price_places(struct tg_decimal price);

/* ---- commands ---- */

struct control_context {
    int argc;
    char **argv;
    int first; /* index of the first argument after the command's words */
    const char *program_folder;
    struct obs_log *log;
    struct tg_clock real_clock;
};
int control_policy_check(const struct control_context *context);
int control_policy_test(const struct control_context *context);
int control_policy_eval(const struct control_context *context);
int control_explain(const struct control_context *context);

/* A stored decision (JSON text) in words, for people. */
int control_explain_decision(const char *json, size_t length, FILE *out, struct tg_error *error);

#endif
