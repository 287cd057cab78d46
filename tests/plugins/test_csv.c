/* Recorded bars: formats, times, columns, every reason for which a row is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_host.h"

#define MINUTE INT64_C(60000000000)
#define HEADER "timestamp,open,high,low,close,volume\n"
/* 2022-01-01 00:00 and 00:01 UTC */
#define TWO_ROWS "1640995200,10,12,9,11,5\n1640995260,11,12,9,10,5\n"
#define START    (INT64_C(1640995200) * 1000000000)

static char folder[] = "/tmp/triplegain_csv_XXXXXX";
static const struct tg_plugin *plugin;

static int setup(void **state)
{
    (void)state;
    plugin = fake_plugin_load("csv");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/bars.csv", folder);
    unlink(path);
    return rmdir(folder);
}

static void file_write(const char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "%s/bars.csv", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A file of bars, read to its end, and what the host was told meanwhile. */
struct reading {
    struct fake_host host;
    struct tg_feed_info info;
    struct tg_bar *bars;
    size_t count;
};

static void reading_open(struct reading *reading, const char *text, const char *a, const char *b)
{
    const char *words[] = {"path=bars.csv", a, a ? b : NULL, NULL};
    struct tg_failure failure = {.size = sizeof failure};
    file_write(text, strlen(text));
    fake_host_init(&reading->host, "csv", "BTC/USDT");
    void *instance = fake_instance_create(plugin, &reading->host, folder, words);
    reading->info = (struct tg_feed_info){.size = sizeof reading->info};
    assert_int_equal(plugin->feed->describe(instance, &reading->info, &failure), TG_E_OK);
    assert_int_equal(reading->info.synthetic, 0);
    reading->count = fake_feed_read_all(plugin, instance, 7, &reading->bars);
    plugin->destroy(instance);
}

static void reading_close(struct reading *reading)
{
    free(reading->bars);
    fake_host_fini(&reading->host);
}

/* What creation says when it refuses `text`. */
static const char *refusal(const char *text, size_t size, const char *a, const char *b)
{
    static char message[256];
    const char *words[] = {"path=bars.csv", a, a ? b : NULL, NULL};
    struct fake_host host;
    file_write(text, size);
    fake_host_init(&host, "csv", "BTC/USDT");
    assert_true(fake_instance_refused(plugin, &host, folder, words, message, sizeof message) < 0);
    assert_int_equal(host.refused_total, 0);
    fake_host_fini(&host);
    return message;
}

static void assert_says(const char *message, const char *part)
{
    if (!strstr(message, part)) {
        fail_msg("\"%s\" does not say \"%s\"", message, part);
    }
}

static void descriptor_is_in_order(void **state)
{
    (void)state;
    fake_plugin_check(plugin);
    assert_string_equal(plugin->name, "csv");
    assert_int_equal(plugin->kind, TG_KIND_FEED);
    assert_int_equal(plugin->capabilities, TG_CAPABILITY_CORE_SAFE);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_int_equal(fake_plugin_exports("csv"), 1);
#endif
}

static void recorded_file(const char *data, const char *name, size_t bars, uint32_t timeframe,
                          int64_t first, int64_t last)
{
    char path[512];
    struct fake_host host;
    struct tg_failure failure = {.size = sizeof failure};
    struct tg_feed_info info = {.size = sizeof info};
    struct tg_bar *all = NULL;
    snprintf(path, sizeof path, "path=%s", name);
    const char *words[] = {path, NULL};
    fake_host_init(&host, "csv", "BTC/USDT");
    void *instance = fake_instance_create(plugin, &host, data, words);
    assert_int_equal(plugin->feed->describe(instance, &info, &failure), TG_E_OK);
    assert_int_equal(info.timeframe, timeframe);
    assert_int_equal(info.first_open_time, first * 1000000);
    assert_int_equal(info.last_open_time, last * 1000000);
    const size_t count = fake_feed_read_all(plugin, instance, 512, &all);
    assert_int_equal(host.refused_total, 0);
    assert_int_equal(count, bars);
    assert_int_equal(all[0].open_time, first * 1000000);
    assert_int_equal(all[count - 1].open_time, last * 1000000);
    free(all);
    plugin->destroy(instance);
    fake_host_fini(&host);
}

static void recorded_data_is_read_whole(void **state)
{
    (void)state;
    const char *data = fake_data_folder();
    if (!data) {
        skip();
    }
    recorded_file(data, "btc_perp_1m_2022-01.csv", 45031, TG_TIMEFRAME_1M, 1640991660000,
                  1643693460000);
    recorded_file(data, "btcusd_1m_2018-04.csv", 3887, TG_TIMEFRAME_1M, 1522800000000,
                  1523059140000);
    recorded_file(data, "ethusd_1m_2018-04.csv", 2449, TG_TIMEFRAME_1M, 1522800000000,
                  1522972740000);
    recorded_file(data, "ltcusd_1m_2018-04.csv", 3887, TG_TIMEFRAME_1M, 1522800000000,
                  1523059140000);
    recorded_file(data, "xrpusdt_perp_5m_2021-11.csv", 1999, TG_TIMEFRAME_5M, 1636934400000,
                  1637533800000);
}

static void recorded_trades_are_no_bars(void **state)
{
    (void)state;
    const char *data = fake_data_folder();
    const char *words[] = {"path=kraken_bcheur_trades.csv", NULL};
    char message[256];
    struct fake_host host;
    if (!data) {
        skip();
    }
    fake_host_init(&host, "csv", "BCH/EUR");
    fake_instance_refused(plugin, &host, data, words, message, sizeof message);
    assert_says(message, "3 columns without names");
    fake_host_fini(&host);
}

static void kraken_download(void **state)
{
    (void)state;
    struct reading reading;
    reading_open(&reading,
                 "1640995200,0.00001921,0.00001930,0.00001920,0.00001925,1234.56789012,17\n"
                 "1640995500,0.00001925,0.00001926,0.00001925,0.00001926,3,2\n"
                 "1640996400,0.00001925,0.00001926,0.00001925,0.00001926,3,2\n"
                 "1640996700,0.00001925,0.00001926,0.00001925,0.00001926,3,2",
                 NULL, NULL);
    assert_int_equal(reading.info.timeframe, TG_TIMEFRAME_5M);
    assert_int_equal(reading.info.first_open_time, START);
    assert_int_equal(reading.info.last_open_time, START + 25 * MINUTE);
    assert_int_equal(reading.count, 4);
    assert_int_equal(reading.bars[0].open_time, START);
    assert_int_equal(reading.bars[0].open.units, 1921);
    assert_int_equal(reading.bars[0].high.units, 1930);
    assert_int_equal(reading.bars[0].low.units, 1920);
    assert_int_equal(reading.bars[0].close.units, 1925);
    assert_int_equal(reading.bars[0].volume.units, INT64_C(123456789012));
    assert_int_equal(reading.bars[3].open_time, START + 25 * MINUTE);
    reading_close(&reading);
}

static void times_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second;
        const char *unit;
    } forms[] = {
        {"1640995200", "1640995260", "time_unit=seconds"},
        {"1640995200.0", "1.64099526E9", "time_unit=seconds"},
        {"1640995200000", "1640995260000", "time_unit=milliseconds"},
        {"1640995200000000", "1640995260000000", "time_unit=microseconds"},
        {"1640995200000000000", "1640995260000000000", "time_unit=nanoseconds"},
        {"2022-01-01 00:00:00.000000", "2022-01-01 00:01:00.000000", "time_unit=text"},
        {"2022-01-01T00:00:00Z", "2022-01-01T00:01:00Z", "time_unit=text"},
        {"2022-01-01t00:00z", "2022-01-01t00:01z", "time_unit=text"},
        {"2022-01-01 00:00:00 UTC", "2022-01-01 00:01:00 UTC", "time_unit=text"},
        {"2022-01-01T02:00:00+02:00", "2021-12-31T18:31:00-0530", "time_unit=text"},
        {"2022-01-01T01:00:00.0+01", "2021-12-31 23:01:00.000-01", "time_unit=text"},
        {"2022-01-01", "2022-01-01 00:01", "time_unit=text"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (int given = 0; given < 2; given++) {
            struct reading reading;
            char text[256];
            snprintf(text, sizeof text, HEADER "%s,10,12,9,11,5\n%s,11,12,9,10,5\n", forms[i].first,
                     forms[i].second);
            reading_open(&reading, text, given ? forms[i].unit : NULL, NULL);
            assert_int_equal(reading.count, 2);
            assert_int_equal(reading.bars[0].open_time, START);
            assert_int_equal(reading.bars[1].open_time, START + MINUTE);
            assert_int_equal(reading.info.timeframe, TG_TIMEFRAME_1M);
            reading_close(&reading);
        }
    }
}

