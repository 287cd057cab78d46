/*
 * fake_host.c: the host as a test plays it. One thread, plain malloc, no loop.
 *
 * Checks are cmocka assertions, so that a plugin that breaks the contract fails the test that
 * loaded it. Configuration is checked before a plugin sees it, as the contract promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_host.h"

#define PATH_SIZE 4096

static int32_t publish(void *context, uint32_t topic, uint32_t priority, const void *record,
                       uint32_t record_size, struct tg_failure *failure)
{
    struct fake_host *host = context;
    if (host->publish_answer != TG_E_OK) {
        failure->code = host->publish_answer;
        snprintf(failure->message, sizeof failure->message, "the fake host was told to refuse");
        return host->publish_answer;
    }
    assert_true(record_size <= FAKE_RECORD_SIZE);
    if (host->published_count == host->published_capacity) {
        host->published_capacity = host->published_capacity ? 2 * host->published_capacity : 16;
        host->published =
            realloc(host->published, host->published_capacity * sizeof *host->published);
        assert_non_null(host->published);
    }
    struct fake_published *kept = &host->published[host->published_count++];
    memset(kept, 0, sizeof *kept);
    kept->topic = topic;
    kept->priority = priority;
    kept->size = record_size;
    memcpy(kept->record, record, record_size);
    return TG_E_OK;
}

static uint32_t topic_number(void *context, const char *name)
{
    (void)context;
    (void)name;
    return 0;
}

static int64_t now(void *context)
{
    const struct fake_host *host = context;
    return host->now;
}

/* splitmix64: repeatable, and different at every call. */
static uint64_t next_random(void *context)
{
    struct fake_host *host = context;
    uint64_t mixed = host->random_state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static void keep_log(void *context, uint32_t level, const char *message)
{
    struct fake_host *host = context;
    host->log_count++;
    host->log_level = level;
    snprintf(host->log_message, sizeof host->log_message, "%s", message);
}

static void row_refused(void *context, const char *reason, uint64_t line)
{
    struct fake_host *host = context;
    host->refused_total++;
    for (size_t i = 0; i < host->refusal_count; i++) {
        if (strcmp(host->refusals[i].reason, reason) == 0) {
            host->refusals[i].count++;
            return;
        }
    }
    assert_true(host->refusal_count < FAKE_REASONS_MAX);
    struct fake_refusal *refusal = &host->refusals[host->refusal_count++];
    assert_true(strlen(reason) < sizeof refusal->reason);
    snprintf(refusal->reason, sizeof refusal->reason, "%s", reason);
    refusal->count = 1;
    refusal->first_line = line;
}

static const void *group(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

void fake_host_init(struct fake_host *host, const char *instance_name, const char *symbol)
{
    memset(host, 0, sizeof *host);
    host->random_state = 1;
    host->table = (struct tg_host){
        .size = sizeof host->table,
        .minor = TG_ABI_MINOR,
        .context = host,
        .instance_name = instance_name,
        .symbol = symbol,
        .publish = publish,
        .topic_number = topic_number,
        .now = now,
        .random = next_random,
        .log = keep_log,
        .row_refused = row_refused,
        .group = group,
    };
}

void fake_host_fini(struct fake_host *host)
{
    free(host->published);
    memset(host, 0, sizeof *host);
}

static const struct fake_refusal *refusal_find(const struct fake_host *host, const char *reason)
{
    for (size_t i = 0; i < host->refusal_count; i++) {
        if (strcmp(host->refusals[i].reason, reason) == 0) {
            return &host->refusals[i];
        }
    }
    return NULL;
}

uint64_t fake_host_refused(const struct fake_host *host, const char *reason)
{
    const struct fake_refusal *refusal = refusal_find(host, reason);
    return refusal ? refusal->count : 0;
}

uint64_t fake_host_refused_line(const struct fake_host *host, const char *reason)
{
    const struct fake_refusal *refusal = refusal_find(host, reason);
    return refusal ? refusal->first_line : 0;
}

/* ---- configuration ---------------------------------------------------------------------- */

/* Exact: digits, a point, at most eight digits. */
static int decimal_parse(const char *text, struct tg_decimal *decimal)
{
    const int negative = *text == '-';
    const char *at = text + negative;
    int64_t units = 0;
    int places = -1;
    for (; *at; at++) {
        if (*at == '.' && places < 0) {
            places = 0;
        } else if (*at >= '0' && *at <= '9' && places < 8 && units < INT64_MAX / 10 - 9) {
            units = units * 10 + (*at - '0');
            places += places >= 0;
        } else {
            return -1;
        }
    }
    for (int i = places < 0 ? 0 : places; i < 8; i++) {
        if (__builtin_mul_overflow(units, INT64_C(10), &units)) {
            return -1;
        }
    }
    decimal->units = negative ? -units : units;
    return at == text + negative ? -1 : 0;
}

static int choice_number(const char *choices, const char *word, int64_t *number)
{
    const size_t length = strlen(word);
    int64_t index = 0;
    for (const char *at = choices; at; index++) {
        const char *end = strchr(at, '|');
        const size_t size = end ? (size_t)(end - at) : strlen(at);
        if (size == length && memcmp(at, word, size) == 0) {
            *number = index;
            return 0;
        }
        at = end ? end + 1 : NULL;
    }
    return -1;
}

/* 0 when the text is a value of the key's type and within its bounds. */
static int value_parse(const struct tg_config_key *key, const char *text,
                       struct tg_config_value *value)
{
    char *end = NULL;
    switch (key->type) {
    case TG_CONFIG_TEXT:
        value->text = text;
        return 0;
    case TG_CONFIG_CHOICE:
        value->text = text;
        return choice_number(key->choices, text, &value->whole);
    case TG_CONFIG_FLAG:
        value->whole = strcmp(text, "true") == 0;
        return value->whole || strcmp(text, "false") == 0 ? 0 : -1;
    case TG_CONFIG_WHOLE:
        value->whole = strtoll(text, &end, 10);
        value->real = (double)value->whole;
        break;
    case TG_CONFIG_REAL:
        value->real = strtod(text, &end);
        break;
    case TG_CONFIG_DECIMAL:
        if (decimal_parse(text, &value->decimal) != 0) {
            return -1;
        }
        value->real = (double)value->decimal.units / (double)TG_DECIMAL_ONE;
        return value->real >= key->minimum && value->real <= key->maximum ? 0 : -1;
    default:
        return -1;
    }
    return *text && !*end && value->real >= key->minimum && value->real <= key->maximum ? 0 : -1;
}

static int problem_set(struct fake_config *config, const char *key, const char *what)
{
    snprintf(config->problem, sizeof config->problem, "%s: %s", key, what);
    fake_config_fini(config);
    return -1;
}

int fake_config_init(struct fake_config *config, const struct tg_plugin *plugin, const char *folder,
                     const char *const *words)
{
    memset(config, 0, sizeof *config);
    assert_true(plugin->config_key_count <= FAKE_CONFIG_MAX);
    for (size_t i = 0; words && words[i]; i++) {
        const char *equals = strchr(words[i], '=');
        assert_non_null(equals);
        const size_t length = (size_t)(equals - words[i]);
        uint32_t k = 0;
        while (k < plugin->config_key_count &&
               (strlen(plugin->config_keys[k].name) != length ||
                strncmp(plugin->config_keys[k].name, words[i], length) != 0)) {
            k++;
        }
        if (k == plugin->config_key_count) {
            return problem_set(config, words[i], "there is no such key");
        }
        free(config->texts[k]);
        config->texts[k] = strdup(equals + 1);
        assert_non_null(config->texts[k]);
    }
    for (uint32_t k = 0; k < plugin->config_key_count; k++) {
        const struct tg_config_key *key = &plugin->config_keys[k];
        const char *text = config->texts[k] ? config->texts[k] : key->default_text;
        if (!text) {
            return problem_set(config, key->name, "is required");
        }
        if (value_parse(key, text, &config->values[k]) != 0) {
            return problem_set(config, key->name, "is not a value of this key");
        }
    }
    config->config = (struct tg_config){.size = sizeof config->config,
                                        .count = plugin->config_key_count,
                                        .values = config->values,
                                        .folder = folder};
    return 0;
}

void fake_config_fini(struct fake_config *config)
{
    for (size_t i = 0; i < FAKE_CONFIG_MAX; i++) {
        free(config->texts[i]);
        config->texts[i] = NULL;
    }
}

/* ---- plugins ---------------------------------------------------------------------------- */

static void plugin_path(const char *name, char *path)
{
    const char *build = getenv("TRIPLEGAIN_BUILD");
    if (!build) {
        fail_msg("TRIPLEGAIN_BUILD must name the build folder");
    }
    snprintf(path, PATH_SIZE, "%s/plugins/%s.so", build, name);
}

const struct tg_plugin *fake_plugin_load(const char *name)
{
    char path[PATH_SIZE];
    plugin_path(name, path);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        fail_msg("%s", dlerror());
    }
    const struct tg_plugin *plugin = dlsym(handle, TG_PLUGIN_SYMBOL);
    if (!plugin) {
        fail_msg("%s: no symbol %s", path, TG_PLUGIN_SYMBOL);
    }
    return plugin;
}

static void keys_check(const struct tg_plugin *plugin)
{
    for (uint32_t i = 0; i < plugin->config_key_count; i++) {
        const struct tg_config_key *key = &plugin->config_keys[i];
        struct tg_config_value value = {0};
        assert_non_null(key->name);
        assert_non_null(key->description);
        assert_true(key->description[0] != '\0');
        assert_int_equal(key->required != 0, key->default_text == NULL);
        if (key->default_text && value_parse(key, key->default_text, &value) != 0) {
            fail_msg("the default of %s is not a value of it", key->name);
        }
    }
}

void fake_plugin_check(const struct tg_plugin *plugin)
{
    assert_true(plugin->magic == TG_ABI_MAGIC);
    assert_int_equal(plugin->size, sizeof(struct tg_plugin));
    assert_int_equal(plugin->major, TG_ABI_MAJOR);
    assert_true(plugin->minor <= TG_ABI_MINOR);
    assert_true(plugin->fingerprint == TG_ABI_FINGERPRINT);
    assert_non_null(plugin->version);
    assert_non_null(plugin->description);
    assert_non_null(plugin->create);
    assert_non_null(plugin->destroy);
    assert_in_range(strlen(plugin->name), 1, 63);
    assert_int_equal(strspn(plugin->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                     strlen(plugin->name));
    keys_check(plugin);
    if (plugin->kind == TG_KIND_AGENT) {
        assert_non_null(plugin->run);
    } else if (plugin->kind == TG_KIND_FEED) {
        assert_non_null(plugin->feed);
        assert_int_equal(plugin->feed->size, sizeof(struct tg_feed_functions));
        assert_non_null(plugin->feed->describe);
        assert_non_null(plugin->feed->read);
    } else if (plugin->kind == TG_KIND_VENUE) {
        assert_non_null(plugin->venue);
        assert_int_equal(plugin->venue->size, sizeof(struct tg_venue_functions));
    } else {
        assert_int_equal(plugin->kind, TG_KIND_SERVICE);
    }
}

/* The symbol table of the file at `image`, which is an ELF object of this machine's class. */
static size_t exports_count(const unsigned char *image, size_t size)
{
    Elf64_Ehdr header;
    size_t count = 0;
    assert_true(size > sizeof header);
    memcpy(&header, image, sizeof header);
    for (size_t s = 0; s < header.e_shnum; s++) {
        Elf64_Shdr section;
        assert_true(header.e_shoff + (s + 1) * sizeof section <= size);
        memcpy(&section, image + header.e_shoff + s * sizeof section, sizeof section);
        if (section.sh_type != SHT_DYNSYM) {
            continue;
        }
        assert_true(section.sh_offset + section.sh_size <= size);
        for (size_t at = 0; at < section.sh_size; at += sizeof(Elf64_Sym)) {
            Elf64_Sym symbol;
            memcpy(&symbol, image + section.sh_offset + at, sizeof symbol);
            const unsigned bind = ELF64_ST_BIND(symbol.st_info);
            count += symbol.st_shndx != SHN_UNDEF && (bind == STB_GLOBAL || bind == STB_WEAK);
        }
    }
    return count;
}

size_t fake_plugin_exports(const char *name)
{
    char path[PATH_SIZE];
    plugin_path(name, path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    unsigned char *image = malloc((size_t)size);
    assert_non_null(image);
    assert_int_equal(fread(image, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    const size_t count = exports_count(image, (size_t)size);
    free(image);
    return count;
}

/* ---- instances -------------------------------------------------------------------------- */

void *fake_instance_create(const struct tg_plugin *plugin, struct fake_host *host,
                           const char *folder, const char *const *words)
{
    struct fake_config config;
    struct tg_failure failure = {.size = sizeof failure};
    void *instance = NULL;
    if (fake_config_init(&config, plugin, folder, words) != 0) {
        fail_msg("%s", config.problem);
    }
    if (plugin->create(&host->table, &config.config, &instance, &failure) != TG_E_OK) {
        fail_msg("%s: %s", plugin->name, failure.message);
    }
    assert_non_null(instance);
    /* What the plugin was given dies here: what it kept by reference shows up under ASan. */
    fake_config_fini(&config);
    return instance;
}

int32_t fake_instance_refused(const struct tg_plugin *plugin, struct fake_host *host,
                              const char *folder, const char *const *words, char *message,
                              size_t message_size)
{
    struct fake_config config;
    struct tg_failure failure = {.size = sizeof failure};
    void *instance = NULL;
    if (fake_config_init(&config, plugin, folder, words) != 0) {
        fail_msg("%s", config.problem);
    }
    const int32_t code = plugin->create(&host->table, &config.config, &instance, &failure);
    fake_config_fini(&config);
    assert_true(code < 0);
    assert_int_equal(failure.code, code);
    assert_null(instance);
    assert_in_range(strlen(failure.message), 1, sizeof failure.message - 1);
    snprintf(message, message_size, "%s", failure.message);
    return code;
}

size_t fake_feed_read_all(const struct tg_plugin *plugin, void *instance, uint32_t capacity,
                          struct tg_bar **bars)
{
    struct tg_failure failure = {.size = sizeof failure};
    struct tg_bar *all = NULL;
    size_t total = 0;
    size_t room = 0;
    for (;;) {
        if (room - total < capacity) {
            room = 2 * room + capacity;
            struct tg_bar *grown = realloc(all, room * sizeof *all);
            assert_non_null(grown);
            all = grown;
        }
        uint32_t count = UINT32_MAX;
        if (plugin->feed->read(instance, all + total, capacity, &count, &failure) != TG_E_OK) {
            fail_msg("%s: %s", plugin->name, failure.message);
        }
        assert_true(count <= capacity);
        total += count;
        if (count == 0) {
            break;
        }
    }
    if (bars) {
        *bars = all;
    } else {
        free(all);
    }
    return total;
}

const char *fake_data_folder(void)
{
    static char folder[PATH_SIZE];
    const char *shared = getenv("TRIPLEGAIN_SHARED");
    snprintf(folder, sizeof folder, "%s/data", shared ? shared : "../shared");
    if (access(folder, R_OK | X_OK) != 0) {
        print_message("skipped: no recorded market data in %s\n", folder);
        return NULL;
    }
    return folder;
}
