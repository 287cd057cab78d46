/* Its name has letters that no name has. */
#include "zoo.h"

ZOO_PLUGIN("Bad Name", ZOO_IDLE);
