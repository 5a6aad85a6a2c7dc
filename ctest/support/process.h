/* What the test program itself holds. */
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

#endif
