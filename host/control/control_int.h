/* What the files of control share. */
#ifndef TG_CONTROL_INT_H
#define TG_CONTROL_INT_H

#include "control/control.h"

/*
 * Reads cases from `path` ("-": standard input), one JSON object a line, and writes one verdict a
 * line: the policy's, held against the hard limits. The sentence of a bad case names its line.
 */
int control__eval_risk(struct policy *policy, const struct conf *conf, const char *path, FILE *out,
                       struct tg_error *error);

#endif
