/* What the host says about itself: log lines, counters, histograms. */
#ifndef TG_OBS_H
#define TG_OBS_H

#include "base/buffer.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A log hands finished lines to a sink. The same line again and again (same room, same level, same
 * format) is written once and then at 10, 100, 1,000 ... with its count. Control characters are
 * escaped. Any thread may log.
 */
struct obs_log;
typedef void (*obs_log_sink)(void *context, int level, const char *line, size_t length);

int obs_log_create(int level_min, const struct tg_clock *clock, obs_log_sink sink, void *context,
                   struct obs_log **log, struct tg_error *error);
void obs_log_destroy(struct obs_log *log);
/* `log` may be NULL: says nothing. `room` is a static string. level: TG_LOG_*. */
void obs_log_write(struct obs_log *log, int level, const char *room, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
uint64_t obs_log_count(const struct obs_log *log, int level); /* lines asked for, repeated ones too */
/* A sink for people: "2022-01-31T00:00:00Z warning plugin: ..." to standard error. */
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
    uint64_t sum;
    uint64_t minimum, maximum;
    uint64_t buckets[OBS_HISTOGRAM_BUCKETS];
};
void obs_histogram_init(struct obs_histogram *histogram);
void obs_histogram_add(struct obs_histogram *histogram, uint64_t value);
/* Upper bound of the bucket that holds the quantile, 0 <= quantile <= 1; 0 when empty. */
uint64_t obs_histogram_quantile(const struct obs_histogram *histogram, double quantile);
void obs_histogram_merge(struct obs_histogram *into, const struct obs_histogram *from);

#endif
