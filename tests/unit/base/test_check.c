/* A state that must not exist ends the program, in a child of its own here, and says where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/decimal.h"
#include "base/ring.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `act` in a child; its last words go to `words`. True: it was ended by abort. */
static bool aborts(void (*act)(void), char *words, size_t size)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(pipe_ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(pipe_ends[1]);
    size_t length = 0;
    ssize_t got;
    while (length + 1 < size && (got = read(pipe_ends[0], words + length, size - 1 - length)) > 0)
        length += (size_t)got;
    words[length] = '\0';
    close(pipe_ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void break_a_rule(void)
{
    int rule = 1;
    TG_BUG_IF(rule == 1);
}

static void keep_a_rule(void)
{
    int rule = 0;
    TG_BUG_IF(rule == 1);
}

static void claim_what_never_fits(void)
{
    struct tg_ring *ring = NULL;
    tg_ring_create(4096, &ring, NULL);
    tg_ring_claim(ring, 1025);
}

static void nine_places(void)
{
    bool overflow = false;
    tg_decimal_quantize(tg_decimal_units(1), 9, TG_ROUND_DOWN, &overflow);
}

static void format_nine_places(void)
{
    char text[TG_DECIMAL_TEXT_SIZE];
    tg_decimal_format_places(tg_decimal_units(1), 9, text);
}

static void unknown_rounding(void)
{
    bool overflow = false;
    tg_decimal_multiply(tg_decimal_units(1), tg_decimal_units(1), (enum tg_rounding)77, &overflow);
}

static void a_constant_too_large(void)
{
    tg_decimal_whole(92233720369);
}

static void a_bug_says_where_and_aborts(void **state)
{
    (void)state;
    char words[512];
    assert_true(aborts(break_a_rule, words, sizeof(words)));
    assert_non_null(strstr(words, "BUG: "));
    assert_non_null(strstr(words, "test_check.c:"));
    assert_non_null(strstr(words, "break_a_rule: rule == 1"));
    assert_false(aborts(keep_a_rule, words, sizeof(words)));
    assert_string_equal(words, "");
}

static void misuse_is_a_bug(void **state)
{
    (void)state;
    char words[512];
    assert_true(aborts(claim_what_never_fits, words, sizeof(words)));
    assert_true(aborts(nine_places, words, sizeof(words)));
    assert_true(aborts(format_nine_places, words, sizeof(words)));
    assert_true(aborts(unknown_rounding, words, sizeof(words)));
    assert_true(aborts(a_constant_too_large, words, sizeof(words)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bug_says_where_and_aborts),
        cmocka_unit_test(misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
