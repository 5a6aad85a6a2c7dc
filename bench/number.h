/* A program's arguments. */
#ifndef NUMBER_H
#define NUMBER_H

/* The argument of that index, from 1 to `most`, or `otherwise` if there is none. Ends the program if it is wrong. */
int number(int argc, char **argv, int index, int otherwise, int most);

#endif
