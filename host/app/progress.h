/* The line on a terminal that says how far a replay is. */
#ifndef TG_APP_PROGRESS_H
#define TG_APP_PROGRESS_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
    struct tg_clock real_clock;
    int64_t real_start;  /* monotonic, of real_clock */
    int64_t first, last; /* UTC, of what is replayed; last 0: not known */
    bool wanted, shown;
};

/* Draws the line anew over itself on standard error: `now` is the replay's time. */
void progress_show(struct progress *progress, int64_t now, uint64_t bars);
/* Takes the line away, so that something else can be written. */
void progress_clear(struct progress *progress);

/* Columns of the terminal behind a file; 0: it is none. */
unsigned progress_columns(int file);

#endif