static void times_of_the_wrong_unit_are_refused(void **state)
{
    (void)state;
    assert_says(refusal(HEADER TWO_ROWS, strlen(HEADER TWO_ROWS), "time_unit=milliseconds", NULL),
                "no usable row in 3 lines; line 2: time is out of range");
    assert_says(refusal(HEADER TWO_ROWS, strlen(HEADER TWO_ROWS), "time_unit=text", NULL),
                "line 2: time is not readable");
    const char *text = HEADER "2022-01-01 00:00,1,1,1,1,1\n";
    assert_says(refusal(text, strlen(text), "time_unit=seconds", NULL),
                "line 2: time is not readable");
}

static void fractions_of_a_second_are_kept(void **state)
{
    (void)state;
    struct reading reading;
    reading_open(&reading,
                 HEADER "2024-02-29 23:59:59.1234567899,1,1,1,1,1\n1640995200.5,1,1,1,1,1\n"
                        "1640995200123.25,1,1,1,1,1\n",
                 "timeframe=1m", NULL);
    assert_int_equal(reading.count, 3);
    assert_int_equal(reading.bars[0].open_time, INT64_C(1709251199123456789));
    assert_int_equal(reading.bars[1].open_time, START + 500000000);
    assert_int_equal(reading.bars[2].open_time, START + 123250000);
    reading_close(&reading);
}

