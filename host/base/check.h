/* Assertions that stay in release builds. */
#ifndef TG_BASE_CHECK_H
#define TG_BASE_CHECK_H

/* A state that must not exist: says where and aborts. */
#define TG_BUG_IF(condition)                                                                       \
    do {                                                                                           \
        if (__builtin_expect(!!(condition), 0))                                                    \
            tg_bug(#condition, __FILE__, __LINE__, __func__);                                      \
    } while (0)

_Noreturn void tg_bug(const char *condition, const char *file, int line, const char *function);

#define TG_ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
