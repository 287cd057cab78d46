/*
 * The whole host on a virtual clock, moved on by a test as a replay moves it, with the plugins as
 * they are built. What happens inside can be looked at between two moments.
 */
#ifndef TEST_APP_FIXTURE_H
#define TEST_APP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/host.h"
#include "base/decimal.h"
#include "base/text.h"
#include "loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stage {
    struct conf *conf;
    struct host *host;
    struct tg_virtual_clock time;
    struct host_bars bars;
    struct tg_error error;
    char path[512]; /* of the bars */
};

static inline const char *stage_built(char path[512], const char *name)
{
    const char *folder = getenv("TRIPLEGAIN_BUILD");
    if (folder == NULL)
        skip();
    (void)snprintf(path, 512, "%s/%s", folder, name);
    return path;
}

/* A file of the recorded data; skips the test where it is not there. */
static inline const char *stage_data(char path[512], const char *name)
{
    const char *folder = getenv("TRIPLEGAIN_SHARED");
    (void)snprintf(path, 512, "%s/%s", folder != NULL ? folder : "../shared", name);
    if (access(path, R_OK) != 0) {
        print_message("skipped: there is no %s\n", path);
        skip();
    }
    return path;
}

/* Begins with that configuration file; `bars` NULL: the configured feeds. */
static inline void stage_open(struct stage *stage, const char *config, const char *const *sets,
                              const char *bars)
{
    char folder[512];
    const struct tg_bar *bar;
    memset(stage, 0, sizeof(*stage));
    if (conf_load(config, &stage->conf, &stage->error) != 0)
        fail_msg("%s", stage->error.message);
    for (; sets != NULL && *sets != NULL; sets += 2)
        if (conf_override(stage->conf, sets[0], sets[1], &stage->error) != 0)
            fail_msg("%s", stage->error.message);
    struct host_options options = {.conf = stage->conf,
                                   .program_folder = stage_built(folder, "."),
                                   .clock = tg_virtual_clock(&stage->time),
                                   .real_clock = loop_real_clock(),
                                   .lanes = -1,
                                   .seed = 1};
    if (bars != NULL) {
        (void)tg_text_copy(stage->bars.symbol, sizeof(stage->bars.symbol), "BTC/USDT");
        (void)tg_text_copy(stage->path, sizeof(stage->path), bars);
        stage->bars.path = stage->path;
        options.bars = &stage->bars;
        options.bars_count = 1;
    }
    if (host_create(&options, &stage->host, &stage->error) != 0 ||
        host_feed_peek(stage->host, 0, &bar, &stage->error) != 0)
        fail_msg("%s", stage->error.message);
    stage->time.now_ns = bar->open_time;
    if (host_start(stage->host, stage->time.now_ns, &stage->error) != 0)
        fail_msg("%s", stage->error.message);
}

static inline void stage_close(struct stage *stage)
{
    host_destroy(stage->host);
    conf_free(stage->conf);
}

/* One moment: what is due next, or the next bars. False: the feeds have ended. */
static inline bool stage_moment(struct stage *stage)
{
    struct host *host = stage->host;
    int64_t next = INT64_MAX;
    const struct tg_bar *bar;
    for (uint32_t i = 0; i < host->symbol_count; i++) {
        assert_int_equal(host_feed_peek(host, i, &bar, &stage->error), 0);
        if (bar != NULL && bar->open_time + host->symbols[i].timeframe_ns < next)
            next = bar->open_time + host->symbols[i].timeframe_ns;
    }
    if (next == INT64_MAX)
        return false;
    if (host_next_time(host) < next)
        next = host_next_time(host);
    if (next > stage->time.now_ns)
        stage->time.now_ns = next;
    host_advance(host);
    for (uint32_t i = 0; i < host->symbol_count; i++)
        while (host_feed_peek(host, i, &bar, &stage->error) == 0 && bar != NULL &&
               bar->open_time + host->symbols[i].timeframe_ns <= stage->time.now_ns) {
            (void)host_bar(host, i, bar);
            host->symbols[i].feed.next++;
        }
    host_close_bars(host);
    host_settle(host);
    host_run_due(host);
    return true;
}

static inline void stage_pass(struct stage *stage, int64_t ns)
{
    int64_t end = stage->time.now_ns + ns;
    while (stage->time.now_ns < end)
        assert_true(stage_moment(stage));
}

static inline struct trade_portfolio stage_portfolio(struct stage *stage)
{
    struct trade_portfolio portfolio;
    assert_int_equal(trade_portfolio(stage->host->trade, stage->time.now_ns, &portfolio, NULL), 0);
    return portfolio;
}

#endif
