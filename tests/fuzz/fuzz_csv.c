/*
 * fuzz_csv.c: any bytes as a file of bars.
 *
 * The first bytes choose the configuration, the rest is the file, kept in memory. Whatever it
 * holds: creation succeeds or says why not, every bar delivered is one that may be traded on, and
 * reading in other steps gives the same bars.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <triplegain/triplegain.h>

#define KEYS      7
#define HEAD_SIZE 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void row_refused(void *context, const char *reason, uint64_t line)
{
    uint64_t *total = context;
    if (!reason[0] || line == 0) {
        abort();
    }
    (*total)++;
}

static void bar_check(const struct tg_bar *bar)
{
    if (bar->low.units <= 0 || bar->open.units < bar->low.units ||
        bar->close.units < bar->low.units || bar->open.units > bar->high.units ||
        bar->close.units > bar->high.units || bar->volume.units < 0 || bar->open_time < 0) {
        abort();
    }
}

/* Reads to the end; a digest of all bars. */
static uint64_t read_all(const struct tg_config *config, uint32_t capacity)
{
    const struct tg_plugin *plugin = &triplegain_plugin_1;
    struct tg_failure failure = {.size = sizeof failure};
    struct tg_feed_info info = {.size = sizeof info};
    struct tg_bar bars[64];
    uint64_t refused = 0;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    void *instance = NULL;
    const struct tg_host host = {
        .size = sizeof host, .context = &refused, .symbol = "", .row_refused = row_refused};
    if (plugin->create(&host, config, &instance, &failure) != TG_E_OK) {
        if (failure.code >= 0 || !failure.message[0] || instance) {
            abort();
        }
        return 0;
    }
    if (plugin->feed->describe(instance, &info, &failure) != TG_E_OK ||
        info.timeframe >= TG_TIMEFRAME_COUNT) {
        abort();
    }
    uint32_t count = 0;
    do {
        if (plugin->feed->read(instance, bars, capacity, &count, &failure) != TG_E_OK) {
            abort();
        }
        for (uint32_t i = 0; i < count; i++) {
            bar_check(&bars[i]);
            hash = (hash ^ (uint64_t)bars[i].open_time) * UINT64_C(0x100000001b3);
            hash = (hash ^ (uint64_t)bars[i].close.units) * UINT64_C(0x100000001b3);
        }
    } while (count > 0);
    plugin->destroy(instance);
    return hash ^ refused;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    char path[64];
    if (size < HEAD_SIZE) {
        return 0;
    }
    if (file < 0) {
        file = memfd_create("bars", MFD_CLOEXEC);
    }
    if (file < 0 || ftruncate(file, 0) != 0 ||
        pwrite(file, data + HEAD_SIZE, size - HEAD_SIZE, 0) != (ssize_t)(size - HEAD_SIZE)) {
        abort();
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const struct tg_config_value values[KEYS] = {
        {.text = path},
        {.text = "", .whole = data[0] % 3},
        {.text = data[1] % 4 ? "" : "open=o,time = t ,volume=base volume"},
        {.text = "", .whole = data[2] % 4},
        {.text = "", .whole = data[3] % 6},
        {.text = "", .whole = data[4] % 2},
        {.text = "", .whole = data[5] % (1 + TG_TIMEFRAME_COUNT)},
    };
    const struct tg_config config = {
        .size = sizeof config, .count = KEYS, .values = values, .folder = "."};
    if (read_all(&config, 64) != read_all(&config, 1)) {
        abort();
    }
    return 0;
}
