/* Counting votes: quorum, majority, confidence, medians. Pure functions over plain records. */
#ifndef DECISION_VOTES_H
#define DECISION_VOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

#define VOTES_MAX     6
#define VOTE_WHY_SIZE 32 /* with the NUL */

/* One voter's answer. A voter that abstains is counted as absent, not as HOLD. */
struct vote {
    const char *voter;                        /* borrows: a constant of a-z and _ */
    bool valid;                               /* false: abstains, and the rest says nothing */
    uint8_t action;                           /* TG_ACTION_* */
    double confidence;                        /* 0 to 1 */
    struct tg_decimal stop_loss, take_profit; /* of BUY and SELL */
    char why[VOTE_WHY_SIZE];                  /* a few words for people */
};

struct votes_rules {
    uint32_t quorum; /* valid votes that are needed */
    double boost_unanimous, boost_five_sixths, boost_two_thirds;
};

struct votes_result {
    uint32_t asked, valid;
    uint32_t winner;   /* votes for `action` */
    bool has_quorum;   /* false: HOLD, confidence 0 */
    bool has_majority; /* more than half of the valid votes agree; false: HOLD, confidence 0 */
    uint8_t action;    /* TG_ACTION_* */
    double confidence; /* 0 to 1 */
    struct tg_decimal stop_loss, take_profit; /* medians of the winners, of BUY and SELL */
};

/* Counts `count` votes, at most VOTES_MAX of them; more are not looked at. */
void votes_count(const struct votes_rules *rules, const struct vote *votes, size_t count,
                 struct votes_result *result);

/*
 * The median of `count` prices, 1 to VOTES_MAX; the array is sorted in place. Of an even count, the
 * mean of the two in the middle, where half a unit goes up with `round_up`, else down.
 */
struct tg_decimal votes_median(struct tg_decimal *prices, size_t count, bool round_up);

/*
 * Writes the valid votes as JSON, [{"voter":"trend","action":"BUY","confidence":0.72},...], with
 * the NUL. Returns the length; 0, and an empty text, where `size` is too small.
 */
size_t votes_write_json(const struct vote *votes, size_t count, char *text, size_t size);

/* "BUY", "SELL", "HOLD", "CLOSE_LONG" or "CLOSE_SHORT". */
const char *votes_action_text(uint8_t action);

#endif