static void time_may_be_the_end_of_a_bar(void **state)
{
    (void)state;
    struct reading reading;
    reading_open(&reading, HEADER TWO_ROWS, "time_stamp=close", NULL);
    assert_int_equal(reading.info.first_open_time, START - MINUTE);
    assert_int_equal(reading.info.last_open_time, START);
    assert_int_equal(reading.bars[0].open_time, START - MINUTE);
    assert_int_equal(reading.bars[1].open_time, START);
    reading_close(&reading);
    reading_open(&reading, HEADER "1641009599999,1,1,1,1,1\n1641023999999,1,1,1,1,1\n",
                 "time_stamp=close", NULL);
    assert_int_equal(reading.info.timeframe, TG_TIMEFRAME_4H);
    assert_int_equal(reading.bars[0].open_time, START);
    assert_int_equal(reading.info.first_open_time, START);
    assert_int_equal(reading.info.last_open_time, START + 240 * MINUTE);
    reading_close(&reading);
}

static void every_timeframe_is_recognised(void **state)
{
    (void)state;
    static const int seconds[TG_TIMEFRAME_COUNT] = {60, 300, 900, 3600, 14400, 86400};
    for (uint32_t timeframe = 0; timeframe < TG_TIMEFRAME_COUNT; timeframe++) {
        struct reading reading;
        char text[512];
        const long at = 1640995200;
        const long step = seconds[timeframe];
        /* Holes, a duplicate and a row out of order do not disturb. */
        snprintf(text, sizeof text,
                 HEADER "%ld,1,1,1,1,1\n%ld,1,1,1,1,1\n%ld,1,1,1,1,1\n%ld,1,1,1,1,1\n"
                        "%ld,1,1,1,1,1\n%ld,1,1,1,1,1\n",
                 at, at + step, at + step, at + 9 * step, at + 2 * step, at + 3 * step);
        reading_open(&reading, text, NULL, NULL);
        assert_int_equal(reading.info.timeframe, timeframe);
        assert_int_equal(reading.count, 6);
        assert_int_equal(reading.bars[3].open_time, (at + 9 * step) * 1000000000);
        reading_close(&reading);
    }
}

static void distances_are_counted_between_later_rows(void **state)
{
    (void)state;
    struct reading reading;
    /* Rows that repeat say nothing, even when most do. */
    reading_open(&reading,
                 HEADER "1640995200,1,1,1,1,1\n1640995200,1,1,1,1,1\n1640995200,1,1,1,1,1\n"
                        "1640995500,1,1,1,1,1\n1640995500,1,1,1,1,1\n1640995500,1,1,1,1,1\n",
                 NULL, NULL);
    assert_int_equal(reading.info.timeframe, TG_TIMEFRAME_5M);
    assert_int_equal(reading.count, 6);
    reading_close(&reading);
    /* Of two that are equally common, the longer one is a hole. */
    reading_open(&reading,
                 HEADER "1640995200,1,1,1,1,1\n1640995500,1,1,1,1,1\n1640995560,1,1,1,1,1\n", NULL,
                 NULL);
    assert_int_equal(reading.info.timeframe, TG_TIMEFRAME_1M);
    reading_close(&reading);
}

