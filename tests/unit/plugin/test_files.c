/* Which files and folders are refused, each with its whole sentence, and what stays found. */
#include "plugin_world.h"

#include <elf.h>
#include <ftw.h>
#include <sys/stat.h>

/* ---- a folder of the test's own ---- */

static char scratch_folder[64];

static int make_scratch(void **state)
{
    (void)state;
    (void)snprintf(scratch_folder, sizeof(scratch_folder), "/tmp/test_files_XXXXXX");
    return mkdtemp(scratch_folder) == NULL || chmod(scratch_folder, 0755) != 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static int remove_scratch(void **state)
{
    (void)state;
    return nftw(scratch_folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Valid for four calls. */
static const char *scratch(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", scratch_folder, name);
    return path;
}

static unsigned char *bytes_of(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    (void)fclose(file);
    return bytes;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

static void copy_zoo(const char *name, const char *path)
{
    size_t size;
    unsigned char *bytes = bytes_of(zoo_file(name), &size);
    write_bytes(path, bytes, size);
    free(bytes);
}

/* ---- refusals ---- */

/* The path and the sentence, as the only file of the host. */
static void assert_refusal(struct world *world, const char *path, const char *sentence)
{
    char expected[PLUGIN_REFUSAL_SIZE];
    const struct plugin_file *file = plugin_file_at(world->host, 0);
    assert_int_equal(plugin_file_count(world->host), 1);
    (void)snprintf(expected, sizeof(expected), "%s: %s", path, sentence);
    assert_null(file->descriptor);
    assert_string_equal(file->path, path);
    assert_string_equal(file->refusal, expected);
}

static void test_zoo_is_refused(void **state)
{
    static const struct {
        const char *name, *sentence;
    } cases[] = {
        {"not_elf", "is no shared object"},
        {"empty", "is empty"},
        {"truncated", "is cut off or damaged"},
        {"missing_symbol", "has no symbol triplegain_plugin_1, so it is no plugin"},
        {"other_major", "is made for plugin interface 2; this program has 1"},
        {"two_exports", "exports triplegain_plugin_2 besides triplegain_plugin_1"},
        {"function_symbol", "triplegain_plugin_1 is no constant data"},
        {"tiny_symbol", "triplegain_plugin_1 has 8 bytes, at least 168 are needed"},
        {"wrong_magic", "its descriptor does not begin with TG_ABI_MAGIC"},
        {"short_size", "its descriptor has 64 bytes, at least 168 are needed"},
        {"newer_minor", "needs plugin interface 1.1; this program has 1.0"},
        {"wrong_fingerprint",
         "was compiled with another triplegain.h; compile it again with this program's"},
        {"bad_kind", "its kind is 9; known are 1 (agent) to 4 (service)"},
        {"bad_name", "its name is not 1 to 63 of a-z 0-9 _"},
        {"missing_run", "has no function run"},
        {"unknown_topic", "publishes ta_signal, which is no topic (is it ta_signals?); own topics "
                          "are x.unknown_topic.<name>"},
        {"forbidden_topic", "publishes execution_events, which is not for a plugin of kind agent"},
        {"bad_default", "the default of configuration key period: 500 is out of range (2 to 200)"},
        {"undefined_symbol", "cannot be loaded: undefined symbol: nowhere_to_be_found"},
        {"crashes_on_load", "crashes while it is loaded (Aborted)"},
        {"exits_on_load", "ends the process while it is loaded"},
        {"hangs_on_load", "is not loaded within 2 s"},
    };
    (void)state;
    assert_int_equal(sizeof(struct tg_plugin), 168);
    for (size_t i = 0; i < ARRAY_END(cases); i++) {
        struct world world;
        world_open(&world, 0);
        world_scan(&world, cases[i].name);
        assert_refusal(&world, zoo_file(cases[i].name), cases[i].sentence);
        assert_null(plugin_find(world.host, cases[i].name));
        assert_ptr_equal(plugin_find_refused(world.host, cases[i].name),
                         plugin_file_at(world.host, 0));
        world_close(&world);
    }
}

/* One field of a good file's header spoilt at a time. */
static void test_headers(void **state)
{
    size_t size;
    unsigned char *bytes = bytes_of(zoo_file("echo"), &size);
    const char *path = scratch("echo.so");
    (void)state;
    for (int i = 0; i < 7; i++) {
        static const char *const sentences[] = {
            "is no shared object",
            "is made for another kind of machine",
            "is made for another kind of machine",
            "is an ELF file, but no shared object",
            "is cut off or damaged",
            "is cut off or damaged",
            "is cut off or damaged",
        };
        struct world world;
        unsigned char *spoilt = malloc(size);
        Elf64_Ehdr header;
        assert_non_null(spoilt);
        memcpy(spoilt, bytes, size);
        memcpy(&header, bytes, sizeof(header));
        if (i == 0)
            header.e_ident[0] = 'E';
        else if (i == 1)
            header.e_ident[EI_CLASS] = ELFCLASS32;
        else if (i == 2)
            header.e_machine = EM_S390;
        else if (i == 3)
            header.e_type = ET_REL;
        else if (i == 4)
            header.e_shoff = UINT64_MAX - 64;
        else if (i == 5)
            header.e_shentsize = 1;
        else
            header.e_shnum = 0;
        memcpy(spoilt, &header, sizeof(header));
        write_bytes(path, spoilt, size);
        world_open(&world, 0);
        assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), 0);
        assert_refusal(&world, path, sentences[i]);
        world_close(&world);
        free(spoilt);
    }
    free(bytes);
}

/* Cut off anywhere, and with wild section tables: refused, and nothing outside the file is read. */
static void test_cut_off_anywhere(void **state)
{
    size_t size;
    unsigned char *bytes = bytes_of(zoo_file("echo"), &size);
    const char *path = scratch("echo.so");
    Elf64_Ehdr header;
    (void)state;
    memcpy(&header, bytes, sizeof(header));
    for (size_t length = 1; length < size; length += length < 200 ? 7 : 977) {
        struct tg_error error = {0};
        write_bytes(path, bytes, length);
        assert_int_not_equal(plugin__judge_file(path, &error), 0);
    }
    for (unsigned i = 0; i < header.e_shnum; i++)
        for (int field = 0; field < 4; field++) {
            struct tg_error error = {0};
            Elf64_Shdr section;
            unsigned char *at = bytes + header.e_shoff + i * sizeof(section);
            unsigned char kept[sizeof(section)];
            memcpy(kept, at, sizeof(kept));
            memcpy(&section, at, sizeof(section));
            if (field == 0)
                section.sh_offset = UINT64_MAX - 8;
            else if (field == 1)
                section.sh_size = UINT64_MAX / 2;
            else if (field == 2)
                section.sh_link = 60000;
            else
                section.sh_type = SHT_DYNSYM;
            memcpy(at, &section, sizeof(section));
            write_bytes(path, bytes, size);
            (void)plugin__judge_file(path, &error); /* either way; it must not read outside */
            memcpy(at, kept, sizeof(kept));
        }
    free(bytes);
}

static void test_no_files(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 0);
    assert_int_equal(mkdir(scratch("folder.so"), 0755), 0);
    assert_int_equal(mkfifo(scratch("pipe.so"), 0644), 0);
    assert_int_equal(symlink("/nowhere/at/all.so", scratch("lost.so")), 0);
    write_bytes(scratch(".hidden.so"), "x", 1);
    write_bytes(scratch("readme.txt"), "x", 1);
    write_bytes(scratch(".so"), "x", 1);
    assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), 0);
    assert_int_equal(plugin_file_count(world.host), 3);
    static const char *const ends[] = {"/folder.so: is no file",
                                       "/lost.so: cannot be read: No such file or directory",
                                       "/pipe.so: is no file"};
    for (size_t i = 0; i < 3; i++) {
        char expected[PLUGIN_REFUSAL_SIZE];
        (void)snprintf(expected, sizeof(expected), "%s%s", scratch_folder, ends[i]);
        assert_string_equal(plugin_file_at(world.host, i)->refusal, expected);
    }
    assert_null(plugin_file_at(world.host, 3));
    world_close(&world);
}

