/*
 * text.c: bounded text.
 *
 * Pure functions over the caller's memory: nothing is allocated or kept, any thread may call. What
 * does not fit is refused whole, never cut. Numbers are read by one strict grammar,
 * [+-]digits[.digits][e[+-]digits]: no blanks, no hexadecimal, no "inf", no "nan". The program
 * never sets a locale, so strtod reads a point as the decimal point.
 */
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <triplegain/triplegain.h>

#define TEXT_NUMBER_MAX   256 /* characters of a number */
#define TEXT_WORD_MAX     63  /* characters of a word that the nearest is looked for */
#define TEXT_DISTANCE_MAX 3
#define TEXT_NAME_MAX     63

bool tg_text_copy(char *destination, size_t size, const char *source)
{
    return tg_text_copy_slice(destination, size, source, strlen(source));
}

bool tg_text_copy_slice(char *destination, size_t size, const char *data, size_t length)
{
    if (size == 0)
        return false;
    if (length >= size || (length > 0 && memchr(data, '\0', length) != NULL)) {
        destination[0] = '\0';
        return false;
    }
    if (length > 0)
        memcpy(destination, data, length);
    destination[length] = '\0';
    return true;
}

bool tg_text_append(char *destination, size_t size, size_t *length, const char *format, ...)
{
    if (*length >= size)
        return false;
    size_t room = size - *length;
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(destination + *length, room, format, arguments);
    va_end(arguments);
    if (added < 0 || (size_t)added >= room) {
        destination[*length] = '\0';
        return false;
    }
    *length += (size_t)added;
    return true;
}

bool tg_text_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Edit distance with insert, delete, replace and swap of neighbours (Damerau-Levenshtein, optimal
 * string alignment), three rows of the table at a time. Both words at most TEXT_WORD_MAX long.
 */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][TEXT_WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    memset(before, 0, sizeof(rows[0]));
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replace = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(replace, smaller(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[b_length];
}

const char *tg_text_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t word_length = strlen(word);
    if (word_length > TEXT_WORD_MAX)
        return NULL;
    const char *nearest = NULL;
    size_t nearest_distance = TEXT_DISTANCE_MAX + 1;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(candidates[i]);
        if (length > TEXT_WORD_MAX)
            continue;
        size_t distance = edit_distance(word, word_length, candidates[i], length);
        if (distance < nearest_distance && 2 * distance < length) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}

bool tg_text_is_name(const char *text)
{
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        char c = text[length];
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!allowed || length >= TEXT_NAME_MAX)
            return false;
    }
    return length > 0;
}

size_t tg_text_utf8_sequence(const char *data, size_t length)
{
    if (length == 0)
        return 0;
    unsigned char first = (unsigned char)data[0];
    if (first < 0x80)
        return 1;
    /* the second byte's range is what excludes overlong forms, surrogates and past U+10FFFF */
    unsigned char low = 0x80, high = 0xBF;
    size_t sequence;
    if (first >= 0xC2 && first <= 0xDF) {
        sequence = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        sequence = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;
        high = first == 0xED ? 0x9F : 0xBF;
    } else if (first >= 0xF0 && first <= 0xF4) {
        sequence = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (length < sequence)
        return 0;
    unsigned char second = (unsigned char)data[1];
    if (second < low || second > high)
        return 0;
    for (size_t i = 2; i < sequence; i++)
        if (((unsigned char)data[i] & 0xC0u) != 0x80u)
            return 0;
    return sequence;
}

bool tg_text_is_utf8(const char *data, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t sequence = tg_text_utf8_sequence(data + i, length - i);
        if (sequence == 0)
            return false;
        i += sequence;
    }
    return true;
}

static size_t skip_digits(const char *text, size_t length, size_t i)
{
    while (i < length && text[i] >= '0' && text[i] <= '9')
        i++;
    return i;
}

static bool is_number(const char *text, size_t length)
{
    size_t i = length > 0 && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    size_t start = i;
    i = skip_digits(text, length, i);
    if (i == start)
        return false;
    if (i < length && text[i] == '.') {
        start = ++i;
        i = skip_digits(text, length, i);
        if (i == start)
            return false;
    }
    if (i < length && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (i < length && (text[i] == '+' || text[i] == '-'))
            i++;
        start = i;
        i = skip_digits(text, length, i);
        if (i == start)
            return false;
    }
    return i == length;
}

int tg_text_to_double(const char *text, size_t length, double *value)
{
    char copy[TEXT_NUMBER_MAX + 1];
    if (length > TEXT_NUMBER_MAX || !is_number(text, length))
        return TG_E_INVALID;
    memcpy(copy, text, length);
    copy[length] = '\0';
    double read = strtod(copy, NULL);
    if (!isfinite(read))
        return TG_E_RANGE;
    *value = read;
    return TG_E_OK;
}

int tg_text_to_whole(const char *text, size_t length, long long *value)
{
    char copy[TEXT_NUMBER_MAX + 1];
    size_t start = length > 0 && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    if (length == start || length > TEXT_NUMBER_MAX || skip_digits(text, length, start) != length)
        return TG_E_INVALID;
    memcpy(copy, text, length);
    copy[length] = '\0';
    errno = 0;
    long long read = strtoll(copy, NULL, 10);
    if (errno == ERANGE)
        return TG_E_RANGE;
    *value = read;
    return TG_E_OK;
}
