/*
 * Is a text JSON? Asked for every record with a JSON field and every message of an own topic, so
 * the answer must need no memory. A scanner without recursion accepts what is plainly valid; what
 * it cannot vouch for (wrong text, and right text of the rare kinds named below) goes to
 * json_parse, which decides and makes the sentence. So the scanner may be narrower than json_parse,
 * never wider.
 *
 * Left to json_parse: escapes in keys (two spellings of one key), \u escapes (surrogates, NUL),
 * whole numbers over 18 digits, exponents over 2 digits, more than 128 keys open at once.
 */
#include "base/text.h"
#include "bus/json.h"

#include <string.h>

#define KEYS_MAX         128
#define WHOLE_DIGITS_MAX 18 /* always fits an int64 */
#define REAL_DIGITS_MAX  64 /* far from the ends of a double, with the exponent below */
#define EXPONENT_MAX     2  /* digits */

struct key {
    const char *text;
    size_t length;
};

struct scanner {
    const char *at, *end;
    uint32_t depth;
    uint32_t is_object;                   /* a bit per level */
    uint16_t first_key[JSON_NESTING_MAX]; /* of each level */
    uint16_t key_count;
    struct key keys[KEYS_MAX]; /* of all objects that are open */
};

_Static_assert(JSON_NESTING_MAX <= 32, "is_object has a bit for each level");

static void skip_blanks(struct scanner *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r'))
        scan->at++;
}

static bool take(struct scanner *scan, char wanted)
{
    if (scan->at == scan->end || *scan->at != wanted)
        return false;
    scan->at++;
    return true;
}

static bool take_word(struct scanner *scan, const char *word, size_t length)
{
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return true;
}

/* A string from its first quote on; UTF-8 has been checked for the whole text. */
static bool take_string(struct scanner *scan, bool escapes_allowed)
{
    if (!take(scan, '"'))
        return false;
    while (scan->at < scan->end) {
        const unsigned char c = (unsigned char)*scan->at++;

        if (c == '"')
            return true;
        if (c < 0x20)
            return false;
        if (c == '\\') {
            if (!escapes_allowed || scan->at == scan->end ||
                strchr("\"\\/bfnrt", *scan->at) == NULL || *scan->at == '\0')
                return false;
            scan->at++;
        }
    }
    return false;
}

static size_t take_digits(struct scanner *scan)
{
    const char *first = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return (size_t)(scan->at - first);
}

static bool take_number(struct scanner *scan)
{
    bool is_real = false;

    (void)take(scan, '-');
    const bool leading_zero = scan->at < scan->end && *scan->at == '0';
    size_t digits = take_digits(scan);
    if (digits == 0 || (leading_zero && digits > 1))
        return false;
    if (take(scan, '.')) {
        const size_t fraction = take_digits(scan);
        if (fraction == 0)
            return false;
        digits += fraction;
        is_real = true;
    }
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '-'))
            (void)take(scan, '+');
        const size_t exponent = take_digits(scan);
        if (exponent == 0 || exponent > EXPONENT_MAX)
            return false;
        is_real = true;
    }
    return digits <= (is_real ? REAL_DIGITS_MAX : WHOLE_DIGITS_MAX);
}

static bool is_in_object(const struct scanner *scan)
{
    return scan->depth > 0 && (scan->is_object >> (scan->depth - 1) & 1) != 0;
}

static bool open_level(struct scanner *scan, bool is_object)
{
    if (scan->depth == JSON_NESTING_MAX)
        return false;
    const uint32_t bit = UINT32_C(1) << scan->depth;
    scan->is_object = is_object ? scan->is_object | bit : scan->is_object & ~bit;
    scan->first_key[scan->depth++] = scan->key_count;
    return true;
}

static void close_level(struct scanner *scan)
{
    scan->key_count = scan->first_key[--scan->depth];
}

/* "key": in the innermost object; refused where that object has the key already. */
static bool take_key(struct scanner *scan)
{
    const char *text = scan->at + 1;

    if (!take_string(scan, false) || scan->key_count == KEYS_MAX)
        return false;
    const size_t length = (size_t)(scan->at - 1 - text);
    for (uint32_t i = scan->first_key[scan->depth - 1]; i < scan->key_count; i++)
        if (scan->keys[i].length == length && memcmp(scan->keys[i].text, text, length) == 0)
            return false;
    scan->keys[scan->key_count++] = (struct key){text, length};
    skip_blanks(scan);
    return take(scan, ':');
}

/* A value that holds no other; or the opening of one that does, which `*opened` tells. */
static bool take_value(struct scanner *scan, bool *opened)
{
    *opened = false;
    skip_blanks(scan);
    if (scan->at == scan->end)
        return false;
    switch (*scan->at) {
    case '{':
    case '[':
        *opened = true;
        return open_level(scan, *scan->at++ == '{');
    case '"':
        return take_string(scan, true);
    case 't':
        return take_word(scan, "true", 4);
    case 'f':
        return take_word(scan, "false", 5);
    case 'n':
        return take_word(scan, "null", 4);
    default:
        return take_number(scan);
    }
}

/* Closes every level that ends here. True: a next item must follow, or all is done (depth 0). */
static bool close_or_continue(struct scanner *scan)
{
    while (scan->depth > 0) {
        skip_blanks(scan);
        if (take(scan, ','))
            return true;
        if (!take(scan, is_in_object(scan) ? '}' : ']'))
            return false;
        close_level(scan);
    }
    return true;
}

static bool is_plainly_valid(const char *text, size_t length)
{
    struct scanner scan;
    bool opened;

    scan.at = text;
    scan.end = text + length;
    scan.depth = 0;
    scan.is_object = 0;
    scan.key_count = 0;
    do {
        if (is_in_object(&scan)) {
            skip_blanks(&scan);
            if (!take_key(&scan))
                return false;
        }
        if (!take_value(&scan, &opened))
            return false;
        if (opened) {
            skip_blanks(&scan);
            if (!take(&scan, is_in_object(&scan) ? '}' : ']'))
                continue; /* its first item follows */
            close_level(&scan);
        }
        if (!close_or_continue(&scan))
            return false;
    } while (scan.depth > 0);
    skip_blanks(&scan);
    return scan.at == scan.end && tg_text_is_utf8(text, length);
}

static enum json_kind kind_of_text(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && strchr(" \n\t\r", text[i]) != NULL)
        i++;
    switch (text[i]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_FLAG;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

int json_check(const char *text, size_t length, enum json_kind *kind, struct tg_error *error)
{
    struct json_value *root;

    if (length <= JSON_BYTES_MAX && is_plainly_valid(text, length)) {
        *kind = kind_of_text(text, length);
        return TG_E_OK;
    }
    const int code = json_parse(text, length, &root, error);
    if (code != TG_E_OK)
        return TG_PASS(error, code);
    *kind = json_kind_of(root);
    json_free(root);
    return TG_E_OK;
}
