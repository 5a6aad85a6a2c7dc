/* Libraries that are loaded by a program, by LoadLibrary. */
#ifndef DLFCN_H
#define DLFCN_H

#ifdef __cplusplus
extern "C" {
#endif

#define RTLD_NOW 0
#define RTLD_LOCAL 0

void *dlopen(const char *path, int flags);
/* A function of that library, or of ours if that library is linked to it. */
void *dlsym(void *library, const char *name);
const char *dlerror(void);
int dlclose(void *library);

#ifdef __cplusplus
}
#endif

#endif