static void odd_distances_are_refused(void **state)
{
    (void)state;
    const char *half = HEADER "1640995200,1,1,1,1,1\n1640995230,1,1,1,1,1\n";
    assert_says(refusal(half, strlen(half), NULL, NULL),
                "most rows are 30 s apart; bars of 1m, 5m");
    assert_says(refusal(half, strlen(half), "timeframe=1m", NULL),
                "most rows are 30 s apart, so they are no bars of the 60 s");
    const char *one = HEADER "1640995200,1,1,1,1,1\n";
    assert_says(refusal(one, strlen(one), NULL, NULL), "the key timeframe must say");
    struct reading reading;
    reading_open(&reading, one, "timeframe=1h", NULL);
    assert_int_equal(reading.count, 1);
    assert_int_equal(reading.info.timeframe, TG_TIMEFRAME_1H);
    reading_close(&reading);
    reading_open(&reading, HEADER "1640995200,1,1,1,1,1\n1640995380,1,1,1,1,1\n", "timeframe=1m",
                 NULL);
    assert_int_equal(reading.info.timeframe, TG_TIMEFRAME_1M);
    reading_close(&reading);
}

static void columns_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words[2];
    } files[] = {
        {"Volume,CLOSE,Low,high,Open,Date\n5,11,9,12,10,2022-01-01\n", {NULL, NULL}},
        {"symbol,unix,date,open,high,low,close,vol,notes\n"
         "\"BTC,USDT\",1640995200,garbage,10,12,9,11,5,\"said \"\"no\"\"; left\"\n",
         {NULL, NULL}},
        {"\"Open time\" ; \"Open\";High;Low;Close;Volume\n 1640995200 ; \"10\";12;9 ;11;5\n",
         {NULL, NULL}},
        {"ts_ms\topen\thigh\tlow\tclose\tvolume\n1640995200000\t10\t12\t9\t11\t5\n", {NULL, NULL}},
        {"when,o,h,l,c,v,trades\n2022-01-01T00:00:00Z,10,12,9,11,5,3\n",
         {"columns=time=WHEN, open=o,high=h,low=l,close=c,volume=v", "format=header"}},
        {"time,open,high,low,close,volume,adjusted close\n1640995200,10,12,9,1,5,11\n",
         {"columns=close=adjusted_close", "separator=comma"}},
        {"time|open;high;low;close;volume;time\n1;12;9;11;5;1640995200\n",
         {"separator=semicolon", "columns=open=high,high=high"}},
        {"\xef\xbb\xbftimestamp,open,high,low,close,volume,\r\n"
         "1640995200,10,12,9,11,5,\r\n\r\n  \t\r\n",
         {NULL, NULL}},
        {"\n\n  \n" HEADER "\n1640995200,+10,1.2e1,90E-1,11.,5.0", {NULL, NULL}},
        {"1640995200;10;12;9;11;5\n", {"format=kraken", NULL}},
        {"\"a,b,c,d,e,f,g,h\";time;open;high;low;close;volume\nx;1640995200;10;12;9;11;5\n",
         {NULL, NULL}},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct reading reading;
        char text[512];
        const char *words[] = {"path=bars.csv", "timeframe=1m", files[i].words[0],
                               files[i].words[0] ? files[i].words[1] : NULL, NULL};
        snprintf(text, sizeof text, "%s", files[i].text);
        file_write(text, strlen(text));
        fake_host_init(&reading.host, "csv", "BTC/USDT");
        void *instance = fake_instance_create(plugin, &reading.host, folder, words);
        reading.count = fake_feed_read_all(plugin, instance, 1, &reading.bars);
        plugin->destroy(instance);
        assert_int_equal(reading.host.refused_total, 0);
        assert_int_equal(reading.count, 1);
        const struct tg_bar *bar = &reading.bars[0];
        assert_int_equal(bar->open_time, START);
        assert_int_equal(bar->open.units, (i == 6 ? 12 : 10) * TG_DECIMAL_ONE);
        assert_int_equal(bar->high.units, 12 * TG_DECIMAL_ONE);
        assert_int_equal(bar->low.units, 9 * TG_DECIMAL_ONE);
        assert_int_equal(bar->close.units, 11 * TG_DECIMAL_ONE);
        assert_int_equal(bar->volume.units, 5 * TG_DECIMAL_ONE);
        reading_close(&reading);
    }
}

