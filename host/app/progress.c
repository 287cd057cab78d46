/*
 * Progress: share done, bars, rate and time left in one line that never is longer than the terminal
 * is wide, because a line that wraps could not be drawn over. The bar takes the room that is left.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define COLUMNS_UNKNOWN 80u
#define BAR_MAX         30
#define BAR_LEAST       8
#define TEXT_SIZE       160

unsigned progress_columns(int file)
{
    struct winsize size;
    return ioctl(file, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static void format_left(char text[TEXT_SIZE], double seconds)
{
    int64_t left = (int64_t)seconds;
    if (left < 3600)
        (void)snprintf(text, TEXT_SIZE, "%" PRId64 ":%02" PRId64 " left", left / 60, left % 60);
    else
        (void)snprintf(text, TEXT_SIZE, "%" PRId64 " h %02" PRId64 " min left", left / 3600,
                       left / 60 % 60);
}

static void format_rate(char text[TEXT_SIZE], double rate)
{
    if (rate < 1e6)
        (void)snprintf(text, TEXT_SIZE, "%.0f thousand bars/s", rate / 1e3);
    else
        (void)snprintf(text, TEXT_SIZE, "%.1f million bars/s", rate / 1e6);
}

void progress_show(struct progress *progress, int64_t now, uint64_t bars)
{
    static const char full[] = "##############################";
    char line[TEXT_SIZE];
    char rate[TEXT_SIZE];
    char left[TEXT_SIZE];
    double seconds = (double)(tg_clock_monotonic(&progress->real_clock) - progress->real_start) /
                     (double)TG_NS_PER_SEC;
    if (!progress->wanted || seconds <= 0.0)
        return;
    unsigned columns = progress_columns(2);
    int room = (int)(columns > 0 ? columns : COLUMNS_UNKNOWN) - 1;
    double done = 0.0;
    progress->shown = true;
    format_rate(rate, (double)bars / seconds);
    if (progress->last <= progress->first) {
        (void)snprintf(line, sizeof(line), "%" PRIu64 " bars, %.100s", bars, rate);
        (void)fprintf(stderr, "\r  %.*s\033[K", room - 2, line);
        return;
    }
    done = (double)(now - progress->first) / (double)(progress->last - progress->first);
    done = done < 0.0 ? 0.0 : done > 1.0 ? 1.0 : done;
    format_left(left, done > 0.0 ? seconds / done - seconds : 0.0);
    int length = snprintf(line, sizeof(line), "%3.0f %%  %" PRIu64 " bars  %.30s  %.30s",
                          done * 100.0, bars, rate, left);
    int width = room - length - 6; /* two blanks before it, brackets, two blanks after it */
    width = width > BAR_MAX ? BAR_MAX : width;
    int filled = (int)(done * width);
    if (width < BAR_LEAST)
        (void)fprintf(stderr, "\r  %.*s\033[K", room > 2 ? room - 2 : 0, line);
    else
        (void)fprintf(stderr, "\r  [%.*s%*s]  %s\033[K", filled, full, width - filled, "", line);
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        (void)fprintf(stderr, "\r\033[K");
    progress->shown = false;
}
