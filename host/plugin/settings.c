/*
 * An instance's settings: texts of the configuration read as the types that the plugin declares.
 */
#include "plugin_int.h"

#include "base/decimal.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_SHOWN_MAX 256u

static int out_of_range(const struct tg_config_key *key, const char *text, struct tg_error *error)
{
    return TG_FAIL(error, RANGE, "%s: %.64s is out of range (%.15g to %.15g)", key->name, text,
                   key->minimum, key->maximum);
}

static int read_choice(const struct tg_config_key *key, const char *text,
                       struct tg_config_value *value, struct tg_error *error)
{
    size_t length = strlen(text);
    int64_t number = 0;
    for (const char *word = key->choices; *word != '\0'; number++) {
        size_t end = strcspn(word, "|");
        if (end == length && strncmp(word, text, length) == 0) {
            value->whole = number;
            value->text = text;
            return 0;
        }
        word += end + (word[end] == '|');
    }
    return TG_FAIL(error, INVALID, "%s: %.64s is not one of %s", key->name, text, key->choices);
}

static int read_decimal(const struct tg_config_key *key, const char *text,
                        struct tg_config_value *value, struct tg_error *error)
{
    if (tg_decimal_parse(text, strlen(text), &value->decimal) != 0)
        return TG_FAIL(error, INVALID, "%s: %.64s is no decimal number", key->name, text);
    value->real = tg_decimal_to_double(value->decimal);
    if (value->real < key->minimum || value->real > key->maximum)
        return out_of_range(key, text, error);
    return 0;
}

int plugin__read_value(const struct tg_config_key *key, const char *text,
                       struct tg_config_value *value, struct tg_error *error)
{
    long long whole;
    memset(value, 0, sizeof(*value));
    value->text = text;
    switch (key->type) {
    case TG_CONFIG_WHOLE:
        if (tg_text_to_whole(text, strlen(text), &whole) != 0)
            return TG_FAIL(error, INVALID, "%s: %.64s is no whole number", key->name, text);
        value->whole = whole;
        value->real = (double)whole;
        return value->real < key->minimum || value->real > key->maximum
                   ? out_of_range(key, text, error)
                   : 0;
    case TG_CONFIG_REAL:
        if (tg_text_to_double(text, strlen(text), &value->real) != 0)
            return TG_FAIL(error, INVALID, "%s: %.64s is no number", key->name, text);
        return value->real < key->minimum || value->real > key->maximum
                   ? out_of_range(key, text, error)
                   : 0;
    case TG_CONFIG_DECIMAL:
        return read_decimal(key, text, value, error);
    case TG_CONFIG_FLAG:
        value->whole = tg_text_equal(text, "true");
        return value->whole || tg_text_equal(text, "false")
                   ? 0
                   : TG_FAIL(error, INVALID, "%s: %.64s is not true or false", key->name, text);
    case TG_CONFIG_CHOICE:
        return read_choice(key, text, value, error);
    default:
        return 0;
    }
}

static int refuse_setting(const struct tg_plugin *plugin, const char *instance,
                          const struct plugin_setting *setting, struct tg_error *error)
{
    const char *names[KEYS_SHOWN_MAX];
    uint32_t count = 0;
    for (; count < plugin->config_key_count && count < KEYS_SHOWN_MAX; count++)
        names[count] = plugin->config_keys[count].name;
    const char *near = tg_text_nearest(setting->key, names, count);
    return TG_FAIL(error, NOT_FOUND, "%s: %s: plugin %s has no key %.64s%s%s%s", setting->where,
                   instance, plugin->name, setting->key, near != NULL ? " (is it " : "",
                   near != NULL ? near : "", near != NULL ? "?)" : "");
}

static const struct plugin_setting *find_setting(const struct plugin_setting *settings,
                                                 size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (tg_text_equal(settings[i].key, key))
            return &settings[i];
    return NULL;
}

static bool is_declared(const struct tg_plugin *plugin, const char *key)
{
    for (uint32_t i = 0; i < plugin->config_key_count; i++)
        if (tg_text_equal(plugin->config_keys[i].name, key))
            return true;
    return false;
}

static int read_all(const struct tg_plugin *plugin, const char *instance,
                    const struct plugin_setting *settings, size_t count,
                    struct tg_config_value *values, struct tg_error *error)
{
    for (uint32_t i = 0; i < plugin->config_key_count; i++) {
        const struct tg_config_key *key = &plugin->config_keys[i];
        const struct plugin_setting *setting = find_setting(settings, count, key->name);
        if (setting == NULL && key->default_text == NULL)
            return TG_FAIL(error, NOT_FOUND, "%s: plugin %s needs the key %s: %s", instance,
                           plugin->name, key->name,
                           key->description != NULL ? key->description : "");
        const char *text = setting != NULL ? setting->text : key->default_text;
        int code = plugin__read_value(key, text, &values[i], error);
        if (code != 0) {
            if (setting != NULL)
                tg_error_prefix(error, "%s: %s: ", setting->where, instance);
            return code;
        }
    }
    return 0;
}

int plugin__read_settings(const struct tg_plugin *plugin, const char *instance,
                          const struct plugin_setting *settings, size_t count,
                          struct tg_config_value **result, struct tg_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!is_declared(plugin, settings[i].key))
            return refuse_setting(plugin, instance, &settings[i], error);
    struct tg_config_value *values = calloc(plugin->config_key_count + 1u, sizeof(*values));
    if (values == NULL)
        return TG_FAIL(error, NO_MEMORY, "%s: out of memory for its settings", instance);
    int code = read_all(plugin, instance, settings, count, values, error);
    if (code != 0) {
        free(values);
        return code;
    }
    *result = values;
    return 0;
}
