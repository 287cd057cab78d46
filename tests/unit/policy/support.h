/* For the tests of the policy room: the shipped configuration as parameters, and a judge of it. */
#ifndef TEST_POLICY_SUPPORT_H
#define TEST_POLICY_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
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

/* Reads the plain kind of YAML that config/ is written in: nested names, and numbers. */
static inline void read_parameters(struct parameters *parameters, const char *file)
{
    FILE *stream = fopen(file, "r");
    if (!stream)
        fail_msg("%s: cannot be opened", file);
    char line[256], names[8][48];
    size_t indents[8], depth = 0;
    while (fgets(line, sizeof line, stream)) {
        size_t indent = strspn(line, " ");
        char *colon = strstr(line, ":");
        if (line[indent] == '#' || line[indent] == '\n' || !colon)
            continue;
        while (depth > 0 && indents[depth - 1] >= indent)
            depth--;
        *colon = '\0';
        assert_true(depth < 8 && tg_text_copy(names[depth], sizeof names[0], line + indent));
        indents[depth++] = indent;
        const char *value = colon + 1 + strspn(colon + 1, " ");
        size_t length = strcspn(value, " #\n");
        if (length == 0)
            continue;
        double number;
        if (tg_text_to_double(value, length, &number))
            continue; /* a word: not of a policy */
        assert_true(parameters->count < PARAMETERS_MAX);
        char *path = parameters->paths[parameters->count];
        size_t used = 0;
        for (size_t i = 0; i < depth; i++)
            tg_text_append(path, sizeof parameters->paths[0], &used, "%s%s", i ? "." : "",
                           names[i]);
        parameters->list[parameters->count] =
            (struct policy_parameter){.path = path, .type = POLICY_NUMBER, .number = number};
        parameters->count++;
    }
    fclose(stream);
}

static inline void shipped_parameters(struct parameters *parameters)
{
    parameters->count = 0;
    read_parameters(parameters, "config/risk.yaml");
    read_parameters(parameters, "config/orchestration.yaml");
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
