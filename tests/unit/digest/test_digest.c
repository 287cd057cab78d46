/* Digests against published vectors, and the rules that make parts and their order count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digest/digest.h"

#include <stdlib.h>
#include <string.h>

static void bytes_match_the_standard(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_SIZE];
    /* FIPS 180-4, examples of SHA-256 */
    assert_int_equal(digest_bytes("abc", 3, text), TG_E_OK);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(digest_bytes("", 0, text), TG_E_OK);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(digest_bytes(NULL, 0, text), TG_E_OK);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    assert_int_equal(digest_bytes(million, 1000000, text), TG_E_OK);
    assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void parts_are_lengths_and_bytes(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_SIZE], plain[DIGEST_TEXT_SIZE];
    const struct digest_part parts[] = {{"abc", 3}, {NULL, 0}, {"d", 1}};
    assert_int_equal(digest_parts(parts, 3, text), TG_E_OK);
    static const char same[] = "\3\0\0\0\0\0\0\0"
                               "abc"
                               "\0\0\0\0\0\0\0\0"
                               "\1\0\0\0\0\0\0\0"
                               "d";
    assert_int_equal(digest_bytes(same, sizeof(same) - 1, plain), TG_E_OK);
    assert_string_equal(text, plain);
    char long_same[8 + 258] = "\2\1"; /* lowest byte first */
    memset(long_same + 8, 'x', 258);
    assert_int_equal(digest_parts((struct digest_part[]){{long_same + 8, 258}}, 1, text), TG_E_OK);
    assert_int_equal(digest_bytes(long_same, sizeof(long_same), plain), TG_E_OK);
    assert_string_equal(text, plain);
    assert_int_equal(digest_parts(NULL, 0, text), TG_E_OK);
    assert_int_equal(digest_bytes("", 0, plain), TG_E_OK);
    assert_string_equal(text, plain);
}

static void moving_a_byte_between_parts_changes_it(void **state)
{
    (void)state;
    char one[DIGEST_TEXT_SIZE], other[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_parts((struct digest_part[]){{"ab", 2}, {"c", 1}}, 2, one), TG_E_OK);
    assert_int_equal(digest_parts((struct digest_part[]){{"a", 1}, {"bc", 2}}, 2, other), TG_E_OK);
    assert_string_not_equal(one, other);
    assert_int_equal(digest_parts((struct digest_part[]){{"c", 1}, {"ab", 2}}, 2, other), TG_E_OK);
    assert_string_not_equal(one, other);
    assert_int_equal(digest_parts((struct digest_part[]){{"ab", 2}, {"c", 1}, {"", 0}}, 3, other),
                     TG_E_OK);
    assert_string_not_equal(one, other);
}

static void uuids_are_computed_not_drawn(void **state)
{
    (void)state;
    const struct digest_part parts[] = {{"order", 5}, {"BTC/USDT", 8}};
    struct tg_uuid id, again, other;
    char text[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_uuid(parts, 2, &id), TG_E_OK);
    assert_int_equal(digest_uuid(parts, 2, &again), TG_E_OK);
    assert_memory_equal(id.bytes, again.bytes, sizeof(id.bytes));
    assert_int_equal(digest_uuid(parts, 1, &other), TG_E_OK);
    assert_memory_not_equal(id.bytes, other.bytes, sizeof(id.bytes));
    assert_int_equal(id.bytes[6] >> 4, 8);
    assert_int_equal(id.bytes[8] >> 6, 2);
    /* the rest are the digest's own bits */
    assert_int_equal(digest_parts(parts, 2, text), TG_E_OK);
    for (size_t i = 0; i < 16; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        unsigned mask = i == 6 ? 0x0F : i == 8 ? 0x3F : 0xFF;
        assert_int_equal(id.bytes[i] & mask, strtoul(pair, NULL, 16) & mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_match_the_standard),
        cmocka_unit_test(parts_are_lengths_and_bytes),
        cmocka_unit_test(moving_a_byte_between_parts_changes_it),
        cmocka_unit_test(uuids_are_computed_not_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
