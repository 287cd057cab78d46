/*
 * triplegain policy check, test and eval: what a policy author runs before anything trades by it.
 */
#include "base/check.h"
#include "base/text.h"
#include "control/control.h"
#include "control_int.h"

#include <stdlib.h>

#define FILES_MAX 64u
#define SETS_MAX  32u

struct policy_session {
    struct conf *conf;
    struct control_policy_settings *settings;
};

static int open_session(struct policy_session *session, const struct control_command *command,
                        const struct control_option *sets, const struct control_context *context,
                        struct tg_error *error)
{
    *session = (struct policy_session){.conf = NULL};
    int code = control_load_configuration(control_value(command, "config"), context->program_folder,
                                          (const char *const *)sets->values, sets->count,
                                          &session->conf, error);
    if (code == 0)
        code = control_policy_settings(session->conf, context->log, context->real_clock,
                                       &session->settings, error);
    return code;
}

static void close_session(struct policy_session *session)
{
    free(session->settings);
    conf_free(session->conf);
}

static void write_reports_json(const struct policy_file_report *reports, size_t count)
{
    struct tg_buffer buffer;
    struct tg_json_writer json;
    tg_buffer_init(&buffer, 0);
    tg_json_begin(&json, &buffer);
    tg_json_array_open(&json);
    for (size_t i = 0; i < count; i++) {
        tg_json_object_open(&json);
        tg_json_put_string(&json, "file", reports[i].name);
        tg_json_put_string(&json, "version", reports[i].version);
        tg_json_put_whole(&json, "tests_passed", reports[i].tests_passed);
        tg_json_put_whole(&json, "tests_failed", reports[i].tests_failed);
        tg_json_key(&json, "failure");
        if (reports[i].failure[0] != '\0')
            tg_json_string(&json, reports[i].failure);
        else
            tg_json_null(&json);
        tg_json_object_close(&json);
    }
    tg_json_array_close(&json);
    (void)printf("%s\n", buffer.data);
    tg_buffer_fini(&buffer);
}

static void print_reports(const struct policy_file_report *reports, size_t count, bool tests)
{
    for (size_t i = 0; i < count; i++) {
        const struct policy_file_report *report = &reports[i];
        if (report->failure[0] != '\0')
            (void)printf("FAILED  %-16s %s\n", report->name, report->failure);
        else if (tests)
            (void)printf("ok      %-16s %u self-tests passed\n", report->name,
                         report->tests_passed);
        else
            (void)printf("ok      %-16s version %.12s\n", report->name, report->version);
    }
}

static int check(const struct control_context *context, bool tests)
{
    const char *config = NULL;
    const char *set_values[SETS_MAX];
    struct control_option options[] = {
        {.name = "config",
         .value = "FILE",
         .meaning = "the configuration; default config/demo.yaml",
         .values = &config},
        {.name = "set",
         .value = "KEY=VALUE",
         .meaning = "overrides a key of the configuration; repeatable",
         .values = set_values,
         .values_max = SETS_MAX},
        {.name = "json", .meaning = "prints an array of JSON objects"}};
    struct control_command command = {
        .name = tests ? "policy test" : "policy check",
        .arguments = "",
        .more =
            "  The files are in the folder policy.folder, scripts/ by default. The self-tests run\n"
            "  with the numbers of the configuration. Nothing is traded.\n",
        .meaning = tests ? "Runs the self-tests inside the policy files."
                         : "Checks the policy files: syntax, contract, self-tests.",
        .options = options,
        .option_count = TG_ARRAY_LENGTH(options)};
    struct tg_error error = {0};
    int code =
        control_read_arguments(&command, context->argc, context->argv, context->first, &error);
    if (code == 0)
        code = control_check_overrides(set_values, options[1].count, &error);
    if (code != 0)
        return code == TG_E_UNSUPPORTED ? CONTROL_DONE : control_say_error(&error, CONTROL_USAGE);
    struct policy_file_report *reports = calloc(FILES_MAX, sizeof(*reports));
    size_t count = 0;
    struct policy_session session;
    code = open_session(&session, &command, &options[1], context, &error);
    if (code == 0 && reports == NULL)
        code = TG_FAIL(&error, NO_MEMORY, "out of memory");
    if (code == 0)
        code = policy_check(&session.settings->options, reports, FILES_MAX, &count, &error);
    if (count > 0 && control_flag(&command, "json"))
        write_reports_json(reports, count);
    else if (count > 0)
        print_reports(reports, count, tests);
    int status = code == 0 ? CONTROL_DONE : control_say_error(&error, CONTROL_FAILED);
    free(reports);
    close_session(&session);
    return status;
}

int control_policy_check(const struct control_context *context)
{
    return check(context, false);
}

int control_policy_test(const struct control_context *context)
{
    return check(context, true);
}

static int eval_file(const struct policy_session *session, const char *path, struct tg_error *error)
{
    struct policy *policy = NULL;
    int code = policy_create(&session->settings->options, &policy, error);
    if (code == 0)
        code = control__eval_risk(policy, session->conf, path, stdout, error);
    policy_destroy(policy);
    return code;
}

int control_policy_eval(const struct control_context *context)
{
    const char *config = NULL;
    const char *input = NULL;
    const char *set_values[SETS_MAX];
    struct control_option options[] = {
        {.name = "input",
         .value = "FILE",
         .meaning = "cases, one JSON object a line; - is standard input",
         .values = &input},
        {.name = "config",
         .value = "FILE",
         .meaning = "the configuration; default config/demo.yaml",
         .values = &config},
        {.name = "set",
         .value = "KEY=VALUE",
         .meaning = "overrides a key of the configuration; repeatable",
         .values = set_values,
         .values_max = SETS_MAX}};
    struct control_command command = {
        .name = "policy eval",
        .arguments = "risk",
        .meaning = "Judges cases by the risk policy and the hard limits, one verdict a line.",
        .more = "  A case has the keys id, proposal, state and strictness; docs/POLICIES.md lists "
                "what\n"
                "  is in them. Other keys are ignored. Nothing is traded.\n\n"
                "Example:\n"
                "  triplegain policy eval risk --input cases.jsonl\n",
        .options = options,
        .option_count = TG_ARRAY_LENGTH(options),
        .arguments_min = 1,
        .arguments_max = 1};
    struct tg_error error = {0};
    int code =
        control_read_arguments(&command, context->argc, context->argv, context->first, &error);
    if (code == 0 && !tg_text_equal(command.given[0], "risk"))
        code = TG_FAIL(&error, INVALID, "policy eval: %.32s cannot be judged alone, only risk",
                       command.given[0]);
    if (code == 0 && input == NULL)
        code = TG_FAIL(&error, INVALID,
                       "policy eval: needs --input FILE; - is standard input, see --help");
    if (code == 0)
        code = control_check_overrides(set_values, options[2].count, &error);
    if (code != 0)
        return code == TG_E_UNSUPPORTED ? CONTROL_DONE : control_say_error(&error, CONTROL_USAGE);
    struct policy_session session;
    code = open_session(&session, &command, &options[2], context, &error);
    if (code == 0)
        code = eval_file(&session, input, &error);
    close_session(&session);
    return code == 0 ? CONTROL_DONE : control_say_error(&error, CONTROL_FAILED);
}
