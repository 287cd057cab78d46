/*
 * The first load of a plugin file, in a child that is thrown away.
 *
 * Loading runs the file's constructors before its descriptor can be read. What crashes there, ends
 * the process or never comes back harms the child alone, and the file is refused with a sentence.
 * The child says on a pipe how it went; it writes no core file and nothing to the terminal.
 *
 * Nothing is kept. Core thread; meant for the time before lanes run, as a fork with threads around
 * copies their locks as they are at that moment.
 */
#include "plugin_int.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_SIZE 256u
#define LOADED     '+' /* first byte of the answer */
#define REFUSED    '-' /* the loader's words follow */

/* The loader's words without the path that they begin with. */
const char *plugin__loader_words(const char *real)
{
    const char *words = dlerror();
    size_t length = strlen(real);
    if (words == NULL)
        return "for no reason given";
    return strncmp(words, real, length) == 0 && strncmp(words + length, ": ", 2) == 0
               ? words + length + 2
               : words;
}

_Noreturn static void load_in_child(const char *real, int answer)
{
    const struct rlimit none = {0, 0};
    char words[WORDS_SIZE] = {LOADED};
    size_t length = 1;
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (nowhere >= 0) {
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
    }
    if (dlopen(real, RTLD_NOW | RTLD_LOCAL) == NULL) {
        const char *reason = plugin__loader_words(real);
        words[0] = REFUSED;
        length += strnlen(reason, sizeof(words) - 1);
        memcpy(words + 1, reason, length - 1);
    }
    ssize_t written = write(answer, words, length);
    _exit(written == (ssize_t)length ? 0 : 1);
}

/* Reads until the child has closed its end; false: it takes too long. */
static bool hear(const struct tg_clock *clock, int answer, char words[WORDS_SIZE])
{
    int64_t until = tg_clock_monotonic(clock) + PLUGIN_LOAD_LIMIT_NS;
    size_t length = 0;
    for (;;) {
        int64_t left_ms = (until - tg_clock_monotonic(clock)) / TG_NS_PER_MS;
        struct pollfd waited = {.fd = answer, .events = POLLIN};
        if (left_ms <= 0)
            return false;
        if (poll(&waited, 1, (int)left_ms) <= 0)
            continue;
        ssize_t got = read(answer, words + length, WORDS_SIZE - 1 - length);
        if (got > 0)
            length += (size_t)got;
        else if (got == 0 || errno != EINTR)
            break;
    }
    words[length] = '\0';
    return true;
}

static int judge_end(const char *path, const char *words, int status, struct tg_error *error)
{
    if (words[0] == LOADED)
        return 0;
    if (words[0] == REFUSED)
        return TG_FAIL(error, FAILED, "%s: cannot be loaded: %.200s", path, words + 1);
    if (WIFSIGNALED(status))
        return TG_FAIL(error, FAILED, "%s: crashes while it is loaded (%s)", path,
                       strsignal(WTERMSIG(status)));
    return TG_FAIL(error, FAILED, "%s: ends the process while it is loaded", path);
}

int plugin__try_to_load(const char *path, const char *real, const struct tg_clock *clock,
                        struct tg_error *error)
{
    char words[WORDS_SIZE] = {0};
    int ends[2];
    int status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return TG_FAIL(error, IO, "%s: no pipe to try it with: %s", path, strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        load_in_child(real, ends[1]);
    }
    (void)close(ends[1]);
    if (child < 0) {
        (void)close(ends[0]);
        return TG_FAIL(error, FAILED, "%s: no process to try it in: %s", path, strerror(errno));
    }
    bool heard = hear(clock, ends[0], words);
    (void)close(ends[0]);
    if (!heard)
        (void)kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!heard)
        return TG_FAIL(error, TIMEOUT, "%s: is not loaded within %d s", path,
                       (int)(PLUGIN_LOAD_LIMIT_NS / TG_NS_PER_SEC));
    return judge_end(path, words, status, error);
}
