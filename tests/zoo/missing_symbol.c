/* A shared object, but no plugin. */
#include "zoo.h"

extern TG_EXPORT const int an_answer;

const int an_answer = 42;
