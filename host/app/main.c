/*
 * triplegain: one program, many commands. Here is only the choice of the command; each lives in a
 * file of its own.
 */
#include "base/check.h"
#include "base/text.h"
#include "control/control.h"
#include "loop/loop.h"
#include "replay.h"
#include "version.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int version_command(const struct control_context *context)
{
    struct control_command command = {.name = "version",
                                      .arguments = "",
                                      .meaning = "Prints the version of the program and of its "
                                                 "plugin interface."};
    struct tg_error error = {0};
    int code =
        control_read_arguments(&command, context->argc, context->argv, context->first, &error);
    if (code != 0)
        return code == TG_E_UNSUPPORTED ? CONTROL_DONE : control_say_error(&error, CONTROL_USAGE);
    (void)printf("triplegain %s, plugin interface %d.%d\n", TRIPLEGAIN_VERSION, TG_ABI_MAJOR,
                 TG_ABI_MINOR);
    return CONTROL_DONE;
}

struct entry {
    const char *first, *second; /* the command's words; second NULL: one word */
    int (*run)(const struct control_context *context);
    const char *meaning;
};

static const struct entry entries[] = {
    {"replay", NULL, replay_command, "trade recorded or made-up bars with play money"},
    {"explain", NULL, control_explain, "say why a decision ended as it did"},
    {"policy", "check", control_policy_check,
     "check the policy files: syntax, contract, self-tests"},
    {"policy", "test", control_policy_test, "run the self-tests inside the policy files"},
    {"policy", "eval", control_policy_eval, "let the risk policy judge cases from a file"},
    {"version", NULL, version_command, "print the version"},
};

/* The commands that begin with `first`; NULL: all. */
static void print_help(const char *first, FILE *out)
{
    if (first == NULL)
        (void)fprintf(out, "triplegain: a host for a team of trading agents\n\n");
    (void)fprintf(out, "Usage: triplegain %s%sCOMMAND [options]\n\nCommands:\n",
                  first == NULL ? "" : first, first == NULL ? "" : " ");
    for (size_t i = 0; i < TG_ARRAY_LENGTH(entries); i++) {
        char words[32];
        if (first != NULL && !tg_text_equal(entries[i].first, first))
            continue;
        (void)snprintf(words, sizeof(words), "%s%s%s", entries[i].first,
                       entries[i].second != NULL ? " " : "",
                       entries[i].second != NULL ? entries[i].second : "");
        (void)fprintf(out, "  %-16s %s\n", words, entries[i].meaning);
    }
    (void)fprintf(out,
                  "\nEach of them has --help. Exit status: 0 done, 1 refused or failed, with the "
                  "reason on\nstandard error, 2 wrong usage.\n");
}

static bool is_help(const char *word)
{
    return tg_text_equal(word, "--help") || tg_text_equal(word, "-h") ||
           tg_text_equal(word, "help");
}

/* Has commands of two words, as `policy check`. */
static bool is_family(const char *word)
{
    for (size_t i = 0; i < TG_ARRAY_LENGTH(entries); i++)
        if (entries[i].second != NULL && tg_text_equal(entries[i].first, word))
            return true;
    return false;
}

static int refuse_command(int argc, char **argv)
{
    const char *words[TG_ARRAY_LENGTH(entries)];
    size_t count = 0;
    bool family = is_family(argv[1]);
    const char *word = !family ? argv[1] : argc > 2 ? argv[2] : "";
    for (size_t i = 0; i < TG_ARRAY_LENGTH(entries); i++)
        if (family == tg_text_equal(entries[i].first, argv[1]))
            words[count++] = family ? entries[i].second : entries[i].first;
    if (family && word[0] == '\0') {
        print_help(argv[1], stderr);
        return CONTROL_USAGE;
    }
    const char *near = tg_text_nearest(word, words, count);
    (void)fprintf(stderr, "triplegain: there is no command %s%s%.64s%s%s%s\n",
                  family ? argv[1] : "", family ? " " : "", word, near != NULL ? " (is it " : "",
                  near != NULL ? near : "; see triplegain --help", near != NULL ? "?)" : "");
    return CONTROL_USAGE;
}

/* The folder of the running program, so that its plugins are found from anywhere. */
static void find_program_folder(char *folder, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", folder, size - 1);
    folder[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    else
        (void)tg_text_copy(folder, size, ".");
}

static const struct entry *find_entry(int argc, char **argv)
{
    for (size_t i = 0; i < TG_ARRAY_LENGTH(entries); i++)
        if (tg_text_equal(argv[1], entries[i].first) &&
            (entries[i].second == NULL || (argc > 2 && tg_text_equal(argv[2], entries[i].second))))
            return &entries[i];
    return NULL;
}

static int run_entry(const struct entry *entry, int argc, char **argv)
{
    char folder[PATH_MAX];
    struct tg_error error = {0};
    struct control_context context = {.argc = argc,
                                      .argv = argv,
                                      .first = entry->second != NULL ? 3 : 2,
                                      .program_folder = folder,
                                      .real_clock = loop_real_clock()};
    find_program_folder(folder, sizeof(folder));
    if (obs_log_create(TG_LOG_WARNING, &context.real_clock, obs_log_stderr, NULL, &context.log,
                       &error) != 0)
        return control_say_error(&error, CONTROL_FAILED);
    int status = entry->run(&context);
    obs_log_destroy(context.log);
    if (fflush(stdout) != 0 && status == CONTROL_DONE) {
        (void)fprintf(stderr, "triplegain: standard output: writing failed: %s\n", strerror(errno));
        status = CONTROL_FAILED;
    }
    return status;
}

/* `triplegain help policy check` is `triplegain policy check --help`. */
static int help(int argc, char **argv)
{
    static char option[] = "--help";
    char *words[4] = {argv[0]};
    int count = 1;
    for (int i = 2; i < argc && count < 3; i++)
        words[count++] = argv[i];
    if (count == 1) {
        print_help(NULL, stdout);
        return CONTROL_DONE;
    }
    if (count == 2 && is_family(words[1])) {
        print_help(words[1], stdout);
        return CONTROL_DONE;
    }
    const struct entry *entry = find_entry(count, words);
    if (entry == NULL)
        return refuse_command(count, words);
    words[entry->second != NULL ? 3 : 2] = option;
    return run_entry(entry, entry->second != NULL ? 4 : 3, words);
}

int main(int argc, char **argv)
{
    static char version[] = "version";
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_help(NULL, stderr);
        return CONTROL_USAGE;
    }
    if (is_help(argv[1]))
        return help(argc, argv);
    if (argc > 2 && is_family(argv[1]) && is_help(argv[2])) {
        print_help(argv[1], stdout);
        return CONTROL_DONE;
    }
    if (tg_text_equal(argv[1], "--version"))
        argv[1] = version;
    const struct entry *entry = find_entry(argc, argv);
    return entry != NULL ? run_entry(entry, argc, argv) : refuse_command(argc, argv);
}
