/*
 * One value against its row of the key table: type, range, choice.
 *
 * Numbers are read more strictly than YAML reads them. YAML 1.1 takes 010 for eight, 1_000 for a
 * thousand, 0x10 for sixteen, 1:30 for ninety and .inf for a number; a limit on money must not
 * depend on such a reading, so only what everybody reads alike is accepted. Pure functions.
 */
#include "conf_int.h"

#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char *const type_nouns[] = {
    [CONF_TEXT] = "a text",
    [CONF_CHOICE] = "one of",
    [CONF_WHOLE] = "a whole number",
    [CONF_REAL] = "a number",
    [CONF_DECIMAL] = "a decimal number",
    [CONF_FLAG] = "true or false",
    [CONF_TEXT_LIST] = "a list of texts, as [one, two]",
};

void conf__shown(const char *value, char text[CONF_SHOWN_SIZE])
{
    size_t length = 0;
    for (; length < CONF_SHOWN_SIZE - 4 && value[length] != '\0'; length++) {
        unsigned char byte = (unsigned char)value[length];
        text[length] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
    }
    text[length] = '\0';
    if (value[length] == '\0')
        return;
    /* not in the middle of a UTF-8 character */
    while (length > 0 && ((unsigned char)value[length] & 0xc0u) == 0x80u)
        length--;
    memcpy(text + length, "...", 4);
}

void conf__bound(double bound, char text[CONF_BOUND_SIZE])
{
    double size = bound < 0 ? -bound : bound;
    if (size > 0 && size < 1e-4)
        (void)snprintf(text, CONF_BOUND_SIZE, "%.8f", bound);
    else
        (void)snprintf(text, CONF_BOUND_SIZE, size >= 1e15 ? "%.0f" : "%.15g", bound);
}

/* "auto|core" to "auto, core" */
static void choices_list(const char *choices, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (const char *word = choices; *word != '\0';) {
        size_t word_length = strcspn(word, "|");
        if (!tg_text_append(text, size, &length, "%s%.*s", length > 0 ? ", " : "", (int)word_length,
                            word))
            return;
        word += word_length;
        if (*word == '|')
            word++;
    }
}

void conf__allowed(const struct conf_key *key, char text[CONF_ALLOWED_SIZE])
{
    char choices[CONF_ALLOWED_SIZE / 2];
    char low[CONF_BOUND_SIZE];
    char high[CONF_BOUND_SIZE];
    choices[0] = '\0';
    conf__bound(key->minimum, low);
    conf__bound(key->maximum, high);
    if (key->choices != NULL)
        choices_list(key->choices, choices, sizeof(choices));
    size_t length = 0;
    (void)tg_text_append(text, CONF_ALLOWED_SIZE, &length, "%s", type_nouns[key->type]);
    if (key->type == CONF_CHOICE)
        (void)tg_text_append(text, CONF_ALLOWED_SIZE, &length, " %s", choices);
    else if (key->choices != NULL)
        (void)tg_text_append(text, CONF_ALLOWED_SIZE, &length, ", out of %s", choices);
    else if (key->type == CONF_WHOLE || key->type == CONF_REAL || key->type == CONF_DECIMAL)
        (void)tg_text_append(text, CONF_ALLOWED_SIZE, &length, " (%s to %s)", low, high);
}

