/* Calls of the library's into Windows, answered by the test: what on Linux symbols of the executable do. */
#ifndef IMPORTS_H
#define IMPORTS_H

/*
 * From now on the library calls `instead` where it would call that function of another DLL; returns that function. The
 * library must have been loaded.
 */
void *replace_import(const char *function, void *instead);

#endif
