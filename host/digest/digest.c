/*
 * digest.c: SHA-256 by OpenSSL's EVP, whose header no other room includes.
 *
 * Nothing is kept between calls, so any thread may call. The parts of a digest are borrowed. Each
 * part is preceded by its length, so that ("ab", "c") and ("a", "bc") differ.
 */
#include "digest/digest.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#define SHA256_SIZE 32

static int add_parts(EVP_MD_CTX *context, const struct digest_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char length[8];
        for (int byte = 0; byte < 8; byte++)
            length[byte] = (unsigned char)((uint64_t)parts[i].length >> (8 * byte));
        if (EVP_DigestUpdate(context, length, sizeof(length)) != 1)
            return TG_E_FAILED;
        if (parts[i].length > 0 && EVP_DigestUpdate(context, parts[i].data, parts[i].length) != 1)
            return TG_E_FAILED;
    }
    return TG_E_OK;
}

static int hash_parts(const struct digest_part *parts, size_t count,
                      unsigned char hash[SHA256_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL)
        return TG_E_NO_MEMORY;
    int code = TG_E_FAILED;
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1)
        code = add_parts(context, parts, count);
    unsigned size = 0;
    if (code == TG_E_OK && (EVP_DigestFinal_ex(context, hash, &size) != 1 || size != SHA256_SIZE))
        code = TG_E_FAILED;
    EVP_MD_CTX_free(context);
    return code;
}

static void write_hexadecimal(const unsigned char hash[SHA256_SIZE], char text[DIGEST_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    text[DIGEST_TEXT_SIZE - 1] = '\0';
}

int digest_parts(const struct digest_part *parts, size_t count, char text[DIGEST_TEXT_SIZE])
{
    unsigned char hash[SHA256_SIZE];
    text[0] = '\0';
    int code = hash_parts(parts, count, hash);
    if (code == TG_E_OK)
        write_hexadecimal(hash, text);
    return code;
}

int digest_bytes(const void *data, size_t length, char text[DIGEST_TEXT_SIZE])
{
    unsigned char hash[SHA256_SIZE];
    unsigned size = 0;
    text[0] = '\0';
    if (EVP_Digest(length > 0 ? data : "", length, hash, &size, EVP_sha256(), NULL) != 1 ||
        size != SHA256_SIZE)
        return TG_E_FAILED;
    write_hexadecimal(hash, text);
    return TG_E_OK;
}

int digest_uuid(const struct digest_part *parts, size_t count, struct tg_uuid *id)
{
    unsigned char hash[SHA256_SIZE];
    memset(id, 0, sizeof(*id));
    int code = hash_parts(parts, count, hash);
    if (code != TG_E_OK)
        return code;
    memcpy(id->bytes, hash, sizeof(id->bytes));
    id->bytes[6] = (uint8_t)((id->bytes[6] & 0x0F) | 0x80); /* version 8 */
    id->bytes[8] = (uint8_t)((id->bytes[8] & 0x3F) | 0x80); /* variant 10 */
    return TG_E_OK;
}
