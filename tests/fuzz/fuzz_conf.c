/*
 * Configuration files from anybody: whatever the bytes, loading ends with values that can all be
 * read, or with one sentence. The file lies in memory; a first line "#! path=text" is given to the
 * configuration as the command line would.
 */
#include "base/buffer.h"
#include "base/check.h"
#include "base/text.h"
#include "conf/conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_SIZE 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit_value(void *context, const char *path, const struct conf_key *key,
                        const char *text)
{
    const struct conf *conf = context;
    switch (key->type) {
    case CONF_WHOLE:
        TG_BUG_IF((double)conf_whole(conf, path) < key->minimum);
        break;
    case CONF_REAL:
        TG_BUG_IF(!(conf_real(conf, path) <= key->maximum));
        break;
    case CONF_DECIMAL:
        (void)conf_decimal(conf, path);
        break;
    case CONF_FLAG:
        (void)conf_flag(conf, path);
        break;
    case CONF_TEXT:
    case CONF_CHOICE:
        TG_BUG_IF(!tg_text_equal(conf_text(conf, path), text));
        break;
    case CONF_TEXT_LIST:
        TG_BUG_IF(conf_list_at(conf, path, conf_list_count(conf, path)) != NULL);
        break;
    }
    TG_BUG_IF(conf_where(conf, path) == NULL);
}

/* "#! path=text" at the start. */
static void override(struct conf *conf, const uint8_t *data, size_t size)
{
    char line[LINE_MAX_SIZE];
    size_t length = 0;
    struct tg_error error = {0};
    if (size < 3 || memcmp(data, "#! ", 3) != 0)
        return;
    while (3 + length < size && data[3 + length] != '\n')
        length++;
    if (!tg_text_copy_slice(line, sizeof(line), (const char *)data + 3, length))
        return;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return;
    *equals = '\0';
    int code = conf_override(conf, line, equals + 1, &error);
    TG_BUG_IF(code != 0 && error.message[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct conf *conf = NULL;
    struct tg_error error = {0};
    int file = memfd_create("configuration", MFD_CLOEXEC);
    TG_BUG_IF(file < 0 || fchmod(file, 0600) != 0);
    TG_BUG_IF(write(file, data, size) != (ssize_t)size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    int code = conf_load(path, &conf, &error);
    TG_BUG_IF((code == 0) != (conf != NULL));
    TG_BUG_IF(code != 0 && error.message[0] == '\0');
    if (code == 0) {
        override(conf, data, size);
        conf_each(conf, "", visit_value, conf);
        conf_free(conf);
    }
    (void)close(file);
    return 0;
}
