/*
 * Where the configuration is found, and what of it the policies and the hard limits are made of.
 */
#include "control/control.h"

#include "base/check.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_SIZE 256u

/* The part before the equals sign; NULL where there is none, else what stands behind it. */
static const char *split_override(const char *override, char key[KEY_SIZE])
{
    const char *equals = strchr(override, '=');
    return equals != NULL && equals != override &&
                   tg_text_copy_slice(key, KEY_SIZE, override, (size_t)(equals - override))
               ? equals + 1
               : NULL;
}

int control_check_overrides(const char *const *overrides, size_t count, struct tg_error *error)
{
    char key[KEY_SIZE];
    for (size_t i = 0; i < count; i++)
        if (split_override(overrides[i], key) == NULL)
            return TG_FAIL(error, INVALID,
                           "--set %.100s: needs KEY=VALUE, as risk.limits.leverage_max=2",
                           overrides[i]);
    return 0;
}

int control_load_configuration(const char *path, const char *program_folder,
                               const char *const *overrides, size_t override_count,
                               struct conf **conf, struct tg_error *error)
{
    char beside[CONTROL_PATH_SIZE];
    if (path == NULL) {
        path = "config/demo.yaml";
        (void)snprintf(beside, sizeof(beside), "%s/../../config/demo.yaml", program_folder);
        if (access(path, F_OK) != 0 && access(beside, F_OK) == 0)
            path = beside;
    }
    int code = conf_load(path, conf, error);
    for (size_t i = 0; code == 0 && i < override_count; i++) {
        char key[KEY_SIZE];
        const char *value = split_override(overrides[i], key);
        code = value != NULL ? conf_override(*conf, key, value, error)
                             : control_check_overrides(&overrides[i], 1, error);
        if (code != 0) {
            conf_free(*conf);
            *conf = NULL;
        }
    }
    return code;
}

static void add_parameter(void *context, const char *path, const struct conf_key *key,
                          const char *text)
{
    struct control_policy_settings *settings = context;
    size_t number = settings->options.parameter_count++;
    TG_BUG_IF(number == CONTROL_PARAMETERS_MAX);
    TG_BUG_IF(!tg_text_copy(settings->paths[number], CONTROL_KEY_SIZE, path));
    struct policy_parameter *parameter = &settings->parameters[number];
    parameter->path = settings->paths[number];
    parameter->text = text;
    switch (key->type) {
    case CONF_WHOLE:
    case CONF_REAL:
    case CONF_DECIMAL:
        parameter->type = POLICY_NUMBER;
        (void)tg_text_to_double(text, strlen(text), &parameter->number);
        break;
    case CONF_FLAG:
        parameter->type = POLICY_FLAG;
        parameter->number = tg_text_equal(text, "true") ? 1.0 : 0.0;
        break;
    default:
        parameter->type = POLICY_TEXT;
        break;
    }
}

int control_policy_settings(const struct conf *conf, struct obs_log *log,
                            struct tg_clock real_clock, struct control_policy_settings **result,
                            struct tg_error *error)
{
    static const char *const parts[] = {"risk", "consensus", "conflict", "sizing"};
    struct control_policy_settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the policies' parameters");
    const char *folder = conf_text(conf, "policy.folder");
    bool absolute = folder[0] == '/';
    (void)snprintf(settings->folder, sizeof(settings->folder), "%s%s%s",
                   absolute ? "" : conf_folder(conf), absolute ? "" : "/", folder);
    settings->options = (struct policy_options){
        .folder = settings->folder,
        .parameters = settings->parameters,
        .memory_max_bytes = (size_t)conf_whole(conf, "policy.memory_max_mib") * 1024u * 1024u,
        .instructions_max = (uint64_t)conf_whole(conf, "policy.instructions_max"),
        .deadline_ns = conf_whole(conf, "policy.deadline_ms") * TG_NS_PER_MS,
        .clock = real_clock,
        .log = log};
    for (size_t i = 0; i < TG_ARRAY_LENGTH(parts); i++)
        conf_each(conf, parts[i], add_parameter, settings);
    *result = settings;
    return 0;
}

void control_read_limits(const struct conf *conf, struct trade_limits *limits)
{
    *limits = (struct trade_limits){
        .position_size_max_pct = conf_decimal(conf, "risk.limits.position_size_max_pct"),
        .exposure_max_pct = conf_decimal(conf, "risk.limits.exposure_max_pct"),
        .margin_utilization_max_pct = conf_decimal(conf, "risk.limits.margin_utilization_max_pct"),
        .daily_loss_max_pct = conf_decimal(conf, "risk.limits.daily_loss_max_pct"),
        .weekly_loss_max_pct = conf_decimal(conf, "risk.limits.weekly_loss_max_pct"),
        .drawdown_max_pct = conf_decimal(conf, "risk.limits.drawdown_max_pct"),
        .price_collar_pct = conf_decimal(conf, "risk.limits.price_collar_pct"),
        .leverage_max = conf_whole(conf, "risk.limits.leverage_max"),
        .positions_per_symbol_max =
            (uint32_t)conf_whole(conf, "risk.limits.positions_per_symbol_max"),
        .positions_max = (uint32_t)conf_whole(conf, "risk.limits.positions_max"),
        .entry_orders_per_minute_max =
            (uint32_t)conf_whole(conf, "risk.limits.entry_orders_per_minute_max"),
        .entry_orders_per_day_max =
            (uint32_t)conf_whole(conf, "risk.limits.entry_orders_per_day_max")};
}