bool conf__is_choice(const char *choices, const char *word)
{
    size_t length = strlen(word);
    for (const char *choice = choices; *choice != '\0';) {
        size_t choice_length = strcspn(choice, "|");
        if (choice_length == length && length > 0 && memcmp(choice, word, length) == 0)
            return true;
        choice += choice_length;
        if (*choice == '|')
            choice++;
    }
    return false;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/*
 * -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? up to what the type allows: no point in a whole
 * number, no exponent in a decimal.
 */
static bool is_number(const char *text, enum conf_type type, size_t *places)
{
    const char *c = text;
    *places = 0;
    if (*c == '-')
        c++;
    size_t whole = digits(c);
    if (whole == 0 || (whole > 1 && *c == '0'))
        return false;
    c += whole;
    if (*c == '.' && type != CONF_WHOLE) {
        *places = digits(++c);
        if (*places == 0)
            return false;
        c += *places;
    }
    if ((*c == 'e' || *c == 'E') && type == CONF_REAL) {
        c++;
        if (*c == '+' || *c == '-')
            c++;
        size_t exponent = digits(c);
        if (exponent == 0)
            return false;
        c += exponent;
    }
    return *c == '\0';
}

static int number_check(const struct conf_key *key, const char *path, const char *text,
                        struct tg_error *error)
{
    char shown[CONF_SHOWN_SIZE];
    char allowed[CONF_ALLOWED_SIZE];
    size_t length = strlen(text);
    size_t places;
    double value = 0;
    long long whole;
    struct tg_decimal decimal;
    conf__shown(text, shown);
    conf__allowed(key, allowed);
    if (!is_number(text, key->type, &places))
        return TG_FAIL(error, INVALID, "%s: \"%s\" is not %s", path, shown, allowed);
    if (key->type == CONF_DECIMAL && places > TG_DECIMAL_PLACES)
        return TG_FAIL(error, INVALID, "%s: %s has more than %d digits after the point", path,
                       shown, TG_DECIMAL_PLACES);
    int code;
    if (key->type == CONF_WHOLE) {
        code = tg_text_to_whole(text, length, &whole);
        value = code == 0 ? (double)whole : 0;
    } else if (key->type == CONF_DECIMAL) {
        code = tg_decimal_parse(text, length, &decimal);
        value = code == 0 ? tg_decimal_to_double(decimal) : 0;
    } else {
        code = tg_text_to_double(text, length, &value);
    }
    if (code == 0 && value >= key->minimum && value <= key->maximum)
        return 0;
    char low[CONF_BOUND_SIZE];
    char high[CONF_BOUND_SIZE];
    conf__bound(key->minimum, low);
    conf__bound(key->maximum, high);
    return TG_FAIL(error, RANGE, "%s: %s is out of range (%s to %s)", path, shown, low, high);
}

static int choice_check(const struct conf_key *key, const char *path, const char *text,
                        struct tg_error *error)
{
    char shown[CONF_SHOWN_SIZE];
    char allowed[CONF_ALLOWED_SIZE];
    if (conf__is_choice(key->choices, text))
        return 0;
    if (tg_text_equal(path, "trading_mode") && tg_text_equal(text, "live"))
        return TG_FAIL(error, UNSUPPORTED,
                       "trading_mode: live is refused: a venue that trades real money is not part "
                       "of this build (allowed: paper)");
    conf__shown(text, shown);
    choices_list(key->choices, allowed, sizeof(allowed));
    return TG_FAIL(error, INVALID, "%s: \"%s\" is not allowed (allowed: %s)", path, shown, allowed);
}

static int text_check(const char *path, const char *text, struct tg_error *error)
{
    size_t length = strlen(text);
    if (length > CONF_TEXT_MAX)
        return TG_FAIL(error, RANGE, "%s: a text of %zu bytes, at most %u are allowed", path,
                       length, CONF_TEXT_MAX);
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return TG_FAIL(error, INVALID, "%s: a text with a line break or control character",
                           path);
    return 0;
}

int conf__value_check(const struct conf_key *key, const char *path, const char *text, bool plain,
                      struct tg_error *error)
{
    char shown[CONF_SHOWN_SIZE];
    char allowed[CONF_ALLOWED_SIZE];
    if (plain && (text[0] == '\0' || conf__is_choice("~|null|Null|NULL", text))) {
        conf__allowed(key, allowed);
        return TG_FAIL(error, INVALID, "%s: has no value, %s is needed", path, allowed);
    }
    int code = text_check(path, text, error);
    if (code != 0 || conf__is_plugin_value(key))
        return code;
    conf__shown(text, shown);
    conf__allowed(key, allowed);
    bool quoted_number = !plain && (key->type == CONF_WHOLE || key->type == CONF_REAL ||
                                    key->type == CONF_DECIMAL || key->type == CONF_FLAG);
    if (quoted_number)
        return TG_FAIL(error, INVALID, "%s: \"%s\" is a text in quotes, %s is needed", path, shown,
                       allowed);
    switch (key->type) {
    case CONF_WHOLE:
    case CONF_REAL:
    case CONF_DECIMAL:
        return number_check(key, path, text, error);
    case CONF_FLAG:
        if (conf__is_choice("true|false", text))
            return 0;
        return TG_FAIL(error, INVALID, "%s: \"%s\" is not a flag (allowed: true, false)", path,
                       shown);
    case CONF_CHOICE:
        return choice_check(key, path, text, error);
    case CONF_TEXT:
    case CONF_TEXT_LIST:
        if (text[0] == '\0')
            return TG_FAIL(error, INVALID, "%s: an empty text", path);
        return key->choices != NULL ? choice_check(key, path, text, error) : 0;
    }
    TG_BUG_IF(true);
    return TG_E_INVALID;
}
