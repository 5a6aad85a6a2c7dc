/* The test program itself: what it holds, where it is, other programs that it runs. */
#ifndef PROCESS_H
#define PROCESS_H

/* How many descriptors are open. */
int open_descriptors(void);
/* How many octets of the heap are in use. */
long heap_in_use(void);
/* The address space that is in use, in KiB. */
long virtual_kib(void);
/* The memory that is, and the most that was resident since peak_forget(), in KiB. */
long resident_kib(void);
long peak_kib(void);
void peak_forget(void);

/* Where its executable is. */
const char *own_path(void);
/* Runs that program with these arguments, the last of which is NULL, to its end; its exit code, -1 if it has none. */
int run_program(const char *program, const char *const arguments[]);

#endif
