/*
 * error.c: errors that carry their own sentence.
 *
 * The caller owns the memory of an error; nothing here allocates, and file and function names are
 * borrowed from the program text. No globals, so any thread may use its own errors. A sentence that
 * is too long is cut at a whole character and ends in "...".
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *tg_error_name(int code)
{
    switch (code) {
#define ERROR_NAME(name, number, sentence)                                                         \
    case number:                                                                                   \
        return #name;
        TG_ERROR_LIST(ERROR_NAME)
#undef ERROR_NAME
    default:
        return "UNKNOWN_CODE";
    }
}

const char *tg_error_sentence(int code)
{
    switch (code) {
#define ERROR_SENTENCE(name, number, sentence)                                                     \
    case number:                                                                                   \
        return sentence;
        TG_ERROR_LIST(ERROR_SENTENCE)
#undef ERROR_SENTENCE
    default:
        return "UNKNOWN_CODE";
    }
}

/* Makes room for "..." at the end of a full message without leaving half a UTF-8 character. */
static void mark_cut(char message[TG_ERROR_MESSAGE_SIZE])
{
    size_t end = TG_ERROR_MESSAGE_SIZE - sizeof("...");
    while (end > 0 && ((unsigned char)message[end] & 0xC0u) == 0x80u)
        end--;
    memcpy(message + end, "...", sizeof("..."));
}

static void add_frame(struct tg_error *error, const char *file, int line, const char *function)
{
    if (error->frame_count >= TG_ERROR_FRAMES_MAX)
        return; /* the first frames are where it happened: they are worth more than the last */
    error->frames[error->frame_count].file = file;
    error->frames[error->frame_count].function = function;
    error->frames[error->frame_count].line = line;
    error->frame_count++;
}

int tg_error_set(struct tg_error *error, int code, const char *file, int line, const char *function,
                 const char *format, ...)
{
    if (error == NULL)
        return code;
    /* by way of a copy: the arguments may point into the old message */
    char message[TG_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (length < 0)
        snprintf(message, sizeof(message), "%s", tg_error_sentence(code));
    else if ((size_t)length >= sizeof(message))
        mark_cut(message);
    memcpy(error->message, message, sizeof(message));
    error->code = code;
    error->frame_count = 0;
    add_frame(error, file, line, function);
    return code;
}

int tg_error_pass(struct tg_error *error, int code, const char *file, int line,
                  const char *function)
{
    if (error == NULL)
        return code;
    if (error->code == 0) /* nobody below could explain it */
        return tg_error_set(error, code, file, line, function, "%s", tg_error_sentence(code));
    error->code = code;
    add_frame(error, file, line, function);
    return code;
}

void tg_error_prefix(struct tg_error *error, const char *format, ...)
{
    if (error == NULL)
        return;
    char message[TG_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    size_t used = (size_t)length;
    size_t old = strlen(error->message);
    if (used < sizeof(message)) {
        size_t room = sizeof(message) - used - 1;
        size_t kept = old < room ? old : room;
        memcpy(message + used, error->message, kept);
        message[used + kept] = '\0';
    }
    if (used + old >= sizeof(message))
        mark_cut(message);
    memcpy(error->message, message, sizeof(message));
}

void tg_error_clear(struct tg_error *error)
{
    if (error != NULL)
        memset(error, 0, sizeof(*error));
}