static void numbers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t units;
    } numbers[] = {
        {"0.00000001", 1},
        {"0.000000005", 0},
        {"0.0000000050000000000000000000000000001", 1},
        {"0.000000015", 2},
        {"0.000000025", 2},
        {"0.0000000249999999999999999", 2},
        {"0.00000000499999", 0},
        {"1.000000005", 100000000},
        {"46319.123456785", INT64_C(4631912345678)},
        {"46319.123456795", INT64_C(4631912345680)},
        {"12345678901.12345678", INT64_C(1234567890112345678)},
        {"12345678901.123456785", INT64_C(1234567890112345678)},
        {"12345678901.123456775", INT64_C(1234567890112345678)},
        {"12345678901.1234567850001", INT64_C(1234567890112345679)},
        {"90000000000", INT64_C(9000000000000000000)},
        {"9e10", INT64_C(9000000000000000000)},
        {"000000000000000000000000000000000000012.5", 1250000000},
        {"1.5E+3", INT64_C(150000000000)},
        {"15000000000000000000e-15", INT64_C(1500000000000)},
        {"1e-8", 1},
        {"1e-99999999999999999999", 0},
        {"0e99999999999999999999", 0},
        {".5", 50000000},
        {"+7", 700000000},
        {"-0", 0},
        {"999999999999999999e-18", 100000000},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct reading reading;
        char text[256];
        snprintf(text, sizeof text, HEADER "1640995200,1,1,1,1,%s\n", numbers[i].text);
        reading_open(&reading, text, "timeframe=1m", NULL);
        assert_int_equal(reading.count, 1);
        if (reading.bars[0].volume.units != numbers[i].units) {
            fail_msg("%s became %lld", numbers[i].text, (long long)reading.bars[0].volume.units);
        }
        reading_close(&reading);
    }
}

#define TIME "1640995260,"

static const struct {
    const char *row;
    const char *reason;
} refused_rows[] = {
    {TIME "1,1,1,1", "too few columns"},
    {"x", "too few columns"},
    {TIME "46,319,46,319,46,319", "too many columns"},
    {TIME "1,1,1,1,1,,,", NULL},
    {TIME "1,1,1,1,\"1", "quotes are not closed"},
    {TIME "1,1,1,1,\"1\"1", "quotes are not closed"},
    {"timestamp,open,high,low,close,volume", "time is not readable"},
    {",1,1,1,1,1", "time is not readable"},
    {"0x61cf9980,1,1,1,1,1", "time is not readable"},
    {"1640995260s,1,1,1,1,1", "time is not readable"},
    {"nan,1,1,1,1,1", "time is not readable"},
    {"2022-02-29 00:00:00,1,1,1,1,1", "time is not readable"},
    {"2022-13-01 00:00:00,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 24:00:00,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 00:60:00,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 00:00:60,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 00:00:00.,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 00:00:00+,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 00:00:00+1:00,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 00:00:00+01:,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 00:00:00 CET,1,1,1,1,1", "time is not readable"},
    {"2022-01-01x00:00:00,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 0,1,1,1,1,1", "time is not readable"},
    {"2022-01-01 00:,1,1,1,1,1", "time is not readable"},
    {"01/02/2022 00:00,1,1,1,1,1", "time is not readable"},
    {"0,1,1,1,1,1", "time is out of range"},
    {"-1640995260,1,1,1,1,1", "time is out of range"},
    {"16409952600,1,1,1,1,1", "time is out of range"},
    {"99999999999999999999999,1,1,1,1,1", "time is out of range"},
    {"1979-12-31 23:59:59,1,1,1,1,1", "time is out of range"},
    {"2200-01-01 00:00:00,1,1,1,1,1", "time is out of range"},
    {TIME "abc,1,1,1,1", "open is not a number"},
    {TIME "1,0x10,1,1,1", "high is not a number"},
    {TIME "1,1,1.2.3,1,1", "low is not a number"},
    {TIME "1,1,1,,1", "close is not a number"},
    {TIME "1,1,1,1,1e", "volume is not a number"},
    {TIME "1,1,1,1,-", "volume is not a number"},
    {TIME "1,1,1,1,.", "volume is not a number"},
    {TIME "1,1,1,1,1 000", "volume is not a number"},
    {TIME "1,1,1,1,infinit", "volume is not a number"},
    {TIME "NaN,1,1,1,1", "price is not finite"},
    {TIME "1,-inf,1,1,1", "price is not finite"},
    {TIME "1,1,1,+Infinity,1", "price is not finite"},
    {TIME "1,1,1,1,nan", "volume is not finite"},
    {TIME "0,1,1,1,1", "price is zero or negative"},
    {TIME "1,1,-1,1,1", "price is zero or negative"},
    {TIME "1,1,0.000000004,1,1", "price is zero or negative"},
    {TIME "1,1,1,1,-0.00000001", "volume is negative"},
    {TIME "90000000000.00000001,1,1,1,1", "number does not fit"},
    {TIME "1,1,1,1,1e400", "number does not fit"},
    {TIME "1,1,1,1,99999999999999999999", "number does not fit"},
    {TIME "1,1,1,1,9999999999999999999", "number does not fit"},
    {TIME "10,9,11,10,1", "high is below low"},
    {TIME "13,12,9,10,1", "open is not between low and high"},
    {TIME "8,12,9,10,1", "open is not between low and high"},
    {TIME "10,12,9,13,1", "close is not between low and high"},
    {TIME "10,12,9,8,1", "close is not between low and high"},
};

