/* What the account holds against what it shall hold, and the trades between the two. */
#ifndef PORTFOLIO_REBALANCE_ALLOCATION_H
#define PORTFOLIO_REBALANCE_ALLOCATION_H

#include <triplegain/triplegain.h>

#define ALLOCATION_ASSETS_MAX 13 /* 12 targets, and the account currency where it is none */
#define ALLOCATION_TEXT_SIZE  128

struct allocation_asset {
    char asset[TG_SYMBOL_SIZE];
    char symbol[TG_SYMBOL_SIZE]; /* in account currency; "": it is the account currency */
    int64_t share;               /* of the shares of all, as the targets have it */
    struct tg_decimal holding;   /* account currency; negative: short */
    struct tg_decimal target;    /* account currency */
};

struct allocation {
    struct allocation_asset assets[ALLOCATION_ASSETS_MAX];
    uint32_t count;
    struct tg_decimal value;             /* of all but hodl bags */
    uint32_t worst;                      /* the asset that is furthest off */
    char left_out[ALLOCATION_TEXT_SIZE]; /* assets that are not traded here; "": none */
};

/* The sentence of what is missing; NULL: all is there. Hodl bags are left out. */
const char *allocation_read(const struct tg_portfolio *portfolio, struct allocation *allocation);
/* The share of the value that an asset has, in %. */
double allocation_percent(const struct allocation *allocation, uint32_t asset);
/* How far an asset is off its target, in % of the value. */
double allocation_deviation(const struct allocation *allocation, uint32_t asset);
/* Whether an asset is off by more than that, exactly. */
int allocation_exceeds(const struct allocation *allocation, uint32_t asset, struct tg_decimal pct);
/* What to trade of an asset in whole cents: above zero to buy, below to sell; 0: nothing. */
struct tg_decimal allocation_trade(const struct allocation *allocation, uint32_t asset,
                                   struct tg_decimal least);

#endif
