/*
 * Bars a second of the real program: a month of one symbol, all shipped agents, decisions on.
 *
 * The program beside this one is started as a user starts it, and its whole run is timed, start-up
 * included. The bars are the recorded month under $TRIPLEGAIN_SHARED/data (default ../shared/data);
 * where that is absent, 31 synthetic days stand in, and standard error says so.
 */
#include "bench.h"

#include <stdbool.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS          9
#define RECORDED_BARS 45031.0
#define MADE_UP_BARS  (31.0 * 1440.0)

extern char **environ;

static double run_once(char *const arguments[])
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) != 0)
        bench_fail("the replay cannot be prepared");
    int64_t start = bench_now_ns();
    int code = posix_spawn(&child, arguments[0], &actions, NULL, arguments, environ);
    if (code != 0)
        bench_fail("%s cannot be started: %s", arguments[0], strerror(code));
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        bench_fail("%s failed", arguments[0]);
    double seconds = bench_seconds_since(start);
    (void)posix_spawn_file_actions_destroy(&actions);
    return seconds;
}

int main(int argc, char **argv)
{
    char self[PATH_MAX];
    char program[PATH_MAX + 32];
    char bars[PATH_MAX];
    double rates[RUNS];
    const char *shared = getenv("TRIPLEGAIN_SHARED");
    (void)argc;
    if (realpath(argv[0], self) == NULL)
        bench_fail("%s: %s", argv[0], strerror(errno));
    (void)snprintf(program, sizeof(program), "%s/../triplegain", dirname(self));
    (void)snprintf(bars, sizeof(bars), "BTC/USDT=%s/data/btc_perp_1m_2022-01.csv",
                   shared != NULL ? shared : "../shared");
    bool recorded = access(strchr(bars, '=') + 1, R_OK) == 0;
    char *with_bars[] = {program,  "replay", "--config", "config/demo.yaml",
                         "--json", "--bars", bars,       NULL};
    char *without[] = {program,
                       "replay",
                       "--config",
                       "config/demo.yaml",
                       "--json",
                       "--set",
                       "feeds.BTC/USDT.config.days=15.5",
                       "--set",
                       "feeds.XRP/USDT.config.days=15.5",
                       NULL};
    if (!recorded)
        (void)fprintf(stderr, "replay_bars: no recorded month, synthetic bars stand in\n");
    (void)run_once(recorded ? with_bars : without); /* files into the page cache */
    for (size_t i = 0; i < RUNS; i++)
        rates[i] =
            (recorded ? RECORDED_BARS : MADE_UP_BARS) / run_once(recorded ? with_bars : without);
    bench_report("replay_bars", "bars/s", rates, RUNS);
    return 0;
}
