/*
 * Plugins: files judged, loaded and made into instances; lanes that run them; their results.
 *
 * Everything here is called on the core thread. An instance runs either on the core thread itself
 * (the core lane: plugins that declare core_safe and are granted it) or on a lane, a thread that
 * serves one or several instances. Whatever an instance publishes while a call goes on is collected
 * and put on the bus by plugin_collect, in the order in which the calls were started, so that the
 * result does not depend on lanes.
 */
#ifndef TG_PLUGIN_H
#define TG_PLUGIN_H

#include "base/clock.h"
#include "base/error.h"
#include "bus/bus.h"
#include "obs/obs.h"
#include "trade/trade.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

#define PLUGIN_FILES_MAX         256u
#define PLUGIN_INSTANCES_MAX     256u
#define PLUGIN_LANES_MAX         64u
#define PLUGIN_CALL_MESSAGES_MAX 256u /* published within one call */
#define PLUGIN_CALL_BYTES_MAX    (64u * 1024u)
#define PLUGIN_CALLS_WAITING_MAX 1024u

struct plugin_host;
struct plugin_instance;

struct plugin_host_options {
    struct bus *bus;              /* borrowed */
    struct obs_log *log;          /* borrowed; may be NULL */
    struct tg_clock clock;        /* what plugins are told: virtual in a replay */
    struct tg_clock real_clock;   /* time limits of calls: monotonic; a hung call outlives the host,
                                   * so its context must outlive it too */
    uint64_t seed;                /* of the instances' random numbers */
    uint32_t lanes;               /* 0: a thread for each instance that may not run on the core */
    const char *const *core_safe; /* names of plugins granted the core thread; copied */
    size_t core_safe_count;
    void (*wake)(void *context); /* a lane has finished a call; any thread; may be NULL */
    void *wake_context;
};

int plugin_host_create(const struct plugin_host_options *options, struct plugin_host **host,
                       struct tg_error *error);
/*
 * Stops and destroys all instances, in reverse order of creation. What still goes on gets two more
 * seconds. A hung instance is left behind with its thread, which destroys it should it come back.
 */
void plugin_host_destroy(struct plugin_host *host);

/* ---- files ---- */

/*
 * Judges every *.so of a folder, in order of name. A file that does not fit is refused with a
 * sentence and remembered; the rest goes on. A name found in two folders: the first one counts, the
 * other is refused. A file that was accepted already is passed over. TG_E_IO: the folder cannot be
 * read; TG_E_REFUSED: others may write it.
 */
int plugin_scan(struct plugin_host *host, const char *folder, struct tg_error *error);

struct plugin_file {
    const char *path;
    const struct tg_plugin *descriptor; /* NULL: refused */
    const char *refusal;                /* sentence; "" when it was accepted */
};
size_t plugin_file_count(const struct plugin_host *host);
const struct plugin_file *plugin_file_at(const struct plugin_host *host, size_t index);
/* By the plugin's name; NULL: none. */
const struct plugin_file *plugin_find(const struct plugin_host *host, const char *name);
/*
 * The refused file of a plugin that plugin_find does not find: one that declares the name, or is
 * called <name>.so. NULL: there is none, or the plugin is there.
 */
const struct plugin_file *plugin_find_refused(const struct plugin_host *host, const char *name);

/* ---- instances ---- */

enum plugin_lane { PLUGIN_LANE_AUTO, PLUGIN_LANE_CORE, PLUGIN_LANE_THREAD };

/* A value as the configuration has it; `where` is "file:line:column". */
struct plugin_setting {
    const char *key, *text, *where;
};

struct plugin_instance_options {
    const char *name;      /* the source its messages carry; 1 to 63 of a-z 0-9 _ */
    const char *plugin;    /* name of the plugin */
    uint32_t kind;         /* TG_KIND_* that is wanted */
    const char *symbol;    /* of a feed; else NULL */
    const char *folder;    /* where relative paths of its settings start */
    enum plugin_lane lane; /* of an agent or service; feeds and venues run on the core */
    const struct plugin_setting *settings;
    size_t setting_count;
};

/*
 * Checks settings against the keys the plugin declares, creates and starts the instance and
 * subscribes it to what it reads where it has on_message. On failure: a sentence that names the
 * setting's place or the plugin's own words; nothing is left behind.
 */
int plugin_instance_create(struct plugin_host *host, const struct plugin_instance_options *options,
                           struct plugin_instance **instance, struct tg_error *error);
struct plugin_instance *plugin_instance_find(struct plugin_host *host, const char *name); /* NULL */
size_t plugin_instance_count(const struct plugin_host *host);
struct plugin_instance *plugin_instance_at(struct plugin_host *host, size_t index);

struct plugin_instance_view {
    const char *name;
    const struct tg_plugin *descriptor;
    const char *symbol;
    bool on_core;
    bool hung; /* a call was abandoned and has not come back: gets no more calls */
    uint64_t calls, failed, timed_out, published, refused;
    int64_t duration_total_ns, duration_max_ns; /* real time */
    char last_failure[256];
    uint64_t rows_refused; /* of a feed */
};
void plugin_instance_view(const struct plugin_instance *instance,
                          struct plugin_instance_view *view);
const struct tg_plugin *plugin_instance_descriptor(const struct plugin_instance *instance);
/* A feed's refused rows by reason; false past the end. */
bool plugin_instance_refused_rows(const struct plugin_instance *instance, size_t index,
                                  const char **reason, uint64_t *count, uint64_t *first_line);

/* ---- runs of agents ---- */

/*
 * Starts a run. On the core lane it is done when this returns; on a thread it works on a copy of
 * `run`. `number` comes back with its result. TG_E_FULL; TG_E_STATE: the instance is hung.
 */
int plugin_run(struct plugin_instance *instance, const struct tg_run *run, uint64_t number,
               int64_t timeout_ns, struct tg_error *error);

enum plugin_outcome { PLUGIN_SUCCEEDED, PLUGIN_FAILED, PLUGIN_TIMED_OUT };
struct plugin_result {
    struct plugin_instance *instance;
    uint64_t number;
    enum plugin_outcome outcome;
    char message[256];   /* of a failure */
    int64_t duration_ns; /* real time */
    uint32_t published, refused;
};
/* Told of each message that is about to be published for an instance; may change priority,
 * correlation and the payload's host-set fields (the payload is a private copy). */
typedef void (*plugin_stamp)(void *context, const struct plugin_instance *instance, uint64_t number,
                             struct bus_draft *draft, void *payload);
void plugin_set_stamp(struct plugin_host *host, plugin_stamp stamp, void *context);

/*
 * The next result in the order of starting: puts what the call published on the bus, then tells.
 * `wait`: waits for it, at most until its time limit, after which it counts as timed out and its
 * late output is dropped. False: nothing is going on, or nothing is ready and `wait` is false.
 * What on_message published goes on the bus here too, in its place in that order (a venue's at
 * once, as it is delivered).
 */
bool plugin_collect(struct plugin_host *host, bool wait, struct plugin_result *result);
size_t plugin_calls_waiting(const struct plugin_host *host);

/* ---- feeds and venues: their functions are called on the core thread ---- */

int plugin_feed_describe(struct plugin_instance *instance, struct tg_feed_info *info,
                         struct tg_error *error);
int plugin_feed_read(struct plugin_instance *instance, struct tg_bar *bars, uint32_t capacity,
                     uint32_t *count, struct tg_error *error);
/* A table for trade; what the venue publishes goes on the bus at once. */
struct trade_venue plugin_venue(struct plugin_instance *instance);

#endif
