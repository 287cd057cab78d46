/* The shipped configuration loads, means what it says, and the key table is sound. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "conf/conf.h"
#include "conf_int.h"

#include <stdio.h>
#include <string.h>

static struct conf *load_demo(void)
{
    struct conf *conf;
    struct tg_error error = {0};
    if (conf_load("config/demo.yaml", &conf, &error) != 0)
        fail_msg("%s", error.message);
    return conf;
}

static void the_demo_loads_with_the_limits_of_the_contract(void **state)
{
    (void)state;
    struct conf *conf = load_demo();
    assert_string_equal(conf_folder(conf), "config");
    assert_string_equal(conf_text(conf, "trading_mode"), "paper");
    assert_int_equal(conf_decimal(conf, "account.starting_balance").units,
                     tg_decimal_whole(10000).units);
    assert_int_equal(conf_decimal(conf, "risk.limits.position_size_max_pct").units,
                     tg_decimal_whole(20).units);
    assert_int_equal(conf_whole(conf, "risk.limits.leverage_max"), 5);
    assert_true(conf_real(conf, "risk.stop.symbols.BTC/USDT.distance_max_pct") == 3);
    assert_true(conf_real(conf, "risk.correlations.XRP/USDT XRP/BTC") == 0.85);
    assert_true(conf_real(conf, "risk.confidence.relaxed") == -0.05);
    assert_int_equal(conf_whole(conf, "symbols.BTC/USDT.price_places"), 2);
    assert_int_equal(conf_decimal(conf, "symbols.XRP/BTC.size_min").units,
                     tg_decimal_whole(10).units);
    assert_int_equal(conf_whole(conf, "tasks.regime_detection.interval_seconds"), 300);
    assert_true(conf_flag(conf, "tasks.ta_analysis.on_start"));
    assert_int_equal(conf_list_count(conf, "tasks.trading_decision.depends_on"), 2);
    assert_string_equal(conf_list_at(conf, "tasks.trading_decision.depends_on", 1),
                        "regime_detection");
    assert_string_equal(conf_list_at(conf, "coordinator.actions.max_drawdown", 1),
                        "close_positions");
    assert_string_equal(conf_text(conf, "agents.trading_decision.plugin"), "trading_decision");
    conf_free(conf);
}

static int count_row(void *context, const char *path, const struct conf_key *key)
{
    (void)path;
    (void)key;
    (*(size_t *)context)++;
    return 0;
}

static void a_default_is_a_value_that_its_row_accepts(void **state)
{
    (void)state;
    struct tg_error error = {0};
    struct conf *conf = load_demo();
    for (size_t i = 0; i < conf_key_count; i++) {
        const struct conf_key *key = &conf_keys[i];
        size_t paths = 0;
        assert_int_equal(conf__expand(conf, key, count_row, &paths), 0);
        const char *text = key->default_text;
        if (text == NULL || key->type == CONF_TEXT_LIST || strcmp(text, "*") == 0)
            continue;
        if (conf__value_check(key, key->path, text, true, &error) != 0)
            fail_msg("%s", error.message);
    }
    conf_free(conf);
}

static void a_row_is_told_apart_from_every_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < conf_key_count; i++) {
        const struct conf_key *found;
        assert_int_equal(conf__kind(conf_keys[i].path, &found), CONF__VALUE);
        if (found != &conf_keys[i])
            fail_msg("%s is hidden by %s", conf_keys[i].path, found->path);
        assert_true(strlen(conf_keys[i].description) > 0);
        assert_true(conf_keys[i].minimum <= conf_keys[i].maximum);
    }
}

static void no_limit_of_risk_has_a_default(void **state)
{
    (void)state;
    size_t rows = 0;
    for (size_t i = 0; i < conf_key_count; i++) {
        if (strncmp(conf_keys[i].path, "risk.", 5) != 0)
            continue;
        rows++;
        if (conf_keys[i].default_text != NULL)
            fail_msg("%s has a default", conf_keys[i].path);
    }
    assert_true(rows > 50);
}

static void the_document_has_every_row_once(void **state)
{
    (void)state;
    struct tg_buffer buffer;
    tg_buffer_init(&buffer, 0);
    conf_write_markdown(&buffer);
    assert_false(buffer.failed);
    size_t lines = 0;
    for (const char *c = buffer.data; *c != '\0'; c++)
        lines += *c == '\n';
    assert_true(lines < 250);
    for (size_t i = 0; i < conf_key_count; i++) {
        char row[CONF_PATH_SIZE];
        (void)snprintf(row, sizeof(row), "\n| `%s` | ", conf_keys[i].path);
        const char *first = strstr(buffer.data, row);
        assert_non_null(first);
        assert_null(strstr(first + 1, row));
    }
    tg_buffer_fini(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_demo_loads_with_the_limits_of_the_contract),
        cmocka_unit_test(a_default_is_a_value_that_its_row_accepts),
        cmocka_unit_test(a_row_is_told_apart_from_every_other),
        cmocka_unit_test(no_limit_of_risk_has_a_default),
        cmocka_unit_test(the_document_has_every_row_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
