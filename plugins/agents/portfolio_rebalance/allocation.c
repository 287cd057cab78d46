/*
 * allocation.c: the arithmetic of rebalancing, exact but for the percentages that people read.
 *
 * An asset's holding is the value of the long positions in it less that of the short ones, whoever
 * opened them; a pair of two assets, as XRP/BTC, is long in the one and short in the other. The
 * account currency has what is left of the value. Hodl bags count on neither side.
 *
 * A target whose symbol is not traded in this run is left out, and the others share its part in
 * their proportion. Sums and products are kept in 128 bits and rounded once. Pure functions.
 */
#include "allocation.h"

#include <stdio.h>
#include <string.h>

__extension__ typedef __int128 wide;

#define HUNDRED (100 * TG_DECIMAL_ONE)
#define CENT    (TG_DECIMAL_ONE / 100)

/* Whether the text from `part` to its end, or to a slash, is that asset. */
static int names(const char *part, const char *asset)
{
    size_t length = strcspn(part, "/");

    return strlen(asset) == length && strncmp(part, asset, length) == 0;
}

static const struct tg_traded_symbol *traded(const struct tg_portfolio *portfolio,
                                             const char *symbol)
{
    for (uint32_t n = 0; n < portfolio->symbol_count; n++)
        if (strcmp(portfolio->symbols[n].symbol, symbol) == 0)
            return &portfolio->symbols[n];
    return NULL;
}

static void leave_out(struct allocation *allocation, const char *asset)
{
    size_t length = strlen(allocation->left_out);

    snprintf(allocation->left_out + length, sizeof(allocation->left_out) - length, "%s%s",
             length > 0 ? ", " : "", asset);
}

static const char *add_target(const struct tg_portfolio *portfolio, const struct tg_target *target,
                              struct allocation *allocation)
{
    struct allocation_asset *asset = &allocation->assets[allocation->count];
    const struct tg_traded_symbol *symbol;
    char name[2 * TG_SYMBOL_SIZE];

    if (target->pct.units <= 0)
        return NULL;
    if (allocation->count == ALLOCATION_ASSETS_MAX - 1) /* one is kept for the account currency */
        return "there are more target assets than can be kept";
    if (strcmp(target->asset, portfolio->account_currency) != 0) {
        snprintf(name, sizeof(name), "%s/%s", target->asset, portfolio->account_currency);
        symbol = traded(portfolio, name);
        if (symbol == NULL) {
            leave_out(allocation, target->asset);
            return NULL;
        }
        if (symbol->last_price.units <= 0)
            return "a symbol of the targets has no price yet";
        memcpy(asset->symbol, symbol->symbol, sizeof(asset->symbol));
    }
    memcpy(asset->asset, target->asset, sizeof(asset->asset));
    asset->share = target->pct.units;
    allocation->count++;
    return NULL;
}

static struct allocation_asset *money_of(struct allocation *allocation,
                                         const struct tg_portfolio *portfolio)
{
    struct allocation_asset *money;

    for (uint32_t n = 0; n < allocation->count; n++)
        if (allocation->assets[n].symbol[0] == '\0')
            return &allocation->assets[n];
    money = &allocation->assets[allocation->count++];
    memcpy(money->asset, portfolio->account_currency, sizeof(money->asset));
    return money;
}

/* Adds what a position holds of an asset. */
static int64_t held(const struct tg_holding *holding, const char *asset)
{
    const char *symbol = holding->position.symbol;
    const char *quote = strchr(symbol, '/');
    int64_t value =
        holding->position.side == TG_SIDE_BUY ? holding->value.units : -holding->value.units;

    if (names(symbol, asset))
        return value;
    return quote != NULL && names(quote + 1, asset) ? -value : 0;
}

static int fits(wide value)
{
    return value <= INT64_MAX && value >= -INT64_MAX;
}

static const char *weigh(const struct tg_portfolio *portfolio, struct allocation *allocation,
                         struct allocation_asset *money)
{
    wide value = (wide)portfolio->equity.units - portfolio->hodl_cash.units;
    wide rest;

    for (uint32_t n = 0; n < portfolio->holding_count; n++)
        if (portfolio->holdings[n].hodl)
            value -= portfolio->holdings[n].value.units;
    if (value <= 0 || !fits(value))
        return "there is nothing to spread";
    allocation->value.units = (int64_t)value;
    rest = value;
    for (uint32_t n = 0; n < allocation->count; n++) {
        struct allocation_asset *asset = &allocation->assets[n];
        wide sum = 0;

        if (asset == money)
            continue;
        for (uint32_t k = 0; k < portfolio->holding_count; k++)
            if (!portfolio->holdings[k].hodl)
                sum += held(&portfolio->holdings[k], asset->asset);
        if (!fits(sum))
            return "the positions do not fit together";
        asset->holding.units = (int64_t)sum;
        rest -= sum;
    }
    if (!fits(rest))
        return "the positions do not fit together";
    money->holding.units = (int64_t)rest;
    return NULL;
}

static wide off_by(const struct allocation *allocation, uint32_t asset)
{
    wide off = (wide)allocation->assets[asset].holding.units;

    off -= allocation->assets[asset].target.units;
    return off < 0 ? -off : off;
}

const char *allocation_read(const struct tg_portfolio *portfolio, struct allocation *allocation)
{
    struct allocation_asset *money;
    const char *problem = NULL;
    wide shares = 0;

    memset(allocation, 0, sizeof(*allocation));
    for (uint32_t n = 0; n < portfolio->target_count && problem == NULL; n++)
        problem = add_target(portfolio, &portfolio->targets[n], allocation);
    if (problem != NULL)
        return problem;
    for (uint32_t n = 0; n < allocation->count; n++)
        shares += allocation->assets[n].share;
    if (shares == 0)
        return "none of the target assets is traded here";
    money = money_of(allocation, portfolio);
    problem = weigh(portfolio, allocation, money);
    if (problem != NULL)
        return problem;
    for (uint32_t n = 0; n < allocation->count; n++) {
        struct allocation_asset *asset = &allocation->assets[n];

        asset->target.units = (int64_t)((wide)allocation->value.units * asset->share / shares);
        if (off_by(allocation, n) > off_by(allocation, allocation->worst))
            allocation->worst = n;
    }
    return NULL;
}

double allocation_percent(const struct allocation *allocation, uint32_t asset)
{
    return 100.0 * (double)allocation->assets[asset].holding.units /
           (double)allocation->value.units;
}

double allocation_deviation(const struct allocation *allocation, uint32_t asset)
{
    return 100.0 * (double)off_by(allocation, asset) / (double)allocation->value.units;
}

int allocation_exceeds(const struct allocation *allocation, uint32_t asset, struct tg_decimal pct)
{
    return off_by(allocation, asset) * HUNDRED > (wide)allocation->value.units * pct.units;
}

struct tg_decimal allocation_trade(const struct allocation *allocation, uint32_t asset,
                                   struct tg_decimal least)
{
    const struct allocation_asset *of = &allocation->assets[asset];
    wide size = off_by(allocation, asset) / CENT * CENT;
    struct tg_decimal trade = {0};

    if (of->symbol[0] == '\0' || size == 0 || size < least.units || !fits(size))
        return trade;
    trade.units = of->holding.units > of->target.units ? -(int64_t)size : (int64_t)size;
    return trade;
}
