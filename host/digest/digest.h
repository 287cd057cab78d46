/* Hashes (OpenSSL libcrypto): content digests, and identities that are computed, not drawn. */
#ifndef TG_DIGEST_H
#define TG_DIGEST_H

#include "base/error.h"

#include <stddef.h>
#include <triplegain/triplegain.h>

#define DIGEST_TEXT_SIZE 65 /* SHA-256 in hexadecimal, and the NUL */

struct digest_part {
    const void *data;
    size_t length;
};

/*
 * All return 0, TG_E_NO_MEMORY or TG_E_FAILED (the library refused); the result is then empty.
 * Parts of length 0 count; their data may be NULL. Hexadecimal is in lower case.
 */

/* SHA-256 over the parts, each preceded by its length as 8 bytes, lowest first. */
int digest_parts(const struct digest_part *parts, size_t count, char text[DIGEST_TEXT_SIZE]);
/* SHA-256 of plain bytes. */
int digest_bytes(const void *data, size_t length, char text[DIGEST_TEXT_SIZE]);
/* A UUID of version 8 (RFC 9562, 5.8) from the same SHA-256 over the parts. */
int digest_uuid(const struct digest_part *parts, size_t count, struct tg_uuid *id);

#endif