static void every_reason_is_given(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused_rows / sizeof *refused_rows; i++) {
        struct reading reading;
        char text[512];
        snprintf(text, sizeof text, HEADER "1640995200,10,12,9,11,5\n%s\n1640995320,11,12,9,10,5\n",
                 refused_rows[i].row);
        reading_open(&reading, text, "timeframe=1m", NULL);
        const char *reason = reading.host.refusal_count ? reading.host.refusals[0].reason : "none";
        if (strcmp(reason, refused_rows[i].reason ? refused_rows[i].reason : "none") != 0) {
            fail_msg("%s: refused because: %s", refused_rows[i].row, reason);
        }
        assert_int_equal(reading.host.refused_total, refused_rows[i].reason ? 1 : 0);
        assert_int_equal(fake_host_refused_line(&reading.host, reason),
                         refused_rows[i].reason ? 3 : 0);
        assert_int_equal(reading.count, refused_rows[i].reason ? 2 : 3);
        assert_int_equal(reading.bars[reading.count - 1].open_time, START + 2 * MINUTE);
        reading_close(&reading);
    }
}

static void refused_rows_are_counted_once(void **state)
{
    (void)state;
    struct reading reading;
    reading_open(&reading,
                 HEADER "x,1,1,1,1,1\n1640995200,10,12,9,11,5\n\n1640995260,11,12,9,nan,5\n"
                        "1640995260,11,12,9,10,5\ny,1,1,1,1,1",
                 NULL, NULL);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.host.refused_total, 3);
    assert_int_equal(fake_host_refused(&reading.host, "time is not readable"), 2);
    assert_int_equal(fake_host_refused_line(&reading.host, "time is not readable"), 2);
    assert_int_equal(fake_host_refused_line(&reading.host, "price is not finite"), 5);
    assert_int_equal(reading.info.last_open_time, START + MINUTE);
    reading_close(&reading);
}

static void a_piece_of_a_row_is_not_the_last_row(void **state)
{
    (void)state;
    enum { TAIL = 4 * 4096, FILLING = 2 * 8181 + 1 }; /* what is looked at for the last row */
    struct reading reading;
    const char *start = HEADER TWO_ROWS "x";
    const char *piece = "1640995320,1,1,1,1,1\n";
    char *text = malloc(strlen(start) + TAIL + 1);
    assert_non_null(text);
    assert_int_equal(strlen(piece) + FILLING, TAIL);
    size_t used = (size_t)snprintf(text, 256, "%s%s\n", start, piece);
    for (int i = 0; i < FILLING / 2; i++) {
        text[used++] = 'x';
        text[used++] = '\n';
    }
    text[used] = '\0';
    reading_open(&reading, text, NULL, NULL);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.info.last_open_time, 0);
    reading_close(&reading);
    free(text);
}

/* A line of `length` bytes between two good rows; what the plugin makes of it. */
static void line_of_length(size_t length, char filling, size_t refused, const char *reason)
{
    const char *words[] = {"path=bars.csv", "timeframe=1m", NULL};
    struct fake_host host;
    const size_t size = strlen(HEADER TWO_ROWS) + length + 64;
    char *text = malloc(size);
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, size, HEADER "1640995200,10,12,9,11,5\n");
    memset(text + used, filling, length);
    used += length;
    used += (size_t)snprintf(text + used, size - used, "\n1640995260,11,12,9,10,5\n");
    file_write(text, used);
    free(text);
    fake_host_init(&host, "csv", "BTC/USDT");
    void *instance = fake_instance_create(plugin, &host, folder, words);
    assert_int_equal(fake_feed_read_all(plugin, instance, 5, NULL), 2);
    assert_int_equal(host.refused_total, refused);
    assert_int_equal(fake_host_refused_line(&host, reason), refused ? 3 : 0);
    plugin->destroy(instance);
    fake_host_fini(&host);
}

