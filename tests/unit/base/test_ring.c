/* The ring: frames come out whole and in order, over the wrap, when full, after aborts, and between
 * two threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/ring.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

static struct tg_ring *make_ring(size_t capacity)
{
    struct tg_ring *ring = NULL;
    struct tg_error error = {0};
    assert_int_equal(tg_ring_create(capacity, &ring, &error), TG_E_OK);
    assert_non_null(ring);
    return ring;
}

static bool put(struct tg_ring *ring, uint64_t number, size_t length)
{
    unsigned char *frame = tg_ring_claim(ring, length);
    if (frame == NULL)
        return false;
    memset(frame, (int)(number & 0xFF), length);
    if (length >= sizeof(number))
        memcpy(frame, &number, sizeof(number));
    tg_ring_commit(ring);
    return true;
}

static void check_frame(const unsigned char *frame, uint64_t number, size_t length)
{
    uint64_t read = number;
    size_t start = 0;
    if (length >= sizeof(number)) {
        memcpy(&read, frame, sizeof(read));
        start = sizeof(read);
    }
    assert_true(read == number);
    for (size_t i = start; i < length; i++)
        assert_int_equal(frame[i], number & 0xFF);
}

static void create_refuses(void **state)
{
    (void)state;
    static const size_t refused[] = {
        0, 1, 64, 2048, 4095, 4097, 5000, (size_t)3 << 20, (size_t)1 << 31};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct tg_ring *ring = NULL;
        struct tg_error error = {0};
        assert_int_equal(tg_ring_create(refused[i], &ring, &error), TG_E_INVALID);
        assert_null(ring);
        assert_non_null(strstr(error.message, "power of two"));
    }
    tg_ring_destroy(NULL);
}

static void empty_gives_nothing(void **state)
{
    (void)state;
    struct tg_ring *ring = make_ring(4096);
    size_t length = 99;
    assert_true(tg_ring_is_empty(ring));
    assert_int_equal(tg_ring_bytes(ring), 0);
    assert_null(tg_ring_next(ring, &length));
    assert_int_equal(length, 0);
    tg_ring_release(ring);
    assert_true(tg_ring_is_empty(ring));
    tg_ring_destroy(ring);
}

static void frames_of_every_length(void **state)
{
    (void)state;
    struct tg_ring *ring = make_ring(4096);
    assert_int_equal(tg_ring_length_max(ring), 1024);
    for (size_t length = 0; length <= 1024; length++) {
        assert_true(put(ring, length, length));
        size_t read = 0;
        unsigned char *frame = tg_ring_next(ring, &read);
        assert_non_null(frame);
        assert_int_equal(read, length);
        assert_int_equal((uintptr_t)frame % 8, 0);
        check_frame(frame, length, length);
        assert_null(tg_ring_next(ring, &read));
        tg_ring_release(ring);
        assert_true(tg_ring_is_empty(ring));
    }
    tg_ring_destroy(ring);
}

static void full_is_a_result_and_release_makes_room(void **state)
{
    (void)state;
    struct tg_ring *ring = make_ring(4096);
    uint64_t written = 0;
    while (put(ring, written, 56)) /* with its header exactly 64 bytes */
        written++;
    assert_int_equal(written, 64);
    assert_int_equal(tg_ring_bytes(ring), 4096);
    assert_null(tg_ring_claim(ring, 0));
    size_t length;
    check_frame(tg_ring_next(ring, &length), 0, 56);
    assert_null(tg_ring_claim(ring, 0)); /* read, but not released */
    tg_ring_release(ring);
    assert_true(put(ring, written, 56));
    assert_false(put(ring, written, 56));
    for (uint64_t i = 1; i <= written; i++)
        check_frame(tg_ring_next(ring, &length), i, 56);
    assert_null(tg_ring_next(ring, &length));
    assert_int_equal(tg_ring_bytes(ring), 4096);
    tg_ring_release(ring);
    assert_true(tg_ring_is_empty(ring));
    tg_ring_destroy(ring);
}

static void frames_do_not_cross_the_end(void **state)
{
    (void)state;
    struct tg_ring *ring = make_ring(4096);
    size_t length;
    for (uint64_t i = 0; i < 3; i++) /* 3 * 1,088 bytes: 832 remain before the end */
        assert_true(put(ring, i, 1024));
    for (uint64_t i = 0; i < 3; i++)
        check_frame(tg_ring_next(ring, &length), i, 1024);
    tg_ring_release(ring);
    unsigned char *frame = tg_ring_claim(ring, 1024);
    assert_non_null(frame);
    assert_ptr_equal(frame, ring->data + sizeof(uint64_t));
    memset(frame, 3, 1024);
    tg_ring_commit(ring);
    assert_int_equal(tg_ring_bytes(ring), 832 + 1088); /* the rest of the round is taken, too */
    assert_ptr_equal(tg_ring_next(ring, &length), frame);
    assert_int_equal(length, 1024);
    tg_ring_release(ring);
    assert_true(tg_ring_is_empty(ring));
    tg_ring_destroy(ring);
}

