/* Text: bounded copies, comparisons, and the nearest word for a sentence that helps. */
#ifndef TG_BASE_TEXT_H
#define TG_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Copies with a NUL. False, and an empty destination, where it does not fit; a slice with a NUL
 * inside fits nowhere. */
bool tg_text_copy(char *destination, size_t size, const char *source);
bool tg_text_copy_slice(char *destination, size_t size, const char *data, size_t length);
/* Appends printf-wise at *length; false and no change where it does not fit. */
bool tg_text_append(char *destination, size_t size, size_t *length, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool tg_text_equal(const char *a, const char *b);
/* The candidate with the smallest edit distance, at most 3 and under half its length; else NULL. */
const char *tg_text_nearest(const char *word, const char *const *candidates, size_t count);
/* 1 to 63 of a-z 0-9 _. */
bool tg_text_is_name(const char *text);
/* Strict UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing past U+10FFFF). */
bool tg_text_is_utf8(const char *data, size_t length);
/* How many bytes the character at the start of data[0..length) has, 1 to 4; 0: not UTF-8. */
size_t tg_text_utf8_sequence(const char *data, size_t length);
/*
 * [+-]digits[.digits][e[+-]digits] and [+-]digits, all of the text, at most 256 characters:
 * TG_E_INVALID for anything else, TG_E_RANGE where it does not fit. `value` is then not touched.
 */
int tg_text_to_double(const char *text, size_t length, double *value);
int tg_text_to_whole(const char *text, size_t length, long long *value);

#endif
