/*
 * Prints every indicator after every bar of a CSV file, for compare.mjs:
 *
 *     dump_indicators FILE
 *
 * FILE has a header and the columns timestamp,open,high,low,close,volume with one minute per row.
 * The output is CSV with 17 digits; a value that is not ready is empty. Exit code 2: the file
 * cannot be used; the reason goes to stderr.
 */
#include "base/clock.h"
#include "base/decimal.h"
#include "market/market.h"

#include <stdio.h>
#include <string.h>

#define LINE_SIZE 256
#define COLUMNS   6u

static const char *const names[TG_INDICATOR_COUNT] = {
#define INDICATOR_NAME(name, definition) #name,
    TG_INDICATOR_LIST(INDICATOR_NAME)
#undef INDICATOR_NAME
};

/* 0 where all six columns could be read. */
static int bar_parse(const char *line, struct tg_bar *bar)
{
    struct tg_decimal *const decimals[COLUMNS] = {NULL,      &bar->open,  &bar->high,
                                                  &bar->low, &bar->close, &bar->volume};

    for (unsigned column = 0; column < COLUMNS; column++) {
        const size_t length = strcspn(line, ",\r\n");
        int code;

        if (column == 0)
            code = tg_time_parse(line, length, &bar->open_time);
        else
            code = tg_decimal_parse(line, length, decimals[column]);
        if (code)
            return code;
        if ((line[length] == ',') != (column + 1 < COLUMNS))
            return TG_E_INVALID;
        line += length + 1;
    }
    return 0;
}

static void values_print(const struct tg_bar *bar, const struct tg_indicators *indicators)
{
    char time[TG_TIME_TEXT_SIZE];
    double values[TG_INDICATOR_COUNT];

    memcpy(values, &indicators->ema9, sizeof(values));
    (void)tg_time_format(bar->open_time, time);
    fputs(time, stdout);
    for (unsigned i = 0; i < TG_INDICATOR_COUNT; i++) {
        if (indicators->ready >> i & 1)
            printf(",%.17g", values[i]);
        else
            putchar(',');
    }
    putchar('\n');
}

static int dump(FILE *file, const char *path, struct market *market, uint32_t symbol)
{
    char line[LINE_SIZE];
    unsigned number = 1;

    if (!fgets(line, sizeof(line), file)) {
        fprintf(stderr, "%s: no header\n", path);
        return 2;
    }
    fputs("time", stdout);
    for (unsigned i = 0; i < TG_INDICATOR_COUNT; i++)
        printf(",%s", names[i]);
    putchar('\n');
    while (fgets(line, sizeof(line), file)) {
        struct tg_bar bar;
        enum market_verdict verdict;

        number++;
        if (bar_parse(line, &bar)) {
            fprintf(stderr, "%s:%u: not timestamp,open,high,low,close,volume\n", path, number);
            return 2;
        }
        verdict = market_bar_add(market, symbol, &bar, INT64_MAX, NULL, NULL);
        if (verdict != MARKET_BAR_USED) {
            fprintf(stderr, "%s:%u: %s\n", path, number, market_verdict_sentence(verdict));
            return 2;
        }
        values_print(&bar, market_indicators(market, symbol, TG_TIMEFRAME_1M));
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct tg_error error = {0};
    struct market *market = NULL;
    uint32_t symbol;
    FILE *file = NULL;
    int code = 2;

    if (argc != 2) {
        fputs("usage: dump_indicators FILE\n", stderr);
        return 2;
    }
    file = fopen(argv[1], "r");
    if (!file) {
        perror(argv[1]);
        return 2;
    }
    if (market_create(NULL, &market, &error) ||
        market_symbol_add(market, "BTC/USDT", TG_TIMEFRAME_1M, &symbol, &error))
        fprintf(stderr, "%s\n", error.message);
    else
        code = dump(file, argv[1], market, symbol);
    market_destroy(market);
    fclose(file);
    return code;
}