static void long_lines_are_refused_and_left_behind(void **state)
{
    (void)state;
    line_of_length(4096, 'x', 1, "too few columns");
    line_of_length(4097, 'x', 1, "line is longer than 4096 bytes");
    line_of_length(4098, ',', 1, "line is longer than 4096 bytes");
    line_of_length(4099, 'x', 1, "line is longer than 4096 bytes");
    line_of_length(1 << 18, 'x', 1, "line is longer than 4096 bytes");
    line_of_length((1 << 18) - 100, 'x', 1, "line is longer than 4096 bytes");
    line_of_length(5000000, 'x', 1, "line is longer than 4096 bytes");
    line_of_length(4096, ' ', 0, "");
}

static void lines_across_chunks_stay_whole(void **state)
{
    (void)state;
    const char *words[] = {"path=bars.csv", NULL};
    enum { ROWS = 100000 };
    struct fake_host host;
    struct tg_bar *bars = NULL;
    char *text = malloc((size_t)ROWS * 48);
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, 48, "%s", HEADER);
    for (int i = 0; i < ROWS; i++) {
        used += (size_t)snprintf(text + used, 48, "%ld,%d.25,%d.5,1,%d,%d\r\n",
                                 1640995200L + 60L * i, i + 1, i + 1, i + 1, i);
    }
    file_write(text, used);
    free(text);
    fake_host_init(&host, "csv", "BTC/USDT");
    void *instance = fake_instance_create(plugin, &host, folder, words);
    assert_int_equal(fake_feed_read_all(plugin, instance, 1000, &bars), ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(bars[i].open_time, START + i * MINUTE);
        assert_int_equal(bars[i].open.units, (i + 1) * TG_DECIMAL_ONE + 25000000);
        assert_int_equal(bars[i].volume.units, i * TG_DECIMAL_ONE);
    }
    assert_int_equal(host.refused_total, 0);
    free(bars);
    plugin->destroy(instance);
    fake_host_fini(&host);
}

static void nul_bytes(void **state)
{
    (void)state;
    static const char early[] = HEADER "1640995200,10\0,12,9,11,5\n";
    assert_says(refusal(early, sizeof early - 1, NULL, NULL), "is not a text file");

    enum { ROWS = 400 };
    const char *words[] = {"path=bars.csv", NULL};
    char text[ROWS * 32];
    struct fake_host host;
    size_t used = (size_t)snprintf(text, sizeof text, HEADER);
    for (int i = 0; i < ROWS; i++) {
        used += (size_t)snprintf(text + used, 32, "%ld,1,1,1,1,1\n", 1640995200L + 60L * i);
    }
    text[used - 5] = '\0';
    file_write(text, used);
    fake_host_init(&host, "csv", "BTC/USDT");
    void *instance = fake_instance_create(plugin, &host, folder, words);
    assert_int_equal(fake_feed_read_all(plugin, instance, 64, NULL), ROWS - 1);
    assert_int_equal(fake_host_refused_line(&host, "row holds a NUL byte"), ROWS + 1);
    plugin->destroy(instance);
    fake_host_fini(&host);
}

