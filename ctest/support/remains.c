#include "remains.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "memory.h"

#define WINDOW sizeof(uint64_t)
#define MOST_WINDOWS 8192
#define MOST_NAMES 17
#define FORMS 3
#define FILTER_BITS 20

static const char *const forms[FORMS] = {"as it is", "in base64", "in UTF-16BE"};

/* What is looked for is kept with these bits turned over, so that it is not found itself, in registers neither. */
#define TURNED 0xa5
#define ALL_TURNED 0xa5a5a5a5a5a5a5a5u

static struct {
    size_t count;
    /* In ascending order, and of which secret and form each is. */
    uint64_t windows[MOST_WINDOWS];
    uint16_t owners[MOST_WINDOWS];
    /* Where it says no, a window need not be searched for. */
    unsigned char filter[1 << (FILTER_BITS - 3)];
    /* One under construction. */
    volatile unsigned char form[4096];
} wanted;

static const char *names[MOST_NAMES];
static int name_count;

/* A piece of the memory, and what was found there: not memory of the process in which anything could be left. */
static struct {
    char bytes[1 << 20];
    char report[1 << 16];
} work;

/* What is looked for */

static unsigned hash(uint64_t window)
{
    return (unsigned)((window * 0x9e3779b97f4a7c15u) >> (64 - FILTER_BITS));
}

static void add_windows(size_t length, unsigned owner)
{
    for (size_t at = 0; at + WINDOW <= length; at++) {
        uint64_t window = 0;
        for (size_t i = WINDOW; i-- > 0;)
            window = window << 8 | wanted.form[at + i];
        if (wanted.count == MOST_WINDOWS)
            check_fatal("too much to look for");
        /* not qsort, which copies what it sorts */
        size_t place = wanted.count++;
        for (; place > 0 && wanted.windows[place - 1] > window; place--) {
            wanted.windows[place] = wanted.windows[place - 1];
            wanted.owners[place] = wanted.owners[place - 1];
        }
        wanted.windows[place] = window;
        wanted.owners[place] = (uint16_t)owner;
        wanted.filter[hash(window) / 8] |= (unsigned char)(1 << hash(window) % 8);
    }
}

/* The digits of base64 that depend on nothing else, with so many octets before the secret. */
static size_t to_base64(const char *secret, size_t length, size_t before)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t count = 0;
    for (size_t digit = (before * 8 + 5) / 6; (digit + 1) * 6 <= (before + length) * 8; digit++) {
        unsigned value = 0;
        for (size_t bit = digit * 6 - before * 8; bit < digit * 6 - before * 8 + 6; bit++)
            value = value << 1 | ((unsigned char)secret[bit / 8] >> (7 - bit % 8) & 1);
        wanted.form[count++] = (unsigned char)alphabet[value] ^ TURNED;
    }
    return count;
}

static size_t to_utf_16be(const char *secret, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)secret[i] >= 0x80)
            return 0;
        wanted.form[2 * i] = TURNED;
        wanted.form[2 * i + 1] = (unsigned char)secret[i] ^ TURNED;
    }
    return 2 * length;
}

void remains_of(const char *name, const char *secret, size_t length)
{
    if (length < WINDOW || 2 * length > sizeof wanted.form || name_count == MOST_NAMES)
        check_fatal("%s is too short or too long, or there are too many", name);
    unsigned owner = (unsigned)name_count * FORMS;
    for (size_t i = 0; i < length; i++)
        wanted.form[i] = (unsigned char)secret[i] ^ TURNED;
    add_windows(length, owner);
    for (size_t before = 0; before < 3; before++)
        add_windows(to_base64(secret, length, before), owner + 1);
    add_windows(to_utf_16be(secret, length), owner + 2);
    names[name_count++] = name;
}

const char *sealed(const char *text, int times)
{
    return sealed_between("", text, times, "");
}

