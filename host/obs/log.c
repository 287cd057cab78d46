/*
 * log.c: lines for people, bounded in length and in number.
 *
 * The log owns its table of repeated lines and nothing else; the sink's context is its maker's. Any
 * thread may log: a line is made on the caller's stack, and only the look-up of repeats and the
 * sink run under the lock, so that lines come out whole and one at a time.
 *
 * A repeat is recognised by a hash over room, level, format and the text without its numbers and
 * UUIDs: "row 7 of a.csv" and "row 8 of a.csv" are the same, another file is not. The table is
 * scanned from end to end: 256 keys lie in 2 KiB, and only warnings and errors come here.
 */
#include "obs/obs.h"

#include "base/text.h"
#include "base/uuid.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LEVELS     4
#define LOG_QUIET_NS   TG_NS_PER_HOUR /* after it a repeat counts anew, and its slot is free */
#define LOG_SUFFIX_MAX 64

struct repeat {
    uint64_t count;
    uint64_t next; /* the count that is written next: 1, 10, 100 ... */
    int64_t last_ns;
};

struct obs_log {
    int level_min;
    struct tg_clock clock;
    obs_log_sink sink;
    void *context;
    _Atomic uint64_t counts[LOG_LEVELS];
    pthread_mutex_t lock; /* of what follows, and of the sink */
    uint64_t keys[OBS_REPEATS_MAX];
    struct repeat repeats[OBS_REPEATS_MAX + 1]; /* the last one: all that found no slot */
    size_t repeat_count;
};

int obs_log_create(int level_min, const struct tg_clock *clock, obs_log_sink sink, void *context,
                   struct obs_log **log, struct tg_error *error)
{
    if (level_min < TG_LOG_DEBUG || level_min > TG_LOG_ERROR)
        return TG_FAIL(error, INVALID, "log level: %d is out of range (%d to %d)", level_min,
                       TG_LOG_DEBUG, TG_LOG_ERROR);
    if (clock == NULL || sink == NULL)
        return TG_FAIL(error, INVALID, "a log needs a clock and a sink");
    struct obs_log *made = calloc(1, sizeof(*made));
    if (made == NULL || pthread_mutex_init(&made->lock, NULL) != 0) {
        free(made);
        return TG_FAIL(error, NO_MEMORY, "no memory for a log");
    }
    made->level_min = level_min;
    made->clock = *clock;
    made->sink = sink;
    made->context = context;
    *log = made;
    return TG_E_OK;
}

void obs_log_destroy(struct obs_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* ---- repeats --------------------------------------------------------------------------------- */

static uint64_t hash_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3); /* FNV-1a */
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Leaves out UUIDs and numbers that stand alone; "agent_2" is a name and keeps its digit. */
static uint64_t hash_text(uint64_t hash, const char *text, size_t length)
{
    struct tg_uuid id;
    bool in_word = false;
    for (size_t i = 0; i < length;) {
        if (!in_word && length - i >= TG_UUID_TEXT_SIZE - 1 &&
            tg_uuid_parse(text + i, TG_UUID_TEXT_SIZE - 1, &id) == TG_E_OK) {
            i += TG_UUID_TEXT_SIZE - 1;
            continue;
        }
        if (!in_word && is_digit(text[i])) {
            while (i < length && is_digit(text[i]))
                i++;
            continue;
        }
        in_word = is_word(text[i]);
        hash = hash_byte(hash, (unsigned char)text[i]);
        i++;
    }
    return hash;
}

static uint64_t key_of(int level, const char *room, const char *format, const char *text,
                       size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)(uintptr_t)format;
    hash = hash_byte(hash, (unsigned char)level);
    for (const char *c = room; *c != '\0'; c++)
        hash = hash_byte(hash, (unsigned char)*c);
    return hash_text(hash_byte(hash, 0), text, length);
}

static struct repeat *repeat_of(struct obs_log *log, uint64_t key, int64_t now_ns)
{
    for (size_t i = 0; i < log->repeat_count; i++)
        if (log->keys[i] == key)
            return &log->repeats[i];
    size_t slot = OBS_REPEATS_MAX;
    if (log->repeat_count < OBS_REPEATS_MAX) {
        slot = log->repeat_count++;
    } else {
        for (size_t i = 0; i < OBS_REPEATS_MAX && slot == OBS_REPEATS_MAX; i++)
            if (now_ns - log->repeats[i].last_ns > LOG_QUIET_NS)
                slot = i;
        if (slot == OBS_REPEATS_MAX)
            return &log->repeats[OBS_REPEATS_MAX];
    }
    log->keys[slot] = key;
    log->repeats[slot] = (struct repeat){0};
    return &log->repeats[slot];
}

/* Counts one occurrence. Returns the count where it is to be written, else 0. */
static uint64_t count_repeat(struct repeat *repeat, int64_t now_ns)
{
    if (repeat->count == 0 || now_ns - repeat->last_ns > LOG_QUIET_NS)
        *repeat = (struct repeat){.next = 1};
    repeat->count++;
    repeat->last_ns = now_ns;
    if (repeat->count != repeat->next)
        return 0;
    repeat->next *= 10;
    return repeat->count;
}

