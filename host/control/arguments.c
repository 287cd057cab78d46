/*
 * Command-line arguments: one table a command, from which come the reading, the help, and the
 * sentence when something does not fit. Values are borrowed from argv; nothing is allocated.
 */
#include "control/control.h"

#include "base/text.h"

#include <string.h>

#define OPTIONS_MAX 32u

static struct control_option *find(struct control_command *command, const char *name, size_t length)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strlen(command->options[i].name) == length &&
            strncmp(command->options[i].name, name, length) == 0)
            return &command->options[i];
    return NULL;
}

static int refuse_option(const struct control_command *command, const char *argument,
                         struct tg_error *error)
{
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    char word[64] = "";
    size_t length = strcspn(argument + 2, "=");
    (void)tg_text_copy_slice(word, sizeof(word), argument + 2, length);
    for (size_t i = 0; i < command->option_count && count < OPTIONS_MAX; i++)
        names[count++] = command->options[i].name;
    const char *near = tg_text_nearest(word, names, count);
    return TG_FAIL(error, INVALID, "%s: there is no option --%.64s%s%s%s", command->name, word,
                   near != NULL ? " (is it --" : "; see --help", near != NULL ? near : "",
                   near != NULL ? "?)" : "");
}

static int take_value(const struct control_command *command, struct control_option *option,
                      const char *value, struct tg_error *error)
{
    size_t room = option->values_max > 0 ? option->values_max : 1;
    if (option->count == room)
        return room == 1
                   ? TG_FAIL(error, INVALID, "%s: --%s is given twice", command->name, option->name)
                   : TG_FAIL(error, INVALID, "%s: --%s comes more than %zu times", command->name,
                             option->name, room);
    if (option->values != NULL)
        option->values[option->count] = value;
    option->count++;
    return 0;
}

static int read_option(struct control_command *command, int argc, char **argv, int *at,
                       struct tg_error *error)
{
    const char *argument = argv[*at];
    size_t length = strcspn(argument + 2, "=");
    struct control_option *option = find(command, argument + 2, length);
    if (option == NULL)
        return refuse_option(command, argument, error);
    const char *value = argument[2 + length] == '=' ? argument + 2 + length + 1 : NULL;
    if (option->value == NULL) {
        if (value != NULL)
            return TG_FAIL(error, INVALID, "%s: --%s takes no value", command->name, option->name);
        return take_value(command, option, "", error);
    }
    if (value == NULL) {
        if (*at + 1 == argc)
            return TG_FAIL(error, INVALID, "%s: --%s needs a value: --%s %s", command->name,
                           option->name, option->name, option->value);
        value = argv[++*at];
    }
    return take_value(command, option, value, error);
}

int control_read_arguments(struct control_command *command, int argc, char **argv, int first,
                           struct tg_error *error)
{
    bool options_over = false;
    for (int at = first; at < argc; at++) {
        const char *argument = argv[at];
        if (!options_over && strcmp(argument, "--") == 0) {
            options_over = true;
        } else if (!options_over &&
                   (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)) {
            control_print_help(command, stdout);
            return TG_E_UNSUPPORTED;
        } else if (!options_over && strncmp(argument, "--", 2) == 0) {
            int code = read_option(command, argc, argv, &at, error);
            if (code != 0)
                return code;
        } else if (!options_over && argument[0] == '-' && argument[1] != '\0') {
            return TG_FAIL(error, INVALID, "%s: options have two dashes: -%s", command->name,
                           argument);
        } else if (command->given_count == command->arguments_max) {
            return TG_FAIL(error, INVALID, "%s: %.64s is one argument too many; see --help",
                           command->name, argument);
        } else {
            command->given[command->given_count++] = argument;
        }
    }
    if (command->given_count < command->arguments_min)
        return TG_FAIL(error, INVALID, "%s: needs %s; see --help", command->name,
                       command->arguments);
    return 0;
}

void control_print_help(const struct control_command *command, FILE *out)
{
    (void)fprintf(out, "%s\n\nUsage: triplegain %s%s%s%s\n", command->meaning, command->name,
                  command->arguments[0] != '\0' ? " " : "", command->arguments,
                  command->option_count > 0 ? " [options]" : "");
    if (command->more != NULL)
        (void)fprintf(out, "\n%s", command->more);
    (void)fprintf(out, "\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct control_option *option = &command->options[i];
        char left[64];
        (void)snprintf(left, sizeof(left), "--%s%s%s", option->name,
                       option->value != NULL ? " " : "",
                       option->value != NULL ? option->value : "");
        (void)fprintf(out, "  %-20s %s\n", left, option->meaning);
    }
    (void)fprintf(out, "  %-20s %s\n", "--help", "this text");
    (void)fprintf(out, "\nExit status: 0 done, 1 refused or failed, 2 wrong usage.\n");
}

const char *control_value(const struct control_command *command, const char *option)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (tg_text_equal(command->options[i].name, option))
            return command->options[i].count > 0 ? command->options[i].values[0] : NULL;
    return NULL;
}

bool control_flag(const struct control_command *command, const char *option)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (tg_text_equal(command->options[i].name, option))
            return command->options[i].count > 0;
    return false;
}

int control_say_error(const struct tg_error *error, int status)
{
    (void)fprintf(stderr, "triplegain: %s\n", error->message);
    return status;
}
