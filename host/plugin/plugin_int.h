/* What the files of the plugin room share. */
#ifndef TG_PLUGIN_INT_H
#define TG_PLUGIN_INT_H

#include "base/random.h"
#include "plugin/plugin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>

#define PLUGIN_REFUSAL_SIZE     512u
#define PLUGIN_PATH_SIZE        4096u
#define PLUGIN_OWN_TOPICS_MAX   16u
#define PLUGIN_REASONS_MAX      32u
#define PLUGIN_MESSAGE_LIMIT_NS (5 * TG_NS_PER_SEC) /* of one on_message on a lane */
#define PLUGIN_FILE_BYTES_MAX   (256u * 1024u * 1024u)
#define PLUGIN_CORE_SAFE_MAX    256u
#define PLUGIN_LOAD_LIMIT_NS    (2 * TG_NS_PER_SEC) /* of a file's constructors */
#define PLUGIN_STOP_LIMIT_NS    (2 * TG_NS_PER_SEC) /* that calls have when the host stops */

/* What one call published, kept until it is put on the bus. */
struct plugin_output {
    uint32_t count, refused;
    uint32_t bytes;
    struct {
        uint16_t topic;
        uint8_t priority;
        uint32_t offset, size;
    } items[PLUGIN_CALL_MESSAGES_MAX];
    _Alignas(16) uint8_t data[PLUGIN_CALL_BYTES_MAX];
};

enum plugin_call_kind { PLUGIN_CALL_RUN, PLUGIN_CALL_MESSAGE };
enum plugin_call_state { PLUGIN_CALL_WAITING, PLUGIN_CALL_GOING_ON, PLUGIN_CALL_DONE };

struct plugin_call {
    struct plugin_call *next; /* in a lane's queue, or in the list of free ones */
    struct plugin_instance *instance;
    struct plugin_lane_share *share; /* of the lane it runs on; NULL: the core */
    enum plugin_call_kind kind;
    enum plugin_call_state state; /* on a lane: under the lanes' mutex */
    atomic_bool abandoned;
    uint64_t number;
    int64_t now;                /* what the plugin is told, UTC */
    int64_t limit_ns;           /* real time it may take */
    int64_t began_at, ended_at; /* real time */
    int32_t code;
    uint8_t hops; /* of what it publishes; see bus_hops */
    struct tg_failure failure;
    const struct tg_run *run; /* on a lane: into `copy` */
    const struct tg_message *message;
    void *copy; /* owned; memory of a deep copy, kept for the next use */
    size_t copy_size;
    struct plugin_output output;
};

struct plugin_reason {
    char text[64];
    uint64_t count, first_line;
};

struct plugin_instance {
    struct plugin_host *host;
    const struct tg_plugin *descriptor;
    char name[TG_SOURCE_SIZE];
    char symbol[TG_SYMBOL_SIZE];
    uint16_t source;
    void *self; /* the plugin's own */
    struct tg_host services;
    struct tg_random random;
    struct plugin_thread_lane *lane; /* NULL: the core */
    bool created, started, subscribed;
    bool orphaned; /* under the lanes' mutex: the host is gone, the hung call's thread frees it */
    bool publishes[BUS_TOPICS_MAX + 1];
    struct {
        const char *name;
        uint16_t topic;
    } own_topics[PLUGIN_OWN_TOPICS_MAX];
    uint32_t own_topic_count;
    atomic_bool hung;
    atomic_uint_fast64_t calls_outside; /* services called when no call was going on */
    uint64_t calls, failed, timed_out, published, refused;
    int64_t duration_total_ns, duration_max_ns;
    char last_failure[256];
    struct plugin_reason reasons[PLUGIN_REASONS_MAX];
    uint32_t reason_count;
    uint64_t rows_refused;
};

struct plugin_kept_file {
    struct plugin_file file;
    dev_t device; /* with `inode`: which file it is, by whatever path */
    ino_t inode;
    char path[PLUGIN_PATH_SIZE];
    char name[TG_SOURCE_SIZE]; /* as declared; "": not known */
    char refusal[PLUGIN_REFUSAL_SIZE];
};

/* What lane threads share with the host; lives as long as the last of them. */
struct plugin_lane_share {
    pthread_mutex_t mutex;
    pthread_cond_t done; /* some call has ended */
    uint32_t references; /* under the mutex */
    struct tg_clock real_clock;
    void (*wake)(void *context);
    void *wake_context;
    pthread_mutex_t log_mutex; /* held while a lane writes, so that the log outlives the writing */
    struct obs_log *log;       /* under the log's mutex; NULL once the host is gone */
};