const char *sealed_between(const char *before, const char *text, int times, const char *after)
{
    size_t length = strlen(text), size = strlen(before) + length * (size_t)times + strlen(after) + 1, at = 0;
    volatile char *memory = memory_new(size);
    /* octet by octet, or parts of it could stay in registers and so come onto the stack */
    for (size_t i = 0; before[i] != '\0'; i++)
        memory[at++] = before[i];
    for (size_t i = 0; i < length * (size_t)times; i++)
        memory[at++] = text[i % length];
    for (size_t i = 0; after[i] != '\0'; i++)
        memory[at++] = after[i];
    memory_seal((void *)memory, size);
    return (const char *)memory;
}

__attribute__((noinline)) void remains_forget_stack(void)
{
    volatile char below[256 * 1024];
    for (size_t i = 0; i < sizeof below; i++)
        below[i] = 0;
}

/*
 * Looking for it. Nothing here may allocate memory, which could be what was freed with a secret in it, or need much of
 * the stack, which could lie where a call left one.
 */

static int find_owner(uint64_t window)
{
    if ((wanted.filter[hash(window) / 8] >> hash(window) % 8 & 1) == 0)
        return -1;
    size_t low = 0, high = wanted.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (wanted.windows[middle] < window)
            low = middle + 1;
        else
            high = middle;
    }
    return low < wanted.count && wanted.windows[low] == window ? wanted.owners[low] : -1;
}

/* Adds to `found` what is in so many octets of `work.bytes`. */
static void look_through(size_t length, unsigned char *found)
{
    static const char zeros[4096];
    for (size_t at = 0; at + WINDOW <= length; at++) {
        uint64_t window;
        if (at % sizeof zeros == 0 && at + sizeof zeros + WINDOW <= length
            && memcmp(work.bytes + at, zeros, sizeof zeros) == 0) {
            at += sizeof zeros - WINDOW;
            continue;
        }
        memcpy(&window, work.bytes + at, WINDOW);
        int owner = find_owner(window ^ ALL_TURNED);
        if (owner >= 0)
            found[owner] = 1;
    }
}

static void look_through_memory(uintptr_t begin, uintptr_t end, unsigned char *found)
{
    /* the last octets of a piece come again with the next one */
    size_t kept = 0;
    while (begin < end) {
        size_t size = sizeof work.bytes - kept;
        size_t count = memory_read(begin, work.bytes + kept, end - begin < size ? end - begin : size);
        if (count == 0)
            return;
        size_t length = kept + count;
        look_through(length, found);
        kept = length < WINDOW - 1 ? length : WINDOW - 1;
        memmove(work.bytes, work.bytes + length - kept, kept);
        begin += count;
    }
}

/* All but `work`. */
static void look_through_region(const struct region *region, unsigned char *found)
{
    uintptr_t begin = region->begin, work_begin = (uintptr_t)&work, work_end = work_begin + sizeof work;
    if (begin < work_end && work_begin < region->end) {
        if (begin < work_begin)
            look_through_memory(begin, work_begin, found);
        begin = work_end;
    }
    if (begin < region->end)
        look_through_memory(begin, region->end, found);
}

static void append(const char *text, size_t length)
{
    size_t used = strlen(work.report);
    if (length >= sizeof work.report - used)
        check_fatal("too much was found");
    memcpy(work.report + used, text, length);
    work.report[used + length] = '\0';
}

static void report(unsigned owner, const char *where, size_t length)
{
    append(names[owner / FORMS], strlen(names[owner / FORMS]));
    append(" ", 1);
    append(forms[owner % FORMS], strlen(forms[owner % FORMS]));
    append(": ", 2);
    append(where, length);
    append("\n", 1);
}

const char *remains(void)
{
    struct region region;
    memory_begin();
    work.report[0] = '\0';
    while (memory_next(&region)) {
        unsigned char found[MOST_NAMES * FORMS] = {0};
        look_through_region(&region, found);
        for (unsigned owner = 0; owner < sizeof found; owner++)
            if (found[owner])
                report(owner, region.name, region.name_length);
    }
    memory_end();
    /* what was found may have come into this function's frames */
    if (work.report[0] != '\0')
        remains_forget_stack();
    return work.report;
}
