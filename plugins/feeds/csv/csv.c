/*
 * csv.c: the feed that reads recorded bars from a file.
 *
 * It reads Kraken's OHLCVT download and any table of bars whose first line names its columns; see
 * the keys below for what can be told apart. A row that cannot be used is refused with a reason,
 * counted by the host and never delivered; the others are delivered in the order of the file. The
 * order itself, duplicates and jumps are judged by the host, as for every feed.
 *
 * The instance owns one file and one chunk of memory, whatever the file's length, and is used by
 * one thread at a time. It asks nothing of the host but to count refused rows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <triplegain/triplegain.h>

#include "../failure.h"
#include "file.h"

#define PATH_SIZE 4096

enum csv_key {
    CSV_KEY_PATH,
    CSV_KEY_FORMAT,
    CSV_KEY_COLUMNS,
    CSV_KEY_SEPARATOR,
    CSV_KEY_TIME_UNIT,
    CSV_KEY_TIME_STAMP,
    CSV_KEY_TIMEFRAME,
    CSV_KEY_COUNT
};

static const struct tg_config_key config_keys[CSV_KEY_COUNT] = {
    [CSV_KEY_PATH] = {.name = "path",
                      .type = TG_CONFIG_TEXT,
                      .required = 1,
                      .description = "file with one bar per line; a relative path starts at the "
                                     "folder of the configuration file"},
    [CSV_KEY_FORMAT] = {.name = "format",
                        .type = TG_CONFIG_CHOICE,
                        .default_text = "auto",
                        .choices = "auto|kraken|header",
                        .description =
                            "kraken: no names, but time, open, high, low, close, volume in this "
                            "order, then anything; header: the first line names the columns"},
    [CSV_KEY_COLUMNS] = {.name = "columns",
                         .type = TG_CONFIG_TEXT,
                         .default_text = "",
                         .description = "names of columns where they are unusual, as in "
                                        "time=date,open=o,high=h,low=l,close=c,volume=v"},
    [CSV_KEY_SEPARATOR] = {.name = "separator",
                           .type = TG_CONFIG_CHOICE,
                           .default_text = "auto",
                           .choices = "auto|comma|semicolon|tab",
                           .description = "what stands between two columns"},
    [CSV_KEY_TIME_UNIT] =
        {.name = "time_unit",
         .type = TG_CONFIG_CHOICE,
         .default_text = "auto",
         .choices = "auto|seconds|milliseconds|microseconds|nanoseconds|text",
         .description = "unit of the time since 1970 (UTC); text is 2021-12-31 23:01:00 with or "
                        "without T, fraction, Z or offset"},
    [CSV_KEY_TIME_STAMP] = {.name = "time_stamp",
                            .type = TG_CONFIG_CHOICE,
                            .default_text = "open",
                            .choices = "open|close",
                            .description =
                                "whether the time of a row is the start or the end of its bar"},
    [CSV_KEY_TIMEFRAME] = {.name = "timeframe",
                           .type = TG_CONFIG_CHOICE,
                           .default_text = "auto",
                           .choices = "auto|1m|5m|15m|1h|4h|1d",
                           .description = "length of a bar; auto: the most common distance between "
                                          "the first 1000 rows"},
};

struct csv_feed {
    struct tg_host host; /* a copy; its context is the host's */
    struct csv_file file;
    struct csv_day_cache cache;
};

