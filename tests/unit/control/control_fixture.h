/* Commands as a person calls them: arguments in, exit status, what was printed, what was said. */
#ifndef TEST_CONTROL_FIXTURE_H
#define TEST_CONTROL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/control.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAID_MAX 65536u

static int64_t still(void *context)
{
    (void)context;
    return 0;
}

/* A clock on which no policy ever runs out of time. */
static inline struct tg_clock still_clock(void)
{
    return (struct tg_clock){.utc_ns = still, .monotonic_ns = still};
}

static inline void read_all(FILE *file, char text[SAID_MAX])
{
    rewind(file);
    size_t length = fread(text, 1, SAID_MAX - 1, file);
    text[length] = '\0';
    (void)fclose(file);
}

static inline void assert_says(const char *text, const char *sentence)
{
    if (strstr(text, sentence) == NULL)
        fail_msg("\"%s\" is not in:\n%s", sentence, text);
}

/* A new file with that text; its name is written to `path`. */
static inline void temporary(char path[64], const char *text)
{
    (void)snprintf(path, 64, "/tmp/triplegain_control_XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(descriptor);
}

struct called {
    int status;
    char out[SAID_MAX], err[SAID_MAX];
};

/* Runs a command with standard output and error put aside. `arguments` ends with NULL. */
static inline void call(struct called *called, int (*command)(const struct control_context *),
                        char **arguments)
{
    struct control_context context = {
        .argv = arguments, .program_folder = ".", .real_clock = still_clock()};
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    while (arguments[context.argc] != NULL)
        context.argc++;
    (void)fflush(stdout);
    (void)fflush(stderr);
    int kept_out = dup(STDOUT_FILENO);
    int kept_err = dup(STDERR_FILENO);
    assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0 && dup2(fileno(err), STDERR_FILENO) >= 0);
    called->status = command(&context);
    (void)fflush(stdout);
    (void)fflush(stderr);
    (void)dup2(kept_out, STDOUT_FILENO);
    (void)dup2(kept_err, STDERR_FILENO);
    (void)close(kept_out);
    (void)close(kept_err);
    read_all(out, called->out);
    read_all(err, called->err);
}

#define CALL(called, command, ...) call((called), (command), (char *[]){__VA_ARGS__, NULL})

#endif
