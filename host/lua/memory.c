/*
 * The allocator of one machine. It counts every byte and refuses what would go over one of three
 * limits: bytes in use, bytes of one block, and bytes handed out in all during one call. The last
 * two bound the time that passes inside C functions and single instructions, which the instruction
 * budget does not see: the time to join, compare or hash strings grows with their length.
 *
 * Lua answers a refusal with a full collection and asks again. A script that lives close to the cap
 * would spend its time in collections, so after a few refusals nothing is granted any more and the
 * call ends. Making a block smaller is always granted, as Lua demands.
 */
#include "vm_int.h"

#include <stdlib.h>

void lua__memory_begin_call(struct lua__memory *memory)
{
    memory->call_bytes = 0;
    memory->refusals = 0;
}

static bool is_granted(const struct lua__memory *memory, size_t growth, size_t new_size)
{
    return memory->refusals < LUA__REFUSALS_MAX && new_size <= memory->block_bytes_max &&
           growth <= memory->bytes_max - memory->bytes &&
           growth <= memory->call_bytes_max - memory->call_bytes;
}

void *lua__allocate(void *context, void *block, size_t old_size, size_t new_size)
{
    struct lua__memory *memory = &((struct lua_vm *)context)->memory;
    /* For a new block Lua passes the kind of object as the old size. */
    size_t held = block ? old_size : 0;
    if (new_size == 0) {
        free(block);
        memory->bytes -= held;
        return NULL;
    }
    size_t growth = new_size > held ? new_size - held : 0;
    if (growth > 0 && !is_granted(memory, growth, new_size)) {
        memory->refusals++;
        return NULL;
    }
    void *result = realloc(block, new_size);
    if (!result)
        return growth > 0 ? NULL : block;
    memory->bytes = memory->bytes - held + new_size;
    memory->call_bytes += growth;
    if (memory->bytes > memory->bytes_high)
        memory->bytes_high = memory->bytes;
    return result;
}
