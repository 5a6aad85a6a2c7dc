/* Where the samples in the documents run: the server that they name, and what they print. */
#ifndef STAGE_H
#define STAGE_H

#include <stdint.h>
#include <stdio.h>

/* Sets the names and certificates up that samples count on. */
void stage_begin(void);
/* From now on the server that samples name is a mailbox of the test server's, by these options. */
void serve(const char *options);
int32_t messages_left(void);

/* What is printed from the one to the other; good until the next call. */
void catch_output(void);
const char *caught_output(void);
/* From now on, until caught_output, nothing can be printed. */
void refuse_output(void);

/* All that is in it, which is closed; good until the next call. */
const char *contents(FILE *file);
int count_of(const char *text, const char *part);

#endif
