/* Folders that a test makes for itself. */
#ifndef FOLDERS_H
#define FOLDERS_H

/* Makes one that others can enter, at a path that ends with XXXXXX, which it fills in. Ends the program if it cannot. */
void make_temporary(char *path);
/* An absolute path as the library's texts show it; good until the next call. */
const char *as_shown(const char *path);
/* Removes it with all that is in it. */
void remove_folder(const char *path);

#endif