/* ---- lines ----------------------------------------------------------------------------------- */

struct line {
    char text[OBS_LINE_MAX + 1];
    size_t length;
};

/* How many bytes at the start of text can be written as they are; 0: the first must be escaped. */
static size_t printable(const char *text, size_t length)
{
    size_t sequence = tg_text_utf8_sequence(text, length);
    unsigned char first = (unsigned char)text[0];
    if (sequence == 1 && (first < 0x20 || first == 0x7F))
        return 0;
    if (sequence == 2 && first == 0xC2 && (unsigned char)text[1] < 0xA0)
        return 0; /* U+0080 to U+009F: terminals obey them as they do escape sequences */
    return sequence;
}

/* Adds text up to `limit` bytes of the line; ends it in "..." where that was too little. */
static void add_escaped(struct line *line, const char *text, size_t length, size_t limit)
{
    static const char digits[] = "0123456789abcdef";
    static const char cut[] = "...";
    size_t last_that_leaves_room = line->length;
    for (size_t i = 0; i < length;) {
        char escape[4] = {'\\', 'x', digits[(unsigned char)text[i] >> 4],
                          digits[(unsigned char)text[i] & 15]};
        size_t taken = printable(text + i, length - i);
        const char *piece = taken > 0 ? text + i : escape;
        size_t piece_length = taken > 0 ? taken : sizeof(escape);
        if (line->length + piece_length > limit) {
            line->length = last_that_leaves_room;
            memcpy(line->text + line->length, cut, sizeof(cut) - 1);
            line->length += sizeof(cut) - 1;
            return;
        }
        memcpy(line->text + line->length, piece, piece_length);
        line->length += piece_length;
        if (line->length + sizeof(cut) - 1 <= limit)
            last_that_leaves_room = line->length;
        i += taken > 0 ? taken : 1;
    }
}

/* The finished line; `repeats` above 1 is said at its end. */
static void make_line(struct line *line, int64_t utc_ns, int level, const char *room,
                      const char *text, size_t length, uint64_t repeats)
{
    static const char *const level_names[LOG_LEVELS] = {"debug", "info", "warning", "error"};
    char time[TG_TIME_TEXT_SIZE];
    char head[OBS_LINE_MAX / 2];
    char suffix[LOG_SUFFIX_MAX] = "";
    size_t head_length = 0, suffix_length = 0;
    tg_time_format(utc_ns - utc_ns % TG_NS_PER_MS, time);
    if (!tg_text_append(head, sizeof(head), &head_length, "%s %s %s: ", time, level_names[level],
                        room))
        tg_text_append(head, sizeof(head), &head_length, "%s %s: ", time, level_names[level]);
    if (repeats > 1)
        tg_text_append(suffix, sizeof(suffix), &suffix_length, " (%llu times)",
                       (unsigned long long)repeats);
    line->length = 0;
    add_escaped(line, head, head_length, OBS_LINE_MAX);
    add_escaped(line, text, length, OBS_LINE_MAX - suffix_length);
    memcpy(line->text + line->length, suffix, suffix_length);
    line->length += suffix_length;
    line->text[line->length] = '\0';
}

void obs_log_write(struct obs_log *log, int level, const char *room, const char *format, ...)
{
    if (log == NULL)
        return;
    if (level < TG_LOG_DEBUG || level > TG_LOG_ERROR)
        level = TG_LOG_ERROR;
    atomic_fetch_add_explicit(&log->counts[level], 1, memory_order_relaxed);
    if (level < log->level_min)
        return;
    char text[OBS_LINE_MAX + 1]; /* longer texts are longer than a line, too */
    va_list arguments;
    va_start(arguments, format);
    int formatted = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (formatted < 0)
        formatted = snprintf(text, sizeof(text), "a line that cannot be formatted: %s", format);
    size_t length = (size_t)formatted < sizeof(text) ? (size_t)formatted : sizeof(text) - 1;

    struct line line;
    uint64_t repeats = 1;
    pthread_mutex_lock(&log->lock);
    if (level >= TG_LOG_WARNING) {
        int64_t now_ns = tg_clock_monotonic(&log->clock);
        uint64_t key = key_of(level, room, format, text, length);
        repeats = count_repeat(repeat_of(log, key, now_ns), now_ns);
    }
    if (repeats > 0) {
        make_line(&line, tg_clock_utc(&log->clock), level, room, text, length, repeats);
        log->sink(log->context, level, line.text, line.length);
    }
    pthread_mutex_unlock(&log->lock);
}

uint64_t obs_log_count(const struct obs_log *log, int level)
{
    if (log == NULL || level < TG_LOG_DEBUG || level > TG_LOG_ERROR)
        return 0;
    return atomic_load_explicit(&log->counts[level], memory_order_relaxed);
}

void obs_log_stderr(void *context, int level, const char *line, size_t length)
{
    (void)context;
    (void)level;
    fprintf(stderr, "%.*s\n", (int)length, line); /* one write: stderr has no buffer */
}
