/*
 * Starting the program, waiting for it within a limit, and reading its results.
 *
 * Standard output and standard error are pipes that one poll loop empties, so that a program that
 * says much never waits for the test. Everything a test holds is freed by it; texts of scratch(),
 * project(), built() and text_of() live in a small ring.
 */
#include "harness.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RING_SIZE   64
#define TEXT_SIZE   4096
#define SIGNAL_BASE 1000

static char scratch_folder[PATH_SIZE];

static double seconds_now(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const char *text_of(const char *format, ...)
{
    static char ring[RING_SIZE][TEXT_SIZE];
    static unsigned next;
    char *text = ring[next++ % RING_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, TEXT_SIZE, format, arguments);
    va_end(arguments);
    assert_in_range(length, 0, TEXT_SIZE - 1);
    return text;
}

/* ---- one process ---- */

struct stream {
    int file;
    char *data;
    size_t length, capacity;
};

/* False: the other side has closed it. */
static bool take(struct stream *stream)
{
    if (stream->capacity - stream->length < 65536) {
        stream->capacity = stream->capacity * 2 + 131072;
        stream->data = realloc(stream->data, stream->capacity);
        assert_non_null(stream->data);
    }
    ssize_t got =
        read(stream->file, stream->data + stream->length, stream->capacity - stream->length - 1);
    assert_true(got >= 0 || errno == EINTR);
    if (got > 0)
        stream->length += (size_t)got;
    stream->data[stream->length] = '\0';
    if (got != 0)
        return true;
    (void)close(stream->file);
    stream->file = -1;
    return false;
}

static pid_t start(const char *const *arguments, int *out, int *err)
{
    const char *argv[RUN_ARGUMENTS_MAX + 2];
    size_t count = 0;
    int out_pipe[2];
    int err_pipe[2];
    argv[count++] = built("triplegain");
    while (*arguments != NULL && count <= RUN_ARGUMENTS_MAX)
        argv[count++] = *arguments++;
    assert_null(*arguments);
    argv[count] = NULL;
    assert_int_equal(pipe2(out_pipe, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err_pipe, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        union {
            const char **borrowed;
            char **given;
        } words = {.borrowed = argv}; /* execv takes char *const[] and changes nothing */
        if (dup2(open("/dev/null", O_RDONLY), 0) < 0 || dup2(out_pipe[1], 1) < 0 ||
            dup2(err_pipe[1], 2) < 0)
            _exit(126);
        (void)execv(argv[0], words.given);
        _exit(127);
    }
    (void)close(out_pipe[1]);
    (void)close(err_pipe[1]);
    *out = out_pipe[0];
    *err = err_pipe[0];
    return child;
}

static void supervise(struct run *run, const char *const *arguments, const char *interrupt_at)
{
    struct stream out = {.file = -1};
    struct stream err = {.file = -1};
    double began = seconds_now();
    double interrupted = 0.0;
    bool too_late = false;
    int status;
    pid_t child = start(arguments, &out.file, &err.file);
    while (out.file >= 0 || err.file >= 0) {
        struct pollfd files[2] = {{.fd = out.file, .events = POLLIN},
                                  {.fd = err.file, .events = POLLIN}};
        int left_ms = (int)((began + RUN_LIMIT_SECONDS - seconds_now()) * 1000.0);
        if (left_ms <= 0 && !too_late) {
            too_late = true;
            (void)kill(child, SIGKILL);
        }
        (void)poll(files, 2, left_ms > 0 ? left_ms : 1000);
        if (files[0].revents != 0)
            (void)take(&out);
        if (files[1].revents != 0)
            (void)take(&err);
        if (interrupt_at != NULL && interrupted <= 0.0 && err.data != NULL &&
            strstr(err.data, interrupt_at) != NULL) {
            interrupted = seconds_now();
            assert_int_equal(kill(child, SIGINT), 0);
        }
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    double ended = seconds_now();
    *run = (struct run){.status = WIFEXITED(status) ? WEXITSTATUS(status)
                                                    : SIGNAL_BASE + WTERMSIG(status),
                        .out = out.data,
                        .err = err.data,
                        .out_length = out.length,
                        .err_length = err.length,
                        .seconds = ended - began,
                        .seconds_to_stop = ended - interrupted};
    if (too_late)
        fail_msg("the program did not end within %d seconds; it said: %s", RUN_LIMIT_SECONDS,
                 run->err);
    if (interrupt_at != NULL && interrupted <= 0.0)
        fail_msg("the program ended before it said \"%s\"; it said: %s", interrupt_at, run->err);
}

void run_arguments(struct run *run, const char *const *arguments)
{
    supervise(run, arguments, NULL);
}

void run_and_interrupt(struct run *run, const char *text, const char *const *arguments)
{
    supervise(run, arguments, text);
}

void run_program(struct run *run, ...)
{
    const char *arguments[RUN_ARGUMENTS_MAX + 1];
    size_t count = 0;
    va_list list;
    va_start(list, run);
    do {
        assert_true(count <= RUN_ARGUMENTS_MAX);
        arguments[count] = va_arg(list, const char *);
    } while (arguments[count++] != NULL);
    va_end(list);
    supervise(run, arguments, NULL);
}

void run_free(struct run *run)
{
    free(run->out);
    free(run->err);
    *run = (struct run){.status = -1};
}

void assert_holds(const char *text, const char *word)
{
    if (strstr(text, word) == NULL)
        fail_msg("\"%s\" is not in: %s", word, text);
}

void assert_lacks(const char *text, const char *word)
{
    if (strstr(text, word) != NULL)
        fail_msg("\"%s\" should not be in: %s", word, text);
}

void assert_refused(const struct run *run, int status, ...)
{
    static const char name[] = "triplegain: ";
    const char *word;
    va_list words;
    if (run->status != status)
        fail_msg("exit status %d instead of %d; it said: %s", run->status, status, run->err);
    if (run->out_length != 0)
        fail_msg("a refused run printed: %.400s", run->out);
    if (strncmp(run->err, name, sizeof(name) - 1) != 0 ||
        strchr(run->err, '\n') != run->err + run->err_length - 1)
        fail_msg("this is not one sentence of triplegain: %s", run->err);
    va_start(words, status);
    while ((word = va_arg(words, const char *)) != NULL)
        assert_holds(run->err, word);
    va_end(words);
}

void assert_done(const struct run *run)
{
    if (run->status != 0)
        fail_msg("exit status %d; it said: %s", run->status, run->err);
}

/* ---- its results ---- */

static struct json_value *parse(const char *text, size_t length, const char *what)
{
    struct json_value *root = NULL;
    struct tg_error error = {0};
    if (json_parse(text, length, &root, &error) != 0)
        fail_msg("%s is no JSON: %s", what, error.message);
    return root;
}

struct json_value *result_of(const struct run *run)
{
    assert_done(run);
    return parse(run->out, run->out_length, "the result");
}

struct json_value *replay(const char *const *arguments)
{
    const char *all[RUN_ARGUMENTS_MAX + 1] = {"replay", "--json"};
    size_t count = 2;
    struct run run;
    while (*arguments != NULL && count < RUN_ARGUMENTS_MAX)
        all[count++] = *arguments++;
    assert_null(*arguments);
    all[count] = NULL;
    run_arguments(&run, all);
    struct json_value *root = result_of(&run);
    run_free(&run);
    return root;
}

/* A name of a path stands up to the next dot; symbols have none. */
const struct json_value *at(const struct json_value *root, const char *path)
{
    const struct json_value *value = root;
    for (const char *name = path; value != NULL && *name != '\0';) {
        char part[64];
        size_t length = strcspn(name, ".");
        assert_true(length < sizeof(part));
        memcpy(part, name, length);
        part[length] = '\0';
        value = json_kind_of(value) == JSON_ARRAY ? json_item(value, strtoul(part, NULL, 10))
                                                  : json_member(value, part);
        name += length + (name[length] == '.');
    }
    if (value == NULL)
        fail_msg("there is no %s", path);
    return value;
}

int64_t whole_at(const struct json_value *root, const char *path)
{
    const struct json_value *value = at(root, path);
    if (!json_is_whole(value))
        fail_msg("%s is no whole number", path);
    return json_whole(value);
}

const char *text_at(const struct json_value *root, const char *path)
{
    const char *text = json_string(at(root, path));
    if (text == NULL)
        fail_msg("%s is no text", path);
    return text;
}

struct tg_decimal decimal_at(const struct json_value *root, const char *path)
{
    const char *text = text_at(root, path);
    struct tg_decimal amount;
    if (tg_decimal_parse(text, strlen(text), &amount) != 0)
        fail_msg("%s is no amount: %s", path, text);
    return amount;
}

int64_t sum_at(const struct json_value *root, const char *path)
{
    const struct json_value *object = at(root, path);
    const char *key;
    int64_t sum = 0;
    for (size_t i = 0; i < json_count(object); i++)
        sum += json_whole(json_member_at(object, i, &key));
    return sum;
}

void assert_money_adds_up(const struct json_value *result)
{
    bool overflow = false;
    struct tg_decimal sum = decimal_at(result, "start_equity");
    sum = tg_decimal_add(sum, decimal_at(result, "realised_pnl"), &overflow);
    sum = tg_decimal_add(sum, decimal_at(result, "unrealised_pnl"), &overflow);
    sum = tg_decimal_subtract(sum, decimal_at(result, "fees"), &overflow);
    assert_false(overflow);
    assert_int_equal(sum.units, decimal_at(result, "final_equity").units);
}

void decisions_read(struct decisions *decisions, const char *path)
{
    size_t length;
    char *text = read_file(path, &length);
    size_t lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    *decisions = (struct decisions){.items = calloc(lines + 1, sizeof(decisions->items[0]))};
    assert_non_null(decisions->items);
    for (char *line = text; decisions->count < lines;) {
        char *end = strchr(line, '\n');
        decisions->items[decisions->count++] = parse(line, (size_t)(end - line), "a decision");
        line = end + 1;
    }
    assert_true(length == 0 || text[length - 1] == '\n');
    free(text);
}

void decisions_free(struct decisions *decisions)
{
    for (size_t i = 0; i < decisions->count; i++)
        json_free(decisions->items[i]);
    free(decisions->items);
}

const struct json_value *decision_with(const struct decisions *decisions, size_t from,
                                       const char *outcome)
{
    for (size_t i = from; i < decisions->count; i++)
        if (strcmp(text_at(decisions->items[i], "outcome"), outcome) == 0)
            return decisions->items[i];
    return NULL;
}

const struct json_value *step_of(const struct json_value *decision, const char *step)
{
    const struct json_value *steps = at(decision, "steps");
    for (size_t i = 0; i < json_count(steps); i++)
        if (strcmp(text_at(json_item(steps, i), "step"), step) == 0)
            return json_item(steps, i);
    return NULL;
}

/* ---- files ---- */

const char *scratch(const char *name)
{
    return text_of("%s/%s", scratch_folder, name);
}

const char *project(const char *name)
{
    return text_of("%s/%s", SCENARIO_PROJECT, name);
}

const char *built(const char *name)
{
    return text_of("%s/%s", SCENARIO_BUILD, name);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

const char *shared_file(const char *name)
{
    const char *folder = getenv("TRIPLEGAIN_SHARED");
    const char *path = folder != NULL && folder[0] != '\0' ? text_of("%s/%s", folder, name)
                                                           : project(text_of("../shared/%s", name));
    if (!file_exists(path)) {
        print_message("skipped: there is no %s\n", path);
        skip();
    }
    return path;
}

void write_file(const char *path, const char *format, ...)
{
    va_list arguments;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(file >= 0);
    va_start(arguments, format);
    assert_true(vdprintf(file, format, arguments) >= 0);
    va_end(arguments);
    assert_int_equal(close(file), 0);
}

char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("%s cannot be read: %s", path, strerror(errno));
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    *length = fread(text, 1, (size_t)size, file);
    text[*length] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

void copy_policies(const char *folder)
{
    DIR *scripts = opendir(project("scripts"));
    const struct dirent *entry;
    assert_non_null(scripts);
    assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
    while ((entry = readdir(scripts)) != NULL) {
        size_t length;
        if (strstr(entry->d_name, ".lua") == NULL)
            continue;
        char *text = read_file(project(text_of("scripts/%s", entry->d_name)), &length);
        write_file(text_of("%s/%s", folder, entry->d_name), "%s", text);
        free(text);
    }
    assert_int_equal(closedir(scripts), 0);
}

int64_t parse_time(const char *text)
{
    int64_t time;
    if (tg_time_parse(text, strlen(text), &time) != 0)
        fail_msg("%s is no time", text);
    return time;
}

/* ---- a market made for a test ---- */

static void put_bar(FILE *file, int minute, double open, double high, double low, double close)
{
    (void)fprintf(file, "2024-01-%02d %02d:%02d:00,%.2f,%.2f,%.2f,%.2f,1000\n", 1 + minute / 1440,
                  minute / 60 % 24, minute % 60, open, high, low, close);
}

void write_market(const char *path, int minutes, const struct happening *happenings, size_t count)
{
    FILE *file = fopen(path, "we");
    double price = 100.0;
    size_t next = 0;
    assert_non_null(file);
    (void)fprintf(file, "time,open,high,low,close,volume\n");
    for (int minute = 0; minute < minutes; minute++) {
        const struct happening *now = next < count ? &happenings[next] : NULL;
        if (now == NULL || now->minute != minute) {
            put_bar(file, minute, price, price, price, price);
            continue;
        }
        next++;
        if (now->missing > 0) {
            minute += now->missing - 1;
        } else {
            put_bar(file, minute, now->open, now->high, now->low, now->close);
            price = now->close;
        }
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(next, count);
}

const char *scripted_configuration(const char *script)
{
    const char *path = scratch("scripted.yaml");
    write_file(path,
               "include:\n  - %s\n  - %s\n"
               "policy:\n  folder: %s\n"
               "plugins:\n  folders: [%s]\n"
               "agents:\n  scripted:\n    config:\n      script: \"%s\"\n"
               "tasks:\n  script:\n    agent: scripted\n    interval_seconds: 60\n"
               "venue:\n  config:\n    slippage_pct: 0\n",
               project("config/symbols.yaml"), project("config/risk.yaml"), project("scripts"),
               built("tests/agents"), script);
    return path;
}

/* ---- the program of a test ---- */

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    char inside[PATH_SIZE];
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name) >= PATH_SIZE)
            continue;
        if (unlink(inside) != 0)
            remove_folder(inside);
    }
    if (folder != NULL)
        (void)closedir(folder);
    (void)rmdir(path);
}

int scenario_main(const char *name, const struct CMUnitTest *tests, size_t count)
{
    (void)snprintf(scratch_folder, sizeof(scratch_folder), "%s/tests/scenario-XXXXXX",
                   SCENARIO_BUILD);
    (void)umask(022);
    (void)signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(scratch_folder) == NULL || chdir(SCENARIO_PROJECT) != 0) {
        (void)fprintf(stderr, "%s: no scratch folder %s: %s\n", name, scratch_folder,
                      strerror(errno));
        return 1;
    }
    int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    remove_folder(scratch_folder);
    return failed;
}
