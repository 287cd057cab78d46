/*
 * A plugin file judged by its bytes and permissions, before any of its code can run.
 *
 * Loading a shared object runs its constructors, so what can be said without loading is said here:
 * who may write the file, whether it is a shared object for this machine, and whether it exports
 * the one symbol of this plugin interface. The whole file is mapped read-only; every offset is
 * checked against its size.
 */
#include "plugin_int.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL_PREFIX "triplegain_plugin_"

struct image {
    const char *path;
    const unsigned char *bytes;
    size_t size;
};

int plugin__judge_owner(const char *path, const struct stat *status, struct tg_error *error)
{
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return TG_FAIL(error, REFUSED, "%s: others may write it; chmod go-w %s", path, path);
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return TG_FAIL(error, REFUSED, "%s: belongs to user %u; it must be yours or root's", path,
                       (unsigned)status->st_uid);
    return 0;
}

static int judge_status(const char *path, const struct stat *status, struct tg_error *error)
{
    if (!S_ISREG(status->st_mode))
        return TG_FAIL(error, INVALID, "%s: is no file", path);
    int code = plugin__judge_owner(path, status, error);
    if (code != 0)
        return code;
    if (status->st_size == 0)
        return TG_FAIL(error, INVALID, "%s: is empty", path);
    if (status->st_size > (off_t)PLUGIN_FILE_BYTES_MAX)
        return TG_FAIL(error, RANGE, "%s: is larger than %u MiB", path,
                       PLUGIN_FILE_BYTES_MAX / (1024u * 1024u));
    return 0;
}

static bool within(const struct image *image, uint64_t offset, uint64_t length)
{
    return offset <= image->size && length <= image->size - offset;
}

static int judge_header(const struct image *image, Elf64_Ehdr *header, struct tg_error *error)
{
#if defined(__x86_64__)
    const unsigned machine = EM_X86_64;
#elif defined(__aarch64__)
    const unsigned machine = EM_AARCH64;
#else
#error "the plugin room does not know this machine's ELF number"
#endif
    if (image->size < sizeof(*header) || memcmp(image->bytes, ELFMAG, SELFMAG) != 0)
        return TG_FAIL(error, INVALID, "%s: is no shared object", image->path);
    memcpy(header, image->bytes, sizeof(*header));
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != machine)
        return TG_FAIL(error, INVALID, "%s: is made for another kind of machine", image->path);
    if (header->e_type != ET_DYN)
        return TG_FAIL(error, INVALID, "%s: is an ELF file, but no shared object", image->path);
    if (header->e_shentsize != sizeof(Elf64_Shdr) ||
        !within(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)))
        return TG_FAIL(error, INVALID, "%s: is cut off or damaged", image->path);
    return 0;
}

static Elf64_Shdr section_at(const struct image *image, const Elf64_Ehdr *header, unsigned index)
{
    Elf64_Shdr section;
    memcpy(&section, image->bytes + header->e_shoff + index * sizeof(section), sizeof(section));
    return section;
}

/* The name of a symbol, or NULL where it does not end within the table. */
static const char *name_of(const struct image *image, const Elf64_Shdr *names, uint32_t offset)
{
    if (offset >= names->sh_size)
        return NULL;
    const char *name = (const char *)image->bytes + names->sh_offset + offset;
    return memchr(name, '\0', names->sh_size - offset) != NULL ? name : NULL;
}

static int judge_symbols(const struct image *image, const Elf64_Shdr *symbols,
                         const Elf64_Shdr *names, struct tg_error *error)
{
    bool found = false;
    const char *other = NULL;
    for (uint64_t i = 0; i < symbols->sh_size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, image->bytes + symbols->sh_offset + i * sizeof(symbol), sizeof(symbol));
        const char *name = name_of(image, names, symbol.st_name);
        if (name == NULL)
            return TG_FAIL(error, INVALID, "%s: is cut off or damaged", image->path);
        if (symbol.st_shndx == SHN_UNDEF ||
            strncmp(name, SYMBOL_PREFIX, sizeof(SYMBOL_PREFIX) - 1) != 0)
            continue;
        if (strcmp(name, TG_PLUGIN_SYMBOL) != 0)
            other = name + sizeof(SYMBOL_PREFIX) - 1;
        else if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT)
            return TG_FAIL(error, INVALID, "%s: " TG_PLUGIN_SYMBOL " is no constant data",
                           image->path);
        else if (symbol.st_size < sizeof(struct tg_plugin))
            return TG_FAIL(
                error, INVALID, "%s: " TG_PLUGIN_SYMBOL " has %llu bytes, at least %zu are needed",
                image->path, (unsigned long long)symbol.st_size, sizeof(struct tg_plugin));
        else
            found = true;
    }
    if (other != NULL && !found)
        return TG_FAIL(error, UNSUPPORTED,
                       "%s: is made for plugin interface %.32s; this program has %d", image->path,
                       other, TG_ABI_MAJOR);
    if (other != NULL)
        return TG_FAIL(error, INVALID, "%s: exports %s%.32s besides " TG_PLUGIN_SYMBOL, image->path,
                       SYMBOL_PREFIX, other);
    if (!found)
        return TG_FAIL(error, NOT_FOUND,
                       "%s: has no symbol " TG_PLUGIN_SYMBOL ", so it is no plugin", image->path);
    return 0;
}

static int judge_image(const struct image *image, struct tg_error *error)
{
    Elf64_Ehdr header = {.e_shnum = 0};
    int code = judge_header(image, &header, error);
    if (code != 0)
        return code;
    for (unsigned i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr symbols = section_at(image, &header, i);
        if (symbols.sh_type != SHT_DYNSYM)
            continue;
        if (symbols.sh_link >= header.e_shnum)
            break;
        Elf64_Shdr names = section_at(image, &header, symbols.sh_link);
        if (!within(image, symbols.sh_offset, symbols.sh_size) ||
            !within(image, names.sh_offset, names.sh_size))
            break;
        return judge_symbols(image, &symbols, &names, error);
    }
    return TG_FAIL(error, INVALID, "%s: is cut off or damaged", image->path);
}

int plugin__judge_file(const char *path, struct tg_error *error)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return TG_FAIL(error, IO, "%s: cannot be read: %s", path, strerror(errno));
    if (fstat(file, &status) != 0) {
        int reason = errno;
        (void)close(file);
        return TG_FAIL(error, IO, "%s: cannot be read: %s", path, strerror(reason));
    }
    int code = judge_status(path, &status, error);
    if (code == 0) {
        struct image image = {.path = path, .size = (size_t)status.st_size};
        void *bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED) {
            code = TG_FAIL(error, IO, "%s: cannot be read: %s", path, strerror(errno));
        } else {
            image.bytes = bytes;
            code = judge_image(&image, error);
            (void)munmap(bytes, image.size);
        }
    }
    (void)close(file);
    return code;
}
