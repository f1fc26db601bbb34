/* Writes and syncs take 20 ms longer while the file $CHAOS_SLOW_DISK exists. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static void wait_if_slow(int descriptor) {
  struct stat file;
  const char *name = getenv("CHAOS_SLOW_DISK");
  if (name && fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode) && access(name, F_OK) == 0)
    usleep(20000);
}

#define SLOW(result, name, parameters, arguments)                       \
  result name parameters {                                              \
    static result(*next) parameters;                                    \
    if (!next) next = (result(*) parameters)dlsym(RTLD_NEXT, #name);    \
    wait_if_slow(descriptor);                                           \
    return next arguments;                                              \
  }

SLOW(ssize_t, write, (int descriptor, const void *from, size_t size), (descriptor, from, size))
SLOW(ssize_t, pwrite, (int descriptor, const void *from, size_t size, off_t at),
     (descriptor, from, size, at))
SLOW(ssize_t, pwrite64, (int descriptor, const void *from, size_t size, off_t at),
     (descriptor, from, size, at))
SLOW(int, fsync, (int descriptor), (descriptor))
SLOW(int, fdatasync, (int descriptor), (descriptor))