static void test_writable_by_others(void **state)
{
    static const mode_t modes[] = {0664, 0646, 0666};
    const char *path = scratch("echo.so");
    (void)state;
    copy_zoo("echo", path);
    for (size_t i = 0; i < ARRAY_END(modes); i++) {
        struct world world;
        char sentence[256];
        assert_int_equal(chmod(path, modes[i]), 0);
        world_open(&world, 0);
        assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), 0);
        (void)snprintf(sentence, sizeof(sentence), "others may write it; chmod go-w %s", path);
        assert_refusal(&world, path, sentence);
        /* made right, it is found by the next look */
        assert_int_equal(chmod(path, 0644), 0);
        assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), 0);
        assert_int_equal(plugin_file_count(world.host), 1);
        assert_non_null(plugin_find(world.host, "echo"));
        assert_string_equal(plugin_find(world.host, "echo")->refusal, "");
        assert_null(plugin_find_refused(world.host, "echo"));
        world_close(&world);
    }
}

static void test_owner(void **state)
{
    const char *path = scratch("echo.so");
    struct world world;
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can give a file away\n");
        skip();
    }
    copy_zoo("echo", path);
    assert_int_equal(chown(path, 12345, 0), 0);
    world_open(&world, 0);
    assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), 0);
    assert_refusal(&world, path, "belongs to user 12345; it must be yours or root's");
    world_close(&world);
}

