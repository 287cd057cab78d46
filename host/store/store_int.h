/* What the files of store share. */
#ifndef TG_STORE_INT_H
#define TG_STORE_INT_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

/* A file of lines that is there when it is complete, and not before; see lines.c. */
struct store__lines {
    FILE *file;
    char *path, *part; /* part: what is written until then; NULL: the path itself */
    int write_error;   /* errno of the first write that failed */
};

/* "-" is standard output. TG_E_IO with the system's words where the file cannot be made. */
int store__lines_open(struct store__lines *lines, const char *path, struct tg_error *error);
/* Adds a line; a failure is remembered, and told now and by every later call. */
int store__lines_add(struct store__lines *lines, const char *text, size_t length,
                     struct tg_error *error);
/* Everything is there, under its own name. Lines may follow. */
int store__lines_finish(struct store__lines *lines, struct tg_error *error);
/* What was not finished is removed. */
void store__lines_close(struct store__lines *lines);

#endif