static void abort_leaves_no_trace(void **state)
{
    (void)state;
    struct tg_ring *ring = make_ring(4096);
    size_t length;
    for (uint64_t i = 0; i < 500; i++) { /* over the wrap several times */
        void *claimed = tg_ring_claim(ring, 700);
        assert_non_null(claimed);
        memset(claimed, 0xEE, 700);
        tg_ring_abort(ring);
        tg_ring_commit(ring); /* commits nothing */
        assert_null(tg_ring_next(ring, &length));
        assert_true(tg_ring_is_empty(ring));
        assert_non_null(tg_ring_claim(ring, 900)); /* replaced by the next claim */
        assert_true(put(ring, i, 300));
        check_frame(tg_ring_next(ring, &length), i, 300);
        assert_int_equal(length, 300);
        assert_null(tg_ring_next(ring, &length));
        tg_ring_release(ring);
    }
    tg_ring_destroy(ring);
}

static void random_lengths_against_a_model(void **state)
{
    (void)state;
    struct tg_ring *ring = make_ring(8192);
    struct tg_random random;
    tg_random_seed(&random, 9);
    size_t lengths[256];
    uint64_t written = 0, read = 0;
    for (int step = 0; step < 200000; step++) {
        uint64_t draw = tg_random_next(&random);
        if (draw % 3 != 0) {
            size_t length = (size_t)(draw >> 8) % (tg_ring_length_max(ring) + 1);
            if (put(ring, written, length))
                lengths[written++ % 256] = length;
            else
                assert_true(tg_ring_bytes(ring) > 0);
        } else {
            size_t length;
            for (uint64_t batch = draw >> 8 & 7; batch > 0 && read < written; batch--) {
                unsigned char *frame = tg_ring_next(ring, &length);
                assert_non_null(frame);
                assert_int_equal(length, lengths[read % 256]);
                check_frame(frame, read, length);
                read++;
            }
            if (read == written)
                assert_null(tg_ring_next(ring, &length));
            tg_ring_release(ring);
        }
    }
    assert_true(read > 10000);
    tg_ring_destroy(ring);
}

#define THREAD_FRAMES 300000

/* Lengths follow from the number, so that the reader can check them. */
static size_t length_of(uint64_t number)
{
    return 8 + (size_t)(number * 2654435761u >> 7) % 600;
}

static void *write_frames(void *argument)
{
    struct tg_ring *ring = argument;
    for (uint64_t i = 0; i < THREAD_FRAMES; i++) {
        if (i % 17 == 0 && tg_ring_claim(ring, 64) != NULL)
            tg_ring_abort(ring);
        unsigned char *frame;
        while ((frame = tg_ring_claim(ring, length_of(i))) == NULL)
            sched_yield();
        memcpy(frame, &i, sizeof(i));
        memset(frame + 8, (int)(i & 0xFF), length_of(i) - 8);
        tg_ring_commit(ring);
    }
    return NULL;
}

static void two_threads_keep_order(void **state)
{
    (void)state;
    struct tg_ring *ring = make_ring(16384);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_frames, ring), 0);
    uint64_t wrong =
        0; /* asserted at the end: a failed assertion must not leave the thread behind */
    for (uint64_t i = 0; i < THREAD_FRAMES;) {
        size_t length;
        unsigned char *frame;
        int batch = 0;
        while (batch < 32 && (frame = tg_ring_next(ring, &length)) != NULL) {
            uint64_t number;
            memcpy(&number, frame, sizeof(number));
            wrong += number != i || length != length_of(i);
            if (length > 8)
                wrong += frame[8] != (i & 0xFF) || frame[length - 1] != (i & 0xFF);
            i++;
            batch++;
        }
        tg_ring_release(ring);
        if (batch == 0)
            sched_yield();
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(wrong, 0);
    size_t length;
    assert_null(tg_ring_next(ring, &length));
    assert_true(tg_ring_is_empty(ring));
    tg_ring_destroy(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_refuses),
        cmocka_unit_test(empty_gives_nothing),
        cmocka_unit_test(frames_of_every_length),
        cmocka_unit_test(full_is_a_result_and_release_makes_room),
        cmocka_unit_test(frames_do_not_cross_the_end),
        cmocka_unit_test(abort_leaves_no_trace),
        cmocka_unit_test(random_lengths_against_a_model),
        cmocka_unit_test(two_threads_keep_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
