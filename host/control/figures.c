/* Figures as people read them: thousands apart, money with cents, prices with a market's digits. */
#include "base/decimal.h"
#include "control/control.h"

#include <string.h>

#define PLACES_MAX        8u
#define SIGNIFICANT_LEAST 5u /* digits of a price that count */

void control_group(char text[CONTROL_FIGURE_SIZE], const char *plain, const char *sign)
{
    size_t out = 0;
    if (plain[0] == '-')
        text[out++] = *plain++;
    else if (sign[0] != '\0')
        text[out++] = sign[0];
    size_t whole = strspn(plain, "0123456789");
    for (size_t i = 0; plain[i] != '\0' && out + 2 < CONTROL_FIGURE_SIZE; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            text[out++] = ',';
        text[out++] = plain[i];
    }
    text[out] = '\0';
}

const char *control_amount(char text[CONTROL_FIGURE_SIZE], struct tg_decimal amount,
                           unsigned places, const char *sign)
{
    char plain[TG_DECIMAL_TEXT_SIZE];
    (void)tg_decimal_format_places(amount, places, plain);
    control_group(text, plain, sign);
    return text;
}

unsigned control_price_places(struct tg_decimal price)
{
    char plain[TG_DECIMAL_TEXT_SIZE];
    size_t length = tg_decimal_format(price, plain);
    const char *point = strchr(plain, '.');
    unsigned places = point != NULL ? (unsigned)(length - (size_t)(point - plain)) - 1 : 0;
    unsigned whole = 0;
    for (int64_t units = price.units / TG_DECIMAL_ONE; units > 0; units /= 10)
        whole++;
    if (whole < SIGNIFICANT_LEAST && places < SIGNIFICANT_LEAST - whole)
        places = SIGNIFICANT_LEAST - whole;
    for (int64_t unit = TG_DECIMAL_ONE / 10; whole == 0 && unit > price.units && unit > 0;
         unit /= 10)
        places++;
    places = places < 2 ? 2 : places;
    return places < PLACES_MAX ? places : PLACES_MAX;
}