struct plugin_host {
    struct plugin_host_options options;
    char core_safe[PLUGIN_CORE_SAFE_MAX][TG_SOURCE_SIZE];
    size_t core_safe_count;
    struct plugin_kept_file *files[PLUGIN_FILES_MAX];
    size_t file_count;
    struct plugin_instance *instances[PLUGIN_INSTANCES_MAX];
    size_t instance_count;
    struct plugin_thread_lane *lanes[PLUGIN_LANES_MAX];
    size_t lane_count, lane_next;
    struct plugin_lane_share *share;                       /* NULL: no thread was needed so far */
    struct plugin_call *waiting[PLUGIN_CALLS_WAITING_MAX]; /* ring, in the order of starting */
    size_t waiting_first, waiting_count;
    struct plugin_call *free_calls;
    struct plugin_call *direct; /* for calls on the core whose output goes out at once */
    int64_t stop_at;            /* monotonic, real: no call goes on beyond it; 0: not stopping */
    plugin_stamp stamp;
    void *stamp_context;
};

/* elf.c: what can be judged without running the file's code; a sentence for the refusal. */
int plugin__judge_file(const char *path, struct tg_error *error);
/* Who may write a file or folder, and whose it is. */
int plugin__judge_owner(const char *path, const struct stat *status, struct tg_error *error);
/* trial.c: loads the file in a child; refused where that goes wrong. `real`: without links. */
int plugin__try_to_load(const char *path, const char *real, const struct tg_clock *clock,
                        struct tg_error *error);
const char *plugin__loader_words(const char *real);
/* descriptor.c: what the plugin declares. */
int plugin__judge_descriptor(const char *path, const struct tg_plugin *plugin,
                             struct tg_error *error);
/* "agent", "feed" ... */
const char *plugin__kind_text(uint32_t kind);
/* Whether a topic is the plugin's own, x.<plugin>.<name>. */
bool plugin__is_own_topic(const struct tg_plugin *plugin, const char *topic);

/* settings.c: gives values (free with free()) in the order of the plugin's keys. */
int plugin__read_settings(const struct tg_plugin *plugin, const char *instance,
                          const struct plugin_setting *settings, size_t count,
                          struct tg_config_value **values, struct tg_error *error);
/* Reads a text as the key's type, with range and choices. */
int plugin__read_value(const struct tg_config_key *key, const char *text,
                       struct tg_config_value *value, struct tg_error *error);

/* services.c */
void plugin__fill_services(struct plugin_instance *instance);
/* The call that goes on on this thread; services refuse outside one. */
void plugin__enter(struct plugin_call *call);
void plugin__leave(void);

/* calls.c */
struct plugin_call *plugin__call_take(struct plugin_host *host);
void plugin__call_give_back(struct plugin_host *host, struct plugin_call *call);
/* Calls the plugin; `began_at` is set already. */
void plugin__invoke(struct plugin_call *call, const struct tg_clock *real_clock);
/* Puts the call's output on the bus; counts in it what the bus refused. Returns what it took. */
uint32_t plugin__publish_output(struct plugin_host *host, struct plugin_call *call);
/*
 * A call of the host's own on the core thread: begin, do, leave, end. Leave makes the plugin's
 * sentence safe to read; end publishes, or drops what was published where the call failed.
 */
struct plugin_call *plugin__direct_begin(struct plugin_instance *instance);
void plugin__direct_leave(struct plugin_instance *instance);
void plugin__direct_end(struct plugin_instance *instance, bool publish);
/* Counts a failure and keeps its sentence. */
void plugin__note_failure(struct plugin_instance *instance, const char *sentence);
int plugin__on_message(void *context, const struct tg_message *message);

/* lanes.c */
int plugin__lane_for(struct plugin_host *host, struct plugin_thread_lane **lane,
                     struct tg_error *error);
void plugin__lane_post(struct plugin_thread_lane *lane, struct plugin_call *call);
/* Waits for the call, at most to its limit; false: it was abandoned. */
bool plugin__lane_wait(struct plugin_host *host, struct plugin_call *call);
/* True: plugin__lane_wait would return at once. */
bool plugin__lane_is_over(struct plugin_host *host, struct plugin_call *call);
/* Leaves a hung instance to the thread it hangs in. False: it does not hang, or no longer. */
bool plugin__lane_orphan(struct plugin_host *host, struct plugin_instance *instance);
void plugin__lanes_stop(struct plugin_host *host);

/* instances.c: the plugin's own end, and the memory. Nothing else holds on to it. */
void plugin__instance_free(struct plugin_instance *instance);

#endif
