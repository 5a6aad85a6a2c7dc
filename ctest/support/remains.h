/* What is left of secrets in the memory of the process. From one thread only. */
#ifndef REMAINS_H
#define REMAINS_H

#include <stddef.h>

/*
 * From now on this is looked for, as it is and in base64 and, if it is ASCII, in UTF-16BE, as OpenSSL wants it to open
 * PKCS #12. Memory that the process can't write is not looked through: that is where the test is to keep it, as a string
 * literal or sealed. Any eight octets of it in a row count, since what frees memory overwrites a part of it.
 */
void remains_of(const char *name, const char *secret, size_t length);

/* Where some of it is, as "PASSWORD in base64: [heap]\n" for each; "" if nowhere. Good until the next call. */
const char *remains(void);

/* `text` so many times, in memory that can't be written. */
const char *sealed(const char *text, int times);
/* The same between two other texts. */
const char *sealed_between(const char *before, const char *text, int times, const char *after);

/* Zeroes what lies below the stack's end, left there by calls that are over. */
void remains_forget_stack(void);

#endif