static void assert_folder_refused(const char *folder, int code, const char *sentence)
{
    struct world world;
    char expected[TG_ERROR_MESSAGE_SIZE];
    world_open(&world, 0);
    assert_int_equal(plugin_scan(world.host, folder, &world.error), code);
    (void)snprintf(expected, sizeof(expected), "%s: %s", folder, sentence);
    assert_string_equal(world.error.message, expected);
    assert_int_equal(plugin_file_count(world.host), 0);
    world_close(&world);
}

/* Who may write the folder may put anything in the file's place. */
static void test_folders(void **state)
{
    char sentence[128];
    (void)state;
    copy_zoo("echo", scratch("echo.so"));
    (void)snprintf(sentence, sizeof(sentence), "others may write it; chmod go-w %s",
                   scratch_folder);
    assert_int_equal(chmod(scratch_folder, 0777), 0);
    assert_folder_refused(scratch_folder, TG_E_REFUSED, sentence);
    assert_int_equal(chmod(scratch_folder, 0775), 0);
    assert_folder_refused(scratch_folder, TG_E_REFUSED, sentence);
    assert_int_equal(chmod(scratch_folder, 01777), 0); /* as /tmp */
    assert_folder_refused(scratch_folder, TG_E_REFUSED, sentence);
    assert_int_equal(chmod(scratch_folder, 0755), 0);
    assert_folder_refused(scratch("nowhere"), TG_E_IO,
                          "the folder cannot be read: No such file or directory");
    assert_folder_refused(scratch("echo.so"), TG_E_IO, "is no folder");
}

/* A link is as safe as the place it leads to. */
static void test_links(void **state)
{
    struct world world;
    char sentence[256];
    (void)state;
    assert_int_equal(mkdir(scratch("real"), 0755), 0);
    assert_int_equal(mkdir(scratch("links"), 0755), 0);
    copy_zoo("echo", scratch("real/echo.so"));
    assert_int_equal(symlink("../real/echo.so", scratch("links/other_name.so")), 0);
    world_open(&world, 0);
    assert_int_equal(chmod(scratch("real"), 0777), 0);
    assert_int_equal(plugin_scan(world.host, scratch("links"), &world.error), 0);
    (void)snprintf(sentence, sizeof(sentence),
                   "leads to %s/real: others may write it; chmod go-w %s/real", scratch_folder,
                   scratch_folder);
    assert_refusal(&world, scratch("links/other_name.so"), sentence);
    world_close(&world);
    world_open(&world, 0);
    assert_int_equal(chmod(scratch("real"), 0755), 0);
    assert_int_equal(plugin_scan(world.host, scratch("links"), &world.error), 0);
    assert_non_null(plugin_find(world.host, "echo"));
    /* the same file by its other path is not another plugin, and not a refusal */
    assert_int_equal(plugin_scan(world.host, scratch("real"), &world.error), 0);
    assert_int_equal(plugin_scan(world.host, scratch("links"), &world.error), 0);
    assert_int_equal(plugin_file_count(world.host), 1);
    world_close(&world);
}

