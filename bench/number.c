#include "number.h"

#include <stdio.h>
#include <stdlib.h>

int number(int argc, char **argv, int index, int otherwise, int most)
{
    long value = index < argc ? strtol(argv[index], NULL, 10) : otherwise;
    if (value >= 1 && value <= most)
        return (int)value;
    fprintf(stderr, "%s: not from 1 to %d\n", argv[index], most);
    exit(EXIT_FAILURE);
}
