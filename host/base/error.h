/* Errors that explain themselves: a code, a sentence, and the places it passed on its way up. */
#ifndef TG_BASE_ERROR_H
#define TG_BASE_ERROR_H

#include <stdint.h>
#include <triplegain/triplegain.h>

#define TG_ERROR_MESSAGE_SIZE 512
#define TG_ERROR_FRAMES_MAX   8

/* Fixed size, never allocates. All zero: no error. */
struct tg_error {
    int code; /* TG_E_* */
    uint32_t frame_count;
    char message[TG_ERROR_MESSAGE_SIZE];
    struct {
        const char *file;
        const char *function;
        int line;
    } frames[TG_ERROR_FRAMES_MAX];
};

/* Names and sentences of a code; "UNKNOWN_CODE" for one that does not exist. Static strings. */
const char *tg_error_name(int code);
const char *tg_error_sentence(int code);

/* Sets code and message, starts the frames anew; returns `code`. `error` may be NULL. */
int tg_error_set(struct tg_error *error, int code, const char *file, int line, const char *function,
                 const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Adds a frame; returns `code`. `error` may be NULL. */
int tg_error_pass(struct tg_error *error, int code, const char *file, int line,
                  const char *function);

/* Puts "prefix" before the message, as "config/risk.yaml:14:18: ". `error` may be NULL. */
void tg_error_prefix(struct tg_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void tg_error_clear(struct tg_error *error);

/*
 * The code once more, where a compiler or analyser can see it: after `return TG_FAIL(...)` it knows
 * that the caller does not go on as after a success.
 */
static inline int tg_error_code(int said, int code)
{
    (void)said;
    return code;
}

static inline int tg_error_passed(struct tg_error *error, int code, const char *file, int line,
                                  const char *function)
{
    return tg_error_code(tg_error_pass(error, code, file, line, function), code);
}

/* return TG_FAIL(error, RANGE, "limits.x: %d is out of range (0 to 100)", x); */
#define TG_FAIL(error, code, ...)                                                                  \
    tg_error_code(tg_error_set((error), TG_E_##code, __FILE__, __LINE__, __func__, __VA_ARGS__),   \
                  TG_E_##code)
#define TG_PASS(error, code) tg_error_passed((error), (code), __FILE__, __LINE__, __func__)

#endif