static void test_name_taken(void **state)
{
    struct world world;
    char sentence[512];
    char second[128];
    (void)state;
    copy_zoo("echo", scratch("echo2.so"));
    (void)snprintf(second, sizeof(second), "%s", scratch("echo2.so"));
    world_open(&world, 0);
    world_scan(&world, "echo");
    assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), 0);
    (void)snprintf(sentence, sizeof(sentence), "%s: the name echo is taken by %.300s", second,
                   zoo_file("echo"));
    assert_string_equal(plugin_file_at(world.host, 1)->refusal, sentence);
    assert_null(plugin_file_at(world.host, 1)->descriptor);
    assert_ptr_equal(plugin_find(world.host, "echo"), plugin_file_at(world.host, 0));
    assert_null(plugin_find_refused(world.host, "echo"));
    world_close(&world);
}

/* In order of name, whatever the folder's own order; a bad one in between changes nothing. */
static void test_order(void **state)
{
    static const char *const names[] = {"life.so", "a.so", "Z.so", "m.so"};
    static const char *const sorted[] = {"Z.so", "a.so", "life.so", "m.so"};
    struct world world;
    (void)state;
    copy_zoo("life", scratch("life.so"));
    for (size_t i = 1; i < 4; i++)
        write_bytes(scratch(names[i]), "#!/bin/sh\n", 10);
    world_open(&world, 0);
    assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), 0);
    assert_int_equal(plugin_file_count(world.host), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(plugin_file_at(world.host, i)->path, scratch(sorted[i]));
        assert_int_equal(plugin_file_at(world.host, i)->descriptor != NULL, i == 2);
    }
    assert_null(plugin_find(world.host, "a"));
    assert_null(plugin_find_refused(world.host, "b"));
    world_close(&world);
}

static void test_too_many_files(void **state)
{
    struct world world;
    char expected[256];
    char name[32];
    (void)state;
    for (unsigned i = 0; i <= PLUGIN_FILES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%03u.so", i);
        write_bytes(scratch(name), "", 0);
    }
    world_open(&world, 0);
    assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), TG_E_FULL);
    (void)snprintf(expected, sizeof(expected), "%s: more than 256 plugin files", scratch_folder);
    assert_string_equal(world.error.message, expected);
    assert_int_equal(plugin_file_count(world.host), PLUGIN_FILES_MAX);
    world_close(&world);
}

/* A file declares a name other than its own, and is refused: both names lead to it. */
static void test_refused_by_declared_name(void **state)
{
    struct world world;
    (void)state;
    copy_zoo("missing_run", scratch("other.so"));
    world_open(&world, 0);
    assert_int_equal(plugin_scan(world.host, scratch_folder, &world.error), 0);
    assert_non_null(plugin_find_refused(world.host, "missing_run"));
    assert_ptr_equal(plugin_find_refused(world.host, "missing_run"),
                     plugin_find_refused(world.host, "other"));
    assert_null(plugin_find_refused(world.host, "oth"));
    assert_null(plugin_find_refused(world.host, "other.so"));
    world_close(&world);
}

int main(void)
{
#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, make_scratch, remove_scratch)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zoo_is_refused),
        WITH_SCRATCH(test_headers),
        WITH_SCRATCH(test_cut_off_anywhere),
        WITH_SCRATCH(test_no_files),
        WITH_SCRATCH(test_writable_by_others),
        WITH_SCRATCH(test_owner),
        WITH_SCRATCH(test_folders),
        WITH_SCRATCH(test_links),
        WITH_SCRATCH(test_name_taken),
        WITH_SCRATCH(test_order),
        WITH_SCRATCH(test_too_many_files),
        WITH_SCRATCH(test_refused_by_declared_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
