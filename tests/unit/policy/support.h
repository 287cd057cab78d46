/* For the tests of the policy room: the shipped configuration as parameters, and a judge of it. */
#ifndef TEST_POLICY_SUPPORT_H
#define TEST_POLICY_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "conf/conf.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARAMETERS_MAX 256

struct parameters {
    struct policy_parameter list[PARAMETERS_MAX];
    char paths[PARAMETERS_MAX][96];
    size_t count;
};

static inline void add_parameter(void *context, const char *path, const struct conf_key *key,
                                 const char *text)
{
    struct parameters *parameters = context;
    double number;
    (void)key;
    assert_true(parameters->count < PARAMETERS_MAX);
    assert_int_equal(tg_text_to_double(text, strlen(text), &number), 0);
    char *copy = parameters->paths[parameters->count];
    assert_true(tg_text_copy(copy, sizeof parameters->paths[0], path));
    parameters->list[parameters->count++] =
        (struct policy_parameter){.path = copy, .type = POLICY_NUMBER, .number = number};
}

/* The numbers that the shipped configuration hands to policies. */
static inline void shipped_parameters(struct parameters *parameters)
{
    static const char *const sections[] = {"risk", "consensus", "conflict", "sizing"};
    struct tg_error error;
    struct conf *conf;
    parameters->count = 0;
    if (conf_load("config/demo.yaml", &conf, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        conf_each(conf, sections[i], add_parameter, parameters);
    conf_free(conf);
}

static inline void set_parameter(struct parameters *parameters, const char *path, double number)
{
    for (size_t i = 0; i < parameters->count; i++) {
        if (strcmp(parameters->list[i].path, path) == 0) {
            parameters->list[i].number = number;
            return;
        }
    }
    fail_msg("there is no parameter %s", path);
}

struct fixture {
    struct parameters parameters;
    struct tg_virtual_clock clock;
    struct policy_options options;
    struct policy *policy;
    struct coord_judge judge;
    struct tg_error error;
};

static inline void prepare(struct fixture *fixture, const char *folder)
{
    memset(fixture, 0, sizeof *fixture);
    shipped_parameters(&fixture->parameters);
    fixture->options = (struct policy_options){.folder = folder,
                                               .parameters = fixture->parameters.list,
                                               .parameter_count = fixture->parameters.count,
                                               .clock = tg_virtual_clock(&fixture->clock)};
}

static inline void open_policy(struct fixture *fixture)
{
    if (policy_create(&fixture->options, &fixture->policy, &fixture->error))
        fail_msg("%s", fixture->error.message);
    fixture->judge = policy_judge(fixture->policy);
}

/* The shipped policies with the shipped configuration. */
static inline void open_shipped(struct fixture *fixture)
{
    prepare(fixture, "scripts");
    open_policy(fixture);
}

static inline void close_policy(struct fixture *fixture)
{
    policy_destroy(fixture->policy);
}

/* A trade that every rule likes. */
static inline struct coord_risk_case sound_risk_case(void)
{
    return (struct coord_risk_case){
        .symbol = "XRP/USDT",
        .side = "buy",
        .profile = "normal",
        .has_stop_loss = true,
        .has_take_profit = true,
        .size_usd = 1000,
        .entry_price = 100,
        .stop_loss = 98,
        .take_profit = 104,
        .leverage = 1,
        .confidence = 0.9,
        .regime = TG_REGIME_TRENDING_BULL,
        .strictness = TG_STRICTNESS_NORMAL,
        .last_price = 100,
        .equity = 10000,
        .margin_available = 10000,
        .size_min = 10,
    };
}

#endif
