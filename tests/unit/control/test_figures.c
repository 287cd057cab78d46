/* Figures for people. */
#include "control_fixture.h"

#include "base/decimal.h"

static struct tg_decimal decimal(const char *text)
{
    struct tg_decimal value;
    assert_int_equal(tg_decimal_parse(text, strlen(text), &value), 0);
    return value;
}

static void test_thousands(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *sign, *wanted;
    } cases[] = {
        {"0", "", "0"},
        {"999", "", "999"},
        {"1000", "", "1,000"},
        {"1234567.1234567", "", "1,234,567.1234567"},
        {"-1234.5", "+", "-1,234.5"},
        {"1234.5", "+", "+1,234.5"},
        {"-999", "", "-999"},
        {"-100000", "", "-100,000"},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[CONTROL_FIGURE_SIZE];
        control_group(text, cases[i].plain, cases[i].sign);
        assert_string_equal(text, cases[i].wanted);
    }
}

/* The longest amounts there are. */
static void test_amounts(void **state)
{
    (void)state;
    char text[CONTROL_FIGURE_SIZE];
    assert_string_equal(control_amount(text, (struct tg_decimal){INT64_MAX}, 8, "+"),
                        "+92,233,720,368.54775807");
    assert_string_equal(control_amount(text, (struct tg_decimal){INT64_MIN}, 2, "+"),
                        "-92,233,720,368.55");
    assert_string_equal(control_amount(text, decimal("46452.089"), 2, ""), "46,452.09");
}

static void test_price_places(void **state)
{
    (void)state;
    static const struct {
        const char *price;
        unsigned places;
    } cases[] = {
        {"46198", 2},      {"46198.5", 2},    {"416.29", 2},     {"100", 2},
        {"1.1893", 4},     {"0.62", 5},       {"0.61438", 5},    {"0.0134", 6},
        {"0.00001358", 8}, {"12345.1234", 4}, {"0.00000001", 8}, {"0", 8},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(control_price_places(decimal(cases[i].price)), cases[i].places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousands),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_price_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
