/*
 * The portfolio: what the configuration wants of it, and how an agent sees it.
 *
 * The targets are read once and handed to the coordinator (which buys hodl bags in their
 * proportion) and to agents alike, so that there is one list. What an agent sees is gathered anew
 * for each run that asks for it, into the host's own memory; a run on a lane gets a copy of it.
 */
#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"
#include "host.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 96u

static int add_target(struct host *host, const char *asset, struct tg_decimal pct,
                      const char *where, struct tg_error *error)
{
    struct tg_target *target = &host->targets[host->target_count];
    if (host->target_count == HOST_TARGETS_MAX)
        return TG_FAIL(error, RANGE, "%s: portfolio.targets: more than %u assets", where,
                       HOST_TARGETS_MAX);
    TG_BUG_IF(!tg_text_copy(target->asset, sizeof(target->asset), asset)); /* the key says so */
    target->pct = pct;
    host->target_count++;
    return 0;
}

static int default_targets(struct host *host, struct tg_error *error)
{
    static const struct {
        const char *asset;
        int64_t hundredths;
    } targets[] = {{"BTC", 3333}, {"XRP", 3333}, {"USDT", 3334}};
    int code = 0;
    for (size_t i = 0; code == 0 && i < TG_ARRAY_LENGTH(targets); i++)
        code = add_target(host, targets[i].asset,
                          tg_decimal_units(targets[i].hundredths * (TG_DECIMAL_ONE / 100)),
                          "default", error);
    return code;
}

int host__read_targets(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    struct tg_decimal sum = {0};
    bool overflow = false;
    char path[PATH_SIZE];
    const char *asset;
    int code = 0;
    for (size_t i = 0; code == 0 && (asset = conf_name_at(conf, "portfolio.targets", i)) != NULL;
         i++) {
        (void)snprintf(path, sizeof(path), "portfolio.targets.%s", asset);
        sum = tg_decimal_add(sum, conf_decimal(conf, path), &overflow);
        code = add_target(host, asset, conf_decimal(conf, path), conf_where(conf, path), error);
    }
    if (code == 0 && host->target_count == 0)
        return default_targets(host, error);
    if (code == 0 && (overflow || tg_decimal_compare(sum, tg_decimal_whole(100)) != 0)) {
        char text[TG_DECIMAL_TEXT_SIZE];
        (void)tg_decimal_format(sum, text);
        code = TG_FAIL(error, RANGE, "%s: portfolio.targets: together they are %s, and must be 100",
                       conf_where(conf, path), text);
    }
    return code;
}

static bool gather_holdings(struct host *host)
{
    const struct trade_position *position;
    uint32_t count = 0;
    while ((position = trade_position_at(host->trade, count)) != NULL) {
        struct tg_holding *holding = &host->holdings[count++];
        bool overflow = false;
        *holding = (struct tg_holding){
            .position = {.id = position->id,
                         .side = position->side,
                         .size = position->size,
                         .entry_price = tg_decimal_divide(position->cost, position->size,
                                                          TG_ROUND_HALF_EVEN, &overflow),
                         .opened_at = position->opened_at},
            .last_price = trade_last_price(host->trade, position->symbol),
            .rebalance = position->rebalance,
            .hodl = position->hodl};
        memcpy(holding->position.symbol, trade_symbol(host->trade, position->symbol)->name,
               sizeof(holding->position.symbol));
        if (overflow || trade_position_notional(host->trade, position, &holding->value) != 0)
            return false;
    }
    host->portfolio.holding_count = count;
    return true;
}

const struct tg_portfolio *host__portfolio(struct host *host, int64_t now)
{
    struct trade_portfolio account;
    struct tg_portfolio *portfolio = &host->portfolio;
    if (trade_portfolio(host->trade, now, &account, NULL) != 0 || !gather_holdings(host))
        return NULL;
    for (uint32_t i = 0; i < host->symbol_count; i++) {
        const struct host_symbol *symbol = &host->symbols[i];
        memcpy(host->traded[i].symbol, symbol->name, sizeof(host->traded[i].symbol));
        host->traded[i].last_price = trade_last_price(host->trade, symbol->trade);
    }
    portfolio->size = sizeof(*portfolio);
    portfolio->target_count = host->target_count;
    portfolio->symbol_count = host->symbol_count;
    (void)tg_text_copy(portfolio->account_currency, sizeof(portfolio->account_currency),
                       conf_text(host->options.conf, "account.currency"));
    portfolio->equity = account.equity;
    portfolio->margin_available = account.margin_available;
    portfolio->hodl_cash = account.hodl_cash;
    portfolio->holdings = host->holdings;
    portfolio->targets = host->targets;
    portfolio->symbols = host->traded;
    return portfolio;
}
