/*
 * How votes become one answer.
 *
 *     votes -> those that are valid -> quorum? -> more than half alike? -> boost -> medians
 *                                      no: HOLD   no: HOLD
 *
 * Shares are compared as whole counts, because 4 of 6 is two thirds and 0.6667 is not 0.67. The
 * boost looks at the valid votes, the quorum has made sure that there are enough of them: one valid
 * answer of six is no unanimous one.
 *
 * Prices are medians of the winners' prices. Where the count is even, half a unit is rounded
 * towards the entry for the stop and away from it for the target, so that a median keeps the limits
 * (stop distance, reward over risk) that every single vote keeps.
 *
 * No memory but the caller's, no state, nothing of the host.
 */
#include "votes.h"

#include <math.h>
#include <stdio.h>

const char *votes_action_text(uint8_t action)
{
#define ACTION_TEXT(name, text) [TG_ACTION_##name] = text,
    static const char *const texts[] = {TG_ENUM_ACTION(ACTION_TEXT)};
#undef ACTION_TEXT

    return action < TG_ACTION_COUNT ? texts[action] : "none";
}

struct tg_decimal votes_median(struct tg_decimal *prices, size_t count, bool round_up)
{
    if (count == 0)
        return (struct tg_decimal){0};
    for (size_t n = 1; n < count; n++) {
        struct tg_decimal price = prices[n];
        size_t place = n;

        for (; place > 0 && prices[place - 1].units > price.units; place--)
            prices[place] = prices[place - 1];
        prices[place] = price;
    }
    if (count % 2 == 1)
        return prices[count / 2];

    /* Prices are above zero, so that the difference fits. */
    int64_t low = prices[count / 2 - 1].units;
    int64_t high = prices[count / 2].units;
    int64_t half = (high - low) / 2;

    return (struct tg_decimal){round_up ? high - half : low + half};
}

static double boost(const struct votes_rules *rules, uint32_t winner, uint32_t valid)
{
    if (winner == valid)
        return rules->boost_unanimous;
    if (winner * 6 >= valid * 5)
        return rules->boost_five_sixths;
    if (winner * 3 >= valid * 2)
        return rules->boost_two_thirds;
    return 0;
}

/* Mean confidence and median prices of those who voted for the result's action. */
static void take_winners(const struct votes_rules *rules, const struct vote *votes, size_t count,
                         struct votes_result *result)
{
    struct tg_decimal stops[VOTES_MAX];
    struct tg_decimal targets[VOTES_MAX];
    bool is_buy = result->action == TG_ACTION_BUY;
    size_t winners = 0;
    double sum = 0;

    for (size_t n = 0; n < count; n++) {
        if (!votes[n].valid || votes[n].action != result->action)
            continue;
        stops[winners] = votes[n].stop_loss;
        targets[winners] = votes[n].take_profit;
        sum += votes[n].confidence;
        winners++;
    }
    result->confidence =
        fmin(sum / (double)winners + boost(rules, result->winner, result->valid), 1);
    if (is_buy || result->action == TG_ACTION_SELL) {
        /* Up is towards the entry for the stop of a buy and away from it for its target. */
        result->stop_loss = votes_median(stops, winners, is_buy);
        result->take_profit = votes_median(targets, winners, is_buy);
    }
}

void votes_count(const struct votes_rules *rules, const struct vote *votes, size_t count,
                 struct votes_result *result)
{
    uint32_t counts[TG_ACTION_COUNT] = {0};

    *result = (struct votes_result){.action = TG_ACTION_HOLD};
    if (count > VOTES_MAX)
        count = VOTES_MAX;
    for (size_t n = 0; n < count; n++) {
        result->asked++;
        if (votes[n].valid && votes[n].action < TG_ACTION_COUNT) {
            result->valid++;
            counts[votes[n].action]++;
        }
    }
    result->has_quorum = result->valid > 0 && result->valid >= rules->quorum;
    if (!result->has_quorum)
        return;
    for (uint8_t action = 0; action < TG_ACTION_COUNT; action++) {
        if (counts[action] * 2 > result->valid) {
            result->has_majority = true;
            result->action = action;
        }
    }
    result->winner = counts[result->action];
    if (result->has_majority)
        take_winners(rules, votes, count, result);
}

size_t votes_write_json(const struct vote *votes, size_t count, char *text, size_t size)
{
    const char *separator = "[";
    size_t length = 0;

    if (size == 0)
        return 0;
    for (size_t n = 0; n < count; n++) {
        long hundredths;
        int written;

        if (!votes[n].valid)
            continue;
        /* Whole numbers only: what printf makes of a double depends on the locale. */
        hundredths = lround(votes[n].confidence * 100);
        written = snprintf(text + length, size - length,
                           "%s{\"voter\":\"%s\",\"action\":\"%s\",\"confidence\":%ld.%02ld}",
                           separator, votes[n].voter, votes_action_text(votes[n].action),
                           hundredths / 100, hundredths % 100);
        if (written < 0 || (size_t)written >= size - length)
            goto too_small;
        length += (size_t)written;
        separator = ",";
    }
    if (size - length < sizeof("[]"))
        goto too_small;
    length += (size_t)snprintf(text + length, size - length, length == 0 ? "[]" : "]");
    return length;

too_small:
    text[0] = '\0';
    return 0;
}
