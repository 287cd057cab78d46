/*
 * triplegain explain: looks for a decision by any of its ids in a file of decisions, and says it in
 * words (explain_text.c) or as it stands.
 */
#include "base/check.h"
#include "base/text.h"
#include "base/uuid.h"
#include "bus/json.h"
#include "control_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const struct json_value *object, const char *key)
{
    const struct json_value *member = object != NULL ? json_member(object, key) : NULL;
    const char *text = member != NULL ? json_string(member) : NULL;
    return text != NULL ? text : "-";
}

static bool has_id(const char *line, size_t length, const char *id)
{
    static const char *const keys[] = {"id", "order_id", "position_id"};
    struct json_value *root = NULL;
    bool found = false;
    if (strstr(line, id) == NULL || json_parse(line, length, &root, NULL) != 0)
        return false;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(keys) && !found; i++)
        found = tg_text_equal(text_of(root, keys[i]), id);
    json_free(root);
    return found;
}

static int find_in_file(const char *path, const char *id, bool as_json, struct tg_error *error)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int code = TG_E_NOT_FOUND;
    if (file == NULL)
        return TG_FAIL(error, IO, "%s: cannot be read: %s", path, strerror(errno));
    while (code == TG_E_NOT_FOUND && (length = getline(&line, &size, file)) >= 0) {
        if (!has_id(line, (size_t)length, id))
            continue;
        line[strcspn(line, "\n")] = '\0';
        if (as_json)
            (void)printf("%s\n", line);
        code = as_json ? 0 : control_explain_decision(line, strlen(line), stdout, error);
    }
    if (code == TG_E_NOT_FOUND && ferror(file))
        code = TG_FAIL(error, IO, "%s: reading failed: %s", path, strerror(errno));
    else if (code == TG_E_NOT_FOUND)
        (void)TG_FAIL(error, NOT_FOUND, "%s: no decision has the id %s", path, id);
    free(line);
    (void)fclose(file);
    return code;
}

int control_explain(const struct control_context *context)
{
    const char *decisions = NULL;
    struct control_option options[] = {
        {.name = "decisions",
         .value = "FILE",
         .meaning = "decisions, as replay --decisions FILE wrote them",
         .values = &decisions},
        {.name = "json", .meaning = "prints the decision's JSON"}};
    struct control_command command = {
        .name = "explain",
        .arguments = "ID",
        .meaning = "Explains one decision: each step, and why it ended as it did.",
        .more = "  ID is that of the signal, of the order or of the position.\n",
        .options = options,
        .option_count = TG_ARRAY_LENGTH(options),
        .arguments_min = 1,
        .arguments_max = 1};
    struct tg_error error = {0};
    struct tg_uuid id;
    char text[TG_UUID_TEXT_SIZE];
    int code =
        control_read_arguments(&command, context->argc, context->argv, context->first, &error);
    if (code == 0 && decisions == NULL)
        code = TG_FAIL(&error, INVALID, "explain: needs --decisions FILE");
    if (code == 0 && tg_uuid_parse(command.given[0], strlen(command.given[0]), &id) != 0)
        code = TG_FAIL(&error, INVALID,
                       "explain: %.64s is no id; ids look like "
                       "01890a5d-ac96-774b-bcce-b302099a8057",
                       command.given[0]);
    if (code != 0)
        return code == TG_E_UNSUPPORTED ? CONTROL_DONE : control_say_error(&error, CONTROL_USAGE);
    tg_uuid_format(&id, text);
    code = find_in_file(decisions, text, control_flag(&command, "json"), &error);
    return code == 0 ? CONTROL_DONE : control_say_error(&error, CONTROL_FAILED);
}
