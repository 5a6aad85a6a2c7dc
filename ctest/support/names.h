/*
 * Names that tests make up. A program linked with names.c answers the library's getaddrinfo itself, since a symbol of
 * the executable comes before libc's; names that it does not know go on to libc.
 */
#ifndef NAMES_H
#define NAMES_H

/* From now on `name` has these addresses, blank-separated, in this order. */
void name_is(const char *name, const char *addresses);
/* From now on looking up `name` takes that long and then fails. */
void name_hangs(const char *name, int milliseconds);
/* The name that was asked for last. */
const char *name_asked(void);

#endif
