/*
 * How fast the shipped risk policy judges, through the door: case in, script, verdict out, held
 * against the proposal.
 *
 *   risk_verdict        microseconds of one verdict, median over all, per run
 *   risk_verdict_p99    the 99th percentile of the same
 *   policy_reload       milliseconds of one reload: files read, compiled, tested, taken into use
 *
 * The cases change from call to call in symbol, prices, size, regime and state. Most pass all
 * fourteen rules, some are reduced, some refused. The reading of the clock around each call is
 * subtracted. The configuration is config/demo.yaml: start it in the root of the sources.
 *
 * `bench_policy N` judges N times and measures nothing, for tools that count instructions:
 *   valgrind --tool=callgrind --toggle-collect=judge_risk bench_policy 2000
 */
#include "base/text.h"
#include "bench.h"
#include "conf/conf.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS           9
#define RELOADS        10
#define VERDICTS       50000u
#define CASES          64u
#define PARAMETERS_MAX 256u

struct parameters {
    struct policy_parameter list[PARAMETERS_MAX];
    char paths[PARAMETERS_MAX][96];
    size_t count;
};

static void add_parameter(void *context, const char *path, const struct conf_key *key,
                          const char *text)
{
    struct parameters *parameters = context;
    double number;
    (void)key;
    if (parameters->count == PARAMETERS_MAX || tg_text_to_double(text, strlen(text), &number) ||
        !tg_text_copy(parameters->paths[parameters->count], sizeof parameters->paths[0], path))
        bench_fail("%s: cannot be handed to a policy", path);
    parameters->list[parameters->count] = (struct policy_parameter){
        .path = parameters->paths[parameters->count], .type = POLICY_NUMBER, .number = number};
    parameters->count++;
}

static void read_configuration(struct parameters *parameters)
{
    static const char *const sections[] = {"risk", "consensus", "conflict", "sizing"};
    struct tg_error error;
    struct conf *conf;
    if (conf_load("config/demo.yaml", &conf, &error))
        bench_fail("%s", error.message);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        conf_each(conf, sections[i], add_parameter, parameters);
    conf_free(conf);
}

/* Every eighth is too large, every ninth not confident enough; the rest is approved. */
static struct coord_risk_case make_case(unsigned number)
{
    static const char *const symbols[] = {"BTC/USDT", "XRP/USDT", "XRP/BTC"};
    double price = 100 + number * 0.37;
    bool buys = number % 2 == 0;
    struct coord_risk_case given = {
        .profile = "normal",
        .has_stop_loss = true,
        .has_take_profit = true,
        .size_usd = number % 8 == 7 ? 2500 : 500 + number,
        .entry_price = price,
        .stop_loss = price * (buys ? 0.98 : 1.02),
        .take_profit = price * (buys ? 1.05 : 0.95),
        .leverage = 1 + number % 2,
        .confidence = number % 9 == 8 ? 0.4 : 0.9,
        .regime = (uint8_t)(number % 3),
        .strictness = TG_STRICTNESS_NORMAL,
        .last_price = price,
        .equity = 10000 + number,
        .margin_available = 9800 - number,
        .daily_pnl_pct = -0.01 * number,
        .weekly_pnl_pct = 0.02 * number,
        .drawdown_pct = 0.01 * number,
        .consecutive_losses = number % 3,
        .exposure_pct = 7,
        .size_min = 10,
        .positions_open = 2,
        .positions = {{.symbol = "BTC/USDT",
                       .exposure_pct = 3,
                       .regime_at_open = TG_REGIME_RANGING},
                      {.symbol = "XRP/USDT", .exposure_pct = 4, .side = TG_SIDE_SELL}},
        .position_count = 2,
    };
    tg_text_copy(given.symbol, sizeof given.symbol, symbols[number % 3]);
    tg_text_copy(given.side, sizeof given.side, buys ? "buy" : "sell");
    return given;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest time between two readings of the clock. */
static int64_t clock_cost(void)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 100000; i++) {
        int64_t start = bench_now_ns();
        int64_t taken = bench_now_ns() - start;
        least = taken < least ? taken : least;
    }
    return least;
}

static void run(struct coord_judge *judge, const struct coord_risk_case *cases, int64_t *taken,
                double *median, double *p99)
{
    struct coord_risk_verdict verdict;
    struct tg_error error;
    uint32_t statuses[4] = {0};
    int64_t cost = clock_cost();
    for (unsigned i = 0; i < VERDICTS; i++) {
        const struct coord_risk_case *given = &cases[i % CASES];
        int64_t start = bench_now_ns();
        int code = judge->risk(judge->context, given, &verdict, &error);
        taken[i] = bench_now_ns() - start - cost;
        if (code)
            bench_fail("%s", error.message);
        statuses[verdict.status]++;
    }
    if (statuses[COORD_RISK_APPROVED] < VERDICTS / 2 || !statuses[COORD_RISK_MODIFIED] ||
        !statuses[COORD_RISK_REJECTED])
        bench_fail("the cases are not what they should be: %u approved, %u modified, %u rejected",
                   statuses[0], statuses[1], statuses[2]);
    qsort(taken, VERDICTS, sizeof *taken, compare);
    *median = (double)taken[VERDICTS / 2] / 1000;
    *p99 = (double)taken[VERDICTS * 99 / 100] / 1000;
}

static void judge_only(struct coord_judge *judge, const struct coord_risk_case *cases,
                       unsigned long count)
{
    struct coord_risk_verdict verdict;
    struct tg_error error;
    for (unsigned long i = 0; i < count; i++)
        if (judge->risk(judge->context, &cases[i % CASES], &verdict, &error))
            bench_fail("%s", error.message);
}

static void run_reloads(struct policy *policy, const struct policy_options *options)
{
    double taken_ms[RUNS];
    struct tg_error error;
    for (int i = 0; i < RUNS; i++) {
        int64_t start = bench_now_ns();
        for (int k = 0; k < RELOADS; k++)
            if (policy_reload(policy, options, &error))
                bench_fail("%s", error.message);
        taken_ms[i] = bench_seconds_since(start) * 1000 / RELOADS;
    }
    bench_report("policy_reload", "ms", taken_ms, RUNS);
}

int main(int count, char **arguments)
{
    static struct parameters parameters;
    static struct coord_risk_case cases[CASES];
    static int64_t taken[VERDICTS];
    struct tg_error error;
    struct policy *policy;
    double medians[RUNS], p99s[RUNS];
    read_configuration(&parameters);
    struct policy_options options = {.folder = "scripts",
                                     .parameters = parameters.list,
                                     .parameter_count = parameters.count,
                                     .clock = bench_clock()};
    if (policy_create(&options, &policy, &error))
        bench_fail("%s", error.message);
    struct coord_judge judge = policy_judge(policy);
    for (unsigned i = 0; i < CASES; i++)
        cases[i] = make_case(i);
    if (count > 1) {
        judge_only(&judge, cases, strtoul(arguments[1], NULL, 10));
    } else {
        for (int i = 0; i < RUNS; i++)
            run(&judge, cases, taken, &medians[i], &p99s[i]);
        bench_report("risk_verdict", "us", medians, RUNS);
        bench_report("risk_verdict_p99", "us", p99s, RUNS);
        run_reloads(policy, &options);
    }
    policy_destroy(policy);
    return 0;
}
