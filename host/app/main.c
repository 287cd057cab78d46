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

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int version_command(const struct control_context *context)
{
    (void)context;
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
    {"replay", NULL, replay_command, "replay bars through the whole host and print the result"},
    {"explain", NULL, control_explain, "explain one decision, step by step"},
    {"policy", "check", control_policy_check, "check the policy files"},
    {"policy", "test", control_policy_test, "run the self-tests of the policy files"},
    {"policy", "eval", control_policy_eval, "judge cases by the risk policy"},
    {"version", NULL, version_command, "print the version"},
};

static void print_help(FILE *out)
{
    (void)fprintf(out, "triplegain: a host for a team of trading agents\n\n"
                       "Usage: triplegain COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; i < TG_ARRAY_LENGTH(entries); i++) {
        char words[32];
        (void)snprintf(words, sizeof(words), "%s%s%s", entries[i].first,
                       entries[i].second != NULL ? " " : "",
                       entries[i].second != NULL ? entries[i].second : "");
        (void)fprintf(out, "  %-16s %s\n", words, entries[i].meaning);
    }
    (void)fprintf(out, "\nEvery command has --help. Exit status: 0 done, 1 refused or failed, "
                       "2 wrong usage.\n");
}

static int refuse_command(int argc, char **argv)
{
    const char *words[TG_ARRAY_LENGTH(entries)];
    size_t count = 0;
    bool family = false;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(entries); i++) {
        bool same = tg_text_equal(entries[i].first, argv[1]) && entries[i].second != NULL;
        if (same && !family)
            count = 0;
        family = family || same;
        if (same == family)
            words[count++] = same ? entries[i].second : entries[i].first;
    }
    const char *word = !family ? argv[1] : argc > 2 ? argv[2] : "";
    const char *near = tg_text_nearest(word, words, count);
    (void)fprintf(stderr, "triplegain: there is no command %s%s%s%s%s%s\n", family ? argv[1] : "",
                  family ? " " : "", word, near != NULL ? " (is it " : "",
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

int main(int argc, char **argv)
{
    char folder[PATH_MAX];
    struct tg_error error = {0};
    struct control_context context = {
        .argc = argc, .argv = argv, .program_folder = folder, .real_clock = loop_real_clock()};
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || tg_text_equal(argv[1], "--help") || tg_text_equal(argv[1], "-h") ||
        tg_text_equal(argv[1], "help")) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? CONTROL_USAGE : CONTROL_DONE;
    }
    find_program_folder(folder, sizeof(folder));
    for (size_t i = 0; i < TG_ARRAY_LENGTH(entries); i++) {
        const struct entry *entry = &entries[i];
        if (!tg_text_equal(argv[1], entry->first) ||
            (entry->second != NULL && (argc < 3 || !tg_text_equal(argv[2], entry->second))))
            continue;
        if (obs_log_create(TG_LOG_WARNING, &context.real_clock, obs_log_stderr, NULL, &context.log,
                           &error) != 0)
            return control_say_error(&error, CONTROL_FAILED);
        context.first = entry->second != NULL ? 3 : 2;
        int status = entry->run(&context);
        obs_log_destroy(context.log);
        if (fflush(stdout) != 0 && status == CONTROL_DONE)
            status = CONTROL_FAILED;
        return status;
    }
    return refuse_command(argc, argv);
}
