/* What the host says about itself: log lines, counters, histograms. */
#ifndef TG_OBS_H
#define TG_OBS_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A log hands finished lines to a sink: "2022-01-31T00:00:00.123Z warning plugin: sentence", at
 * most OBS_LINE_MAX bytes without a newline; control characters, DEL and what is not UTF-8 become
 * \xNN; what is too long ends in "...". Any thread may log.
 *
 * The same warning or error again and again is written once and then at 10, 100, 1,000 ... with its
 * count. The same: room, level, format, and the text but for its numbers and ids. One that was
 * quiet for an hour counts anew. OBS_REPEATS_MAX different ones are told apart at a time, all
 * further ones are counted as one. Debug and info lines are always written.
 */
#define OBS_LINE_MAX    1024
#define OBS_REPEATS_MAX 256

struct obs_log;
/* Called for one line at a time, from the thread that logs; must not log itself. `line` is borrowed
 * and ends with a NUL behind its length. */
typedef void (*obs_log_sink)(void *context, int level, const char *line, size_t length);

/* Lines below level_min (TG_LOG_*) are only counted. The clock is copied, its context borrowed. */
int obs_log_create(int level_min, const struct tg_clock *clock, obs_log_sink sink, void *context,
                   struct obs_log **log, struct tg_error *error);
void obs_log_destroy(struct obs_log *log);
/* `log` may be NULL: says nothing. `room` is a static string. level: TG_LOG_*. */
void obs_log_write(struct obs_log *log, int level, const char *room, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
uint64_t obs_log_count(const struct obs_log *log,
                       int level); /* lines asked for, repeated ones too */
/* A sink for people: the line to standard error. */
void obs_log_stderr(void *context, int level, const char *line, size_t length);

#define OBS_DEBUG(log, room, ...)   obs_log_write((log), TG_LOG_DEBUG, (room), __VA_ARGS__)
#define OBS_INFO(log, room, ...)    obs_log_write((log), TG_LOG_INFO, (room), __VA_ARGS__)
#define OBS_WARNING(log, room, ...) obs_log_write((log), TG_LOG_WARNING, (room), __VA_ARGS__)
#define OBS_ERROR(log, room, ...)   obs_log_write((log), TG_LOG_ERROR, (room), __VA_ARGS__)

/*
 * Log-linear histogram of non-negative values: 16 steps per power of two, relative error at most
 * 1/16; constant memory, one writer.
 */
#define OBS_HISTOGRAM_BUCKETS 976
struct obs_histogram {
    uint64_t count;
    uint64_t sum; /* stays at UINT64_MAX once it would pass it */
    uint64_t minimum, maximum;
    uint64_t buckets[OBS_HISTOGRAM_BUCKETS];
};
void obs_histogram_init(struct obs_histogram *histogram);
void obs_histogram_add(struct obs_histogram *histogram, uint64_t value);
/* Upper bound of the bucket that holds the quantile, but at most the maximum seen; 0 when empty.
 * A quantile outside 0 to 1 counts as the nearer of the two, NaN as 1. */
uint64_t obs_histogram_quantile(const struct obs_histogram *histogram, double quantile);
void obs_histogram_merge(struct obs_histogram *into, const struct obs_histogram *from);

#endif
