/*
 * fake_host.h: a host small enough to read, for tests of plugins.
 *
 * It loads a built plugin, checks its descriptor as the real host does, turns "key=value" words
 * into a checked configuration, and offers services that remember what was published, logged and
 * refused. Everything is the caller's memory; the `fini` functions free what is inside it.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include <triplegain/triplegain.h>

#define FAKE_REASONS_MAX 64
#define FAKE_CONFIG_MAX  64
#define FAKE_RECORD_SIZE 4096

struct fake_refusal {
    char reason[96];
    uint64_t count;
    uint64_t first_line;
};

struct fake_published {
    uint32_t topic;
    uint32_t priority;
    uint32_t size;
    uint32_t reserved;
    alignas(16) unsigned char record[FAKE_RECORD_SIZE];
};

struct fake_host {
    struct tg_host table; /* what the plugin is given */
    int64_t now;          /* what `now` answers */
    uint64_t random_state;
    int32_t publish_answer; /* what `publish` answers; anything but TG_E_OK keeps nothing */

    struct fake_refusal refusals[FAKE_REASONS_MAX];
    size_t refusal_count;   /* different reasons */
    uint64_t refused_total; /* rows */

    struct fake_published *published;
    size_t published_count;
    size_t published_capacity;

    uint64_t log_count;
    uint32_t log_level;
    char log_message[512]; /* the newest */
};

/* Borrows both strings until fini. */
void fake_host_init(struct fake_host *host, const char *instance_name, const char *symbol);
void fake_host_fini(struct fake_host *host);
/* How often a reason was given; 0 when never. */
uint64_t fake_host_refused(const struct fake_host *host, const char *reason);
/* The line of a reason's first row; 0 when never. */
uint64_t fake_host_refused_line(const struct fake_host *host, const char *reason);

struct fake_config {
    struct tg_config config; /* what the plugin is given */
    struct tg_config_value values[FAKE_CONFIG_MAX];
    char *texts[FAKE_CONFIG_MAX];
    char problem[256]; /* why init refused */
};

/*
 * Checks and copies `words`: "key=value" each, NULL at the end; what is not named takes its
 * default. 0, or -1 with a sentence in `problem`: unknown key, wrong type, out of range, missing.
 * Borrows `folder`.
 */
int fake_config_init(struct fake_config *config, const struct tg_plugin *plugin, const char *folder,
                     const char *const *words);
void fake_config_fini(struct fake_config *config);

/* Loads $TRIPLEGAIN_BUILD/plugins/<name>.so and never unloads it. Fails the test on any trouble. */
const struct tg_plugin *fake_plugin_load(const char *name);
/* Magic, size, version, fingerprint, names, keys, functions its kind needs: fails the test. */
void fake_plugin_check(const struct tg_plugin *plugin);
/* Defined global symbols in the object's dynamic table. With a sanitizer there are more than one.
 */
size_t fake_plugin_exports(const char *name);

/* Creates an instance with these words, which must succeed. */
void *fake_instance_create(const struct tg_plugin *plugin, struct fake_host *host,
                           const char *folder, const char *const *words);
/* The same, which must fail; copies the sentence out and returns the code. */
int32_t fake_instance_refused(const struct tg_plugin *plugin, struct fake_host *host,
                              const char *folder, const char *const *words, char *message,
                              size_t message_size);

/*
 * Reads a feed to its end in steps of `capacity` bars. Returns the number of bars and, when `bars`
 * is not NULL, an array that the caller frees.
 */
size_t fake_feed_read_all(const struct tg_plugin *plugin, void *instance, uint32_t capacity,
                          struct tg_bar **bars);

/* Folder of recorded market data, or NULL after printing that the test is skipped. */
const char *fake_data_folder(void);

#endif