static int32_t path_join(const char *folder, const char *path, char *joined,
                         struct tg_failure *failure)
{
    if (path[0] == '\0') {
        return feed_fail(failure, TG_E_INVALID, "path: is empty, but must name a file");
    }
    const char *from = path[0] == '/' || !folder ? "" : folder;
    const int length = snprintf(joined, PATH_SIZE, "%s%s%s", from, from[0] ? "/" : "", path);
    if (length < 0 || length >= PATH_SIZE) {
        return feed_fail(failure, TG_E_RANGE, "path: has %d bytes, at most %d are allowed", length,
                         PATH_SIZE - 1);
    }
    return TG_E_OK;
}

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    static const char separators[4] = {'\0', ',', ';', '\t'};
    if (config->count != CSV_KEY_COUNT) {
        return feed_fail(failure, TG_E_INVALID, "%u values for the %d keys of this plugin",
                         (unsigned)config->count, CSV_KEY_COUNT);
    }
    const struct tg_config_value *values = config->values;
    const struct csv_settings settings = {
        .layout = (enum csv_layout)values[CSV_KEY_FORMAT].whole,
        .mapping = values[CSV_KEY_COLUMNS].text,
        .separator = separators[values[CSV_KEY_SEPARATOR].whole],
        .time_unit = (enum csv_time_unit)values[CSV_KEY_TIME_UNIT].whole,
        .time_is_close = values[CSV_KEY_TIME_STAMP].whole == 1,
        .timeframe = (int32_t)values[CSV_KEY_TIMEFRAME].whole - 1,
    };
    char path[PATH_SIZE];
    int32_t code = path_join(config->folder, values[CSV_KEY_PATH].text, path, failure);
    if (code != TG_E_OK) {
        return code;
    }
    struct csv_feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        return feed_fail(failure, TG_E_NO_MEMORY, "out of memory");
    }
    feed->host = *host;
    code = csv_file_open(&feed->file, path, &settings, failure);
    if (code != TG_E_OK) {
        free(feed);
        return code;
    }
    *instance = feed;
    return TG_E_OK;
}

static void destroy(void *instance)
{
    struct csv_feed *feed = instance;
    csv_file_close(&feed->file);
    free(feed);
}

static int32_t describe(void *instance, struct tg_feed_info *info, struct tg_failure *failure)
{
    const struct csv_feed *feed = instance;
    if (info->size < sizeof *info) {
        return feed_fail(failure, TG_E_INVALID, "the host's feed description is too small");
    }
    info->timeframe = feed->file.timeframe;
    info->first_open_time = feed->file.first_open_time;
    info->last_open_time = feed->file.last_open_time;
    info->synthetic = 0;
    return TG_E_OK;
}

static int32_t read_bars(void *instance, struct tg_bar *bars, uint32_t capacity, uint32_t *count,
                         struct tg_failure *failure)
{
    struct csv_feed *feed = instance;
    uint32_t filled = 0;
    *count = 0;
    while (filled < capacity) {
        const char *reason = NULL;
        const enum csv_next next = csv_file_next(&feed->file, &feed->cache, &bars[filled], &reason);
        if (next == CSV_NEXT_BAR) {
            filled++;
        } else if (next == CSV_NEXT_REFUSED) {
            feed->host.row_refused(feed->host.context, reason, feed->file.lines.number);
        } else if (next == CSV_NEXT_FAILED) {
            return feed_fail(failure, TG_E_IO, "%s:%llu: cannot be read further: %s",
                             feed->file.shown, (unsigned long long)feed->file.lines.number,
                             strerror(errno));
        } else {
            break;
        }
    }
    *count = filled;
    return TG_E_OK;
}

static const struct tg_feed_functions feed_functions = {
    .size = sizeof(struct tg_feed_functions),
    .describe = describe,
    .read = read_bars,
};

static const char *const publishes[] = {"market_data", NULL};

const struct tg_plugin triplegain_plugin_1 = {
    .magic = TG_ABI_MAGIC,
    .size = sizeof(struct tg_plugin),
    .major = TG_ABI_MAJOR,
    .minor = TG_ABI_MINOR,
    .fingerprint = TG_ABI_FINGERPRINT,
    .name = "csv",
    .version = "1.0.0",
    .description = "recorded bars from a file: Kraken's OHLCVT download, or any CSV with a header",
    .kind = TG_KIND_FEED,
    .capabilities = TG_CAPABILITY_CORE_SAFE,
    .publishes = publishes,
    .config_keys = config_keys,
    .config_key_count = CSV_KEY_COUNT,
    .create = create,
    .destroy = destroy,
    .feed = &feed_functions,
};
