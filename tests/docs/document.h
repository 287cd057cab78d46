/*
 * A document that a program writes: printed, compared with the file, or written there.
 *
 *   generate_x                    prints it
 *   generate_x --check FILE       fails where the file says something else
 *   generate_x --write FILE       replaces the file
 */
#ifndef TESTS_DOCS_DOCUMENT_H
#define TESTS_DOCS_DOCUMENT_H

#include "base/buffer.h"

int document_main(int argument_count, char **arguments, void (*write)(struct tg_buffer *buffer));

#endif