static void wrong_headers_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *word;
        const char *says;
    } files[] = {
        {"date,open,high,low,close\n", NULL,
         "bars.csv:1: no column for volume; found: date, open, high, low, close."},
        {"a;b;c\n", NULL, "no column for time, open, high, low, close, volume; found: a, b, c."},
        {"\n\ncaf\xc3\xa9,\x01\n", NULL, "bars.csv:3: no column for time"},
        {"\n\ncaf\xc3\xa9,\x01\n", NULL, "found: caf.., .."},
        {"time,open,open,high,low,close,volume\n", NULL, "several columns could be open"},
        {HEADER, "columns=open=first", "no column for open; found: timestamp, open"},
        {HEADER, "columns=opne=first", "columns: \"opne=first\" is not NAME=COLUMN"},
        {HEADER, "columns=open", "columns: \"open\" is not NAME=COLUMN"},
        {HEADER, "columns=open=", "columns: open= names no column"},
        {HEADER, NULL, "has no rows"},
        {HEADER "a,1,1,1,1,1\nb,1,1,1,1,1\n", NULL,
         "no usable row in 3 lines; line 2: time is not readable"},
        {"1640995200,1,1,1,1,1\n", "columns=open=o", "has no names"},
        {"1640995200,1,1,1,1\n", NULL, "5 columns without names"},
        {"1640995200,1,1,1,1\n", "format=header", "no column for time"},
        {"\"a,b\n", NULL, "quotes are not closed"},
        {" \n\r\n\n", NULL, "has only blank lines"},
        {"", NULL, "is empty"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_says(refusal(files[i].text, strlen(files[i].text), files[i].word, NULL),
                    files[i].says);
    }
    char wide[256];
    memset(wide, ',', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    assert_says(refusal(wide, strlen(wide), NULL, NULL), "has 256 columns, at most 64 are read");
    char *endless = malloc(9000);
    assert_non_null(endless);
    memset(endless, 'x', 9000);
    assert_says(refusal(endless, 9000, NULL, NULL), "bars.csv:1: line is longer than 4096 bytes");
    free(endless);
}

static void path_refused(const char *path, int32_t code, const char *says)
{
    const char *words[] = {path, NULL};
    char message[256];
    struct fake_host host;
    fake_host_init(&host, "csv", "BTC/USDT");
    assert_int_equal(fake_instance_refused(plugin, &host, folder, words, message, sizeof message),
                     code);
    assert_says(message, says);
    fake_host_fini(&host);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    char path[64];
    path_refused("path=missing.csv", TG_E_NOT_FOUND, "/missing.csv: there is no such file");
    path_refused("path=bars.csv/x", TG_E_NOT_FOUND, "there is no such file");
    path_refused("path=.", TG_E_INVALID, "is a folder");
    path_refused("path=", TG_E_INVALID, "path: is empty");
    path_refused("path=/dev/null", TG_E_INVALID, "/dev/null: is not a regular file");
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    path_refused("path=pipe", TG_E_INVALID, "is not a regular file");
    unlink(path);
    if (geteuid() != 0) {
        file_write(HEADER TWO_ROWS, strlen(HEADER TWO_ROWS));
        snprintf(path, sizeof path, "%s/bars.csv", folder);
        chmod(path, 0);
        path_refused("path=bars.csv", TG_E_REFUSED, "this user may not read it");
        chmod(path, 0600);
    }
    char *long_path = malloc(6000);
    assert_non_null(long_path);
    memset(long_path, 'a', 5999);
    memcpy(long_path, "path=", 5);
    long_path[5999] = '\0';
    path_refused(long_path, TG_E_RANGE, "at most 4095 are allowed");
    free(long_path);
    path_refused("path=a/rather/long/way/down/to/a/file/of/bars/that/nobody/has/ever/recorded/and/"
                 "whose/name/does/not/fit/into/the/sentence.csv",
                 TG_E_NOT_FOUND, "...");
}

static void absolute_paths_stand_alone(void **state)
{
    (void)state;
    char path[80];
    struct fake_host host;
    snprintf(path, sizeof path, "path=%s/bars.csv", folder);
    const char *words[] = {path, NULL};
    file_write(HEADER TWO_ROWS, strlen(HEADER TWO_ROWS));
    fake_host_init(&host, "csv", "BTC/USDT");
    void *instance = fake_instance_create(plugin, &host, "/nowhere", words);
    assert_int_equal(fake_feed_read_all(plugin, instance, 5, NULL), 2);
    assert_int_equal(fake_feed_read_all(plugin, instance, 5, NULL), 0); /* the end stays the end */
    plugin->destroy(instance);
    fake_host_fini(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptor_is_in_order),
        cmocka_unit_test(recorded_data_is_read_whole),
        cmocka_unit_test(recorded_trades_are_no_bars),
        cmocka_unit_test(kraken_download),
        cmocka_unit_test(times_in_every_form),
        cmocka_unit_test(times_of_the_wrong_unit_are_refused),
        cmocka_unit_test(fractions_of_a_second_are_kept),
        cmocka_unit_test(time_may_be_the_end_of_a_bar),
        cmocka_unit_test(every_timeframe_is_recognised),
        cmocka_unit_test(distances_are_counted_between_later_rows),
        cmocka_unit_test(odd_distances_are_refused),
        cmocka_unit_test(columns_by_name),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(every_reason_is_given),
        cmocka_unit_test(refused_rows_are_counted_once),
        cmocka_unit_test(a_piece_of_a_row_is_not_the_last_row),
        cmocka_unit_test(long_lines_are_refused_and_left_behind),
        cmocka_unit_test(lines_across_chunks_stay_whole),
        cmocka_unit_test(nul_bytes),
        cmocka_unit_test(wrong_headers_are_explained),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(absolute_paths_stand_alone),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
